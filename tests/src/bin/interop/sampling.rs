//! The remote sampler does what the server's strategies say: those of `ci/interop.d/strategies.json`.

use tracer_core::{MemoryReporter, NullReporter, RemoteSampler, Sampler, TagValue, Tracer};

use crate::server::Server;
use crate::{Outcome, PATIENCE};

/// Roots that are started for each case.
const ROOTS: usize = 400;

struct Case {
    service: &'static str,
    operation: &'static str,
    /// Until the strategy is there; chosen to give another result.
    initial: f64,
    sampled: std::ops::RangeInclusive<usize>,
    /// `sampler.type` and `sampler.param` of those that are sampled.
    by: (&'static str, f64),
}

const CASES: [Case; 6] = [
    Case {
        service: "interop-all",
        operation: "any",
        initial: 0.0,
        sampled: ROOTS..=ROOTS,
        by: ("probabilistic", 1.0),
    },
    Case {
        service: "interop-none",
        operation: "any",
        initial: 1.0,
        sampled: 0..=0,
        by: ("probabilistic", 0.0),
    },
    // As many as there are in a second at once, and those of the seconds that this may take.
    Case {
        service: "interop-five-a-second",
        operation: "any",
        initial: 1.0,
        sampled: 5..=50,
        by: ("ratelimiting", 5.0),
    },
    Case {
        service: "interop-operations",
        operation: "always",
        initial: 0.0,
        sampled: ROOTS..=ROOTS,
        by: ("probabilistic", 1.0),
    },
    Case {
        service: "interop-operations",
        operation: "another",
        initial: 1.0,
        sampled: 0..=0,
        by: ("probabilistic", 0.0),
    },
    // What the strategies do not name gets the default one: a half, give or take ten standard deviations.
    Case {
        service: "interop-unknown",
        operation: "any",
        initial: 0.0,
        sampled: 100..=300,
        by: ("probabilistic", 0.5),
    },
];

pub(crate) fn check(server: &Server) -> Outcome {
    for case in &CASES {
        let name = format!("{}, {:?}", case.service, case.operation);
        let memory = MemoryReporter::new();
        let sampler = RemoteSampler::to(&server.sampling)?.initial_probability(case.initial)?;
        let tracer = Tracer::builder(case.service)
            .sampler(Sampler::from(sampler))
            .reporter(NullReporter)
            .reporter(memory.clone())
            .build()?;
        crate::wait_for("the sampling strategy", || {
            let stats = tracer.stats().sampler;
            (stats.updates == 1)
                .then_some(())
                .ok_or_else(|| format!("{name}: {stats:?}"))
        })?;
        for _ in 0..ROOTS {
            tracer.start_span(case.operation).finish();
        }
        tracer.shutdown(PATIENCE)?;
        let spans = memory.take();
        if !case.sampled.contains(&spans.len()) {
            let found = spans.len();
            return Err(format!(
                "{name}: {found} of {ROOTS} were sampled, not {:?}",
                case.sampled
            )
            .into());
        }
        let by = (
            Some(TagValue::from(case.by.0)),
            Some(TagValue::from(case.by.1)),
        );
        for span in &spans {
            let found = (span.tag("sampler.type"), span.tag("sampler.param"));
            if found != by {
                return Err(format!("{name}: sampled by {found:?}, not {by:?}").into());
            }
        }
        println!("sampling: {name}: {} of {ROOTS} sampled", spans.len());
    }
    Ok(())
}
