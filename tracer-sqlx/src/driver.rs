//! The calls into sqlx's drivers, one implementation for each.
//!
//! Why not a bound `for<'c> &'c mut DB::Connection: Executor<'c>` on the wrappers: the wrappers are executors themselves,
//! and rustc, asked whether such a bound holds in a function of the user's that has it too, looks for ever (E0275). A
//! trait that carries the calls needs no such bound.

use std::fmt;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use sqlx_core::Either;
use sqlx_core::connection::Connection;
use sqlx_core::database::Database;
use sqlx_core::describe::Describe;
use sqlx_core::error::Error;
use sqlx_core::executor::Execute;
use sqlx_core::pool::Pool;
use sqlx_core::sql_str::SqlStr;

use crate::endpoint::Endpoint;

/// What a driver's statement gives: rows, and for each statement what it changed.
pub(crate) type Step<DB> = Either<<DB as Database>::QueryResult, <DB as Database>::Row>;

/// What a query runs on.
pub enum On<'p, 'c, DB: Database> {
    Pool(&'p Pool<DB>),
    Connection(&'c mut DB::Connection),
}

impl<DB: Database> fmt::Debug for On<'_, '_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pool(_) => "Pool",
            Self::Connection(_) => "Connection",
        })
    }
}

/// A database whose pools can be traced: `Postgres`, `MySql`, `Sqlite` and `Any`, each behind the feature of its name.
///
/// This is the bound for functions that are generic over the database: `fn load<DB: TracedDb>(pool: &TracedPool<DB>)`. Its
/// methods are no part of the interface, and nobody else can implement it.
pub trait TracedDb: Database + sealed::Sealed {
    #[doc(hidden)]
    fn endpoint(options: &<Self::Connection as Connection>::Options) -> Endpoint;

    #[doc(hidden)]
    fn rows_affected(result: &Self::QueryResult) -> u64;

    /// How many prepared statements the connection keeps, where preparing is a way to the server and back.
    #[doc(hidden)]
    fn cached_statements(connection: &Self::Connection) -> usize;

    #[doc(hidden)]
    fn execute<'c: 'e, 'e, 'q: 'e, E: Execute<'q, Self> + 'q>(
        on: On<'_, 'c, Self>,
        query: E,
    ) -> BoxFuture<'e, Result<Self::QueryResult, Error>>;

    #[doc(hidden)]
    fn fetch_many<'c: 'e, 'e, 'q: 'e, E: Execute<'q, Self> + 'q>(
        on: On<'_, 'c, Self>,
        query: E,
    ) -> BoxStream<'e, Result<Step<Self>, Error>>;

    #[doc(hidden)]
    fn fetch_all<'c: 'e, 'e, 'q: 'e, E: Execute<'q, Self> + 'q>(
        on: On<'_, 'c, Self>,
        query: E,
    ) -> BoxFuture<'e, Result<Vec<Self::Row>, Error>>;

    #[doc(hidden)]
    fn fetch_optional<'c: 'e, 'e, 'q: 'e, E: Execute<'q, Self> + 'q>(
        on: On<'_, 'c, Self>,
        query: E,
    ) -> BoxFuture<'e, Result<Option<Self::Row>, Error>>;

    #[doc(hidden)]
    fn prepare_with<'e>(
        connection: &'e mut Self::Connection,
        sql: SqlStr,
        parameters: &'e [Self::TypeInfo],
    ) -> BoxFuture<'e, Result<Self::Statement, Error>>;

    #[doc(hidden)]
    fn describe(
        connection: &mut Self::Connection,
        sql: SqlStr,
    ) -> BoxFuture<'_, Result<Describe<Self>, Error>>;
}

mod sealed {
    pub trait Sealed {}
}

#[cfg(any(
    feature = "any",
    feature = "mysql",
    feature = "postgres",
    feature = "sqlite"
))]
macro_rules! run {
    ($name:ident gives $Boxed:ident of $Output:ty) => {
        fn $name<'c: 'e, 'e, 'q: 'e, E: Execute<'q, Self> + 'q>(
            on: On<'_, 'c, Self>,
            query: E,
        ) -> $Boxed<'e, Result<$Output, Error>> {
            match on {
                On::Pool(pool) => sqlx_core::executor::Executor::$name(pool, query),
                On::Connection(connection) => {
                    sqlx_core::executor::Executor::$name(connection, query)
                }
            }
        }
    };
}

macro_rules! driver {
    ($feature:literal, $DB:ty, $options:ident => $endpoint:expr, $connection:ident caches $cached:expr) => {
        #[cfg(feature = $feature)]
        impl sealed::Sealed for $DB {}

        #[cfg(feature = $feature)]
        impl TracedDb for $DB {
            fn endpoint($options: &<Self::Connection as Connection>::Options) -> Endpoint {
                use crate::sql::Dialect;
                $endpoint
            }

            fn rows_affected(result: &Self::QueryResult) -> u64 {
                result.rows_affected()
            }

            fn cached_statements($connection: &Self::Connection) -> usize {
                $cached
            }

            run!(execute gives BoxFuture of Self::QueryResult);
            run!(fetch_many gives BoxStream of Step<Self>);
            run!(fetch_all gives BoxFuture of Vec<Self::Row>);
            run!(fetch_optional gives BoxFuture of Option<Self::Row>);

            fn prepare_with<'e>(
                connection: &'e mut Self::Connection,
                sql: SqlStr,
                parameters: &'e [Self::TypeInfo],
            ) -> BoxFuture<'e, Result<Self::Statement, Error>> {
                sqlx_core::executor::Executor::prepare_with(connection, sql, parameters)
            }

            fn describe(
                connection: &mut Self::Connection,
                sql: SqlStr,
            ) -> BoxFuture<'_, Result<Describe<Self>, Error>> {
                sqlx_core::executor::Executor::describe(connection, sql)
            }
        }
    };
}

driver!("postgres", sqlx_postgres::Postgres, options => {
    // Without a name PostgreSQL takes the database named as the user.
    Endpoint::new("postgresql", Dialect::Postgres)
        .instance(options.get_database().or(Some(options.get_username())))
        .user(options.get_username())
        .peer(options.get_host(), options.get_port(), options.get_socket().map(|path| path.as_path()))
}, connection caches connection.cached_statements_size());

driver!("mysql", sqlx_mysql::MySql, options => {
    Endpoint::new("mysql", Dialect::MySql)
        .instance(options.get_database())
        .user(options.get_username())
        .peer(options.get_host(), options.get_port(), options.get_socket().map(|path| path.as_path()))
}, connection caches connection.cached_statements_size());

// SQLite prepares where it runs, and tells how many it keeps a moment too late.
driver!("sqlite", sqlx_sqlite::Sqlite, options => {
    Endpoint::new("sqlite", Dialect::Sqlite).file(options.get_filename())
}, _connection caches 0);

// `Any` does not ask the driver under it.
driver!("any", sqlx_core::any::Any, options => {
    use crate::endpoint::decoded;
    let url = &options.database_url;
    let (db_type, dialect, port) = match url.scheme() {
        "postgres" | "postgresql" => ("postgresql", Dialect::Postgres, 5432),
        "mysql" | "mariadb" => ("mysql", Dialect::MySql, 3306),
        _ => ("sqlite", Dialect::Sqlite, 0),
    };
    let path = if dialect == Dialect::Sqlite {
        url.as_str().trim_start_matches("sqlite:").trim_start_matches("//").split('?').next().unwrap_or_default()
    } else {
        url.path().trim_start_matches('/')
    };
    let endpoint = Endpoint::new(db_type, dialect).instance(Some(&decoded(path))).user(&decoded(url.username()));
    match url.host_str() {
        Some(host) if dialect != Dialect::Sqlite => endpoint.peer(host, url.port().unwrap_or(port), None),
        _ => endpoint,
    }
}, _connection caches 0);
