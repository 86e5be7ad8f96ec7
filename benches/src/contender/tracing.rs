//! The `tracing` stack: tracing, tracing-opentelemetry, opentelemetry_sdk, and tower-http's layer in the server.
//!
//! The tags that the bridge adds of its own accord (thread, source location, busy and idle times) are switched off: the others add none.

use std::hint::black_box;

use axum::Router;
use axum::routing::get;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tower_http::trace::TraceLayer;
use tracing::{info, info_span, instrument};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use super::{Contender, Run, each, open, opentelemetry::provider, runtime, yields};
use crate::work::{
    ASYNC_CHILDREN, CHILD, LOG_EVENT, LOG_VALUE, ROOT, SERVER_STEPS, SERVICE, SetUp, Tracing, Work,
    formatted,
};

/// The subscriber is the process's; spans are made by `tracing`'s macros.
#[derive(Debug)]
pub(crate) struct TracingStack {
    provider: Option<SdkTracerProvider>,
}

impl Contender for TracingStack {
    fn start(set_up: &SetUp) -> Option<Self> {
        if set_up.tracing == Tracing::Off {
            return Some(Self { provider: None });
        }
        let provider = provider(set_up)?;
        let bridge = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(SERVICE))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        let subscriber = tracing_subscriber::registry()
            .with(LevelFilter::INFO)
            .with(bridge);
        tracing::subscriber::set_global_default(subscriber)
            .expect("a process starts one contender");
        Some(Self {
            provider: Some(provider),
        })
    }

    fn work(&self, work: Work) -> Option<Run> {
        match work {
            Work::Root | Work::UnsampledRoot => each(|_| drop(info_span!(parent: None, ROOT))),
            Work::NoParent => each(|i| {
                function(i);
            }),
            Work::Flat(n) => each(move |_| {
                info_span!(parent: None, ROOT).in_scope(|| {
                    for _ in 0..n {
                        info_span!(CHILD).in_scope(|| ());
                    }
                });
            }),
            Work::Nest(n) => each(move |_| info_span!(parent: None, ROOT).in_scope(|| nest(n))),
            Work::Tags => each(|i| {
                let tagged = info_span!(parent: None, ROOT, http.method = "GET", user.id = i as i64, http.url = formatted(i));
                tagged.in_scope(|| {
                    info!(name: LOG_EVENT, size = LOG_VALUE);
                    for _ in 0..10 {
                        info_span!(
                            CHILD,
                            http.method = "GET",
                            user.id = i as i64,
                            http.url = formatted(i)
                        )
                        .in_scope(|| info!(name: LOG_EVENT, size = LOG_VALUE));
                    }
                });
            }),
            Work::PlainTags => each(|i| {
                let (float, even) = (i as f64, i & 1 == 0);
                let tagged = info_span!(
                    parent: None, ROOT, a = "GET", b = "eu-1", c = i as i64, d = 7_i64, e = 0.5_f64, f = float, g = even, h = true
                );
                tagged.in_scope(|| {
                    info!(name: LOG_EVENT, size = LOG_VALUE);
                    for _ in 0..10 {
                        info_span!(
                            CHILD,
                            a = "GET",
                            b = "eu-1",
                            c = i as i64,
                            d = 7_i64,
                            e = 0.5_f64,
                            f = float,
                            g = even,
                            h = true
                        )
                        .in_scope(|| info!(name: LOG_EVENT, size = LOG_VALUE));
                    }
                });
            }),
            Work::UnsampledChild | Work::OpenRoot => {
                let root = info_span!(parent: None, ROOT).entered();
                each(move |_| {
                    let _open = &root;
                    info_span!(CHILD).in_scope(|| ());
                })
            }
            Work::Open(spans) => open(spans, || info_span!(parent: None, ROOT)),
            Work::NoTracer => each(|i| {
                function(i);
            }),
            Work::MacroSync => each(|i| {
                info_span!(parent: None, ROOT).in_scope(|| {
                    for _ in 0..10 {
                        function(i);
                    }
                });
            }),
            Work::AsyncReady => {
                let runtime = runtime();
                each(move |i| {
                    info_span!(parent: None, ROOT).in_scope(|| {
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
                    info_span!(parent: None, ROOT).in_scope(|| {
                        runtime.block_on(async {
                            for _ in 0..ASYNC_CHILDREN {
                                pending(i).await;
                            }
                        });
                    });
                })
            }
            // Propagation, baggage and encoding are opentelemetry's.
            Work::ParseTraceparent
            | Work::FormatTraceparent
            | Work::ParseUber
            | Work::FormatUber
            | Work::Encode
            | Work::Query(_)
            | Work::Baggage(_) => None,
        }
    }

    fn flush(&self) {
        if let Some(provider) = &self.provider {
            provider.force_flush().expect("the exporter cannot fail");
        }
    }

    fn router(&self) -> Option<Router> {
        let layer = TraceLayer::new_for_http().make_span_with(server_span);
        Some(Router::new().route("/hello", get(hello)).layer(layer))
    }
}

fn nest(n: u64) {
    if n > 0 {
        info_span!(CHILD).in_scope(|| nest(n - 1));
    }
}

#[instrument(name = "bench.child", skip_all)]
fn function(i: u64) -> u64 {
    black_box(i)
}

#[instrument(name = "bench.child", skip_all)]
async fn ready(i: u64) -> u64 {
    black_box(i)
}

#[instrument(name = "bench.child", skip_all)]
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

/// The glue every user of this stack writes: tower-http knows no `traceparent`.
fn server_span<B>(request: &axum::http::Request<B>) -> tracing::Span {
    let span = info_span!(
        "bench.request",
        http.request.method = %request.method(),
        url.path = request.uri().path()
    );
    let parent = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
    let _ = span.set_parent(parent);
    span
}
