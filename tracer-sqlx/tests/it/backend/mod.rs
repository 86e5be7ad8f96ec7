//! The databases the suite runs on.
//!
//! Each module says how its database is reached and where it differs from the others; the suite is written against the
//! names they share.

use std::future::Future;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::{Database, Pool};
use tracer_sqlx::{TracedDb, TracedPool};
use tracer_testing::TestTracer;

pub(crate) mod mariadb;
pub(crate) mod postgres;
pub(crate) mod sqlite;

/// What a test gets: a database of its own with a table `items (id, name)`, and the tracer of its pool.
pub(crate) struct Fixture<DB: Database> {
    pub(crate) test: TestTracer,
    pub(crate) raw: Pool<DB>,
    pub(crate) pool: TracedPool<DB>,
}

impl<DB: TracedDb> Fixture<DB> {
    pub(crate) fn new(raw: Pool<DB>) -> Self {
        // What is the same for all spans of a database is looked at by one test, not by all.
        let hidden = [
            "component",
            "span.kind",
            "db.type",
            "db.instance",
            "db.user",
            "db.statement",
            "db.prepared",
            "peer.*",
        ];
        let test = hidden
            .into_iter()
            .fold(TestTracer::new("shop").strict(), TestTracer::hide);
        let pool = TracedPool::from(raw.clone()).with_tracer(test.tracer());
        Self { test, raw, pool }
    }
}

/// Counts the tests of a backend that passed, to say so when all have.
pub(crate) struct Tally {
    pub(crate) name: &'static str,
    passed: AtomicUsize,
}

impl Tally {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            passed: AtomicUsize::new(0),
        }
    }

    /// Counts one more; after the last one tells, past the capture of tests' output.
    pub(crate) fn pass(&self, all: usize, version: &str) {
        if self.passed.fetch_add(1, Ordering::SeqCst) + 1 == all {
            let _ = writeln!(io::stderr(), "backend {} {version}: {all} tests", self.name);
        }
    }
}

/// Runs a test as an application runs: on several threads.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// A name for a database that no other test has.
fn database_name() -> String {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    format!("test_{}", LAST.fetch_add(1, Ordering::Relaxed))
}
