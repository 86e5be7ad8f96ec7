//! Durations, times and foreign text, written for people and read back.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

/// Reads a duration as Go writes it: decimal numbers with units, `1.2ms`, `100us`, `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (value, tail) = rest.split_at(number);
        let unit = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        total += value.parse::<f64>().ok()? * seconds;
        rest = tail;
    }
    if text.is_empty() {
        None
    } else {
        Duration::try_from_secs_f64(total).ok()
    }
}

/// Writes a duration in at most eight characters: `0us`, `950us`, `12.3ms`, `4.56s`, `2m03s`.
pub(crate) fn duration(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0..1_000 => format!("{micros}us"),
        // What would be rounded to a thousand, or to a minute, has the next unit.
        1_000..999_950 => format!("{}ms", significant(micros as f64 / 1e3)),
        999_950..59_950_000 => format!("{}s", significant(micros as f64 / 1e6)),
        _ => {
            let seconds = ((micros + 500_000) / 1_000_000) as u64;
            match seconds / 60 {
                minutes @ 0..60 => format!("{minutes}m{:02}s", seconds % 60),
                minutes @ 60..60_000 => format!("{}h{:02}m", minutes / 60, minutes % 60),
                minutes @ 60_000..14_400_000_000 => format!("{}d", minutes / 1_440),
                // No column is wide enough for the times that a broken clock measures.
                _ => String::from(">27000y"),
            }
        }
    }
}

fn significant(value: f64) -> String {
    let digits = if value < 9.995 { 2 } else { 1 };
    format!("{value:.digits$}")
}

/// Writes a time in UTC, as `2026-11-23 22:13:30.123`.
pub(crate) fn time(time: SystemTime) -> String {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = since.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:03}",
        since.subsec_millis()
    )
}

/// The date of a day counted from 1970-01-01, by the proleptic Gregorian calendar: years that begin in March have
/// their leap day last, so a day's place in the year gives the month by one line.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// A name for people, who cannot see or choose one that is empty.
pub(crate) fn named(name: &str) -> &str {
    if name.trim().is_empty() {
        "(no name)"
    } else {
        name
    }
}

/// As [`named`], of a length to be read in passing.
pub(crate) fn headline(name: &str) -> Cow<'_, str> {
    const MOST: usize = 200;
    let name = named(name);
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}\u{2026}", &name[..end]).into(),
        None => name.into(),
    }
}

/// Makes text of the network safe for a terminal: control characters, and those that change the direction or hide
/// text, are written as `\u{..}`. An escape sequence in an operation name must not move anybody's cursor.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || is_invisible(c) => {
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, micros) in [
            ("1.2ms", Some(1_200)),
            ("100us", Some(100)),
            ("100\u{b5}s", Some(100)),
            ("1h30m", Some(5_400_000_000)),
            ("2s", Some(2_000_000)),
            (".5s", Some(500_000)),
            ("0s", Some(0)),
            ("1d", Some(86_400_000_000)),
            ("", None),
            ("5", None),
            ("ms", None),
            ("-1s", None),
            ("1.2.3s", None),
            ("1e3s", None),
            ("1 s", None),
            ("1y", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(
                parse_duration(text),
                micros.map(Duration::from_micros),
                "{text:?}"
            );
        }
    }

    #[test]
    fn names_can_be_seen_and_do_not_fill_the_page() {
        for (name, shown) in [
            ("GET /", "GET /".to_owned()),
            ("", "(no name)".to_owned()),
            (" \t", "(no name)".to_owned()),
            (&"\u{f6}".repeat(200), "\u{f6}".repeat(200)),
            (&"\u{f6}".repeat(201), "\u{f6}".repeat(200) + "\u{2026}"),
        ] {
            assert_eq!(headline(name), shown);
        }
    }

    #[test]
    fn durations_and_times_are_written_short() {
        for (micros, text) in [
            (0, "0us"),
            (999, "999us"),
            (9_994, "9.99ms"),
            (9_995, "10.0ms"),
            (999_949, "999.9ms"),
            (999_950, "1.00s"),
            (59_949_999, "59.9s"),
            (59_950_000, "1m00s"),
            (1_234, "1.23ms"),
            (12_345, "12.3ms"),
            (4_560_000, "4.56s"),
            (123_000_000, "2m03s"),
            (7_260_000_000, "2h01m"),
            (3_599_940_000_000, "999h59m"),
            (3_600_000_000_000, "41d"),
            (i64::MAX as u64, ">27000y"),
        ] {
            assert_eq!(duration(Duration::from_micros(micros)), text);
        }
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00.000"),
            (951_782_400, "2000-02-29 00:00:00.000"),
            (1_600_000_000, "2020-09-13 12:26:40.000"),
            (4_107_542_399, "2100-02-28 23:59:59.000"),
        ] {
            assert_eq!(
                time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
                text
            );
        }
    }

    #[test]
    fn nothing_printable_moves_the_cursor() {
        assert_eq!(
            printable("a\x1b[2J\u{9b}1m\r\n\u{202e}b\u{7f}"),
            r"a\u{1b}[2J\u{9b}1m\r\n\u{202e}b\u{7f}"
        );
        assert_eq!(printable("GET /\u{e9}\u{4e2d}"), "GET /\u{e9}\u{4e2d}");
    }
}
