//! The numbers of names: what goes from thread to thread in their place.
//!
//! A name gets its number when it is first used and keeps it for as long as the process lives. The numbers of all names are
//! behind a lock, which nobody waits for: in the child of a fork it may be held by a thread that is not there. Each thread
//! remembers those it used last.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use super::Name;
use crate::callsite::Callsite;
use crate::hint::few;

/// The number of a name, from 1 on, in the upper half of a word: there a [mark](crate::report::line::Mark) has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Number(u64);

/// The number of the name of a call site, once it is known: read there, where others are looked for.
#[derive(Debug)]
pub struct SiteNumber(AtomicU64);

/// Names in a page.
const PAGE: usize = 64;
const PAGES: usize = 256;

/// Names by their numbers, less one. Read without a lock.
static NAMES: [OnceLock<Box<[OnceLock<Name>; PAGE]>>; PAGES] = [const { OnceLock::new() }; PAGES];
/// Numbers by where their names lie.
static NUMBERS: Mutex<BTreeMap<[usize; 2], Number>> = Mutex::new(BTreeMap::new());

/// Has nobody be given a number for as long as the guard lives.
#[cfg(test)]
pub(crate) fn give_none() -> impl Drop {
    NUMBERS
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Pairs of names a thread remembers.
const PAIRS: usize = 64;

thread_local! {
    /// By their hashes, the newer first.
    static RECENT: [[Recent; 2]; PAIRS] = const { [const { [const { Recent::new() }; 2] }; PAIRS] };
}

/// A name and its number.
#[repr(align(32))]
struct Recent {
    words: [Cell<usize>; 2],
    number: Cell<Number>,
}

impl Name {
    /// The number of this name. `None` if there are too many of them, or one is being given to another name just now.
    #[inline]
    pub(crate) fn number(self) -> Option<Number> {
        self.recent_number().or_else(|| {
            let (text, site) = self.parts();
            look_up(text, site)
        })
    }

    /// The same if this thread remembers it.
    #[inline]
    pub(crate) fn recent_number(self) -> Option<Number> {
        let words = self.words();
        RECENT.with(|recent| {
            let [newer, older] = &recent[hash(words)];
            match newer.of(words) {
                Some(number) => Some(number),
                None => {
                    few();
                    older.of(words)
                }
            }
        })
    }
}

impl SiteNumber {
    /// A number that is not known yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<Number> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            known => Some(Number(known)),
        }
    }

    pub(crate) fn set(&self, number: Number) {
        self.0.store(number.0, Ordering::Relaxed);
    }
}

impl Default for SiteNumber {
    fn default() -> Self {
        Self::new()
    }
}

#[cold]
#[inline(never)]
fn look_up(text: &'static str, site: Option<&'static Callsite>) -> Option<Number> {
    let name = Name::of(text, site);
    let words = name.words();
    RECENT.with(|recent| {
        let [newer, older] = &recent[hash(words)];
        let number = Number::of(name)?;
        // Two names that are used in turns both have a place.
        older.set(newer.words.each_ref().map(Cell::get), newer.number.get());
        newer.set(words, number);
        Some(number)
    })
}

/// A number below [`PAIRS`] that names at other places seldom have.
#[inline]
fn hash([first, second]: [usize; 2]) -> usize {
    // Texts end at any byte, and places in the source lie some words apart: both are to be spread.
    (first.wrapping_add(second).wrapping_mul(9) >> 3) % PAIRS
}

impl Recent {
    const fn new() -> Self {
        Self {
            words: [const { Cell::new(0) }; 2],
            number: Cell::new(Number(0)),
        }
    }

    /// The number of the name with those words, if it is this one.
    #[inline]
    fn of(&self, words: [usize; 2]) -> Option<Number> {
        let [first, second] = self.words.each_ref().map(Cell::get);
        let number = self.number.get();
        // Not as arrays, which are compared in memory.
        (first == words[0] && second == words[1]).then_some(number)
    }

    fn set(&self, words: [usize; 2], number: Number) {
        for (cell, word) in self.words.iter().zip(words) {
            cell.set(word);
        }
        self.number.set(number);
    }
}

impl Number {
    /// That of the name that is at that place of all.
    const fn nth(at: usize) -> Self {
        Self((at as u64 + 1) << 32)
    }

    fn of(name: Name) -> Option<Self> {
        let mut numbers = NUMBERS.try_lock().ok()?;
        if let Some(number) = numbers.get(&name.words()) {
            return Some(*number);
        }
        let at = numbers.len();
        let page = NAMES.get(at / PAGE)?;
        let page = page.get_or_init(|| Box::new([const { OnceLock::new() }; PAGE]));
        page[at % PAGE].set(name).ok()?;
        let number = Self::nth(at);
        numbers.insert(name.words(), number);
        Some(number)
    }

    /// The name that has it.
    pub(crate) fn name(self) -> Option<Name> {
        let at = (self.0 >> 32).checked_sub(1)? as usize;
        NAMES.get(at / PAGE)?.get()?[at % PAGE].get().copied()
    }

    #[inline]
    pub(crate) const fn to_bits(self) -> u64 {
        self.0
    }

    /// The inverse of [`to_bits`](Self::to_bits).
    #[inline]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SITE: Callsite = Callsite::new("work", "shop::orders", "src/orders.rs", 42);

    /// The number of a name, once nobody else is given one.
    fn number(name: Name) -> Number {
        std::iter::repeat_with(|| name.number())
            .flatten()
            .next()
            .unwrap()
    }

    #[test]
    fn names_have_numbers_of_their_own_on_all_threads() {
        static TEXT: &str = "one name of many that overlap";
        let texts = (0..TEXT.len()).flat_map(|from| [&TEXT[from..], &TEXT[..from]]);
        let names: Vec<_> = texts.map(Name::Text).chain([Name::Site(&SITE)]).collect();
        let numbers = || names.iter().map(|name| number(*name)).collect::<Vec<_>>();
        let here = numbers();
        let elsewhere = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(numbers));
            threads.map(|thread| thread.join().unwrap())
        });
        assert!(elsewhere.iter().all(|there| *there == here));
        for (name, number) in names.iter().zip(&here) {
            assert_eq!(number.name().unwrap().words(), name.words());
        }
        let mut distinct = here.clone();
        distinct.sort_by_key(|number| number.0);
        distinct.dedup();
        assert_eq!(distinct.len(), here.len());
    }

    #[test]
    fn no_name_has_a_number_beyond_those_given() {
        assert!(Number(0).name().is_none());
        assert!(Number::nth(PAGE * PAGES - 1).name().is_none());
        assert!(Number::nth(PAGE * PAGES).name().is_none());
    }
}
