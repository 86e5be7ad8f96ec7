//! What the agent says of us: the batches it got, those it did not, and the spans that never left.

use tracer_core::{
    LossCause, Losses, Process, ReportError, Reporter, Sampler, SpanRecord, Tracer, UdpReporter,
};

use crate::server::Server;
use crate::{Outcome, PATIENCE};

const TOO_LARGE: usize = 3;
const FAILED: usize = 2;

/// The UDP reporter, which loses the spans whose names say so: left to itself it cuts what is too large, and has nothing to
/// fail at here.
struct Losing(UdpReporter);

impl Reporter for Losing {
    fn report(&mut self, process: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        let (mut too_large, mut failed) = (0, 0);
        for span in batch {
            match span.operation_name() {
                "too large" => too_large += 1,
                "fails" => failed += 1,
                _ => self.0.report(process, std::slice::from_ref(span))?,
            }
        }
        if too_large + failed == 0 {
            return Ok(());
        }
        Err(ReportError::new(too_large, LossCause::TooLarge, "asked to").and(failed, LossCause::Io))
    }

    fn flush(&mut self) -> Result<(), ReportError> {
        self.0.flush()
    }

    fn losses(&mut self, losses: Losses) {
        self.0.losses(losses);
    }
}

/// The metrics of the agent that count for all its clients.
#[derive(Debug, PartialEq)]
struct Metrics {
    received: u64,
    sent: u64,
    too_large: u64,
    failed: u64,
    queue_full: u64,
}

impl Metrics {
    fn read(url: &str) -> Result<Self, String> {
        let text = crate::get(url)?;
        let read = |name: &str| {
            let name = format!("jaeger_agent_client_stats_{name} ");
            text.lines()
                .find_map(|line| line.strip_prefix(&*name)?.trim().parse::<f64>().ok())
                .map(|value| value as u64)
                .ok_or_else(|| format!("no {name}in the agent's metrics"))
        };
        Ok(Self {
            received: read("batches_received_total")?,
            sent: read("batches_sent_total")?,
            too_large: read("spans_dropped_total{cause=\"too-large\"}")?,
            failed: read("spans_dropped_total{cause=\"send-failure\"}")?,
            queue_full: read("spans_dropped_total{cause=\"full-queue\"}")?,
        })
    }
}

pub(crate) fn check(server: &Server, metrics: &str) -> Outcome {
    let before = Metrics::read(metrics)?;
    let tracer = Tracer::builder("interop-client-stats")
        .sampler(Sampler::constant(true))
        .reporter(Losing(UdpReporter::to(&server.udp)?))
        .queue_bytes(64 << 10)
        .build()?;
    let batch = || -> Outcome {
        tracer.start_span("small").finish();
        Ok(tracer.flush(PATIENCE)?)
    };
    // The agent counts from the batch on that it reads first. It reads several at once: the next may overtake this one.
    batch()?;
    crate::wait_for("the first batch", || {
        let now = Metrics::read(metrics)?;
        (now.received > before.received)
            .then_some(())
            .ok_or_else(|| format!("{now:?}"))
    })?;
    for _ in 0..TOO_LARGE {
        tracer.start_span("too large").finish();
    }
    for _ in 0..FAILED {
        tracer.start_span("fails").finish();
    }
    tracer.flush(PATIENCE)?;
    // More than the queue holds, before the reporter's thread wakes: repeated, should it be quick.
    for _ in 0..1_000 {
        for _ in 0..10_000 {
            tracer.start_span("many").finish();
        }
        if tracer.stats().queue_full > 0 {
            break;
        }
    }
    tracer.flush(PATIENCE)?;
    batch()?;
    let stats = tracer.stats();
    if stats.queue_full == 0 {
        return Err(format!("the queue was never full: {stats:?}").into());
    }
    let expected = |received, sent| Metrics {
        received,
        sent,
        too_large: before.too_large + TOO_LARGE as u64,
        failed: before.failed + FAILED as u64,
        queue_full: before.queue_full + stats.queue_full,
    };
    crate::wait_for("the agent's metrics", || {
        let now = Metrics::read(metrics)?;
        // Datagrams may be lost on the way: then there are fewer received than sent.
        let known = now == expected(now.received, now.sent)
            && before.received < now.received
            && now.received - before.received <= now.sent - before.sent + 1;
        if known {
            println!("client stats: {before:?} became {now:?}");
            Ok(())
        } else {
            Err(format!("{before:?} became {now:?}; {stats:?}"))
        }
    })?;
    Ok(())
}
