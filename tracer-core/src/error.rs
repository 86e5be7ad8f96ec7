//! What can go wrong at set-up, at extraction and at a flush. Nothing else in this crate returns an error.

use std::fmt;

/// A tracer or one of its parts cannot be set up as asked. `Display` names the argument or variable, its value and what
/// is allowed. `Debug` says the same, for that is what a `main` that gives it back prints.
///
/// ```
/// # use tracer_core::Sampler;
/// let error = Sampler::probabilistic(10.0).unwrap_err();
/// assert_eq!(error.to_string(), "probability is 10.0, but must be a probability from 0 to 1");
/// ```
pub struct InitError {
    message: String,
}

impl InitError {
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
        }
    }

    /// `what` (an argument or a variable) has a `value` that is not `allowed`.
    pub(crate) fn value(what: &str, value: impl fmt::Debug, allowed: impl fmt::Display) -> Self {
        Self::new(format_args!("{what} is {value:?}, but must be {allowed}"))
    }

    /// The same of a URL, whose user and password are not shown: errors go to logs.
    pub(crate) fn url(what: &str, url: &str, allowed: impl fmt::Display) -> Self {
        let Some((before, host)) = url.rsplit_once('@') else {
            return Self::value(what, url, allowed);
        };
        let scheme = before.find("://").map_or("", |at| &before[..at + 3]);
        Self::value(what, format!("{scheme}***@{host}"), allowed)
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for InitError {}

/// A carrier holds a context that cannot be used. A carrier without one is no error.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// # let tracer = test.tracer();
/// # use tracer_core::{ExtractError, TextMap};
/// let message = vec![("traceparent".to_owned(), "00-nonsense".to_owned())];
/// let error = tracer.extract(&TextMap(&message)).unwrap_err();
/// assert_eq!(error, ExtractError::Corrupted("traceparent: shorter than 55 characters"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ExtractError {
    /// The content is damaged; the text names the key and what is wrong with it.
    Corrupted(&'static str),
    /// The content follows a version of its format that is not known.
    Unsupported(&'static str),
}

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupted(what) => write!(f, "corrupted span context: {what}"),
            Self::Unsupported(what) => write!(f, "unsupported span context: {what}"),
        }
    }
}

impl std::error::Error for ExtractError {}

/// A flush or shutdown did not end in time. Spans may still be on their way: the reporter thread goes on.
///
/// ```
/// # use std::time::Duration;
/// # let tracer = tracer_core::Tracer::builder("shop").reporter(tracer_core::NullReporter).build()?;
/// tracer.shutdown(Duration::from_secs(1))?;
/// let error = tracer.flush(Duration::from_secs(1)).unwrap_err();
/// assert!(!error.is_timeout(), "{error}"); // the reporter thread has ended
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct FlushError {
    pub(crate) kind: FlushErrorKind,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum FlushErrorKind {
    Deadline,
    Ended,
}

impl FlushError {
    /// Whether the deadline passed first, as opposed to the reporter thread having ended.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind == FlushErrorKind::Deadline
    }
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FlushErrorKind::Deadline => "the reporters did not take all spans before the deadline",
            FlushErrorKind::Ended => "the reporter thread has ended",
        })
    }
}

/// As [`InitError`]'s.
impl fmt::Debug for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for FlushError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_main_that_gives_an_error_back_says_what_is_wrong() {
        let error: Box<dyn std::error::Error> =
            InitError::value("JAEGER_AGENT_PORT", "x", "a port from 1 to 65535").into();
        assert_eq!(
            format!("{error:?}"),
            "JAEGER_AGENT_PORT is \"x\", but must be a port from 1 to 65535"
        );
        let kind = FlushErrorKind::Ended;
        assert_eq!(
            format!("{:?}", FlushError { kind }),
            "the reporter thread has ended"
        );
    }

    #[test]
    fn errors_about_urls_say_no_passwords() {
        for (url, shown) in [
            ("https://u:secret@x", "https://***@x"),
            ("u:secret@x:14268", "***@x:14268"),
            ("http://u:se@cret@x:0/a", "http://***@x:0/a"),
            ("ftp://x", "ftp://x"),
        ] {
            let error = InitError::url("the URL", url, "another").to_string();
            assert_eq!(error, format!("the URL is {shown:?}, but must be another"));
        }
    }
}
