//! Asking a running agent, or a Jaeger, for a trace.

use std::fmt;
use std::time::Duration;

use crate::model::{Trace, TraceId};
use crate::read::{ReadError, read_json};

/// Traces are large; what sends more than this is no trace.
const MAX_ANSWER: u64 = 1 << 30;

/// Which trace to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// The one with this id.
    Id(TraceId),
    /// The newest.
    Last,
}

/// Asks the agent at `url`, such as `http://127.0.0.1:16686`, for a trace. Blocks for at most 30 seconds.
///
/// # Errors
///
/// [`AskError`] when there is no agent, no such trace, or no sense in the answer.
pub fn ask(url: &str, wanted: Wanted) -> Result<Trace, AskError> {
    let base = url.trim_end_matches('/');
    let url = match wanted {
        Wanted::Id(id) => format!("{base}/api/traces/{id}"),
        Wanted::Last => format!("{base}/api/traces?limit=1"),
    };
    let http = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(3)))
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .new_agent();
    let unreachable = |error: ureq::Error| AskError::Unreachable {
        url: base.to_owned(),
        reason: error.to_string(),
    };
    let mut answer = http.get(&url).call().map_err(unreachable)?;
    let body = answer
        .body_mut()
        .with_config()
        .limit(MAX_ANSWER)
        .read_to_string()
        .map_err(unreachable)?;
    match (read_json(&body), answer.status().as_u16()) {
        (Ok(traces), _) => traces.into_iter().next().ok_or(AskError::NoTraces),
        (Err(error), 200) => Err(AskError::Answer(error)),
        (Err(_), 404) if matches!(wanted, Wanted::Id(_)) => Err(AskError::NoSuchTrace),
        (Err(_), status) => Err(AskError::Status(status, body.chars().take(200).collect())),
    }
}

/// Why there is no trace to show.
#[derive(Debug)]
#[non_exhaustive]
pub enum AskError {
    /// Nobody answers there.
    Unreachable {
        /// The URL that was asked.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The agent keeps no trace with this id.
    NoSuchTrace,
    /// The agent keeps no trace at all.
    NoTraces,
    /// It answers with this status and text.
    Status(u16, String),
    /// What it answers is not Jaeger's JSON.
    Answer(ReadError),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { url, reason } => write!(f, "no agent at {url}: {reason}"),
            Self::NoSuchTrace => f.write_str("trace not found: it did not arrive, or was evicted"),
            Self::NoTraces => f.write_str("the agent keeps no trace yet"),
            Self::Status(status, text) => write!(
                f,
                "the agent answers {status}: {}",
                crate::text::printable(text)
            ),
            Self::Answer(error) => write!(f, "the answer is not Jaeger's JSON: {error}"),
        }
    }
}

impl std::error::Error for AskError {}
