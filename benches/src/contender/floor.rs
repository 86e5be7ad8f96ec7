//! The floor: for each span two reads of the clock and nothing else. No tracer that keeps times can be cheaper.

use std::hint::black_box;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use fastant::Instant;

use super::{Contender, Run, each, open, runtime, yields};
use crate::work::{ASYNC_CHILDREN, SERVER_STEPS, SetUp, TRACEPARENT, Work, formatted};

/// Two clock reads per span, by the same clock as fastrace's and ours.
#[derive(Debug)]
pub(crate) struct Floor;

impl Contender for Floor {
    const DELIVERS: bool = false;

    fn start(_set_up: &SetUp) -> Option<Self> {
        Some(Self)
    }

    fn work(&self, work: Work) -> Option<Run> {
        match work {
            Work::Root | Work::OpenRoot => each(|_| span(|| ())),
            Work::Flat(n) => each(move |_| span(|| (0..n).for_each(|_| span(|| ())))),
            Work::Nest(n) => each(move |_| span(|| nest(n))),
            Work::Tags => each(|i| {
                span(|| {
                    black_box(formatted(i));
                    for _ in 0..10 {
                        span(|| {
                            black_box(formatted(i));
                        });
                    }
                });
            }),
            Work::PlainTags | Work::Baggage(_) => self.work(Work::Flat(10)),
            Work::Open(spans) => open(spans, || Started(Instant::now())),
            Work::MacroSync => each(|i| {
                span(|| {
                    for _ in 0..10 {
                        function(i);
                    }
                });
            }),
            Work::AsyncReady => {
                let runtime = runtime();
                each(move |i| {
                    span(|| {
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
                    span(|| {
                        runtime.block_on(async {
                            for _ in 0..ASYNC_CHILDREN {
                                pending(i).await;
                            }
                        });
                    });
                })
            }
            Work::ParseTraceparent => each(|_| {
                black_box(parse(black_box(TRACEPARENT)));
            }),
            Work::FormatTraceparent => {
                let context = parse(TRACEPARENT)?;
                each(move |_| {
                    black_box(format(black_box(context)));
                })
            }
            _ => None,
        }
    }

    fn flush(&self) {}

    fn router(&self) -> Option<Router> {
        Some(
            Router::new()
                .route("/hello", get(hello))
                .layer(from_fn(server_span)),
        )
    }
}

#[inline(always)]
fn span<T>(inside: impl FnOnce() -> T) -> T {
    let start = black_box(Instant::now());
    let value = inside();
    black_box((start, Instant::now()));
    value
}

/// A span that stays open: the second read is its end.
struct Started(Instant);

impl Drop for Started {
    fn drop(&mut self) {
        black_box((self.0, Instant::now()));
    }
}

fn nest(n: u64) {
    if n > 0 {
        span(|| nest(n - 1));
    }
}

fn function(i: u64) -> u64 {
    span(|| black_box(i))
}

async fn ready(i: u64) -> u64 {
    let start = black_box(Instant::now());
    let value = black_box(i);
    black_box((start, Instant::now()));
    value
}

async fn pending(i: u64) -> u64 {
    let start = black_box(Instant::now());
    yields().await;
    black_box((start, Instant::now()));
    black_box(i)
}

async fn hello() -> &'static str {
    for i in 0..SERVER_STEPS {
        ready(i).await;
    }
    "hello"
}

async fn server_span(request: Request, next: Next) -> Response {
    let start = black_box(Instant::now());
    let response = next.run(request).await;
    black_box((start, Instant::now()));
    response
}

type Context = (u128, u64, u8);

/// A strict reader of version 00: fixed places, lower-case digits.
fn parse(text: &str) -> Option<Context> {
    let text: &[u8; 55] = text.as_bytes().try_into().ok()?;
    if &text[..3] != b"00-" || text[35] != b'-' || text[52] != b'-' {
        return None;
    }
    let trace_id = u128::from(digits(&text[3..19])?) << 64 | u128::from(digits(&text[19..35])?);
    let flags = u8::try_from(digits(&text[53..])?).ok()?;
    Some((trace_id, digits(&text[36..52])?, flags))
}

fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

fn format((trace_id, span_id, flags): Context) -> [u8; 55] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    for (place, byte) in text[3..35].chunks_exact_mut(2).zip(trace_id.to_be_bytes()) {
        place.copy_from_slice(&[
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]);
    }
    for (place, byte) in text[36..52].chunks_exact_mut(2).zip(span_id.to_be_bytes()) {
        place.copy_from_slice(&[
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]);
    }
    text[53..].copy_from_slice(&[
        DIGITS[usize::from(flags >> 4)],
        DIGITS[usize::from(flags & 15)],
    ]);
    text
}
