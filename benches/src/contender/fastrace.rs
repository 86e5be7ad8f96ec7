//! fastrace, with fastrace-jaeger for the socket and fastrace-axum for the server.

use std::hint::black_box;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use fastrace::collector::{Config, Reporter, SpanRecord};
use fastrace::prelude::*;
use fastrace_axum::FastraceLayer;
use fastrace_jaeger::JaegerReporter;

use super::{Contender, Run, each, open, runtime, yields};
use crate::receiver::Receiver;
use crate::work::{
    ASYNC_CHILDREN, CHILD, LOG_EVENT, LOG_KEY, LOG_VALUE, Output, ROOT, SERVER_STEPS, SERVICE,
    SetUp, TAGS, TRACEPARENT, Tracing, Work, formatted,
};

/// Spans of the thread are `LocalSpan`s under a root that is the thread's local parent, which is its fastest way.
#[derive(Debug)]
pub(crate) struct Fastrace {
    sampled: bool,
}

impl Contender for Fastrace {
    fn start(set_up: &SetUp) -> Option<Self> {
        let config = Config::default().report_interval(Duration::from_secs(1));
        match &set_up.output {
            _ if set_up.tracing == Tracing::Off => {}
            Output::Receiver(receiver) => {
                fastrace::set_reporter(Counting(receiver.clone()), config);
            }
            Output::Udp(address) => {
                let reporter =
                    JaegerReporter::new(*address, SERVICE).expect("a local socket can be bound");
                fastrace::set_reporter(reporter, config);
            }
        }
        Some(Self {
            sampled: set_up.tracing == Tracing::Sampled,
        })
    }

    fn work(&self, work: Work) -> Option<Run> {
        match work {
            Work::Root | Work::UnsampledRoot => {
                let sampled = self.sampled;
                each(move |_| drop(Span::root(ROOT, SpanContext::random().sampled(sampled))))
            }
            Work::Flat(n) => each(move |_| {
                root(|_| {
                    for _ in 0..n {
                        let _child = LocalSpan::enter_with_local_parent(CHILD);
                    }
                });
            }),
            Work::Nest(n) => each(move |_| root(|_| nest(n))),
            Work::Tags => each(|i| {
                root(|root| {
                    root.add_properties(|| tags(i));
                    root.add_event(log());
                    for _ in 0..10 {
                        let _child =
                            LocalSpan::enter_with_local_parent(CHILD).with_properties(|| tags(i));
                        LocalSpan::add_event(log());
                    }
                });
            }),
            Work::PlainTags => each(|i| {
                root(|root| {
                    root.add_properties(|| plain_tags(i));
                    root.add_event(log());
                    for _ in 0..10 {
                        let _child = LocalSpan::enter_with_local_parent(CHILD)
                            .with_properties(|| plain_tags(i));
                        LocalSpan::add_event(log());
                    }
                });
            }),
            Work::UnsampledChild | Work::OpenRoot => {
                let root = Span::root(ROOT, SpanContext::random().sampled(self.sampled));
                let active = root.set_local_parent();
                each(move |_| {
                    let _open = (&root, &active);
                    let _child = LocalSpan::enter_with_local_parent(CHILD);
                })
            }
            Work::Open(spans) => open(spans, || Span::root(ROOT, SpanContext::random())),
            Work::NoParent => each(|_| {
                let _none = LocalSpan::enter_with_local_parent(CHILD);
            }),
            Work::NoTracer => each(|i| {
                function(i);
            }),
            Work::MacroSync => each(|i| {
                root(|_| {
                    for _ in 0..10 {
                        function(i);
                    }
                });
            }),
            Work::AsyncReady => {
                let runtime = runtime();
                each(move |i| {
                    root(|_| {
                        runtime.block_on(async {
                            for _ in 0..ASYNC_CHILDREN {
                                ready(i).await;
                            }
                        });
                    });
                })
            }
            Work::AsyncYield => {
                let runtime = runtime();
                each(move |i| {
                    root(|_| {
                        runtime.block_on(async {
                            for _ in 0..ASYNC_CHILDREN {
                                pending(i).await;
                            }
                        });
                    });
                })
            }
            Work::ParseTraceparent => each(|_| {
                black_box(SpanContext::decode_w3c_traceparent(black_box(TRACEPARENT)));
            }),
            Work::FormatTraceparent => {
                let context = SpanContext::decode_w3c_traceparent(TRACEPARENT)?;
                each(move |_| {
                    black_box(black_box(&context).encode_w3c_traceparent());
                })
            }
            // Its Jaeger reporter takes its spans by value: it cannot be called again with the same ones. No baggage.
            Work::Query(_)
            | Work::Encode
            | Work::ParseUber
            | Work::FormatUber
            | Work::Baggage(_) => None,
        }
    }

    fn flush(&self) {
        fastrace::flush();
    }

    fn router(&self) -> Option<Router> {
        Some(
            Router::new()
                .route("/hello", get(hello))
                .layer(FastraceLayer::default()),
        )
    }
}

/// A root that is active while `inside` runs.
fn root(inside: impl FnOnce(&Span)) {
    let root = Span::root(ROOT, SpanContext::random());
    let _active = root.set_local_parent();
    inside(&root);
}

fn nest(n: u64) {
    if n > 0 {
        let _child = LocalSpan::enter_with_local_parent(CHILD);
        nest(n - 1);
    }
}

/// Properties are strings and nothing else.
fn tags(i: u64) -> [(&'static str, std::borrow::Cow<'static, str>); 3] {
    [
        (TAGS[0], "GET".into()),
        (TAGS[1], (i as i64).to_string().into()),
        (TAGS[2], formatted(i).into()),
    ]
}

fn plain_tags(i: u64) -> [(&'static str, std::borrow::Cow<'static, str>); 8] {
    [
        ("a", "GET".into()),
        ("b", "eu-1".into()),
        ("c", (i as i64).to_string().into()),
        ("d", 7_i64.to_string().into()),
        ("e", 0.5_f64.to_string().into()),
        ("f", (i as f64).to_string().into()),
        ("g", if i & 1 == 0 { "true" } else { "false" }.into()),
        ("h", "true".into()),
    ]
}

fn log() -> Event {
    Event::new(LOG_EVENT).with_property(|| (LOG_KEY, LOG_VALUE.to_string()))
}

#[trace(name = "bench.child")]
fn function(i: u64) -> u64 {
    black_box(i)
}

#[trace(name = "bench.child")]
async fn ready(i: u64) -> u64 {
    black_box(i)
}

#[trace(name = "bench.child")]
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

struct Counting(Receiver);

impl Reporter for Counting {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        self.0.receive(spans.len());
    }
}
