//! Code as users of sqlx write it, with only the pool wrapped: macros, `Any`, connections without a pool, migrations.

use sqlx::any::AnyPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Any, FromRow, Sqlite, SqliteConnection, SqliteExecutor};
use tracer_sqlx::{TracedConn, TracedPool, TracedTransaction};
use tracer_testing::{TestTracer, assert_trace};

use crate::backend::block_on;

#[derive(FromRow, Debug, PartialEq)]
struct Item {
    id: i64,
    name: String,
}

fn tracer() -> TestTracer {
    TestTracer::new("shop")
        .hide("component")
        .hide("span.kind")
        .hide("db.pool_wait_us")
        .hide("db.statement")
        .strict()
}

async fn pool(test: &TestTracer) -> TracedPool<Sqlite> {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await
        .unwrap();
    sqlx::raw_sql("CREATE TABLE items (id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL)")
        .execute(&pool)
        .await
        .unwrap();
    TracedPool::from(pool).with_tracer(test.tracer())
}

#[test]
fn macros_that_were_checked_at_compile_time_run_through_the_wrappers() {
    block_on(async {
        let test = tracer().hide("db.type").hide("db.instance");
        let pool = pool(&test).await;
        sqlx::query!("INSERT INTO items (id, name) VALUES (?, ?)", 1, "tea")
            .execute(&pool)
            .await
            .unwrap();
        let mut tx = pool.begin().await.unwrap();
        let item = sqlx::query_as!(Item, "SELECT id, name FROM items WHERE id = ?", 1)
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(
            item,
            Item {
                id: 1,
                name: "tea".to_owned()
            }
        );
        let names = sqlx::query_scalar!("SELECT name FROM items")
            .fetch_all(&mut *tx)
            .await
            .unwrap();
        assert_eq!(names, ["tea"]);
        tx.commit().await.unwrap();
        assert_trace!(
            test,
            "
            INSERT items {db.rows_affected=1}
            BEGIN
            SELECT items {db.rows_returned=1}
            SELECT items {complete=true, db.active_us=_, db.rows_returned=1}
            COMMIT
            "
        );
    });
}

/// A service as it is written with transactions passed down, its type names changed and nothing else.
async fn rename(
    tx: &mut TracedTransaction<'_, Sqlite>,
    id: i64,
    name: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE items SET name = ? WHERE id = ?")
        .bind(name)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    touch(tx).await
}

async fn touch(conn: &mut TracedConn<'_, Sqlite>) -> Result<(), sqlx::Error> {
    count(&mut *conn).await.map(drop)
}

async fn count(executor: impl SqliteExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM items")
        .fetch_one(executor)
        .await
}

#[test]
fn transactions_and_connections_are_passed_down() {
    block_on(async {
        let test = tracer().hide("db.type").hide("db.instance");
        let pool = pool(&test).await;
        let mut tx = pool.begin().await.unwrap();
        rename(&mut tx, 1, "x").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(&pool).await.unwrap(), 0);
        assert_trace!(
            test,
            "
            BEGIN
            UPDATE items {db.rows_affected=0}
            SELECT items {db.rows_returned=1}
            COMMIT
            SELECT items {db.rows_returned=1}
            "
        );
    });
}

#[test]
fn any_database_is_named_by_its_url() {
    block_on(async {
        sqlx::any::install_default_drivers();
        let test = tracer();
        let pool = AnyPoolOptions::new()
            .max_connections(1)
            .connect("sqlite::memory:")
            .await
            .unwrap();
        let pool: TracedPool<Any> = TracedPool::from(pool).with_tracer(test.tracer());
        let one: i32 = sqlx::query_scalar("SELECT 1")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(one, 1);
        let tx = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = pool.begin().await.unwrap();
        sqlx::query("CREATE TABLE a (b INT)")
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.rollback().await.unwrap();
        assert_trace!(
            test,
            "
            SELECT {db.instance=\":memory:\", db.rows_returned=1, db.type=sqlite}
            BEGIN {db.instance=\":memory:\", db.type=sqlite}
            COMMIT {db.instance=\":memory:\", db.type=sqlite}
            BEGIN {db.instance=\":memory:\", db.type=sqlite}
            CREATE TABLE a {db.instance=\":memory:\", db.type=sqlite}
            ROLLBACK {db.instance=\":memory:\", db.type=sqlite}
            "
        );
    });
}

#[test]
fn a_connection_without_a_pool_is_traced_from_connect_to_close() {
    block_on(async {
        let test = tracer().hide("db.type").hide("db.instance");
        let _default = test.tracer().set_default();
        let mut conn = TracedConn::<Sqlite>::connect("sqlite::memory:")
            .await
            .unwrap();
        sqlx::query("SELECT 1").execute(&mut conn).await.unwrap();
        let _raw: &mut SqliteConnection = conn.raw_mut();
        conn.close().await.unwrap();
        assert_trace!(test, "CONNECT\nSELECT {db.rows_returned=1}\nCLOSE");
    });
}

#[test]
fn a_pool_of_its_own_connects_in_a_span() {
    block_on(async {
        let test = tracer().hide("db.type").hide("db.instance");
        let _default = test.tracer().set_default();
        let pool = TracedPool::<Sqlite>::connect("sqlite::memory:")
            .await
            .unwrap();
        assert!(pool.size() > 0 && !pool.is_closed());
        pool.close().await;
        assert!(TracedPool::<Sqlite>::connect_lazy("sqlite::memory:").is_ok());
        assert_trace!(test, "CONNECT");
    });
}

#[test]
fn without_any_tracer_everything_works() {
    block_on(async {
        let test = tracer();
        let pool: TracedPool<Sqlite> = pool(&test).await.into_inner().into();
        let mut tx = pool.begin().await.unwrap();
        rename(&mut tx, 1, "x").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(&pool).await.unwrap(), 0);
        assert_trace!(test, "");
    });
}
