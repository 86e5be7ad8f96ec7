//! The tags of call sites, encoded once for each.

use super::Buffer;
use crate::callsite::Callsite;

/// The tags of the call sites seen last, as bytes of one protocol.
///
/// All spans of a traced function say the same of where it stands, in half of what is written of most.
#[derive(Debug, Default)]
pub(crate) struct SiteTags {
    slots: Vec<Slot>,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    site: Option<&'static Callsite>,
    bytes: Vec<u8>,
}

/// Most programs have fewer call sites that are busy at a time.
const SLOTS: usize = 256;

impl SiteTags {
    /// Writes the tags of `site`, by means of `encode` if they are not at hand.
    #[inline]
    pub(crate) fn write(
        &mut self,
        out: &mut Buffer,
        site: &'static Callsite,
        encode: impl FnOnce(&mut Buffer),
    ) {
        match self.slots.get(slot(site)) {
            Some(slot) if slot.site.is_some_and(|known| std::ptr::eq(known, site)) => {
                out.extend(&slot.bytes);
            }
            _ => self.keep(out, site, encode),
        }
    }

    #[cold]
    fn keep(
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
        let (mut tags, mut out, mut encoded) = (SiteTags::default(), Buffer::with_capacity(64), 0);
        for site in sites.iter().chain([&sites[7], &sites[7]]) {
            out.truncate(0);
            tags.write(&mut out, site, |out| {
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
    fn what_does_not_fit_is_not_kept() {
        static SITE: Callsite = Callsite::new("f", "shop", "shop.rs", 7);
        let (mut tags, mut out) = (SiteTags::default(), Buffer::with_capacity(6));
        for (room, expected) in [(6, true), (0, false)] {
            out.truncate(room);
            tags.write(&mut out, &SITE, |out| out.extend(b"tags"));
            assert_eq!(out.is_full(), expected);
        }
        assert_eq!(out.as_slice(), b"tags");
    }
}
