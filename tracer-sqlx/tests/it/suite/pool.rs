//! The methods of sqlx's pool and connections that are passed through.

use std::time::Duration;

use futures::FutureExt;
use sqlx::{Connection, Executor, Pool};
use tracer_core::TraceFuture;
use tracer_sqlx::{TracedPool, TracedPoolOptions};
use tracer_testing::assert_trace;

use super::super::{BEGIN_WITH, Db, INSERT, broken};
use super::{count, idle};
use crate::backend::Fixture;

pub(super) async fn a_transaction_begins_by_a_statement_of_the_callers(on: Fixture<Db>) {
    let (statement, name) = BEGIN_WITH;
    async {
        let tx = on.pool.begin_with(statement).await.unwrap();
        tx.rollback().await.unwrap();
        drop(idle(&on.pool).await);
        let tx = loop {
            // A connection is back in the pool a moment after it was dropped.
            match on.pool.try_begin_with(statement).await.unwrap() {
                Some(tx) => break tx,
                None => tokio::task::yield_now().await,
            }
        };
        tx.commit().await.unwrap();
        let mut conn = idle(&on.pool).await;
        let mut tx = conn.begin_with(statement).await.unwrap();
        let refused = tx.begin_with(statement).await.unwrap_err();
        assert!(matches!(refused, sqlx::Error::InvalidSavePointStatement));
        tx.rollback().await.unwrap();
        let failed = conn.begin_with("SELECT 1").await.unwrap_err();
        assert!(matches!(failed, sqlx::Error::BeginFailed));
        assert!(!conn.is_in_transaction());
    }
    .in_span(on.test.tracer().start_span("handler"))
    .await;
    let spans = on.test.tree();
    let lines: Vec<_> = spans.lines().map(str::trim).collect();
    let expected = [
        "handler",
        &format!("{name} {{db.pool_wait_us=_}}"),
        "ROLLBACK",
        name,
        "COMMIT",
        name,
        &format!(
            "{name} {{error=true}} [event=error, error.kind=other, message=\"attempted to call begin_with at non-zero transaction depth\"]"
        ),
        "ROLLBACK",
        "SELECT {error=true} [event=error, error.kind=other, message=\"got unexpected connection status after attempting to begin transaction\"]",
    ];
    assert_eq!(lines, expected);
}

pub(super) async fn try_begin_waits_for_nothing(on: Fixture<Db>) {
    let options = TracedPoolOptions::<Db>::new().max_connections(1);
    let pool = options
        .connect_lazy_with((*on.raw.connect_options()).clone())
        .with_tracer(on.test.tracer());
    let held = pool.acquire().await.unwrap();
    on.test.forget();
    assert!(pool.try_acquire().is_none());
    assert!(pool.try_begin().await.unwrap().is_none());
    assert!(pool.try_begin_with("BEGIN").await.unwrap().is_none());
    assert_trace!(on.test, "");
    drop(held);
    drop(idle(&pool).await);
    let tx = loop {
        match pool.try_begin().await.unwrap() {
            Some(tx) => break tx,
            None => tokio::task::yield_now().await,
        }
    };
    tx.commit().await.unwrap();
    assert_trace!(on.test, "BEGIN\nCOMMIT");
    pool.close().await;
}

pub(super) async fn connect_options_can_be_changed(on: Fixture<Db>) {
    let good = (*on.raw.connect_options()).clone();
    let pool = TracedPoolOptions::<Db>::new()
        .connect_lazy_with(good.clone())
        .with_tracer(on.test.tracer());
    pool.set_connect_options(broken(good.clone()));
    let failed = (&pool).execute("SELECT id FROM items").await.unwrap_err();
    let plain = Pool::<Db>::connect_lazy_with(broken(good.clone()));
    let expected = plain.execute("SELECT id FROM items").await.unwrap_err();
    assert_eq!(failed.to_string(), expected.to_string());
    on.test.forget();
    pool.set_connect_options(good);
    (&pool).execute("SELECT id FROM items").await.unwrap();
    assert_trace!(
        on.test,
        "
        SELECT items {db.pool_wait_us=_, db.rows_returned=0}
          CONNECT
        "
    );
    pool.close().await;
}

pub(super) async fn the_state_of_the_pool_is_told(on: Fixture<Db>) {
    let second = Duration::from_secs(1);
    let options = TracedPoolOptions::<Db>::default()
        .max_connections(3)
        .min_connections(0)
        .acquire_timeout(20 * second)
        .acquire_slow_threshold(second)
        .idle_timeout(30 * second)
        .max_lifetime(40 * second)
        .test_before_acquire(false)
        .clone();
    let told = (
        options.get_max_connections(),
        options.get_min_connections(),
        options.get_acquire_timeout(),
        options.get_acquire_slow_threshold(),
        options.get_idle_timeout(),
        options.get_max_lifetime(),
        options.get_test_before_acquire(),
    );
    let expected = (
        3,
        0,
        20 * second,
        second,
        Some(30 * second),
        Some(40 * second),
        false,
    );
    assert_eq!(told, expected);
    let pool = options.connect_lazy_with((*on.raw.connect_options()).clone());
    let pool: TracedPool<Db> = pool.with_tracer(on.test.tracer());
    assert_eq!((pool.size(), pool.num_idle()), (0, 0));
    let held = pool.acquire().await.unwrap();
    assert_eq!((pool.size(), pool.num_idle()), (1, 0));
    assert_eq!(pool.options().get_max_connections(), 3);
    let (inner, as_ref): (&Pool<Db>, &Pool<Db>) = (pool.inner(), pool.as_ref());
    assert_eq!((inner.size(), as_ref.size()), (1, 1));
    assert!(!pool.is_closed() && pool.close_event().now_or_never().is_none());
    drop(held);
    pool.close().await;
    assert!(pool.is_closed());
    pool.close_event().await;
    let closed = (&pool).execute("SELECT 1").await.unwrap_err();
    assert!(matches!(closed, sqlx::Error::PoolClosed));
    assert!(Pool::from(pool).is_closed());
    on.test.forget();
}

pub(super) async fn a_connection_does_what_sqlxs_does(on: Fixture<Db>) {
    let mut conn = on.pool.acquire().await.unwrap();
    sqlx::query(INSERT)
        .bind(1i64)
        .bind("x")
        .execute(&mut *conn)
        .await
        .unwrap();
    conn.shrink_buffers();
    // SQLite's thread counts a moment after it has answered.
    while conn.cached_statements_size() == 0 {
        tokio::task::yield_now().await;
    }
    conn.clear_cached_statements().await.unwrap();
    while conn.cached_statements_size() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(conn.as_ref().cached_statements_size(), 0);
    conn.as_mut().ping().await.unwrap();
    let mut detached = conn.detach();
    detached.execute("SELECT id FROM items").await.unwrap();
    detached.close().await.unwrap();
    let mut dropped = on.pool.acquire().await.unwrap();
    dropped.close_on_drop();
    drop(dropped);
    // A pool of its own: one that lacks a connection for ever cannot be closed.
    let pool = TracedPoolOptions::<Db>::new()
        .connect_lazy_with((*on.raw.connect_options()).clone())
        .with_tracer(on.test.tracer());
    let mut leaked = pool.acquire().await.unwrap().leak();
    leaked.execute("SELECT id FROM items").await.unwrap();
    drop(leaked);
    assert_eq!((pool.size(), pool.num_idle()), (1, 0));
    let raw = on.pool.acquire().await.unwrap().into_inner();
    raw.close().await.unwrap();
    assert_eq!(count(&on).await, 1);
    assert_trace!(
        on.test,
        "
        ACQUIRE {db.pool_wait_us=_}
        INSERT items {db.rows_affected=1}
        SELECT items {db.rows_returned=1}
        CLOSE
        ACQUIRE {db.pool_wait_us=_}
        ACQUIRE {db.pool_wait_us=_}
          CONNECT
        SELECT items {db.rows_returned=1}
        ACQUIRE {db.pool_wait_us=_}
        "
    );
}
