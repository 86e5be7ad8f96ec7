//! SQLite's locks: one connection writes at a time.

use sqlx::Executor;
use tracer_testing::assert_trace;

use super::Db;
use crate::backend::Fixture;

#[test]
fn a_write_that_finds_the_database_locked_says_so() {
    super::with_database(async |on: Fixture<Db>| {
        let mut writing = on.raw.begin_with("BEGIN IMMEDIATE").await.unwrap();
        writing
            .execute("INSERT INTO items (id, name) VALUES (1, 'x')")
            .await
            .unwrap();

        let mut conn = on.pool.acquire().await.unwrap();
        conn.execute("PRAGMA busy_timeout = 0").await.unwrap();
        on.test.forget();
        let insert = "INSERT INTO items (id, name) VALUES (2, 'secret')";
        let error = conn.execute(insert).await.unwrap_err();
        let code = error.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some("5"), "SQLITE_BUSY");
        writing.rollback().await.unwrap();
        conn.execute(insert).await.unwrap();
        assert_trace!(
            on.test,
            "
            INSERT items {db.sqlstate=\"5\", error=true} \
             [event=error, error.kind=database, message=\"database is locked\"]
            INSERT items {db.rows_affected=1}
            "
        );
    });
}
