//! Baggage: key-value pairs that travel with a trace to every later span, in this process and the next.

/// Baggage items in the order they were set.
///
/// A context shares its baggage; a change makes a copy, so contexts taken earlier keep what they had.
///
/// ```
/// use tracer_core::Baggage;
///
/// let mut baggage = Baggage::new();
/// assert!(baggage.set("tenant", "acme"));
/// assert!(!baggage.set("essay", &"long".repeat(9_000)), "beyond the limits nothing changes");
/// assert_eq!(baggage.iter().collect::<Vec<_>>(), [("tenant", "acme")]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baggage {
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    key: Box<str>,
    value: Box<str>,
    /// W3C properties (`;k=v`) as they came, without the first semicolon; empty for most.
    properties: Box<str>,
}

impl Baggage {
    /// The items that can be kept: W3C demands that 64 are propagated.
    pub const MAX_ITEMS: usize = 64;
    /// The bytes of keys, values and properties that can be kept: W3C demands 8 192.
    pub const MAX_BYTES: usize = 8192;

    /// No baggage.
    #[must_use]
    pub const fn new() -> Self {
        Self { items: Vec::new() }
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.items
            .iter()
            .find(|item| &*item.key == key)
            .map(|item| &*item.value)
    }

    /// The items in order, as key and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.items.iter().map(|item| (&*item.key, &*item.value))
    }

    /// The items in order, as key, value and W3C properties.
    pub fn iter_with_properties(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.items
            .iter()
            .map(|item| (&*item.key, &*item.value, &*item.properties))
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Sets `key`, in place if it is there. `false` if that would exceed [`MAX_ITEMS`](Self::MAX_ITEMS) or
    /// [`MAX_BYTES`](Self::MAX_BYTES), and nothing changes.
    pub fn set(&mut self, key: &str, value: &str) -> bool {
        self.set_with_properties(key, value, "")
    }

    /// As [`set`](Self::set), with W3C properties.
    ///
    /// ```
    /// # use tracer_core::Baggage;
    /// let mut baggage = Baggage::new();
    /// baggage.set_with_properties("tenant", "acme", "public;ttl=60");
    /// assert_eq!(baggage.iter_with_properties().next(), Some(("tenant", "acme", "public;ttl=60")));
    /// ```
    pub fn set_with_properties(&mut self, key: &str, value: &str, properties: &str) -> bool {
        let found = self.items.iter().position(|item| &*item.key == key);
        let others = self
            .items
            .iter()
            .enumerate()
            .filter(|&(at, _)| Some(at) != found);
        let bytes: usize = others.map(|(_, item)| item.bytes()).sum();
        let added = key
            .len()
            .saturating_add(value.len())
            .saturating_add(properties.len());
        if bytes.saturating_add(added) > Self::MAX_BYTES
            || (found.is_none() && self.len() == Self::MAX_ITEMS)
        {
            return false;
        }
        let item = Item {
            key: key.into(),
            value: value.into(),
            properties: properties.into(),
        };
        match found {
            Some(at) => self.items[at] = item,
            None => self.items.push(item),
        }
        true
    }

    /// Memory held, in bytes.
    pub(crate) fn footprint(&self) -> usize {
        self.items.capacity() * size_of::<Item>()
            + self.items.iter().map(Item::bytes).sum::<usize>()
    }

    /// Removes `key`; whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let before = self.len();
        self.items.retain(|item| &*item.key != key);
        self.len() < before
    }
}

impl Item {
    fn bytes(&self) -> usize {
        self.key.len() + self.value.len() + self.properties.len()
    }
}
