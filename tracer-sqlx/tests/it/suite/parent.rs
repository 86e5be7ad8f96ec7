//! Which trace a query belongs to, and whether there is one.

use futures::StreamExt;
use sqlx::Executor;
use tracer_core::TraceFuture;
use tracer_testing::assert_trace;

use super::super::{BY_ID, Db, INSERT};
use crate::backend::Fixture;

pub(super) async fn concurrent_queries_are_children_of_their_caller(on: Fixture<Db>) {
    let tracer = on.test.tracer();
    let one = async {
        sqlx::query(BY_ID)
            .bind(1i64)
            .fetch_optional(&on.pool)
            .await
            .unwrap()
    };
    let two = async {
        sqlx::query("SELECT id FROM items")
            .fetch(&on.pool)
            .next()
            .await
    };
    let many = futures::stream::iter(0..3i64)
        .map(|id| sqlx::query(BY_ID).bind(id).fetch_optional(&on.pool))
        .buffer_unordered(3)
        .collect::<Vec<_>>();
    let (_, _, many) = futures::join!(
        one.in_span(tracer.start_span("one")),
        two.in_span(tracer.start_span("two")),
        many.in_span(tracer.start_span("many"))
    );
    assert_eq!(many.len(), 3);
    assert_trace!(
        on.test,
        "
        one
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
        two
          SELECT items {complete=true, db.active_us=_, db.pool_wait_us=_, db.rows_returned=0}
        many
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
          SELECT items {db.pool_wait_us=_, db.rows_returned=0}
        "
    );
}

pub(super) async fn queries_of_a_spawned_task_follow_its_context(on: Fixture<Db>) {
    let pool = on.pool.clone();
    let work = async move {
        let mut tx = pool.begin().await.unwrap();
        let mut rows = sqlx::query("SELECT id FROM items").fetch(&mut *tx);
        while rows.next().await.is_some() {}
        drop(rows);
        tx.rollback().await.unwrap();
    };
    async { tokio::spawn(work.in_current_context()).await.unwrap() }
        .in_span(on.test.tracer().start_span("handler"))
        .await;
    assert_trace!(
        on.test,
        "
        handler
          BEGIN {db.pool_wait_us=_}
          SELECT items {complete=true, db.active_us=_, db.rows_returned=0}
          ROLLBACK
        "
    );
}

pub(super) async fn the_parent_is_what_was_active_at_the_call(on: Fixture<Db>) {
    let outer = on.test.tracer().start_active_span("outer");
    let stream = (&on.pool).fetch("SELECT id FROM items");
    let future = (&on.pool).execute("DELETE FROM items");
    let outer = outer.into_span();
    async {
        assert_eq!(stream.count().await, 0);
        future.await.unwrap();
    }
    .in_span(on.test.tracer().start_span("other"))
    .await;
    drop(outer);
    assert_trace!(
        on.test,
        "
        outer
          SELECT items {complete=true, db.active_us=_, db.pool_wait_us=_, db.rows_returned=0}
          DELETE items {db.pool_wait_us=_, db.rows_affected=0}
        other
        "
    );
}

pub(super) async fn a_future_that_is_never_polled_is_no_span(on: Fixture<Db>) {
    drop((&on.pool).execute("DELETE FROM items"));
    drop(on.pool.begin());
    drop(on.pool.acquire());
    assert_trace!(on.test, "");
}

pub(super) async fn only_with_parent_starts_no_traces(on: Fixture<Db>) {
    let pool = on.pool.clone().only_with_parent(true);
    let query = async || {
        sqlx::query(BY_ID)
            .bind(1i64)
            .fetch_optional(&pool)
            .await
            .unwrap()
    };
    query().await;
    drop(pool.begin().await.unwrap());
    assert_trace!(on.test, "");
    query()
        .in_span(on.test.tracer().start_span("handler"))
        .await;
    assert_trace!(
        on.test,
        "handler\n  SELECT items {db.pool_wait_us=_, db.rows_returned=0}"
    );
}

pub(super) async fn unsampled_queries_leave_nothing(on: Fixture<Db>) {
    let off = tracer_testing::TestTracer::with("shop", |builder| {
        builder.sampler(tracer_core::Sampler::constant(false))
    });
    let pool = on
        .pool
        .clone()
        .with_tracer(off.tracer())
        .sqlcommenter(true)
        .tell_repeats(1);
    let mut tx = pool.begin().await.unwrap();
    for id in 0..3i64 {
        sqlx::query(INSERT)
            .bind(id)
            .bind("x")
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let mut rows = sqlx::query("SELECT id FROM items").fetch(&pool);
    rows.next().await.unwrap().unwrap();
    drop(rows);
    assert_eq!(
        sqlx::query("SELECT id FROM items")
            .fetch_all(&pool)
            .await
            .unwrap()
            .len(),
        3
    );
    assert_trace!(off, "");
    assert_trace!(on.test, "");
}

pub(super) async fn repeats_are_told_to_the_parent(on: Fixture<Db>) {
    let pool = on.pool.clone().tell_repeats(2);
    async {
        for id in 0..5i64 {
            sqlx::query(BY_ID)
                .bind(id)
                .fetch_optional(&pool)
                .await
                .unwrap();
        }
        sqlx::query("SELECT id FROM items")
            .fetch_all(&pool)
            .await
            .unwrap();
    }
    .in_span(on.test.tracer().start_span("handler"))
    .await;
    let spans = on.test.spans();
    assert_eq!(spans[0].tag("db.repeated").unwrap().as_i64(), Some(5));
    assert_eq!(
        spans[0].tag("db.repeated_operation").unwrap().as_str(),
        Some("SELECT items")
    );
}
