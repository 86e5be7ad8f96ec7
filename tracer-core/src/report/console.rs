//! The reporter that prints.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use crate::process::Process;
use crate::record::SpanRecord;
use crate::report::{MakeReporter, ReportError, Reporter};

/// Prints a line for each finished span: `Reporting span {trace}:{span}:{parent}:{flags} {service}.{operation}`.
///
/// Control characters in names are escaped, so that a request cannot move the cursor of whoever watches.
///
/// ```
/// use tracer_core::ConsoleReporter;
///
/// let _to_stdout = ConsoleReporter::new();
/// let _to_a_file = ConsoleReporter::to(std::io::sink());
/// let _to_the_log = ConsoleReporter::to_log();
/// ```
pub struct ConsoleReporter {
    output: Output,
}

enum Output {
    Stdout,
    Writer(Box<dyn Write + Send>),
    Log,
}

impl ConsoleReporter {
    /// A reporter to the standard output.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            output: Output::Stdout,
        }
    }

    /// A reporter to any writer, which is flushed after each batch.
    #[must_use]
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self {
            output: Output::Writer(Box::new(writer)),
        }
    }

    /// A reporter to the [`log`] crate, at level info.
    #[must_use]
    pub const fn to_log() -> Self {
        Self {
            output: Output::Log,
        }
    }
}

impl Default for ConsoleReporter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ConsoleReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleReporter").finish_non_exhaustive()
    }
}

impl Reporter for ConsoleReporter {
    fn report(&mut self, process: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        match &mut self.output {
            Output::Log => {
                for span in batch {
                    log::info!("{}", Line { process, span });
                }
                Ok(())
            }
            Output::Stdout => print(&mut io::stdout(), process, batch),
            Output::Writer(writer) => print(writer, process, batch),
        }
    }

    /// Not of one that has a writer.
    fn for_child(&self) -> Option<MakeReporter> {
        match self.output {
            Output::Log => Some(Box::new(|| Box::new(Self::to_log()))),
            Output::Stdout => Some(Box::new(|| Box::new(Self::new()))),
            Output::Writer(_) => None,
        }
    }
}

fn print(
    writer: &mut impl Write,
    process: &Process,
    batch: &[SpanRecord],
) -> Result<(), ReportError> {
    for (printed, span) in batch.iter().enumerate() {
        // One call a line: others write to the same terminal.
        writer
            .write_all(format!("{}\n", Line { process, span }).as_bytes())
            .map_err(|error| ReportError::io(batch.len() - printed, error))?;
    }
    writer
        .flush()
        .map_err(|error| ReportError::io(batch.len(), error))
}

struct Line<'a> {
    process: &'a Process,
    span: &'a SpanRecord,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reporting span {} ", self.span.context())?;
        write_plain(f, self.process.service_name())?;
        f.write_char('.')?;
        write_plain(f, self.span.operation_name())
    }
}

/// Writes `text` with control characters escaped, and those that change the direction of writing.
fn write_plain(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|letter| match letter {
        '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'
        | '\u{2029}' => {
            write!(f, "{}", letter.escape_unicode())
        }
        _ if letter.is_control() => write!(f, "{}", letter.escape_default()),
        _ => f.write_char(letter),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::name::Name;
    use crate::report::LossCause;
    use crate::wire::sample::{process, span};

    /// A writer that a test can read, with room for so many lines.
    #[derive(Clone)]
    struct Paper(Arc<Mutex<Vec<u8>>>, usize);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut written = self.0.lock().unwrap();
            if written.iter().filter(|byte| **byte == b'\n').count() == self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            written.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn paper(lines: usize) -> Paper {
        Paper(Arc::default(), lines)
    }

    fn printed(service: &str, spans: &[SpanRecord]) -> String {
        let paper = paper(9);
        ConsoleReporter::to(paper.clone())
            .report(&process(service), spans)
            .unwrap();
        String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
    }

    fn named(name: &'static str) -> SpanRecord {
        SpanRecord {
            name: Name::Text(name),
            ..span(2, 1)
        }
    }

    #[test]
    fn a_line_is_what_the_logging_reporters_of_jaeger_print() {
        let lines = [
            "Reporting span 0123456789abcdef:0000000000000002:0000000000000001:1 shop.order\n",
            "Reporting span 0123456789abcdef:0000000000000003:0:1 shop.\n",
        ];
        assert_eq!(
            printed("shop", &[named("order"), span(3, 0)]),
            lines.concat()
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let text = printed("\u{9b}2J", &[named("a\x1b[31m\n\u{202e}\u{2066}ä")]);
        assert!(
            text.ends_with(" \\u{9b}2J.a\\u{1b}[31m\\n\\u{202e}\\u{2066}ä\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn spans_that_cannot_be_printed_are_lost_and_counted() {
        let mut reporter = ConsoleReporter::to(paper(1));
        let error = reporter
            .report(&process("shop"), &[named("a"), named("b"), named("c")])
            .unwrap_err();
        assert_eq!((error.lost(), error.cause()), (2, LossCause::Io));
    }
}
