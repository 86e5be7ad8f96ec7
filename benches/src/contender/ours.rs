//! This project's tracer, set up as a service would.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use sqlx::Sqlite;
use tracer_axum::TraceLayer;
use tracer_core::propagation::{jaeger, w3c};
use tracer_core::{
    Decision, MemoryReporter, Process, ReportError, Reporter, Sampler, Scope, SpanContext,
    SpanRecord, Tracer, TracerGuard, UdpReporter, traced,
};
use tracer_sqlx::TracedPool;

use super::{Contender, Run, each, open, runtime, yields};
use crate::database;
use crate::receiver::Receiver;
use crate::work::{
    ASYNC_CHILDREN, CHILD, ENCODED_SPANS, LOG_EVENT, LOG_KEY, LOG_VALUE, Output, ROOT,
    SERVER_STEPS, SERVICE, SetUp, TAGS, TRACEPARENT, Tracing, UBER_TRACE_ID, Under, Work, baggage,
    formatted,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Installed for the process.
#[derive(Debug)]
pub(crate) struct Ours {
    guard: Option<TracerGuard>,
    address: Option<SocketAddr>,
}

impl Contender for Ours {
    const SERVER_SENDS: bool = true;

    fn start(set_up: &SetUp) -> Option<Self> {
        let builder = Tracer::builder(SERVICE);
        let (builder, address) = match &set_up.output {
            Output::Receiver(receiver) => (builder.reporter(Counting(receiver.clone())), None),
            Output::Udp(address) => (builder.reporter(udp(*address)), Some(*address)),
        };
        let guard = match set_up.tracing {
            Tracing::Off => None,
            Tracing::Unsampled => Some(builder.sampler(Sampler::constant(false))),
            Tracing::Sampled => Some(builder.sampler(Sampler::constant(true))),
        }
        .map(|builder| builder.install().expect("a process starts one contender"));
        Some(Self { guard, address })
    }

    fn work(&self, work: Work) -> Option<Run> {
        let tracer = tracer_core::tracer();
        match work {
            Work::Root | Work::UnsampledRoot => each(move |_| tracer.start_span(ROOT).finish()),
            Work::Flat(n) => each(move |_| {
                let _root = tracer.start_active_span(ROOT);
                for _ in 0..n {
                    let _child = tracer.start_active_span(CHILD);
                }
            }),
            Work::Nest(n) => each(move |_| {
                let _root = tracer.start_active_span(ROOT);
                nest(&tracer, n);
            }),
            Work::Tags => each(move |i| {
                let root = tracer.start_active_span(ROOT);
                tag(&root, i);
                for _ in 0..10 {
                    tag(&tracer.start_active_span(CHILD), i);
                }
            }),
            Work::PlainTags => each(move |i| {
                let root = tracer.start_active_span(ROOT);
                plain_tag(&root, i);
                for _ in 0..10 {
                    plain_tag(&tracer.start_active_span(CHILD), i);
                }
            }),
            Work::UnsampledChild | Work::OpenRoot => {
                let root = tracer.start_active_span(ROOT);
                each(move |_| {
                    let _open = &root;
                    let _child = tracer.start_active_span(CHILD);
                })
            }
            Work::Open(spans) => open(spans, move || tracer.start_span(ROOT)),
            Work::Baggage(items) => {
                let caller = SpanContext::remote(1.into(), 1.into(), Decision::Sampled);
                let caller = baggage(items).fold(caller, |context, (key, value)| {
                    context.with_baggage_item(&key, &value)
                });
                each(move |_| {
                    let _root = tracer.build_span(ROOT).child_of(&caller).start_active();
                    for _ in 0..10 {
                        let _child = tracer.start_active_span(CHILD);
                    }
                })
            }
            Work::NoParent => each(move |_| drop(tracer.start_active_span(ROOT))),
            Work::ParseTraceparent => each(|_| {
                let _ = black_box(w3c::parse_traceparent(black_box(TRACEPARENT.as_bytes())));
            }),
            Work::FormatTraceparent => {
                let context = w3c::parse_traceparent(TRACEPARENT.as_bytes()).ok()?;
                each(move |_| {
                    black_box(w3c::format_traceparent(black_box(&context)));
                })
            }
            Work::ParseUber => each(|_| {
                let _ = black_box(jaeger::parse_uber_trace_id(black_box(
                    UBER_TRACE_ID.as_bytes(),
                )));
            }),
            Work::FormatUber => {
                let context = jaeger::parse_uber_trace_id(UBER_TRACE_ID.as_bytes()).ok()??;
                each(move |_| {
                    black_box(jaeger::format_uber_trace_id(black_box(&context)));
                })
            }
            Work::Query(Under::Sampled | Under::Refused) => {
                let mut queries = database::queries(traced_pool())?;
                Some(Box::new(move |n| {
                    let _root = tracer.start_active_span(ROOT);
                    queries(n);
                }))
            }
            Work::Query(Under::Nothing) => database::queries(traced_pool()),
            Work::Encode => {
                let mut reporter = udp(self.address?);
                let (process, spans) = finished_spans();
                each(move |_| {
                    reporter
                        .report(&process, black_box(&spans))
                        .expect("the sink listens");
                    reporter.flush().expect("the sink listens");
                })
            }
            Work::NoTracer => each(|i| {
                function(i);
            }),
            Work::MacroSync => each(move |i| {
                let _root = tracer.start_active_span(ROOT);
                for _ in 0..10 {
                    function(i);
                }
            }),
            Work::AsyncReady => {
                let runtime = runtime();
                each(move |i| {
                    let _root = tracer.start_active_span(ROOT);
                    runtime.block_on(async {
                        for _ in 0..ASYNC_CHILDREN {
                            ready(i).await;
                        }
                    });
                })
            }
            Work::AsyncYield => {
                let runtime = runtime();
                each(move |i| {
                    let _root = tracer.start_active_span(ROOT);
                    runtime.block_on(async {
                        for _ in 0..ASYNC_CHILDREN {
                            pending(i).await;
                        }
                    });
                })
            }
        }
    }

    fn flush(&self) {
        if let Some(guard) = &self.guard {
            guard
                .flush(PATIENCE)
                .expect("the reporter keeps the deadline");
        }
    }

    fn router(&self) -> Option<Router> {
        Some(
            Router::new()
                .route("/hello", get(hello))
                .layer(TraceLayer::new()),
        )
    }

    fn dropped(&self) -> u64 {
        self.guard
            .as_ref()
            .map_or(0, |guard| guard.tracer().stats().lost())
    }
}

#[traced(name = "bench.child")]
fn function(i: u64) -> u64 {
    black_box(i)
}

#[traced(name = "bench.child")]
async fn ready(i: u64) -> u64 {
    black_box(i)
}

#[traced(name = "bench.child")]
async fn pending(i: u64) -> u64 {
    yields().await;
    black_box(i)
}

async fn hello() -> &'static str {
    for i in 0..SERVER_STEPS {
        ready(i).await;
    }
    "hello"
}

fn nest(tracer: &Tracer, n: u64) {
    if n > 0 {
        let _child = tracer.start_active_span(CHILD);
        nest(tracer, n - 1);
    }
}

fn tag(span: &Scope, i: u64) {
    span.set_tag(TAGS[0], "GET");
    span.set_tag(TAGS[1], i as i64);
    span.set_tag(TAGS[2], formatted(i));
    span.log((("event", LOG_EVENT), (LOG_KEY, LOG_VALUE)));
}

fn plain_tag(span: &Scope, i: u64) {
    span.set_tag("a", "GET");
    span.set_tag("b", "eu-1");
    span.set_tag("c", i as i64);
    span.set_tag("d", 7_i64);
    span.set_tag("e", 0.5_f64);
    span.set_tag("f", i as f64);
    span.set_tag("g", i & 1 == 0);
    span.set_tag("h", true);
    span.log((("event", LOG_EVENT), (LOG_KEY, LOG_VALUE)));
}

/// Lives as long as the process, as a service's pool does.
fn traced_pool() -> &'static TracedPool<Sqlite> {
    Box::leak(Box::new(TracedPool::from(database::pool().clone())))
}

fn udp(address: SocketAddr) -> UdpReporter {
    UdpReporter::to(address.to_string()).expect("an address with a port")
}

/// Spans as a reporter gets them, and the process they are of.
fn finished_spans() -> (Process, Vec<SpanRecord>) {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder(SERVICE)
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .build()
        .expect("nothing of this set-up can be wrong");
    let root = tracer.start_span(ROOT).activate();
    for i in 0..ENCODED_SPANS {
        tag(&tracer.start_active_span(CHILD), i);
    }
    tracer
        .flush(PATIENCE)
        .expect("the reporter keeps the deadline");
    drop(root);
    let kept = memory.take_with_process();
    let process = kept.first().expect("the spans were flushed").0.clone();
    let spans = kept.into_iter().map(|(_, span)| span).collect();
    ((*process).clone(), spans)
}

struct Counting(Receiver);

impl Reporter for Counting {
    fn report(&mut self, _process: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        self.0.receive(batch.len());
        Ok(())
    }
}
