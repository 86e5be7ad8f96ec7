//! The ways to run a query: prepared, migrated, generic, on a connection.

use sqlx::{Acquire, Executor, Row, Statement};
use tracer_sqlx::{TracedDb, TracedPool};
use tracer_testing::assert_trace;

use super::super::{BY_ID, Db};
use super::{fill, idle};
use crate::backend::Fixture;

pub(super) async fn begin_is_traced_with_the_trait_acquire_in_scope(on: Fixture<Db>) {
    // The trait has a method of the same name on the same types, which gives a transaction of sqlx's.
    let mut conn = idle(&on.pool).await;
    let mut tx = conn.begin().await.unwrap();
    let mut savepoint = tx.begin().await.unwrap();
    sqlx::query("DELETE FROM items")
        .execute(&mut *savepoint)
        .await
        .unwrap();
    savepoint.commit().await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = (*conn).begin().await.unwrap();
    sqlx::query("DELETE FROM items")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    drop(conn);
    assert_trace!(
        on.test,
        "
        BEGIN
        SAVEPOINT
        DELETE items {db.rows_affected=0}
        RELEASE SAVEPOINT
        COMMIT
        BEGIN
        DELETE items {db.rows_affected=0}
        COMMIT
        "
    );
}

pub(super) async fn an_explicit_acquire_has_a_span(on: Fixture<Db>) {
    let mut conn = on.pool.acquire().await.unwrap();
    sqlx::query(BY_ID)
        .bind(1i64)
        .fetch_all(&mut *conn)
        .await
        .unwrap();
    conn.ping().await.unwrap();
    drop(conn);
    let spawned = tokio::spawn(on.pool.acquire()).await.unwrap().unwrap();
    spawned.close().await.unwrap();
    assert_trace!(
        on.test,
        "
        ACQUIRE {db.pool_wait_us=_}
        SELECT items {db.rows_returned=0}
        PING
        ACQUIRE {db.pool_wait_us=_}
        "
    );
}

pub(super) async fn a_prepared_statement_runs_in_spans(on: Fixture<Db>) {
    fill(&on, 1).await;
    let mut conn = idle(&on.pool).await;
    let statement = conn
        .prepare(sqlx::SqlStr::from_static(BY_ID))
        .await
        .unwrap();
    assert_eq!(
        statement
            .query()
            .bind(1i64)
            .fetch_all(&mut *conn)
            .await
            .unwrap()
            .len(),
        1
    );
    let of_pool = (&on.pool)
        .prepare(sqlx::SqlStr::from_static("SELECT id FROM items"))
        .await
        .unwrap();
    assert_eq!(
        of_pool
            .query_scalar::<i64>()
            .fetch_one(&on.pool)
            .await
            .unwrap(),
        1
    );
    let described = conn.describe(sqlx::SqlStr::from_static(BY_ID)).await;
    assert_eq!(described.unwrap().columns().len(), 2);
    drop(conn);
    assert_trace!(
        on.test,
        "
        PREPARE SELECT items
        SELECT items {db.rows_returned=1}
        PREPARE SELECT items {db.pool_wait_us=_}
        SELECT items {db.pool_wait_us=_, db.rows_returned=1}
        DESCRIBE SELECT items
        "
    );
}

pub(super) async fn migrations_run_on_the_pool(on: Fixture<Db>) {
    sqlx::migrate!("tests/migrations")
        .run(&on.pool)
        .await
        .unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM migrated")
        .fetch_one(&on.pool)
        .await
        .unwrap();
    assert_eq!(rows, 1);
    assert_trace!(
        on.test,
        "
        ACQUIRE {db.pool_wait_us=_}
        SELECT migrated {db.pool_wait_us=_, db.rows_returned=1}
        "
    );
}

pub(super) async fn any_executor_and_acquire_will_do(on: Fixture<Db>) {
    async fn by_executor<'e, E: Executor<'e, Database = Db>>(executor: E) -> u64 {
        sqlx::query("DELETE FROM items")
            .execute(executor)
            .await
            .unwrap()
            .rows_affected()
    }

    async fn by_acquire<'a, A: Acquire<'a, Database = Db>>(from: A) -> usize {
        let mut tx = from.begin().await.unwrap();
        sqlx::query("SELECT id FROM items")
            .fetch_all(&mut *tx)
            .await
            .unwrap()
            .len()
    }

    by_executor(&on.pool).await;
    let mut conn = on.pool.acquire().await.unwrap();
    by_executor(&mut conn).await;
    by_executor(&mut *conn).await;
    by_acquire(&mut conn).await;
    by_acquire(&mut *conn).await;
    drop(conn);
    by_acquire(&on.pool).await;
    let mut tx = on.pool.begin().await.unwrap();
    by_executor(&mut tx).await;
    by_executor(&mut *tx).await;
    by_acquire(&mut tx).await;
    tx.rollback().await.unwrap();
    let mut raw = on.raw.acquire().await.unwrap();
    by_executor(&mut on.pool.traced(&mut raw)).await;
    assert_trace!(
        on.test,
        "
        DELETE items {db.pool_wait_us=_, db.rows_affected=0}
        ACQUIRE {db.pool_wait_us=_}
        DELETE items {db.rows_affected=0}
        DELETE items {db.rows_affected=0}
        BEGIN
        BEGIN
        BEGIN {db.pool_wait_us=_}
        BEGIN {db.pool_wait_us=_}
        DELETE items {db.rows_affected=0}
        DELETE items {db.rows_affected=0}
        SAVEPOINT
        ROLLBACK
        DELETE items {db.rows_affected=0}
        "
    );
}

pub(super) async fn code_generic_over_the_database_compiles_and_runs(on: Fixture<Db>) {
    // The bounds that such code has with sqlx alone, and `TracedDb` in place of `Database`.
    async fn names<DB>(pool: &TracedPool<DB>) -> Result<Vec<String>, sqlx::Error>
    where
        DB: TracedDb,
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        for<'q> DB::Arguments: sqlx::IntoArguments<DB>,
        for<'r> String: sqlx::Decode<'r, DB> + sqlx::Type<DB>,
        for<'r> &'r str: sqlx::ColumnIndex<DB::Row>,
    {
        let mut tx = pool.begin().await?;
        let rows = sqlx::query("SELECT name FROM items")
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        sqlx::query("SELECT name FROM items").execute(pool).await?;
        rows.iter().map(|row| row.try_get("name")).collect()
    }

    fill(&on, 2).await;
    assert_eq!(names(&on.pool).await.unwrap(), ["x", "x"]);
    assert_trace!(
        on.test,
        "
        BEGIN {db.pool_wait_us=_}
        SELECT items {db.rows_returned=2}
        COMMIT
        SELECT items {db.pool_wait_us=_, db.rows_returned=2}
        "
    );
}
