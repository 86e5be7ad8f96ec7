//! Baggage as the Jaeger clients carry it: a header per item, named by a prefix and the item's key.

use super::carrier::{TextFormat, WriteCarrier};
use super::percent::Plus;
use crate::baggage::Baggage;

/// Writes an item per key. Items are left out whose key the format cannot hold. Over HTTP keys lose their case, which is why
/// it is lowered here: HTTP/2 allows no other, and readers lower it anyway.
pub(super) fn inject(prefix: &str, baggage: &Baggage, carrier: &mut dyn WriteCarrier) {
    let format = carrier.format();
    let mut name = String::new();
    for (key, value) in baggage.iter().filter(|(key, _)| format.allows_key(key)) {
        name.clear();
        name.push_str(prefix);
        name.push_str(key);
        if format == TextFormat::HttpHeaders {
            name.make_ascii_lowercase();
        }
        carrier.set(&name, &format.encode(value));
    }
}

/// Reads items header by header.
#[derive(Debug)]
pub(super) struct ItemReader {
    pub(super) baggage: Baggage,
    format: TextFormat,
    plus: Plus,
    left: usize,
}

impl ItemReader {
    pub(super) fn new(format: TextFormat, plus: Plus) -> Self {
        // Each byte an item may have takes three at most when encoded.
        Self {
            baggage: Baggage::new(),
            format,
            plus,
            left: 3 * Baggage::MAX_BYTES,
        }
    }

    /// Reads the item if `name` begins with `prefix`. Beyond the limits of [`Baggage`] items are left out.
    pub(super) fn read(&mut self, prefix: &str, name: &str, value: &[u8]) {
        if let Some(key) = strip_prefix(name, prefix)
            && self.take(key.len() + value.len())
            && self.format.allows_key(key)
        {
            let value = self.format.decode(value, self.plus);
            match self.format {
                TextFormat::HttpHeaders => self.baggage.set(&key.to_ascii_lowercase(), &value),
                TextFormat::TextMap => self.baggage.set(key, &value),
            };
        }
    }

    /// Whether so many more bytes may be read.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }
}

/// What follows `prefix`, in any case of its letters.
fn strip_prefix<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = name.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
