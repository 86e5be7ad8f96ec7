//! Streams of rows.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use tracer_core::Sampler;
use tracer_sqlx::TracedPool;
use tracer_testing::{TestTracer, assert_trace};

use super::super::Db;
use super::{fill, idle};
use crate::backend::Fixture;

pub(super) async fn a_stream_read_to_its_end_is_complete(on: Fixture<Db>) {
    fill(&on, 3).await;
    let rows: Vec<_> = sqlx::query("SELECT id FROM items")
        .fetch(&on.pool)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
    let mut conn = idle(&on.pool).await;
    let ids: Vec<_> = sqlx::query_as::<_, (i64,)>("SELECT id FROM items")
        .fetch(&mut *conn)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(ids.len(), 3);
    drop(conn);
    assert_trace!(
        on.test,
        "
        SELECT items {complete=true, db.active_us=_, db.pool_wait_us=_, db.rows_returned=3}
        SELECT items {complete=true, db.active_us=_, db.rows_returned=3}
        "
    );
}

pub(super) async fn a_stream_dropped_half_way_is_not_complete_and_no_error(on: Fixture<Db>) {
    fill(&on, 3).await;
    let mut rows = sqlx::query("SELECT id FROM items").fetch(&on.pool);
    rows.next().await.unwrap().unwrap();
    drop(rows);
    let unpolled = sqlx::query("SELECT id FROM items").fetch(&on.pool);
    drop(unpolled);
    assert_trace!(
        on.test,
        "SELECT items {complete=false, db.active_us=_, db.pool_wait_us=_, db.rows_returned=1}"
    );
}

pub(super) async fn a_stream_that_failed_gives_its_connection_back(on: Fixture<Db>) {
    let refusing = TestTracer::with("shop", |builder| builder.sampler(Sampler::constant(false)));
    let options = on.raw.options().clone().max_connections(1);
    let raw = options.connect_lazy_with((*on.raw.connect_options()).clone());
    for tracer in [on.test.tracer(), refusing.tracer()] {
        let pool = TracedPool::from(raw.clone()).with_tracer(tracer);
        let mut rows = sqlx::query("SELECT * FROM nowhere").fetch(&pool);
        assert!(rows.next().await.unwrap().is_err());
        let next = sqlx::query("SELECT 1").execute(&pool);
        tokio::time::timeout(Duration::from_secs(10), next)
            .await
            .unwrap()
            .unwrap();
        assert!(rows.next().await.is_none());
    }
    raw.close().await;
    assert_eq!(on.test.spans().len(), 2);
    assert_trace!(refusing, "");
}

pub(super) async fn what_the_program_does_between_rows_is_not_the_databases_time(on: Fixture<Db>) {
    fill(&on, 3).await;
    let mut rows = sqlx::query("SELECT id FROM items").fetch(&on.pool);
    let mut worked = Duration::ZERO;
    while let Some(row) = rows.next().await {
        row.unwrap();
        let began = std::time::Instant::now();
        // The work: longer than the database takes over a row.
        std::thread::sleep(Duration::from_millis(100));
        worked += began.elapsed();
    }
    let span = &on.test.spans()[0];
    let active = u64::try_from(span.tag("db.active_us").unwrap().as_i64().unwrap()).unwrap();
    assert!(span.duration() >= worked);
    assert!(
        Duration::from_micros(active) <= span.duration() - worked,
        "{active} of {:?}",
        span.duration()
    );
}
