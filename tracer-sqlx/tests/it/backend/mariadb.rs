//! MariaDB, by sqlx's driver for MySQL: one server, a database for each test.

use std::future::Future;
use std::sync::OnceLock;

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, Connection, MySql, MySqlConnection, Pool};

use super::{Fixture, Tally, block_on};
use crate::server::{self, Server};

#[path = "../concurrent.rs"]
mod concurrent;
#[path = "../suite.rs"]
mod suite;

pub(crate) type Db = MySql;
pub(crate) static TALLY: Tally = Tally::new("mariadb");

pub(crate) const INSERT: &str = "INSERT INTO items (id, name) VALUES (?, ?)";
pub(crate) const BY_ID: &str = "SELECT id, name FROM items WHERE id = ?";
pub(crate) const SLOW: &str = "SELECT sleep(30)";
pub(crate) const SLOW_NAME: &str = "SELECT";
pub(crate) const DUPLICATE: &[&str] = &["db.sqlstate=\"23000\""];
pub(crate) const NO_TABLE: &str = "db.sqlstate=\"42S02\"";
/// A statement that fails with a message of its own.
pub(crate) const RAISE: &str = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'user secret gone'";
/// A statement that begins a transaction in a way of its own, and what its span is called.
pub(crate) const BEGIN_WITH: (&str, &str) = ("START TRANSACTION READ ONLY", "START");
/// Whether it is told that a statement was prepared.
pub(crate) const PREPARES: bool = true;
pub(crate) const TAGS: &[(&str, &str)] = &[
    ("db.type", "mysql"),
    ("db.user", "root"),
    ("peer.ipv4", "127.0.0.1"),
];

pub(crate) const CONNECTION_ID: &str = "SELECT CAST(connection_id() AS SIGNED)";
pub(crate) const OWN_TEXT: &str =
    "SELECT CAST(info AS CHAR) FROM information_schema.processlist WHERE id = connection_id()";
pub(crate) const SET_TIMEOUT: &str = "SET max_statement_time = 0.05";
pub(crate) const TIMED_OUT: &str = "70100";
pub(crate) const KILLED: &str = "70100";
pub(crate) const DEADLOCK: &str = "40001";

/// Has a row while the connection runs [`SLOW`].
pub(crate) fn running(id: i64) -> String {
    format!("SELECT 1 FROM information_schema.processlist WHERE id = {id} AND state = 'User sleep'")
}

pub(crate) fn kill(id: i64) -> String {
    format!("KILL {id}")
}

const SCRIPT: &str = r#"
PATH=$PATH:/usr/sbin:/usr/local/sbin
user=$([ "$(id -u)" != 0 ] || echo --user=mysql)
serve() {
    mkdir "$dir/data" && { [ "$(id -u)" != 0 ] || chown mysql "$dir/data"; } || exit 1
    mariadb-install-db --no-defaults $user --datadir="$dir/data" --auth-root-authentication-method=normal --skip-test-db || exit 1
    exec mariadbd --no-defaults $user --datadir="$dir/data" --bind-address=127.0.0.1 --port="$port" \
        --socket="$dir/data/socket" --pid-file="$dir/data/pid" --skip-name-resolve --skip-log-bin \
        --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=16M --max-connections=200
}
ready() { mariadb-admin --no-defaults --protocol=tcp -h 127.0.0.1 -P "$port" -u root ping; }
"#;

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| server::start("MariaDB", SCRIPT))
}

/// Options that no connection can be made with.
pub(crate) fn broken(options: MySqlConnectOptions) -> MySqlConnectOptions {
    options.database("nowhere")
}

pub(crate) fn run<T: Future<Output = ()>>(all: usize, test: impl FnOnce(Fixture<Db>) -> T) {
    let version = with_database(MySqlPoolOptions::new().max_connections(4), test);
    TALLY.pass(all, &version);
}

/// Runs a test that only some backends have.
pub(crate) fn run_uncounted<T: Future<Output = ()>>(test: impl FnOnce(Fixture<Db>) -> T) {
    with_database(MySqlPoolOptions::new().max_connections(4), test);
}

/// Makes a database for the test; gives the version of the server.
fn with_database<T: Future<Output = ()>>(
    pool: MySqlPoolOptions,
    test: impl FnOnce(Fixture<Db>) -> T,
) -> String {
    let options = MySqlConnectOptions::new()
        .host("127.0.0.1")
        .port(server().port)
        .username("root");
    block_on(async {
        let name = super::database_name();
        let mut admin = MySqlConnection::connect_with(&options).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut admin)
            .await
            .unwrap();
        let version: String = sqlx::query_scalar("SELECT version()")
            .fetch_one(&mut admin)
            .await
            .unwrap();
        admin.close().await.unwrap();
        let pool: Pool<MySql> = pool.connect_with(options.database(&name)).await.unwrap();
        sqlx::raw_sql("CREATE TABLE items (id BIGINT PRIMARY KEY, name VARCHAR(100) NOT NULL)")
            .execute(&pool)
            .await
            .unwrap();
        test(Fixture::new(pool)).await;
        version.split('-').next().unwrap().to_owned()
    })
}
