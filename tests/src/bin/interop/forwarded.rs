//! The same trace by way of our own agent, which sends on what it gets: in either format, whichever way it came.

use tracer_agent::Agent;
use tracer_core::{HttpReporter, UdpReporter};

use crate::Outcome;
use crate::sent::{self, Way};
use crate::server::Server;
use crate::span::{Backend, Format};

pub(crate) fn check(backend: Backend, server: &Server) -> Outcome {
    let ways = [
        (
            Format::Thrift,
            &server.http,
            ["udp, on by thrift", "http, on by thrift"],
        ),
        (
            Format::Otlp,
            &server.otlp,
            ["udp, on by otlp", "http, on by otlp"],
        ),
    ];
    for (format, to, [udp, http]) in ways {
        let agent = Agent::builder().ephemeral_ports().forward(to)?.start()?;
        let way = Way {
            name: udp,
            bits128: false,
            reporter: UdpReporter::to(agent.compact_addr().to_string())?,
            format,
        };
        sent::round_trip(backend, server, way)?;
        let way = Way {
            name: http,
            bits128: true,
            reporter: HttpReporter::to(format!("http://{}/api/traces", agent.collector_addr()))?,
            format,
        };
        sent::round_trip(backend, server, way)?;
        // Jaeger may have the spans before the agent has its answer.
        crate::wait_for("the agent's counts", || match agent.stats().forward {
            Some(counts) if counts.spans_sent == counts.spans_accepted => Ok(()),
            counts => Err(format!("{counts:?}")),
        })?;
    }
    Ok(())
}
