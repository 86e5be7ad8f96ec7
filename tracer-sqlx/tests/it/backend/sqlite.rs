//! SQLite, in a file of its own for each test.

use std::future::Future;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Pool, Sqlite};

use super::{Fixture, Tally, block_on};

#[expect(clippy::duplicate_mod, reason = "the same tests on another database")]
#[path = "../suite.rs"]
mod suite;

#[path = "../locked.rs"]
mod locked;

pub(crate) type Db = Sqlite;
pub(crate) static TALLY: Tally = Tally::new("sqlite");

pub(crate) const INSERT: &str = "INSERT INTO items (id, name) VALUES (?, ?)";
pub(crate) const BY_ID: &str = "SELECT id, name FROM items WHERE id = ?";
/// Runs long enough to be interrupted.
pub(crate) const SLOW: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000) SELECT count(*) FROM c";
pub(crate) const SLOW_NAME: &str = "SELECT";
/// What `INSERT`ing an id twice comes to, as tags.
pub(crate) const DUPLICATE: &[&str] = &["db.sqlstate=\"1555\""];
/// The beginning of what selecting from a table that is not there comes to.
pub(crate) const NO_TABLE: &str = "db.sqlstate=\"1\"";
/// A statement that fails with a message of its own.
pub(crate) const RAISE: &str = "CREATE TRIGGER IF NOT EXISTS stays BEFORE DELETE ON items \
     BEGIN SELECT RAISE(ABORT, 'user secret gone'); END; DELETE FROM items";
/// A statement that begins a transaction in a way of its own, and what its span is called.
pub(crate) const BEGIN_WITH: (&str, &str) = ("BEGIN IMMEDIATE", "BEGIN");
/// Whether it is told that a statement was prepared.
pub(crate) const PREPARES: bool = false;
pub(crate) const TAGS: &[(&str, &str)] = &[("db.type", "sqlite")];

/// Options that no connection can be made with.
pub(crate) fn broken(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.filename("/dev/null/nowhere.db")
}

pub(crate) fn run<T: Future<Output = ()>>(all: usize, test: impl FnOnce(Fixture<Db>) -> T) {
    let version = with_database(test);
    TALLY.pass(all, &version);
}

/// Makes a database for the test; gives the version of SQLite.
fn with_database<T: Future<Output = ()>>(test: impl FnOnce(Fixture<Db>) -> T) -> String {
    let directory = tempfile::tempdir().unwrap();
    block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(directory.path().join("shop.db"))
            .create_if_missing(true);
        let pool: Pool<Sqlite> = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .unwrap();
        sqlx::raw_sql("CREATE TABLE items (id BIGINT PRIMARY KEY, name TEXT NOT NULL)")
            .execute(&pool)
            .await
            .unwrap();
        let version: String = sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&pool)
            .await
            .unwrap();
        test(Fixture::new(pool.clone())).await;
        pool.close().await;
        version
    })
}
