//! The `baggage` header ([W3C Baggage](https://www.w3.org/TR/baggage/)).
//!
//! What all headers of the name hold together is bounded by 64 members and 8 192 bytes, the least that must be propagated.
//! Members beyond are left out whole, and so are malformed ones; the rest is kept. The bound is on what is read, before it
//! is read, so that no request costs more than that.

use super::carrier::{WriteCarrier, is_token};
use super::percent::{self, BAGGAGE_OCTETS, Plus};
use super::w3c::trim;
use crate::baggage::Baggage;

/// The name of the header.
pub(super) const BAGGAGE: &str = "baggage";

/// Writes the items whose key is a token, as many as the limits allow, in one header. A carrier's `baggage` stays as it is
/// if there are none: the application may have set it.
pub(super) fn inject(baggage: &Baggage, carrier: &mut dyn WriteCarrier) {
    let mut header = String::new();
    for (key, value, properties) in baggage.iter_with_properties() {
        if !is_token(key) {
            continue;
        }
        let before = header.len();
        if before > 0 {
            header.push(',');
        }
        header.push_str(key);
        header.push('=');
        percent::encode_into(&mut header, value, &BAGGAGE_OCTETS);
        push_properties(&mut header, properties);
        if header.len() > Baggage::MAX_BYTES {
            header.truncate(before);
        }
    }
    if !header.is_empty() {
        carrier.set(BAGGAGE, &header);
    }
}

/// Reads the items header by header. Of two with the same key the later value is taken, in the earlier's place.
#[derive(Debug)]
pub(super) struct BaggageReader {
    pub(super) baggage: Baggage,
    /// Bytes that may still be read.
    left: usize,
    members: usize,
}

impl BaggageReader {
    pub(super) fn new() -> Self {
        Self {
            baggage: Baggage::new(),
            left: Baggage::MAX_BYTES,
            members: 0,
        }
    }

    /// Reads one header.
    pub(super) fn read(&mut self, header: &[u8]) {
        let (within, beyond) = header.split_at(self.left.min(header.len()));
        // The comma that joins this header to the next counts, too.
        self.left = self.left.saturating_sub(header.len() + 1);
        let mut parts = within.split(|&byte| byte == b',').peekable();
        while let Some(member) = parts.next() {
            let is_cut = parts.peek().is_none() && !beyond.is_empty() && beyond[0] != b',';
            if !is_cut && !trim(member).is_empty() && self.members < Baggage::MAX_ITEMS {
                self.members += 1;
                read_member(member, &mut self.baggage);
            }
        }
    }
}

fn read_member(member: &[u8], baggage: &mut Baggage) {
    let (pair, properties) = split(member, b';').unwrap_or((member, b""));
    let Some((key, value)) = split(pair, b'=') else {
        return;
    };
    if let Ok(key) = std::str::from_utf8(trim(key))
        && is_token(key)
    {
        let mut kept = String::new();
        push_properties(&mut kept, &String::from_utf8_lossy(properties));
        let properties = kept.strip_prefix(';').unwrap_or_default();
        baggage.set_with_properties(key, &percent::decode(trim(value), Plus::Plus), properties);
    }
}

/// Appends each valid property of a list as `;key` or `;key=value`. Their values mean nothing to us and stay encoded.
fn push_properties(text: &mut String, properties: &str) {
    let is_octet = |byte: u8| BAGGAGE_OCTETS[usize::from(byte)] || byte == b'%';
    for property in properties.split(';') {
        let (key, value) = match property.split_once('=') {
            Some((key, value)) => (key, Some(value.trim_matches([' ', '\t']))),
            None => (property, None),
        };
        let key = key.trim_matches([' ', '\t']);
        if !is_token(key) || !value.unwrap_or_default().bytes().all(is_octet) {
            continue;
        }
        text.push(';');
        text.push_str(key);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
}

fn split(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == separator)?;
    Some((&text[..at], &text[at + 1..]))
}

#[cfg(test)]
mod tests;
