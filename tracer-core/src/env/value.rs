//! The forms of values in environment variables.

use std::time::Duration;

/// Process tags in the order they were first named, each key once.
pub(super) type Tags = Vec<(String, String)>;

/// As Go's `strconv.ParseBool`, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Some(true),
        "0" | "f" | "false" => Some(false),
        _ => None,
    }
}

/// Digits only: Rust's own parsing takes a plus sign as well.
pub(super) fn integer(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// A finite number, written with digits.
pub(super) fn number(text: &str) -> Option<f64> {
    let digit = text.bytes().any(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number: &f64| digit && number.is_finite())
}

/// As Go's `time.ParseDuration`, but not negative; or a whole number of milliseconds.
pub(super) fn duration(text: &str) -> Option<Duration> {
    if let Some(millis) = integer(text) {
        return Some(Duration::from_millis(millis));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let end = after
            .find(|letter: char| letter.is_ascii_digit() || letter == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let nanos: u64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        total = total.checked_add(Duration::from_nanos(nanos.checked_mul(whole)?))?;
        total = total.checked_add(Duration::from_nanos(share(fraction, nanos)))?;
        rest = after;
    }
    Some(total)
}

/// Splits digits off the beginning.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

/// The decimal fraction with those digits, of `of`.
fn share(digits: &str, of: u64) -> u64 {
    // More digits are less than a nanosecond of any unit but hours, which nobody writes so.
    let digits = &digits[..digits.len().min(9)];
    let scale = 10u128.pow(digits.len() as u32);
    let share = u128::from(of) * u128::from(integer(digits).unwrap_or(0)) / scale;
    u64::try_from(share).unwrap_or(0)
}

/// Sets a tag; a later value of the same key replaces the earlier.
pub(super) fn set(tags: &mut Tags, key: String, value: String) {
    match tags.iter_mut().find(|(known, _)| *known == key) {
        Some(tag) => tag.1 = value,
        None => tags.push((key, value)),
    }
}

/// `key=value,key=${VARIABLE:default}`, as Jaeger's clients read it. What those panic on or drop is `None`.
pub(super) fn tags(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Option<Tags> {
    let mut tags = Tags::new();
    for (key, value) in pairs(text) {
        let (key, value) = (key, value?);
        if key.is_empty() {
            return None;
        }
        let value = match value
            .strip_prefix("${")
            .and_then(|value| value.strip_suffix('}'))
        {
            None => Some(value.to_owned()),
            Some(variable) => {
                let (name, default) = match variable.split_once(':') {
                    Some((name, default)) => (name, Some(default)),
                    None => (variable, None),
                };
                let found = lookup(name.trim()).filter(|value| !value.is_empty());
                found.or_else(|| default.map(str::to_owned))
            }
        };
        if let Some(value) = value {
            set(&mut tags, key.to_owned(), value);
        }
    }
    Some(tags)
}

/// `key=value,key=value` with percent-encoding, as OpenTelemetry writes resource attributes.
pub(super) fn attributes(text: &str) -> Option<Tags> {
    let mut tags = Tags::new();
    for (key, value) in pairs(text) {
        let (key, value) = (percent_decoded(key)?, percent_decoded(value?)?);
        if key.is_empty() {
            return None;
        }
        set(&mut tags, key, value);
    }
    Some(tags)
}

/// The pairs of a list, split at the first `=` and without the space around; `None` for a value without `=` before it. A
/// comma too many, as at the end of a list, separates nothing.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim())),
            None => (pair, None),
        })
}

/// Strict: what stands after a percent sign is two hexadecimal digits, and the result is UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part
            .get(..2)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        decoded.push(u8::from_str_radix(digits, 16).ok()?);
        decoded.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_gos_in_any_case() {
        for text in ["1", "t", "T", "true", "TRUE", "True", "tRuE"] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        for text in ["", "yes", "on", "2", "01", "truee"] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_written_with_digits() {
        for (text, read) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("+1", None),
            ("-1", None),
            ("", None),
            ("1.0", None),
        ] {
            assert_eq!(integer(text), read, "{text}");
        }
        assert_eq!(integer("18446744073709551616"), None);
        for (text, read) in [
            ("0.5", Some(0.5)),
            (".5", Some(0.5)),
            ("1e-3", Some(0.001)),
            ("-1", Some(-1.0)),
        ] {
            assert_eq!(number(text), read, "{text}");
        }
        for text in ["", "nan", "inf", "-infinity", "1e999", "0,5", "0x1", "."] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_gos_or_milliseconds() {
        for (text, millis) in [
            ("500ms", 500),
            ("2s", 2000),
            ("1m30s", 90_000),
            ("1h", 3_600_000),
            ("1.5s", 1500),
            (".5s", 500),
            ("1.s", 1000),
            ("1h0.5m100ms", 3_630_100),
            ("1000000ns", 1),
            ("1000us", 1),
            ("1000µs", 1),
            ("0.0166666666666666666666666666s", 16),
            ("1000", 1000),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(
                duration(text).map(|read| read.as_millis()),
                Some(millis),
                "{text}"
            );
        }
        for text in [
            "s",
            "1",
            "1x",
            "1.5",
            "-1s",
            "+1s",
            "1 s",
            ".s",
            "1s2",
            "ms500",
            "1S",
            "99999999999h",
            "1e3ms",
        ] {
            let refused = duration(text).filter(|_| integer(text).is_none());
            assert_eq!(refused, None, "{text}");
        }
        assert_eq!(duration(&"9".repeat(40)), None);
    }

    #[test]
    fn tags_are_read_as_by_jaegers_clients_but_nothing_panics() {
        let lookup = |name: &str| match name {
            "REGION" => Some("eu-1".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, expected) in [
            ("a=1", Some([("a", "1")].as_slice())),
            (" a = 1 , b= 2,", Some(&[("a", "1"), ("b", "2")])),
            ("url=http://x/?q=1", Some(&[("url", "http://x/?q=1")])),
            ("a=", Some(&[("a", "")])),
            ("a=1,a=2", Some(&[("a", "2")])),
            ("r=${REGION:none}", Some(&[("r", "eu-1")])),
            ("r=${REGION}", Some(&[("r", "eu-1")])),
            ("r=${NOWHERE:none:at:all}", Some(&[("r", "none:at:all")])),
            ("r=${EMPTY:none}", Some(&[("r", "none")])),
            ("r=${NOWHERE:}", Some(&[("r", "")])),
            ("r=${NOWHERE}", Some(&[])),
            ("r=x${REGION:}", Some(&[("r", "x${REGION:}")])),
            ("", Some(&[])),
            ("a", None),
            ("a=1,b", None),
            ("=1", None),
        ] {
            let read = tags(text, &lookup);
            let read: Option<Vec<_>> = read
                .as_ref()
                .map(|tags| tags.iter().map(|(key, value)| (&**key, &**value)).collect());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn attributes_are_percent_decoded_and_damage_is_refused() {
        let read = attributes("k%2Ce=a%2cb%3D%C3%BC, service.name=shop").unwrap();
        let expected = [("k,e", "a,b=ü"), ("service.name", "shop")];
        assert_eq!(
            read,
            expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
        for text in ["a", "=1", "a=%", "a=%4", "a=%+1", "a=%zz", "a=%FF", "a=%é"] {
            assert_eq!(attributes(text), None, "{text}");
        }
    }
}
