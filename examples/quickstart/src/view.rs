//! Where the traces go and are looked at: an agent of our own, or one elsewhere.

use std::error::Error;
use std::time::{Duration, Instant};

use tracer_agent::show::{Wanted, ask};
use tracer_agent::{Agent, Trace, TraceId};

use crate::options::{Options, Port};

pub(crate) enum View {
    Own(Agent),
    Elsewhere { udp: String, url: String },
}

impl View {
    pub(crate) fn open(options: &Options) -> Result<Self, Box<dyn Error>> {
        if let Some(udp) = &options.agent {
            let (host, _) = udp
                .rsplit_once(':')
                .ok_or_else(|| format!("--agent is {udp:?}, but must be HOST:PORT"))?;
            let url = options
                .agent_url
                .clone()
                .unwrap_or_else(|| format!("http://{host}:16686"));
            return Ok(Self::Elsewhere {
                udp: udp.clone(),
                url,
            });
        }
        let mut agent = Agent::builder();
        // The usual one is not asked for: a collector may have it.
        let (otlp, _) = options.port(Port::Otlp);
        if otlp != Port::Otlp as u16 {
            agent = agent.otlp_port(otlp);
        }
        let agent = agent
            .compact_port(options.port(Port::Compact).0)
            .binary_port(options.port(Port::Binary).0)
            .collector_port(options.port(Port::Collector).0)
            .query_port(options.port(Port::Query).0)
            .sampling_port(options.port(Port::Sampling).0)
            .start()
            .map_err(|error| format!("{error} (choose other ports with --port-base, or use the agent there with --agent)"))?;
        Ok(Self::Own(agent))
    }

    /// Where spans are sent.
    pub(crate) fn udp(&self) -> String {
        match self {
            Self::Own(agent) => agent.compact_addr().to_string(),
            Self::Elsewhere { udp, .. } => udp.clone(),
        }
    }

    /// Where a person looks at traces.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Own(agent) => agent.url(),
            Self::Elsewhere { url, .. } => url.clone(),
        }
    }

    pub(crate) fn trace_url(&self, id: TraceId) -> String {
        format!("{}/trace/{id}", self.url().trim_end_matches('/'))
    }

    /// Waits until a trace has arrived as a whole.
    pub(crate) fn wait(&self, id: TraceId, within: Duration) -> Result<Trace, Box<dyn Error>> {
        match self {
            Self::Own(agent) => Ok(Trace::clone(
                &*agent.store().wait_for_trace(id, is_whole, within)?,
            )),
            Self::Elsewhere { url, .. } => {
                let deadline = Instant::now() + within;
                loop {
                    match ask(url, Wanted::Id(id)) {
                        Ok(trace) if is_whole(&trace) => return Ok(trace),
                        Ok(trace) if Instant::now() > deadline => return Ok(trace),
                        Err(error) if Instant::now() > deadline => return Err(error.into()),
                        _ => std::thread::sleep(Duration::from_millis(50)),
                    }
                }
            }
        }
    }
}

/// Whether no span of the trace is missing, as far as the spans tell: there is a root, parents are there, and every call
/// of another service has been answered by a span of that service.
fn is_whole(trace: &Trace) -> bool {
    let parents_there = trace.spans().all(|span| {
        span.parent()
            .is_none_or(|parent| trace.span(parent).is_some())
    });
    let root_there = trace.spans().any(|span| span.parent().is_none());
    let calls_answered = trace
        .spans()
        .filter(|span| span.operation.starts_with("GET"))
        .filter(|span| span.tag("span.kind").and_then(|kind| kind.as_str()) == Some("client"))
        .all(|call| {
            trace
                .spans()
                .any(|span| span.parent() == Some(call.span_id))
        });
    parents_there && root_there && calls_answered
}

/// The width to print a waterfall in.
pub(crate) fn terminal_width() -> usize {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .unwrap_or(120)
}
