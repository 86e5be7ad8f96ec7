//! The connects that a pool makes, and the statements that a driver prepares, while a query waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::TryStreamExt;
use sqlx::{Connection, Executor};
use tracer_core::{Sample, Sampler, Sampling, SamplingRequest, TraceFuture};
use tracer_sqlx::{TracedPool, TracedPoolOptions};
use tracer_testing::{TestTracer, assert_trace};

use super::super::{BY_ID, Db, INSERT, PREPARES, broken};
use super::idle;
use crate::backend::Fixture;

type Options = <<Db as sqlx::Database>::Connection as Connection>::Options;

fn options(on: &Fixture<Db>) -> Options {
    (*on.raw.connect_options()).clone()
}

fn lazy(on: &Fixture<Db>, max_connections: u32) -> TracedPool<Db> {
    TracedPoolOptions::new()
        .max_connections(max_connections)
        .connect_lazy_with(options(on))
        .with_tracer(on.test.tracer())
}

pub(super) async fn a_pool_connects_in_spans_under_what_waits_for_it(on: Fixture<Db>) {
    let pool = lazy(&on, 4);
    async {
        (&pool).execute("SELECT id FROM items").await.unwrap();
        let first = idle(&pool).await;
        let rows = sqlx::query("SELECT id FROM items").fetch(&pool);
        assert_eq!(rows.try_collect::<Vec<_>>().await.unwrap().len(), 0);
        let second = idle(&pool).await;
        let third = pool.acquire().await.unwrap();
        pool.begin().await.unwrap().rollback().await.unwrap();
        drop((first, second, third));
        drop(idle(&pool).await);
        (&pool).execute("SELECT id FROM items").await.unwrap();
    }
    .in_span(on.test.tracer().start_span("handler"))
    .await;
    assert_eq!(pool.size(), 4);
    assert_trace!(
        on.test,
        "
        handler
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
            CONNECT
          SELECT items {complete=true, db.active_us=_, db.pool_wait_us=_, db.rows_returned=0}
            CONNECT
          ACQUIRE {db.pool_wait_us=_}
            CONNECT
          BEGIN {db.pool_wait_us=_}
            CONNECT
          ROLLBACK
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
        "
    );
    pool.close().await;
}

pub(super) async fn a_closed_pool_does_not_connect(on: Fixture<Db>) {
    let pool = lazy(&on, 1);
    pool.close().await;
    let error = (&pool).execute("SELECT id FROM items").await.unwrap_err();
    assert!(matches!(error, sqlx::Error::PoolClosed));
    assert_trace!(
        on.test,
        r#"
        SELECT items {db.pool_wait_us=_, error=true} [event=error, error.kind=pool_closed, message="attempted to acquire a connection on a closed pool"]
        "#
    );
}

pub(super) async fn a_connect_is_as_long_as_the_wait_for_it(on: Fixture<Db>) {
    let pool = lazy(&on, 1);
    drop(pool.acquire().await.unwrap());
    let spans = on.test.spans();
    let (acquire, connect) = (&spans[0], &spans[1]);
    assert_eq!(connect.operation_name(), "CONNECT");
    let waited = acquire.tag("db.pool_wait_us").unwrap().as_i64().unwrap();
    let connected = i64::try_from(connect.duration().as_micros()).unwrap();
    // The clocks of wait and span are not the same.
    assert!(
        (waited / 2..=waited + 1000).contains(&connected),
        "{connected} of {waited}"
    );
    assert!(connect.start() >= acquire.start());
    for (key, value) in super::super::TAGS {
        assert_eq!(connect.tag(key).unwrap().to_string(), *value);
    }
    pool.close().await;
}

pub(super) async fn a_connect_that_fails_is_a_span_with_the_error(on: Fixture<Db>) {
    let pool = TracedPoolOptions::new().connect_lazy_with(broken(options(&on)));
    let pool: TracedPool<Db> = pool.with_tracer(on.test.tracer());
    let failed = (&pool).execute("SELECT id FROM items").await.unwrap_err();
    let code = failed.as_database_error().and_then(|error| error.code());
    let spans = on.test.spans();
    let names: Vec<_> = spans.iter().map(|span| span.operation_name()).collect();
    assert_eq!(names, ["SELECT items", "CONNECT"]);
    for span in spans {
        assert_eq!(span.tag("error").unwrap().as_bool(), Some(true));
        let told = span.tag("db.sqlstate").map(|code| code.to_string());
        assert_eq!(told.as_deref(), code.as_deref());
    }
    pool.close().await;
}

pub(super) async fn a_connect_after_another_wait_is_a_log(on: Fixture<Db>) {
    let pool = lazy(&on, 1);
    let held = pool.acquire().await.unwrap();
    on.test.forget();
    let waiting = (&pool).execute("SELECT id FROM items");
    let (done, closed) = futures::join!(waiting, held.close());
    closed.unwrap();
    done.unwrap();
    assert_trace!(
        on.test,
        "SELECT items {db.pool_wait_us=_, db.rows_returned=0} [event=connect, message=\"a connection was made meanwhile\"]"
    );
    pool.close().await;
}

pub(super) async fn a_pool_connects_in_spans_when_it_is_made(on: Fixture<Db>) {
    let _default = on.test.tracer().set_default();
    let options = options(&on);
    let pool = TracedPoolOptions::<Db>::new()
        .max_connections(1)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute("SELECT 1").await.map(drop) })
        })
        .before_acquire(|_, _| Box::pin(async { Ok(true) }))
        .after_release(|_, _| Box::pin(async { Ok(true) }))
        .max_lifetime(None)
        .connect_with(options.clone())
        .await
        .unwrap();
    assert_eq!((pool.size(), pool.options().get_max_connections()), (1, 1));
    assert_trace!(on.test, "CONNECT");
    pool.close().await;
    // sqlx's background task may be ahead with one of them; that one has nobody waiting for it, and so no span.
    let pool = TracedPoolOptions::<Db>::new()
        .min_connections(2)
        .max_connections(2)
        .connect_with(options.clone())
        .await
        .unwrap();
    let tree = on.test.tree();
    assert!(tree.len() <= "CONNECT\nCONNECT".len(), "{tree}");
    assert!(tree.lines().all(|line| line == "CONNECT"), "{tree}");
    pool.close().await;
    let failed = TracedPool::<Db>::connect_with(broken(options)).await;
    assert!(failed.is_err());
    let spans = on.test.spans();
    assert_eq!((spans.len(), spans[0].operation_name()), (1, "CONNECT"));
    assert_eq!(spans[0].tag("error").unwrap().as_bool(), Some(true));
}

pub(super) async fn a_pool_of_sqlxs_has_no_spans_of_its_connects(on: Fixture<Db>) {
    let raw = sqlx::Pool::<Db>::connect_lazy_with(options(&on));
    let pool = TracedPool::from(raw).with_tracer(on.test.tracer());
    drop(pool.acquire().await.unwrap());
    assert_trace!(on.test, "ACQUIRE {db.pool_wait_us=_}");
    pool.close().await;
}

pub(super) async fn a_statement_prepared_for_its_first_run_says_so(on: Fixture<Db>) {
    let mut conn = idle(&on.pool).await;
    for id in 1..=2i64 {
        let insert = sqlx::query(INSERT).bind(id).bind("x");
        insert.execute(&mut *conn).await.unwrap();
        let row = sqlx::query(BY_ID).bind(id).fetch_optional(&mut *conn);
        assert!(row.await.unwrap().is_some());
        let rows = sqlx::query("SELECT name FROM items").fetch(&mut *conn);
        rows.try_collect::<Vec<_>>().await.unwrap();
        // Without bound values nothing is prepared.
        conn.execute("SELECT 1").await.unwrap();
    }
    drop(conn);
    let spans = on.test.spans();
    let prepared = |from: usize| {
        let runs = &spans[from..from + 4];
        [0, 1, 2, 3].map(|at| runs[at].tag("db.prepared").is_some())
    };
    assert_eq!(prepared(0), [PREPARES, PREPARES, PREPARES, false]);
    assert_eq!(prepared(4), [false; 4]);
}

/// Refuses queries and nothing else.
#[derive(Debug)]
struct NoQueries;

impl Sample for NoQueries {
    fn sample(&self, request: &SamplingRequest<'_>) -> Sampling {
        if request.operation_name == "SQL" {
            Sampling::refused()
        } else {
            Sampling::sampled()
        }
    }
}

pub(super) async fn what_a_hook_starts_is_refused_with_its_query(on: Fixture<Db>) {
    let test = TestTracer::with("shop", |builder| {
        builder.sampler(Sampler::custom(NoQueries))
    });
    let (tracer, runs) = (test.tracer().clone(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&runs);
    let pool = TracedPoolOptions::<Db>::new()
        .max_connections(1)
        .before_acquire(move |_, _| {
            counted.fetch_add(1, Ordering::SeqCst);
            let _span = tracer.start_active_span("hook");
            Box::pin(async { Ok(true) })
        })
        .connect_lazy_with(options(&on))
        .with_tracer(test.tracer());
    for _ in 0..2 {
        (&pool).execute("SELECT id FROM items").await.unwrap();
        sqlx::query(BY_ID)
            .bind(1i64)
            .fetch_optional(&pool)
            .await
            .unwrap();
        drop(idle(&pool).await);
    }
    pool.close().await;
    assert!(runs.load(Ordering::SeqCst) > 0);
    assert_trace!(test, "");
}

pub(super) async fn what_a_hook_does_is_within_what_waits_for_it(on: Fixture<Db>) {
    let tracer = on.test.tracer().clone();
    let pool = TracedPoolOptions::<Db>::new()
        .max_connections(1)
        .before_acquire(move |connection, _| {
            let span = tracer.start_span("hook");
            let work = async { connection.execute("SELECT 1").await.map(|_| true) };
            Box::pin(work.in_span(span))
        })
        .connect_lazy_with(options(&on))
        .with_tracer(on.test.tracer());
    drop(pool.acquire().await.unwrap());
    drop(idle(&pool).await);
    on.test.forget();
    (&pool).execute("SELECT id FROM items").await.unwrap();
    assert_trace!(
        on.test,
        "
        SELECT items {db.pool_wait_us=_, db.rows_returned=0}
          hook
        "
    );
    pool.close().await;
}
