//! Copying few bytes: keys, names and most values are short, and for up to [`MOST`] bytes two overlapping stores of constant
//! size are cheaper than a call.

/// Bytes that are copied so.
pub(crate) const MOST: usize = 32;

/// Copies up to [`MOST`] bytes to where there is room for as many: what is behind them is written, too. Their [`ends`].
#[inline(always)]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) -> (u64, u64) {
    let (first, last) = ends(from);
    match from.len() {
        ..8 => to[..8].copy_from_slice(&first.to_le_bytes()),
        8..=16 => {
            to[..8].copy_from_slice(&first.to_le_bytes());
            to[from.len() - 8..from.len()].copy_from_slice(&last.to_le_bytes());
        }
        _ => {
            if let (Some(first), Some(last)) = (from.first_chunk::<16>(), from.last_chunk::<16>()) {
                to[..16].copy_from_slice(first);
                to[from.len() - 16..from.len()].copy_from_slice(last);
            }
        }
    }
    (first, last)
}

/// The first and the last eight bytes. Fewer are the first.
#[inline(always)]
pub(crate) fn ends(bytes: &[u8]) -> (u64, u64) {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (word(bytes), 0),
    }
}

/// Up to seven bytes as one word.
#[inline(always)]
fn word(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (low, high) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(low) | u64::from(high) << (8 * (bytes.len() % 8 - 4));
    }
    match bytes {
        [a, b, c] => u64::from_le_bytes([*a, *b, *c, 0, 0, 0, 0, 0]),
        [a, b] => u64::from_le_bytes([*a, *b, 0, 0, 0, 0, 0, 0]),
        [a] => u64::from(*a),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_few_bytes_are_copied() {
        let bytes: Vec<u8> = (1..=MOST as u8).collect();
        for len in 0..=MOST {
            let from = &bytes[MOST - len..];
            let mut to = [0xff; MOST];
            let (first, last) = copy(&mut to, from);
            assert_eq!(&to[..len], from);
            assert_eq!(first.to_le_bytes()[..len.min(8)], from[..len.min(8)]);
            if len >= 8 {
                assert_eq!(last.to_le_bytes(), from[len - 8..]);
            }
        }
    }
}
