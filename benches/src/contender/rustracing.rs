//! rustracing and rustracing_jaeger: OpenTracing by model as ours is, spans sent one by one into a channel.
//!
//! The reporter thread is the user's to write. This one is kind to it: it drains the channel every millisecond, so that no span wakes a thread,
//! and fills a datagram with as many spans as fit for certain.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver as Spans, bounded};
use rustracing::sampler::{AllSampler, NullSampler};
use rustracing::span::BaggageItem;
use rustracing::tag::Tag;
use rustracing_jaeger::reporter::JaegerCompactReporter;
use rustracing_jaeger::span::{FinishedSpan, Span, SpanContext, SpanContextState};
use rustracing_jaeger::{Span as JaegerSpan, Tracer};

use super::{Contender, Run, each, open};
use crate::work::{
    CHILD, ENCODED_SPANS, LOG_EVENT, LOG_KEY, LOG_VALUE, Output, QUEUE, ROOT, SERVICE, SetUp, TAGS,
    Tracing, UBER_TRACE_ID, Work, baggage, formatted,
};

/// It knows no active span: a child is made by its parent.
#[derive(Debug)]
pub(crate) struct Rustracing {
    tracer: Tracer,
    flush: mpsc::Sender<mpsc::Sender<()>>,
    address: Option<SocketAddr>,
}

impl Contender for Rustracing {
    fn start(set_up: &SetUp) -> Option<Self> {
        let (sender, spans) = bounded(QUEUE);
        let tracer = match set_up.tracing {
            Tracing::Off => return None,
            Tracing::Unsampled => Tracer::with_sender(NullSampler, sender),
            Tracing::Sampled => Tracer::with_sender(AllSampler, sender),
        };
        let mut report = report_to(&set_up.output);
        let (flush, requests) = mpsc::channel::<mpsc::Sender<()>>();
        thread::spawn(move || {
            loop {
                let request = requests.recv_timeout(Duration::from_millis(1));
                let closed = matches!(request, Err(mpsc::RecvTimeoutError::Disconnected));
                drain(&spans, &mut report);
                if let Ok(done) = request {
                    let _ = done.send(());
                }
                if closed {
                    return;
                }
            }
        });
        let address = match set_up.output {
            Output::Udp(address) => Some(address),
            Output::Receiver(_) => None,
        };
        Some(Self {
            tracer,
            flush,
            address,
        })
    }

    fn work(&self, work: Work) -> Option<Run> {
        let tracer = self.tracer.clone();
        match work {
            Work::Root | Work::UnsampledRoot => each(move |_| drop(tracer.span(ROOT).start())),
            Work::Flat(n) => each(move |_| {
                let root = tracer.span(ROOT).start();
                for _ in 0..n {
                    root.child(CHILD, |options| options.start());
                }
            }),
            Work::Nest(n) => each(move |_| nest(&tracer.span(ROOT).start(), n)),
            Work::Tags => each(move |i| {
                let mut root = tracer.span(ROOT).start();
                tag(&mut root, i);
                for _ in 0..10 {
                    tag(&mut root.child(CHILD, |options| options.start()), i);
                }
            }),
            Work::PlainTags => each(move |i| {
                let mut root = tracer.span(ROOT).start();
                plain_tag(&mut root, i);
                for _ in 0..10 {
                    plain_tag(&mut root.child(CHILD, |options| options.start()), i);
                }
            }),
            Work::UnsampledChild | Work::OpenRoot => {
                let root = tracer.span(ROOT).start();
                each(move |_| drop(root.child(CHILD, |options| options.start())))
            }
            Work::Open(spans) => open(spans, move || tracer.span(ROOT).start()),
            Work::Baggage(items) => {
                let items = baggage(items).map(|(key, value)| BaggageItem::new(&key, &value));
                let caller = SpanContext::new(UBER_TRACE_ID.parse().ok()?, items.collect());
                each(move |_| {
                    let root = tracer.span(ROOT).child_of(&caller).start();
                    for _ in 0..10 {
                        root.child(CHILD, |options| options.start());
                    }
                })
            }
            Work::ParseUber => each(|_| {
                let _ = black_box(black_box(UBER_TRACE_ID).parse::<SpanContextState>());
            }),
            Work::FormatUber => {
                let context: SpanContextState = UBER_TRACE_ID.parse().ok()?;
                each(move |_| {
                    black_box(black_box(&context).to_string());
                })
            }
            Work::Encode => {
                let address = self.address?;
                let spans = finished_spans();
                let reporter = jaeger_reporter(address);
                each(move |_| {
                    reporter
                        .report(black_box(&spans))
                        .expect("the packet fits a datagram");
                })
            }
            // No active span, no macro, no futures, no traceparent.
            Work::NoParent
            | Work::NoTracer
            | Work::MacroSync
            | Work::AsyncReady
            | Work::AsyncYield
            | Work::ParseTraceparent
            | Work::FormatTraceparent
            | Work::Query(_) => None,
        }
    }

    fn flush(&self) {
        let (done, wait) = mpsc::channel();
        if self.flush.send(done).is_ok() {
            let _ = wait.recv();
        }
    }
}

fn nest(parent: &JaegerSpan, n: u64) {
    if n > 0 {
        nest(&parent.child(CHILD, |options| options.start()), n - 1);
    }
}

fn tag(span: &mut Span, i: u64) {
    span.set_tag(|| Tag::new(TAGS[0], "GET"));
    span.set_tag(|| Tag::new(TAGS[1], i as i64));
    span.set_tag(|| Tag::new(TAGS[2], formatted(i)));
    log(span);
}

fn plain_tag(span: &mut Span, i: u64) {
    span.set_tag(|| Tag::new("a", "GET"));
    span.set_tag(|| Tag::new("b", "eu-1"));
    span.set_tag(|| Tag::new("c", i as i64));
    span.set_tag(|| Tag::new("d", 7_i64));
    span.set_tag(|| Tag::new("e", 0.5_f64));
    span.set_tag(|| Tag::new("f", i as f64));
    span.set_tag(|| Tag::new("g", i & 1 == 0));
    span.set_tag(|| Tag::new("h", true));
    log(span);
}

/// The values of a log are strings and nothing else.
fn log(span: &mut Span) {
    span.log(|log| {
        log.std().event(LOG_EVENT);
        log.field((LOG_KEY, LOG_VALUE.to_string()));
    });
}

fn finished_spans() -> Vec<FinishedSpan> {
    let (sender, spans) = bounded(usize::try_from(ENCODED_SPANS).unwrap_or(usize::MAX));
    let tracer = Tracer::with_sender(AllSampler, sender);
    let root = tracer.span(ROOT).start();
    for i in 0..ENCODED_SPANS {
        tag(&mut root.child(CHILD, |options| options.start()), i);
    }
    spans.try_iter().collect()
}

fn jaeger_reporter(address: SocketAddr) -> JaegerCompactReporter {
    let mut reporter = JaegerCompactReporter::new(SERVICE).expect("a local socket can be bound");
    reporter.set_agent_addr(address);
    reporter
}

type Report = Box<dyn FnMut(&[FinishedSpan]) + Send>;

fn report_to(output: &Output) -> Report {
    match output {
        Output::Receiver(receiver) => {
            let receiver = receiver.clone();
            Box::new(move |spans| receiver.receive(spans.len()))
        }
        Output::Udp(address) => {
            let reporter = jaeger_reporter(*address);
            Box::new(move |spans| reporter.report(spans).expect("the packet fits a datagram"))
        }
    }
}

fn drain(spans: &Spans<FinishedSpan>, report: &mut Report) {
    let mut batch = Vec::with_capacity(ENCODED_SPANS as usize);
    loop {
        batch.extend(spans.try_iter().take(ENCODED_SPANS as usize));
        if batch.is_empty() {
            return;
        }
        report(&batch);
        batch.clear();
    }
}
