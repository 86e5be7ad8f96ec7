//! The work without any tracing: what is taken off to see what tracing adds.

use std::hint::black_box;

use axum::Router;
use axum::routing::get;

use super::{Contender, Run, each, runtime, yields};
use crate::database;
use crate::work::{ASYNC_CHILDREN, SetUp, Work};

/// No spans, no clocks.
#[derive(Debug)]
pub(crate) struct Bare;

impl Contender for Bare {
    const DELIVERS: bool = false;

    fn start(_set_up: &SetUp) -> Option<Self> {
        Some(Self)
    }

    fn work(&self, work: Work) -> Option<Run> {
        let runtime = runtime();
        match work {
            Work::Query(_) => database::queries(database::pool()),
            Work::AsyncReady => each(move |i| {
                runtime.block_on(async {
                    for _ in 0..ASYNC_CHILDREN {
                        ready(i).await;
                    }
                });
            }),
            Work::AsyncYield => each(move |i| {
                runtime.block_on(async {
                    for _ in 0..ASYNC_CHILDREN {
                        pending(i).await;
                    }
                });
            }),
            _ => None,
        }
    }

    fn flush(&self) {}

    fn router(&self) -> Option<Router> {
        Some(Router::new().route("/hello", get(hello)))
    }
}

async fn ready(i: u64) -> u64 {
    black_box(i)
}

async fn pending(i: u64) -> u64 {
    yields().await;
    black_box(i)
}

async fn hello() -> &'static str {
    for i in 0..crate::work::SERVER_STEPS {
        ready(i).await;
    }
    "hello"
}
