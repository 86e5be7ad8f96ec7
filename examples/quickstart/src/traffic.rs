//! The requests the program sends to itself: as its users would, with a client that knows nothing of tracing.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use serde::Deserialize;
use tracer_agent::TraceId;

use crate::options::Options;

/// What came back.
#[derive(Default)]
pub(crate) struct Sent {
    statuses: BTreeMap<u16, usize>,
    first: Option<TraceId>,
    slow: Option<TraceId>,
    failed: Option<TraceId>,
}

#[derive(Deserialize)]
struct Answer {
    trace_id: String,
}

/// Sends the ordinary requests, then a slow one and one that fails; or just one.
pub(crate) async fn send(web: &str, options: &Options) -> Result<Sent, Box<dyn Error>> {
    let http = reqwest::Client::new();
    let mut sent = Sent::default();
    sent.first = sent.checkout(&http, web, "alice").await?;
    if options.once {
        return Ok(sent);
    }
    for _ in 1..options.requests {
        sent.checkout(&http, web, "alice").await?;
    }
    sent.slow = sent.checkout(&http, web, "bob").await?;
    sent.failed = sent.checkout(&http, web, "carol").await?;
    Ok(sent)
}

impl Sent {
    async fn checkout(
        &mut self,
        http: &reqwest::Client,
        web: &str,
        user: &str,
    ) -> Result<Option<TraceId>, Box<dyn Error>> {
        let response = http.post(format!("{web}/checkout/{user}")).send().await?;
        *self.statuses.entry(response.status().as_u16()).or_default() += 1;
        let answer: Answer = response.json().await?;
        Ok(answer.trace_id.parse().ok())
    }

    /// The trace most worth a look.
    pub(crate) fn to_show(&self) -> Option<TraceId> {
        self.slow.or(self.first).or(self.failed)
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("requests sent ")?;
        for (status, count) in &self.statuses {
            write!(f, "  {count} answered {status}")?;
        }
        Ok(())
    }
}
