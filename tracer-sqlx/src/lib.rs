//! Spans for the queries of sqlx: wrap the pool, and the database is in the trace.
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")] async fn run() -> Result<(), sqlx::Error> {
//! type Pool = tracer_sqlx::TracedPool<sqlx::Sqlite>; // the only new line: it was `sqlx::SqlitePool`
//! let pool = Pool::connect("sqlite:shop.db").await?;
//!
//! let (total,): (i64,) = sqlx::query_as("SELECT sum(cents) FROM orders WHERE customer = ?")
//!     .bind(7)
//!     .fetch_one(&pool) // a span `SELECT orders`, child of the active span
//!     .await?;
//! # let _ = total; Ok(()) }
//! ```
//!
//! # What is in the trace
//!
//! A span for each query, for each step of a transaction (`BEGIN`, `SAVEPOINT`, `COMMIT`, ...), for each explicit
//! [`acquire`](TracedPool::acquire), and under those `CONNECT` when the pool had to connect for them. Its name is the statement's verb and main table. Its tags say where the query went
//! (`db.type`, `db.instance`, `db.user`, `peer.*`), what it was ([`StatementText`] has the rules), how long it waited for
//! a connection (`db.pool_wait_us`), what came back (`db.rows_returned`, `db.rows_affected`), and how it failed (`error`,
//! `db.sqlstate`, `db.constraint`). A transaction that was dropped open is a log of the span that was active then.
//!
//! The span of a stream (`fetch`) begins when the first row is asked for and ends with the last one, with an error, or when
//! the stream is dropped; `complete` says whether all was read. What the program does between two rows is in its duration,
//! and not in `db.active_us`. A query that is dropped before it is done, as by a timeout, has the tag `cancelled`.
//!
//! # Used as before
//!
//! `&pool`, `&mut tx`, `&mut *tx`, `&mut *conn`, `tx.begin()`, `query!`, `QueryBuilder`, `raw_sql`, `migrate!().run(&pool)`
//! and functions over `impl Executor<'_, Database = DB>` work unchanged. What changes is where code names the types: a
//! `PgPool` becomes a [`TracedPool<Postgres>`](TracedPool), a `Transaction<'_, DB>` a [`TracedTransaction`], a
//! `&mut PgConnection` a `&mut TracedConn<'_, Postgres>`, and code generic over the database has the bound [`TracedDb`].
//!
//! # Cost
//!
//! A query of a trace that is not sampled, or without a tracer, goes to sqlx's own executor as it came: there is nothing to
//! measure. A sampled one takes one to two microseconds, of which its text takes little: what spans say of a statement known at
//! compile time is read once for each pool and kept, for 512 statements at most. Text built at run time is read at each run.
//!
//! # Features
//!
//! `postgres`, `mysql`, `sqlite` and `any`, as in sqlx, and none by default. They compile the implementations for a driver
//! that the application has anyway; runtime, TLS, types and the linking of SQLite are chosen by its features of sqlx.
//!
//! Name every driver that the build has, `any` beside those under it. sqlx's trait `Executor` has one method more with the
//! feature `offline` of `sqlx-core`, which this crate needs to be on; sqlx's `macros` turns it on for all drivers, and
//! without `macros` a driver not named here fails to compile (E0046, `describe`).
//!
//! # What is not in the trace
//!
//! - What runs in sqlx's own types behind the trait `Acquire`, such as the statements of a migration: that they were given a
//!   connection is. [`TracedPool::traced`] brings such a connection back into the trace.
//! - What only sqlx's own connection and pool can do ([`TracedConn::raw_mut`], [`TracedPool::inner`]): `COPY`, `PgListener`, advisory
//!   locks. A span by hand around it tells of it.
//! - The time that preparing a statement took: the driver does it within the first run. `db.prepared=true` tells of it on
//!   PostgreSQL and MySQL, as long as the connection's cache of statements is not full.
//! - Connects of a pool that was made by sqlx and wrapped later, and those that no query waits for ([`TracedPoolOptions`]
//!   has the details).
//! - An error in decoding a row (`query_as`) comes after the query and is not the span's.

mod call;
mod connect;
mod connection;
mod driver;
#[cfg_attr(
    not(any(
        feature = "any",
        feature = "mysql",
        feature = "postgres",
        feature = "sqlite"
    )),
    expect(dead_code, reason = "without a driver there is no pool to describe")
)]
mod endpoint;
mod executor;
mod pool;
mod pool_options;
mod query_span;
mod repeats;
mod request;
mod settings;
mod sql;
mod statement;
mod stream;
mod transaction;

pub use connection::{TracedConn, TracedPoolConnection};
pub use driver::TracedDb;
pub use pool::TracedPool;
pub use pool_options::TracedPoolOptions;
pub use settings::StatementText;
pub use transaction::TracedTransaction;
