//! PostgreSQL: one server, a database for each test.

use std::future::Future;
use std::sync::OnceLock;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Pool, Postgres};

use super::{Fixture, Tally, block_on};
use crate::server::{self, Server};

#[expect(clippy::duplicate_mod, reason = "the same tests on another database")]
#[path = "../concurrent.rs"]
mod concurrent;
#[expect(clippy::duplicate_mod, reason = "the same tests on another database")]
#[path = "../suite.rs"]
mod suite;

#[path = "../aborted.rs"]
mod aborted;
#[path = "../listener.rs"]
mod listener;

pub(crate) type Db = Postgres;
pub(crate) static TALLY: Tally = Tally::new("postgres");

pub(crate) const INSERT: &str = "INSERT INTO items (id, name) VALUES ($1, $2)";
pub(crate) const BY_ID: &str = "SELECT id, name FROM items WHERE id = $1";
pub(crate) const SLOW: &str = "SELECT count(*) FROM pg_sleep(30)";
pub(crate) const SLOW_NAME: &str = "SELECT pg_sleep";
pub(crate) const DUPLICATE: &[&str] = &["db.constraint=items_pkey", "db.sqlstate=\"23505\""];
pub(crate) const NO_TABLE: &str = "db.sqlstate=\"42P01\"";
/// A statement that fails with a message of its own.
pub(crate) const RAISE: &str = "DO $$ BEGIN RAISE EXCEPTION 'user % gone', 'secret'; END $$";
/// A statement that begins a transaction in a way of its own, and what its span is called.
pub(crate) const BEGIN_WITH: (&str, &str) = ("BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN");
/// Whether it is told that a statement was prepared.
pub(crate) const PREPARES: bool = true;
pub(crate) const TAGS: &[(&str, &str)] = &[
    ("db.type", "postgresql"),
    ("db.user", "postgres"),
    ("peer.ipv4", "127.0.0.1"),
];

pub(crate) const CONNECTION_ID: &str = "SELECT pg_backend_pid()::bigint";
pub(crate) const OWN_TEXT: &str = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()";
/// The timeout of a statement, set and then met, and what the database says of it.
pub(crate) const SET_TIMEOUT: &str = "SET statement_timeout = '50ms'";
pub(crate) const TIMED_OUT: &str = "57014";
pub(crate) const KILLED: &str = "57P01";
pub(crate) const DEADLOCK: &str = "40P01";

/// Has a row while the connection runs [`SLOW`].
pub(crate) fn running(id: i64) -> String {
    format!("SELECT 1 FROM pg_stat_activity WHERE pid = {id} AND wait_event = 'PgSleep'")
}

pub(crate) fn kill(id: i64) -> String {
    format!("SELECT pg_terminate_backend({id})")
}

const SCRIPT: &str = include_str!("postgres.sh");

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| server::start("PostgreSQL", SCRIPT))
}

/// Options that no connection can be made with.
pub(crate) fn broken(options: PgConnectOptions) -> PgConnectOptions {
    options.database("nowhere")
}

pub(crate) fn run<T: Future<Output = ()>>(all: usize, test: impl FnOnce(Fixture<Db>) -> T) {
    let version = with_database(PgPoolOptions::new().max_connections(4), test);
    TALLY.pass(all, &version);
}

/// Runs a test that only some backends have.
pub(crate) fn run_uncounted<T: Future<Output = ()>>(test: impl FnOnce(Fixture<Db>) -> T) {
    with_database(PgPoolOptions::new().max_connections(4), test);
}

/// Makes a database for the test; gives the version of the server.
fn with_database<T: Future<Output = ()>>(
    pool: PgPoolOptions,
    test: impl FnOnce(Fixture<Db>) -> T,
) -> String {
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(server().port)
        .username("postgres");
    block_on(async {
        let name = super::database_name();
        let mut admin = PgConnection::connect_with(&options.clone().database("postgres"))
            .await
            .unwrap();
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut admin)
            .await
            .unwrap();
        let version: String = sqlx::query_scalar("SHOW server_version")
            .fetch_one(&mut admin)
            .await
            .unwrap();
        admin.close().await.unwrap();
        let pool: Pool<Postgres> = pool.connect_with(options.database(&name)).await.unwrap();
        sqlx::raw_sql("CREATE TABLE items (id BIGINT PRIMARY KEY, name TEXT NOT NULL)")
            .execute(&pool)
            .await
            .unwrap();
        test(Fixture::new(pool)).await;
        version.split(' ').next().unwrap().to_owned()
    })
}
