//! `tracestate` (W3C Trace Context Level 2, section 3.3): what other vendors want to travel with the trace.

use super::w3c::trim;

/// The members a list may have.
const MAX_MEMBERS: usize = 32;
/// The bytes of a key, and of a value.
const MAX_PART: usize = 256;
/// The bytes of all headers joined: what the most and longest members take.
const MAX_BYTES: usize = MAX_MEMBERS * (2 * MAX_PART + 2);

/// The list as read header by header, in normal form: members joined by commas, no whitespace around them, no empty ones.
///
/// One invalid member, or one too many, and the whole list is gone: the specification allows it, and half a list may mean
/// something else than all of it. Duplicate keys are passed on as they came.
#[derive(Debug, Default)]
pub(super) struct TraceState {
    text: String,
    members: usize,
    bytes: usize,
    is_broken: bool,
}

impl TraceState {
    /// Adds one header's members.
    pub(super) fn add(&mut self, header: &[u8]) {
        self.bytes = self.bytes.saturating_add(header.len()).saturating_add(1);
        if self.bytes > MAX_BYTES {
            self.is_broken = true;
        }
        let mut members = header.split(|&byte| byte == b',');
        while !self.is_broken
            && let Some(member) = members.next()
        {
            let member = trim(member);
            if !member.is_empty() {
                self.add_member(member);
            }
        }
    }

    fn add_member(&mut self, member: &[u8]) {
        self.members += 1;
        match std::str::from_utf8(member) {
            Ok(text) if is_member(member) && self.members <= MAX_MEMBERS => {
                if !self.text.is_empty() {
                    self.text.push(',');
                }
                self.text.push_str(text);
            }
            _ => self.is_broken = true,
        }
    }

    /// The whole list; empty if there was none or it was invalid.
    pub(super) fn finish(self) -> String {
        if self.is_broken {
            String::new()
        } else {
            self.text
        }
    }
}

/// Level 2 keys: the `tenant@system` form of Level 1 and its limits of 241 and 14 are gone.
fn is_member(member: &[u8]) -> bool {
    let Some(equals) = member.iter().position(|&byte| byte == b'=') else {
        return false;
    };
    let (key, value) = (&member[..equals], &member[equals + 1..]);
    let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_key = (1..=MAX_PART).contains(&key.len())
        && is_lower(key[0])
        && key
            .iter()
            .all(|&byte| is_lower(byte) || b"_-*/@".contains(&byte));
    let is_value = (1..=MAX_PART).contains(&value.len())
        && value
            .iter()
            .all(|&byte| matches!(byte, b' '..=b'~') && byte != b'=' && byte != b',')
        && value.last() != Some(&b' ');
    is_key && is_value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[&str]) -> String {
        let mut state = TraceState::default();
        headers
            .iter()
            .for_each(|header| state.add(header.as_bytes()));
        state.finish()
    }

    #[test]
    fn lists_are_read_by_the_grammar_of_level_2() {
        let long = |n: usize| "z".repeat(n);
        for (header, list) in [
            ("foo=1", "foo=1"),
            ("foo=1,bar=2", "foo=1,bar=2"),
            ("foo=1 \t , \tbar=2 ", "foo=1,bar=2"),
            (",foo=1,, ,bar=2,", "foo=1,bar=2"),
            ("", ""),
            (" , ", ""),
            // Leading spaces are part of a value, trailing ones are not.
            ("foo=  1  ", "foo=  1"),
            ("foo=1 2", "foo=1 2"),
            ("foo=\t", ""),
            ("foo=1\t2", ""),
            ("foo=", ""),
            ("foo= ", ""),
            ("foo", ""),
            ("=1", ""),
            ("foo =1", ""),
            ("foo=1=2", ""),
            ("foo=\u{e4}", ""),
            (
                "foo=~!\"#$%&'()*+-./:;<>?@[\\]^_`{|}",
                "foo=~!\"#$%&'()*+-./:;<>?@[\\]^_`{|}",
            ),
            ("FOO=1", ""),
            ("foo.bar=1", ""),
            ("0foo=1", "0foo=1"),
            ("a_-*/@=1", "a_-*/@=1"),
            ("foo@=1", "foo@=1"),
            ("foo@@bar=1", "foo@@bar=1"),
            ("t@v@x=1", "t@v@x=1"),
            ("@foo=1", ""),
            ("_foo=1", ""),
            // One invalid member and all are gone.
            ("foo=1,BAR=2,baz=3", ""),
            // Duplicates are not for us to judge.
            ("foo=1,foo=1,foo=2", "foo=1,foo=1,foo=2"),
            (&format!("{}=1", long(256)), &format!("{}=1", long(256))),
            (&format!("{}=1", long(257)), ""),
            (&format!("t@{}=1", long(254)), &format!("t@{}=1", long(254))),
            (&format!("foo={}", long(256)), &format!("foo={}", long(256))),
            (&format!("foo={}", long(257)), ""),
        ] {
            assert_eq!(read(&[header]), list, "{header:?}");
        }
    }

    #[test]
    fn headers_are_joined_in_order() {
        assert_eq!(read(&["foo=1", "", "bar=2, baz=3"]), "foo=1,bar=2,baz=3");
        assert_eq!(read(&["foo=1", "BAR"]), "");
    }

    #[test]
    fn a_list_of_33_members_is_dropped() {
        let members = |n: usize| (0..n).map(|i| format!("k{i}=1")).collect::<Vec<_>>();
        assert_eq!(read(&[&members(32).join(",")]), members(32).join(","));
        assert_eq!(read(&[&members(33).join(",")]), "");
        let split: Vec<_> = members(33);
        assert_eq!(
            read(&split.iter().map(String::as_str).collect::<Vec<_>>()),
            ""
        );
    }

    #[test]
    fn the_longest_valid_list_fits_and_no_longer_one_is_looked_at() {
        let longest = vec![format!("{}={}", "k".repeat(256), "v".repeat(256)); 32].join(",");
        assert_eq!(read(&[&longest]), longest);
        assert_eq!(read(&[&longest, "  "]), "");
    }
}
