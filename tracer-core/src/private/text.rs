//! Formatting values for a span without an allocation for each.

use std::cell::Cell;
use std::fmt::{self, Write};

thread_local! {
    /// Taken while in use: a `Display` that formats another tag finds an empty one, and neither sees the other.
    static SCRATCH: Cell<String> = const { Cell::new(String::new()) };
}

/// Formatting stops here: a span cannot keep more, for a packet cannot carry it.
const MOST_BYTES: usize = 64 * 1024;

/// A thread keeps no more than this between two values.
const KEPT_BYTES: usize = 4096;

/// Formats, then runs `keep` with the text: user code is through before the span is touched.
pub(super) fn with_text(value: fmt::Arguments<'_>, keep: impl FnOnce(&str)) {
    let mut text = Bounded(SCRATCH.try_with(Cell::take).unwrap_or_default());
    // An error is the bound, or a `Display` that gave up: what came before is kept.
    let _ = text.write_fmt(value);
    keep(&text.0);
    if text.0.capacity() <= KEPT_BYTES {
        text.0.clear();
        let _ = SCRATCH.try_with(|scratch| scratch.set(text.0));
    }
}

struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MOST_BYTES - self.0.len();
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=room)
            .rev()
            .find(|&end| text.is_char_boundary(end))
            .unwrap_or(0);
        self.0.push_str(&text[..end]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_text_ends() {
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("äöü")?;
                }
            }
        }
        with_text(format_args!("{Endless}"), |text| {
            assert!(text.len() > MOST_BYTES - 4 && text.len() <= MOST_BYTES);
        });
    }

    #[test]
    fn formatting_may_format_another_value() {
        struct Nested;
        impl fmt::Display for Nested {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("outer ")?;
                with_text(format_args!("{}", "inner"), |text| {
                    assert_eq!(text, "inner");
                });
                f.write_str("end")
            }
        }
        with_text(format_args!("{Nested}"), |text| {
            assert_eq!(text, "outer end");
        });
    }
}
