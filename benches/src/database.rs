//! The database of the rows about queries: SQLite in memory, on one connection.

use std::sync::OnceLock;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Executor, Sqlite, SqlitePool};
use tokio::runtime::Runtime;

use crate::contender::Run;

struct Database {
    runtime: Runtime,
    pool: SqlitePool,
}

/// The pool, the same for the query with and without tracing.
pub(crate) fn pool() -> &'static SqlitePool {
    &database().pool
}

/// A loop over a query of one row through `pool`.
pub(crate) fn queries<E>(pool: &'static E) -> Option<Run>
where
    &'static E: Executor<'static, Database = Sqlite>,
{
    let runtime = &database().runtime;
    Some(Box::new(move |n| {
        runtime.block_on(async {
            for _ in 0..n {
                let name: String = sqlx::query_scalar("SELECT name FROM items WHERE id = ?")
                    .bind(1_i64)
                    .fetch_one(pool)
                    .await
                    .expect("the table has that row");
                assert_eq!(name, "bread");
            }
        });
    }))
}

fn database() -> &'static Database {
    static DATABASE: OnceLock<Database> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a clock needs nothing of the machine");
        let pool = runtime
            .block_on(open())
            .expect("memory is all the database needs");
        Database { runtime, pool }
    })
}

async fn open() -> Result<SqlitePool, sqlx::Error> {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(SqliteConnectOptions::new().in_memory(true))
        .await?;
    pool.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO items VALUES (1, 'bread')")
        .await?;
    Ok(pool)
}
