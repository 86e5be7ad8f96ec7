//! A trace with everything in it that the wire can say, sent and asked for again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use similar::TextDiff;
use tracer_core::{
    Decision, HttpReporter, MemoryReporter, Process, ReferenceKind, Reporter, Sampler, SpanContext,
    SpanId, TagValue, TraceId, Tracer, UdpReporter,
};

use crate::server::Server;
use crate::span::{self, Backend, Format, Span, Tags};
use crate::{Outcome, PATIENCE, query};

/// A span to be sent, as data: the same is told to the tracer and expected back.
struct Plan {
    operation: &'static str,
    references: Vec<(ReferenceKind, Referred)>,
    /// Microseconds from the start of the trace, and from there to the end.
    start: u64,
    duration: u64,
    tags: Vec<(&'static str, TagValue<'static>)>,
    /// Microseconds from the start of the trace, and fields.
    logs: Vec<(u64, Vec<(&'static str, TagValue<'static>)>)>,
    /// Asks to be kept, whatever the sampler says.
    priority: bool,
    flags: u64,
}

const SAMPLED: u64 = 1;
const SAMPLED_AND_DEBUG: u64 = 3;

impl Plan {
    fn new(operation: &'static str, start: u64, duration: u64) -> Self {
        Self {
            operation,
            references: Vec::new(),
            start,
            duration,
            tags: Vec::new(),
            logs: Vec::new(),
            priority: false,
            flags: SAMPLED,
        }
    }
}

#[derive(Clone, Copy)]
enum Referred {
    /// A span of the same trace, by its place.
    Span(usize),
    /// A span of another trace.
    Elsewhere,
}

fn values() -> Vec<(&'static str, TagValue<'static>)> {
    vec![
        ("text", "r\u{e9}sum\u{e9} \u{1f980} \"quoted\"\n".into()),
        ("text.empty", "".into()),
        ("cl\u{e9} \u{4e2d}", "a key that is not ASCII".into()),
        ("yes", true.into()),
        ("no", false.into()),
        ("zero", 0.into()),
        ("minus", (-1).into()),
        ("beyond a double", ((1_i64 << 53) + 1).into()),
        ("largest", i64::MAX.into()),
        ("smallest", i64::MIN.into()),
        ("half", 0.5.into()),
        ("whole", 3.0.into()),
        ("huge", (-1.5e300).into()),
        ("infinite", f64::INFINITY.into()),
        ("bytes", vec![0_u8, 1, 0x7f, 0x80, 0xff].into()),
        ("bytes.empty", Vec::<u8>::new().into()),
    ]
}

/// What there is to send. More than 14 elements make the lists of the compact protocol begin otherwise.
fn plans() -> Vec<Plan> {
    use ReferenceKind::{ChildOf, FollowsFrom};
    use Referred::{Elsewhere, Span};
    let failed = vec![
        ("span.kind", "server".into()),
        ("http.status_code", 500.into()),
        ("error", true.into()),
    ];
    let ticks = (0..20).map(|at| (5 + at, vec![("event", "tick".into()), ("at", at.into())]));
    vec![
        Plan {
            tags: failed,
            ..Plan::new("POST /\u{5546}\u{54c1}/{id}", 0, 60_000_000)
        },
        Plan {
            references: vec![(ChildOf, Span(0))],
            tags: values(),
            logs: vec![(2, values()), (999_999, vec![("event", "done".into())])],
            ..Plan::new("every type", 1, 999_999)
        },
        Plan {
            references: vec![
                (ChildOf, Span(0)),
                (FollowsFrom, Span(1)),
                (FollowsFrom, Elsewhere),
                (ChildOf, Elsewhere),
            ],
            ..Plan::new("several references", 2, 0)
        },
        Plan {
            references: vec![(FollowsFrom, Span(1))],
            ..Plan::new("a parent that does not wait", 3, 1)
        },
        Plan {
            references: vec![(ChildOf, Span(3))],
            priority: true,
            flags: SAMPLED_AND_DEBUG,
            ..Plan::new("asked for", 4, 2)
        },
        Plan {
            references: vec![(ChildOf, Span(4))],
            tags: vec![("statement", "SELECT ".repeat(500).into())],
            logs: ticks.collect(),
            flags: SAMPLED_AND_DEBUG,
            ..Plan::new("long", 5, 3_600_000_000)
        },
    ]
}

/// How the trace is sent.
pub(crate) struct Way<R> {
    pub(crate) name: &'static str,
    pub(crate) bits128: bool,
    pub(crate) reporter: R,
    pub(crate) format: Format,
}

/// Sends the trace in each way there is to Jaeger itself.
pub(crate) fn check(backend: Backend, server: &Server) -> Outcome {
    for bits128 in [true, false] {
        let way = Way {
            name: "udp",
            bits128,
            reporter: UdpReporter::to(&server.udp)?,
            format: Format::Proto,
        };
        round_trip(backend, server, way)?;
    }
    let way = Way {
        name: "http",
        bits128: true,
        reporter: HttpReporter::to(&server.http)?,
        format: Format::Thrift,
    };
    round_trip(backend, server, way)
}

/// Sends the trace, and compares what the query API gives back.
pub(crate) fn round_trip(backend: Backend, server: &Server, way: Way<impl Reporter>) -> Outcome {
    let (name, format) = (way.name, way.format);
    let mut expected = send(way)?;
    let id = expected[0].trace_id;
    for span in &mut expected {
        backend.translate(span, format);
    }
    let received = query::trace(&server.query, id, expected.len())?;
    let (spans, name) = (expected.len(), format!("{name}, trace {id}"));
    let (expected, received) = (span::text(expected), span::text(received));
    if expected != received {
        let difference = TextDiff::from_lines(&expected, &received)
            .unified_diff()
            .header("sent", "received")
            .to_string();
        return Err(format!("{name}: what came back differs\n{difference}").into());
    }
    println!(
        "spans: {name}: {spans} spans of {} lines came back as sent",
        expected.lines().count()
    );
    Ok(())
}

fn send(way: Way<impl Reporter>) -> Result<Vec<Span>, Box<dyn std::error::Error>> {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder(format!("interop {}", way.name))
        .sampler(Sampler::constant(true))
        .trace_id_128bit(way.bits128)
        .reporter(way.reporter)
        .reporter(memory.clone())
        .tag("region", "eu-1")
        .tag("build", 7)
        .tag("canary", false)
        .build()?;
    let begun = SystemTime::now() - Duration::from_secs(7200);
    let begun = begun.duration_since(UNIX_EPOCH)?.as_micros() as u64;
    let elsewhere =
        SpanContext::remote(TraceId::from(u128::MAX), SpanId::from(7), Decision::Sampled);

    let mut contexts: Vec<SpanContext> = Vec::new();
    let plans = plans();
    for plan in &plans {
        let mut builder = tracer
            .build_span(plan.operation)
            .start_time(time(begun + plan.start));
        for &(kind, referred) in &plan.references {
            let context = match referred {
                Referred::Span(place) => &contexts[place],
                Referred::Elsewhere => &elsewhere,
            };
            builder = match kind {
                ReferenceKind::ChildOf => builder.child_of(context),
                ReferenceKind::FollowsFrom => builder.follows_from(context),
            };
        }
        for (key, value) in &plan.tags {
            builder = builder.tag(*key, value.clone());
        }
        if plan.priority {
            builder = builder.tag("sampling.priority", 1);
        }
        let mut span = builder.start();
        for (at, fields) in &plan.logs {
            span.log_at(time(begun + at), fields.clone());
        }
        contexts.push(span.context());
        span.finish_at(time(begun + plan.start + plan.duration));
    }
    tracer.shutdown(PATIENCE)?;
    let stats = tracer.stats();
    if stats.lost() > 0 {
        return Err(format!("spans were lost: {stats:?}").into());
    }
    let process = memory.take_with_process().swap_remove(0).0;
    let expect = |(plan, own)| expected(plan, own, &contexts, &elsewhere, begun, &process);
    Ok(plans.iter().zip(&contexts).map(expect).collect())
}

/// The span that a plan makes.
fn expected(
    plan: &Plan,
    own: &SpanContext,
    contexts: &[SpanContext],
    elsewhere: &SpanContext,
    begun: u64,
    process: &Process,
) -> Span {
    let refer = |&(kind, referred): &(ReferenceKind, Referred)| {
        let context = match referred {
            Referred::Span(place) => &contexts[place],
            Referred::Elsewhere => elsewhere,
        };
        (kind, context.trace_id(), context.span_id())
    };
    let owned = |tags: &[(&'static str, TagValue<'static>)]| -> Tags {
        tags.iter()
            .map(|(key, value)| {
                let value = match value {
                    // Goes as text: JSON has no such number.
                    TagValue::F64(number) if !number.is_finite() => number.to_string().into(),
                    other => other.clone(),
                };
                ((*key).to_owned(), value)
            })
            .collect()
    };
    let mut tags = owned(&plan.tags);
    if plan.references.is_empty() {
        // The decision of the sampler stands on the root.
        tags.push(("sampler.type".into(), "const".into()));
        tags.push(("sampler.param".into(), true.into()));
    }
    Span {
        trace_id: contexts[0].trace_id(),
        span_id: own.span_id(),
        operation: plan.operation.to_owned(),
        references: plan.references.iter().map(refer).collect(),
        flags: plan.flags,
        start: (begun + plan.start) as i64,
        duration: plan.duration as i64,
        tags,
        logs: plan
            .logs
            .iter()
            .map(|(at, fields)| ((begun + at) as i64, owned(fields)))
            .collect(),
        service: process.service_name().to_owned(),
        process: process
            .tags()
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect(),
    }
}

fn time(micros: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(micros)
}
