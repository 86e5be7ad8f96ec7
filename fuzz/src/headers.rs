//! Carriers that hold anything, and one that takes only what its format allows.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use tracer_core::{Extract, HttpHeaders, Propagation, ReadCarrier, TextFormat, WriteCarrier};

/// What hyper takes by default.
const MOST_HEADERS: usize = 100;

/// What was received: pairs of any bytes, as a carrier of the user's own may hold them.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) entries: Vec<(String, Vec<u8>)>,
    pub(crate) format: TextFormat,
}

impl Received {
    /// Lines of `name: value`, as many as servers take. The first space after the colon is not part of the value.
    pub(crate) fn parse(data: &[u8], format: TextFormat) -> Self {
        let entry = |line: &[u8]| {
            let at = line.iter().position(|&byte| byte == b':')?;
            let value = &line[at + 1..];
            let value = value.strip_prefix(b" ").unwrap_or(value);
            Some((
                String::from_utf8_lossy(&line[..at]).into_owned(),
                value.to_vec(),
            ))
        };
        let entries = data
            .split(|&byte| byte == b'\n')
            .filter_map(entry)
            .take(MOST_HEADERS)
            .collect();
        Self { entries, format }
    }

    /// Those that a server would let through.
    pub(crate) fn header_map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in &self.entries {
            if let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_bytes(value),
            ) {
                map.append(name, value);
            }
        }
        map
    }

    /// The values of a name as a header map has them.
    pub(crate) fn values(&self, name: &str) -> Vec<&[u8]> {
        let named = |(key, _): &&(String, Vec<u8>)| key.eq_ignore_ascii_case(name);
        self.entries
            .iter()
            .filter(named)
            .map(|(_, value)| &value[..])
            .collect()
    }
}

impl ReadCarrier for Received {
    fn format(&self) -> TextFormat {
        self.format
    }

    fn entries<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.entries
            .iter()
            .for_each(|(key, value)| visit(key, value));
    }
}

/// What was sent. Panics at what its format forbids.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    entries: Vec<(String, String)>,
    format: TextFormat,
}

impl Sent {
    pub(crate) fn new(format: TextFormat) -> Self {
        Self {
            entries: Vec::new(),
            format,
        }
    }

    /// What it holds, in an order of its own.
    pub(crate) fn sorted(&self) -> Vec<&(String, String)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort();
        entries
    }

    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|(found, _)| found == key)
            .map(|(_, value)| &**value)
    }
}

impl WriteCarrier for Sent {
    fn format(&self) -> TextFormat {
        self.format
    }

    fn set(&mut self, key: &str, value: &str) {
        assert!(!key.is_empty(), "an empty key with {value:?}");
        if self.format == TextFormat::HttpHeaders {
            assert!(key.bytes().all(is_token), "{key:?} is no name of a header");
            assert!(
                !key.bytes().any(|byte| byte.is_ascii_uppercase()),
                "{key:?}: HTTP/2 has no such name"
            );
            assert!(
                value.bytes().all(|byte| matches!(byte, b' '..=b'~')),
                "{key}: {value:?} is no value of a header"
            );
            assert_eq!(
                value.trim_matches(' '),
                value,
                "{key}: a proxy would cut the value"
            );
        } else {
            assert!(
                !key.chars().any(char::is_control),
                "{key:?} has a control character"
            );
        }
        self.remove(key);
        self.entries.push((key.to_owned(), value.to_owned()));
    }

    fn remove(&mut self, key: &str) {
        self.entries
            .retain(|(found, _)| !found.eq_ignore_ascii_case(key));
    }
}

impl ReadCarrier for Sent {
    fn format(&self) -> TextFormat {
        self.format
    }

    fn entries<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.entries
            .iter()
            .for_each(|(key, value)| visit(key, value.as_bytes()));
    }
}

/// Whether a byte may stand in a token of RFC 9110, section 5.6.2.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Reads a real header map, and panics if it is read otherwise than the same pairs in a carrier of the user's own.
pub(crate) fn agree(received: &Received, map: &HeaderMap, formats: &[Propagation]) {
    // A map keeps the values of a name together, at the place of the first.
    let mut of_names: HashMap<String, Vec<&[u8]>> = HashMap::new();
    for (name, value) in &received.entries {
        of_names
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push(value);
    }
    let mut entries = Vec::new();
    for name in map.keys() {
        let values = of_names.get(name.as_str()).into_iter().flatten();
        let valid = values.filter(|value| HeaderValue::from_bytes(value).is_ok());
        entries.extend(valid.map(|value| (name.as_str().to_owned(), value.to_vec())));
    }
    let own = Received {
        entries,
        format: TextFormat::HttpHeaders,
    };
    assert_eq!(HttpHeaders(map).extract(formats), own.extract(formats));
}
