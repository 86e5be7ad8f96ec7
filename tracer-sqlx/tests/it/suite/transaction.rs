//! Transactions and savepoints.

use sqlx::Executor;
use tracer_core::TraceFuture;
use tracer_testing::assert_trace;

use super::super::{Db, INSERT};
use super::count;
use crate::backend::Fixture;

pub(super) async fn a_transaction_is_a_span_for_each_step(on: Fixture<Db>) {
    async {
        let mut tx = on.pool.begin().await.unwrap();
        sqlx::query(INSERT)
            .bind(1i64)
            .bind("a")
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query(INSERT)
            .bind(2i64)
            .bind("b")
            .execute(&mut tx)
            .await
            .unwrap();
        tx.execute("DELETE FROM items WHERE id = 2").await.unwrap();
        assert!(tx.is_in_transaction());
        tx.commit().await.unwrap();
        let tx = on.pool.begin_with("BEGIN").await.unwrap();
        tx.rollback().await.unwrap();
    }
    .in_span(on.test.tracer().start_span("handler"))
    .await;
    assert_eq!(count(&on).await, 1);
    assert_trace!(
        on.test,
        "
        handler
          BEGIN {db.pool_wait_us=_}
          INSERT items {db.rows_affected=1}
          INSERT items {db.rows_affected=1}
          DELETE items {db.rows_affected=1}
          COMMIT
          BEGIN {db.pool_wait_us=_}
          ROLLBACK
        "
    );
}

pub(super) async fn a_savepoint_is_released_or_rolled_back(on: Fixture<Db>) {
    let mut tx = on.pool.begin().await.unwrap();
    let mut kept = tx.begin().await.unwrap();
    sqlx::query(INSERT)
        .bind(1i64)
        .bind("kept")
        .execute(&mut *kept)
        .await
        .unwrap();
    kept.commit().await.unwrap();
    let mut undone = tx.begin().await.unwrap();
    sqlx::query(INSERT)
        .bind(2i64)
        .bind("undone")
        .execute(&mut *undone)
        .await
        .unwrap();
    undone.rollback().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&on).await, 1);
    assert_trace!(
        on.test,
        "
        BEGIN {db.pool_wait_us=_}
        SAVEPOINT
        INSERT items {db.rows_affected=1}
        RELEASE SAVEPOINT
        SAVEPOINT
        INSERT items {db.rows_affected=1}
        ROLLBACK TO SAVEPOINT
        COMMIT
        "
    );
}

pub(super) async fn a_transaction_dropped_open_is_rolled_back_and_logged(on: Fixture<Db>) {
    async {
        let mut tx = on.pool.begin().await.unwrap();
        sqlx::query(INSERT)
            .bind(1i64)
            .bind("a")
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    .in_span(on.test.tracer().start_span("handler"))
    .await;
    assert_eq!(count(&on).await, 0);
    assert_trace!(
        on.test,
        "
        handler [event=db.rollback, message=\"the transaction was dropped without commit: it is rolled back\"]
          BEGIN {db.pool_wait_us=_}
          INSERT items {db.rows_affected=1}
        "
    );
}

pub(super) async fn a_commit_that_is_never_polled_is_a_rollback_and_logged(on: Fixture<Db>) {
    async {
        let mut tx = on.pool.begin().await.unwrap();
        sqlx::query(INSERT)
            .bind(1i64)
            .bind("a")
            .execute(&mut *tx)
            .await
            .unwrap();
        drop(tx.commit());
    }
    .in_span(on.test.tracer().start_span("handler"))
    .await;
    assert_eq!(count(&on).await, 0);
    assert_trace!(
        on.test,
        "
        handler [event=db.rollback, message=\"the transaction was dropped without commit: it is rolled back\"]
          BEGIN {db.pool_wait_us=_}
          INSERT items {db.rows_affected=1}
        "
    );
}

pub(super) async fn a_transaction_swapped_for_a_connection_is_rolled_back(on: Fixture<Db>) {
    for end in 0..2 {
        let mut tx = on.pool.begin().await.unwrap();
        sqlx::query(INSERT)
            .bind(1i64)
            .bind("a")
            .execute(&mut *tx)
            .await
            .unwrap();
        let mut conn = on.pool.acquire().await.unwrap();
        std::mem::swap(&mut *tx, &mut *conn);
        let error = tx.commit().await.unwrap_err();
        assert!(matches!(error, sqlx::Error::InvalidArgument(_)), "{error}");
        match end {
            0 => conn.close().await.unwrap(),
            _ => drop(conn.detach()),
        }
        assert_eq!(count(&on).await, 0);
    }
    on.test.forget();
}

pub(super) async fn the_callback_of_a_transaction_commits_or_rolls_back(on: Fixture<Db>) {
    let mut conn = on.pool.acquire().await.unwrap();
    let done: Result<i64, sqlx::Error> = conn
        .transaction(|tx| {
            Box::pin(async move {
                sqlx::query(INSERT)
                    .bind(1i64)
                    .bind("a")
                    .execute(&mut **tx)
                    .await?;
                Ok(7)
            })
        })
        .await;
    assert_eq!(done.unwrap(), 7);
    let failed: Result<(), sqlx::Error> = conn
        .transaction(|tx| {
            Box::pin(async move {
                tx.execute("DELETE FROM items")
                    .await
                    .map(drop)
                    .and(Err(sqlx::Error::RowNotFound))
            })
        })
        .await;
    assert!(failed.is_err());
    drop(conn);
    assert_eq!(count(&on).await, 1);
    assert_trace!(
        on.test,
        "
        ACQUIRE {db.pool_wait_us=_}
        BEGIN
        INSERT items {db.rows_affected=1}
        COMMIT
        BEGIN
        DELETE items {db.rows_affected=1}
        ROLLBACK
        "
    );
}
