//! The OpenTelemetry SDK by itself, with its batch processor.

use std::collections::HashMap;
use std::hint::black_box;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData,
    SpanExporter,
};

use super::{Contender, Run, each, open, runtime, yields};
use crate::receiver::Receiver;
use crate::work::{
    ASYNC_CHILDREN, CHILD, LOG_EVENT, LOG_KEY, LOG_VALUE, Output, QUEUE, ROOT, SERVICE, SetUp,
    TAGS, TRACEPARENT, Tracing, Work, baggage, formatted,
};

/// Spans are active through `Context`. There is no macro: the macro rows wrap a function by hand, as its users do.
#[derive(Debug)]
pub(crate) struct OpenTelemetry {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Contender for OpenTelemetry {
    fn start(set_up: &SetUp) -> Option<Self> {
        let provider = provider(set_up)?;
        let tracer = provider.tracer(SERVICE);
        Some(Self { provider, tracer })
    }

    fn work(&self, work: Work) -> Option<Run> {
        let tracer = self.tracer.clone();
        match work {
            Work::Root | Work::UnsampledRoot => each(move |_| drop(tracer.start(ROOT))),
            Work::NoParent => each(move |_| tracer.in_span(ROOT, |_| ())),
            Work::Flat(n) => each(move |_| {
                tracer.in_span(ROOT, |_| {
                    for _ in 0..n {
                        tracer.in_span(CHILD, |_| ());
                    }
                });
            }),
            Work::Nest(n) => each(move |_| tracer.in_span(ROOT, |_| nest(&tracer, n))),
            Work::Tags => each(move |i| {
                tracer.in_span(ROOT, |root| {
                    tag(&root, i);
                    for _ in 0..10 {
                        tracer.in_span(CHILD, |child| tag(&child, i));
                    }
                });
            }),
            Work::PlainTags => each(move |i| {
                tracer.in_span(ROOT, |root| {
                    plain_tag(&root, i);
                    for _ in 0..10 {
                        tracer.in_span(CHILD, |child| plain_tag(&child, i));
                    }
                });
            }),
            Work::UnsampledChild | Work::OpenRoot => {
                let active = Context::current_with_span(tracer.start(ROOT)).attach();
                each(move |_| {
                    let _open = &active;
                    tracer.in_span(CHILD, |_| ());
                })
            }
            Work::Open(spans) => open(spans, move || tracer.start(ROOT)),
            Work::Baggage(items) => {
                let caller = TraceContextPropagator::new().extract(&carrier());
                let items = baggage(items).map(|(key, value)| KeyValue::new(key, value));
                let active = caller.with_baggage(items).attach();
                let mut flat = self.work(Work::Flat(10))?;
                Some(Box::new(move |n| {
                    let _caller = &active;
                    flat(n);
                }))
            }
            Work::MacroSync => each(move |i| {
                tracer.in_span(ROOT, |_| {
                    for _ in 0..10 {
                        tracer.in_span(CHILD, |_| black_box(i));
                    }
                });
            }),
            Work::AsyncReady => {
                let runtime = runtime();
                each(move |i| {
                    tracer.in_span(ROOT, |_| {
                        runtime.block_on(async {
                            for _ in 0..ASYNC_CHILDREN {
                                let child = Context::current_with_span(tracer.start(CHILD));
                                async { black_box(i) }.with_context(child).await;
                            }
                        });
                    });
                })
            }
            Work::AsyncYield => {
                let runtime = runtime();
                each(move |_| {
                    tracer.in_span(ROOT, |_| {
                        runtime.block_on(async {
                            for _ in 0..ASYNC_CHILDREN {
                                let child = Context::current_with_span(tracer.start(CHILD));
                                yields().with_context(child).await;
                            }
                        });
                    });
                })
            }
            Work::ParseTraceparent => {
                let propagator = TraceContextPropagator::new();
                let carrier = carrier();
                let none = Context::new();
                each(move |_| {
                    black_box(propagator.extract_with_context(&none, black_box(&carrier)));
                })
            }
            Work::FormatTraceparent => {
                let propagator = TraceContextPropagator::new();
                let context = propagator.extract_with_context(&Context::new(), &carrier());
                let mut carrier = HashMap::new();
                each(move |_| {
                    propagator.inject_context(black_box(&context), black_box(&mut carrier));
                })
            }
            // No macro that could do without a tracer; no Jaeger encoding; no uber-trace-id.
            Work::Query(_) | Work::NoTracer | Work::ParseUber | Work::FormatUber | Work::Encode => {
                None
            }
        }
    }

    fn flush(&self) {
        self.provider
            .force_flush()
            .expect("the exporter cannot fail");
    }
}

/// A provider with a batch processor in front of a counting exporter; also the lower half of the `tracing` stack.
pub(super) fn provider(set_up: &SetUp) -> Option<SdkTracerProvider> {
    let Output::Receiver(receiver) = &set_up.output else {
        return None;
    };
    let sampler = match set_up.tracing {
        Tracing::Off => return None,
        Tracing::Unsampled => Sampler::AlwaysOff,
        Tracing::Sampled => Sampler::ParentBased(Box::new(Sampler::AlwaysOn)),
    };
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .build();
    let processor = BatchSpanProcessor::builder(Counting(receiver.clone()))
        .with_batch_config(config)
        .build();
    Some(
        SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_span_processor(processor)
            .build(),
    )
}

fn nest(tracer: &SdkTracer, n: u64) {
    if n > 0 {
        tracer.in_span(CHILD, |_| nest(tracer, n - 1));
    }
}

fn tag(context: &Context, i: u64) {
    let span = context.span();
    span.set_attribute(KeyValue::new(TAGS[0], "GET"));
    span.set_attribute(KeyValue::new(TAGS[1], i as i64));
    span.set_attribute(KeyValue::new(TAGS[2], formatted(i)));
    span.add_event(LOG_EVENT, vec![KeyValue::new(LOG_KEY, LOG_VALUE)]);
}

fn plain_tag(context: &Context, i: u64) {
    let span = context.span();
    span.set_attribute(KeyValue::new("a", "GET"));
    span.set_attribute(KeyValue::new("b", "eu-1"));
    span.set_attribute(KeyValue::new("c", i as i64));
    span.set_attribute(KeyValue::new("d", 7_i64));
    span.set_attribute(KeyValue::new("e", 0.5_f64));
    span.set_attribute(KeyValue::new("f", i as f64));
    span.set_attribute(KeyValue::new("g", i & 1 == 0));
    span.set_attribute(KeyValue::new("h", true));
    span.add_event(LOG_EVENT, vec![KeyValue::new(LOG_KEY, LOG_VALUE)]);
}

fn carrier() -> HashMap<String, String> {
    HashMap::from([("traceparent".to_owned(), TRACEPARENT.to_owned())])
}

#[derive(Debug)]
struct Counting(Receiver);

impl SpanExporter for Counting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.receive(batch.len());
        Ok(())
    }
}
