//! Mutation of seeds, by a generator that repeats itself.

use fastrand::Rng;

/// Sizes and counts at the edges of what parsers allow.
const NUMBERS: [i64; 18] = [
    -1,
    0,
    1,
    15,
    16,
    31,
    32,
    33,
    63,
    64,
    65,
    127,
    128,
    180,
    4096,
    65_536,
    i32::MAX as i64,
    i64::MAX,
];

/// Changes an input in 1 to 8 places: some bits, bytes, numbers and words, parts taken out, doubled or moved, and parts of
/// another input put in. At most `longest` bytes remain.
pub fn mutate(input: &mut Vec<u8>, other: &[u8], words: &[&str], longest: usize, rng: &mut Rng) {
    for _ in 0..1 << rng.u32(0..4) {
        let at = rng.usize(0..=input.len());
        match rng.u32(0..12) {
            0 if at < input.len() => input[at] ^= 1 << rng.u32(0..8),
            1 if at < input.len() => input[at] = rng.u8(..),
            2 => input.insert(at, rng.u8(..)),
            3 => drop(input.drain(part(input.len(), rng))),
            4 => input.truncate(at),
            5 => overwrite(input, at, &number(rng)),
            6 => insert(input, at, &number(rng)),
            7 => insert(
                input,
                at,
                rng.choice(words.iter().copied())
                    .unwrap_or_default()
                    .as_bytes(),
            ),
            8 => {
                let copy = input[part(input.len(), rng)].to_vec();
                // Now and then often enough to reach a bound.
                let times = if rng.u32(0..32) == 0 {
                    rng.usize(1..200)
                } else {
                    1
                };
                let times = times.min(longest / copy.len().max(1));
                insert(input, at, &copy.repeat(times));
            }
            9 => overwrite(input, at, &other[part(other.len(), rng)]),
            10 => insert(input, at, &other[part(other.len(), rng)]),
            _ => overwrite(
                input,
                at,
                rng.choice(words.iter().copied())
                    .unwrap_or_default()
                    .as_bytes(),
            ),
        }
    }
    input.truncate(longest);
}

/// Some part of that many bytes, mostly a short one.
fn part(len: usize, rng: &mut Rng) -> std::ops::Range<usize> {
    let start = rng.usize(0..=len);
    let most = if rng.bool() { 16 } else { len };
    let end = rng.usize(start..=len.min(start.saturating_add(most)));
    start..end
}

/// A number as messages hold them: big-endian, little-endian, or in seven bits a byte.
fn number(rng: &mut Rng) -> Vec<u8> {
    let number = NUMBERS[rng.usize(0..NUMBERS.len())];
    match rng.u32(0..4) {
        0 => (number as i32).to_be_bytes().to_vec(),
        1 => number.to_be_bytes().to_vec(),
        2 => number.to_le_bytes().to_vec(),
        _ => {
            let mut rest = number as u64;
            let mut bytes = Vec::new();
            while rest >= 0x80 {
                bytes.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
            bytes
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

fn overwrite(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = input.len().min(at + bytes.len());
    input.splice(at..end, bytes.iter().copied());
}
