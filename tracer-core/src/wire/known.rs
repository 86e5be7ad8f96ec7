//! What many spans say alike, encoded once.

use super::Buffer;
use crate::callsite::Callsite;
use crate::id::{SpanId, TraceId};

/// What was written last, as bytes of one protocol: the trace and the parent, for spans come trace by trace and after their
/// siblings, and the tags of call sites, for all spans of a traced function say the same of where it stands, in half of what
/// is written of most.
#[derive(Debug, Default)]
pub(crate) struct Known {
    trace: Ids<TraceId, { Self::TRACE }>,
    parent: Ids<SpanId, { Self::PARENT }>,
    slots: Vec<Slot>,
}

/// Ids in at most so many bytes. None were written yet if they are of no length.
#[derive(Debug)]
struct Ids<Id, const MOST: usize> {
    last: Id,
    bytes: [u8; MOST],
    len: usize,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    site: Option<&'static Callsite>,
    bytes: Vec<u8>,
}

/// Most programs have fewer call sites that are busy at a time.
const SLOTS: usize = 256;

impl Known {
    /// The most that a trace id takes in any protocol: two fields of eleven bytes.
    pub(crate) const TRACE: usize = 22;

    /// The most that the id of a parent takes.
    const PARENT: usize = Self::TRACE / 2;

    /// Writes a trace id, by means of `encode` if it is not the last one.
    #[inline]
    pub(super) fn write_trace(
        &mut self,
        out: &mut Buffer,
        trace_id: TraceId,
        encode: impl FnOnce(&mut Buffer),
    ) {
        self.trace.write(out, trace_id, encode);
    }

    /// The same of the id of a parent.
    #[inline]
    pub(super) fn write_parent(
        &mut self,
        out: &mut Buffer,
        parent_id: SpanId,
        encode: impl FnOnce(&mut Buffer),
    ) {
        self.parent.write(out, parent_id, encode);
    }

    /// Writes the tags of `site`, by means of `encode` if they are not at hand.
    #[inline]
    pub(super) fn write_site(
        &mut self,
        out: &mut Buffer,
        site: &'static Callsite,
        encode: impl FnOnce(&mut Buffer),
    ) {
        match self.slots.get(slot(site)) {
            Some(slot) if slot.site.is_some_and(|known| std::ptr::eq(known, site)) => {
                out.extend(&slot.bytes);
            }
            _ => self.keep_site(out, site, encode),
        }
    }

    #[cold]
    fn keep_site(
        &mut self,
        out: &mut Buffer,
        site: &'static Callsite,
        encode: impl FnOnce(&mut Buffer),
    ) {
        let before = out.len();
        encode(out);
        if out.is_full() {
            return;
        }
        self.slots.resize(SLOTS, Slot::default());
        let slot = &mut self.slots[slot(site)];
        slot.site = Some(site);
        slot.bytes.clear();
        slot.bytes.extend_from_slice(&out.as_slice()[before..]);
    }
}

impl<Id: Copy + PartialEq, const MOST: usize> Ids<Id, MOST> {
    #[inline]
    fn write(&mut self, out: &mut Buffer, id: Id, encode: impl FnOnce(&mut Buffer)) {
        if self.len > 0 && self.last == id {
            out.write_first(self.bytes, self.len);
            return;
        }
        let before = out.len();
        encode(out);
        let written = &out.as_slice()[before..];
        self.len = 0;
        if let Some(room) = self.bytes.get_mut(..written.len())
            && !out.is_full()
        {
            room.copy_from_slice(written);
            (self.last, self.len) = (id, written.len());
        }
    }
}

impl<Id: Default, const MOST: usize> Default for Ids<Id, MOST> {
    fn default() -> Self {
        Self {
            last: Id::default(),
            bytes: [0; MOST],
            len: 0,
        }
    }
}

/// Where a call site lies in memory is as good as a hash of it.
fn slot(site: &Callsite) -> usize {
    let address = std::ptr::from_ref(site).addr();
    ((address >> 4) ^ (address >> 12)) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_site_is_encoded_once_and_is_the_right_one() {
        let sites: &'static [Callsite] = (0..3 * SLOTS as u32)
            .map(|line| Callsite::new("f", "shop", "shop.rs", line))
            .collect::<Vec<_>>()
            .leak();
        let (mut known, mut out, mut encoded) = (Known::default(), Buffer::with_capacity(64), 0);
        for site in sites.iter().chain([&sites[7], &sites[7]]) {
            out.truncate(0);
            known.write_site(&mut out, site, |out| {
                encoded += 1;
                out.write(site.line.to_le_bytes());
            });
            assert_eq!(out.as_slice(), site.line.to_le_bytes());
        }
        assert!(
            (sites.len()..sites.len() + 2).contains(&encoded),
            "{encoded}"
        );
    }

    #[test]
    fn a_trace_is_encoded_once_as_long_as_it_is_the_last() {
        let (mut known, mut out, mut encoded) = (Known::default(), Buffer::with_capacity(64), 0);
        for (low, expected) in [(0, 1), (0, 1), (7, 2), (7, 2), (0, 3), (0, 3)] {
            let trace_id = TraceId { high: 1, low };
            out.truncate(0);
            known.write_trace(&mut out, trace_id, |out| {
                encoded += 1;
                out.write(low.to_le_bytes());
            });
            assert_eq!(
                (out.as_slice(), encoded),
                (&low.to_le_bytes()[..], expected)
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_not_kept() {
        static SITE: Callsite = Callsite::new("f", "shop", "shop.rs", 7);
        let (mut known, mut out) = (Known::default(), Buffer::with_capacity(6));
        for (room, expected) in [(6, true), (0, false)] {
            out.truncate(room);
            known.write_site(&mut out, &SITE, |out| out.extend(b"tags"));
            assert_eq!(out.is_full(), expected);
        }
        assert_eq!(out.as_slice(), b"tags");
    }
}
