//! The database: carts and orders in SQLite, through the traced pool.

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Sqlite, SqlitePool};
use tracer_core::traced;
use tracer_sqlx::TracedPool;

use crate::web::{Item, PricedItem};

const SCHEMA: &str = "
    CREATE TABLE carts (user TEXT NOT NULL, item TEXT NOT NULL, quantity INTEGER NOT NULL);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, user TEXT NOT NULL, total_cents INTEGER NOT NULL);
    CREATE TABLE order_lines (order_id INTEGER NOT NULL, item TEXT NOT NULL, quantity INTEGER NOT NULL);
    INSERT INTO carts VALUES ('alice', 'bread', 2), ('alice', 'cheese', 1), ('alice', 'olives', 3);
    INSERT INTO carts VALUES ('bob', 'truffle', 1), ('bob', 'bread', 1);
    INSERT INTO carts VALUES ('carol', 'cheese', 4);
";

/// A database in memory: one connection that is never given up.
pub(crate) async fn open() -> Result<SqlitePool, sqlx::Error> {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(SqliteConnectOptions::new().in_memory(true))
        .await?;
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    Ok(pool)
}

#[traced(tags(user), err)]
pub(crate) async fn read_cart(
    pool: &TracedPool<Sqlite>,
    user: &str,
) -> Result<Vec<Item>, sqlx::Error> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT item, quantity FROM carts WHERE user = ?")
            .bind(user)
            .fetch_all(pool)
            .await?;
    Ok(rows
        .into_iter()
        .map(|(name, quantity)| Item { name, quantity })
        .collect())
}

#[traced(tags(user), err)]
pub(crate) async fn write_order(
    pool: &TracedPool<Sqlite>,
    user: &str,
    items: &[PricedItem],
    total_cents: i64,
) -> Result<i64, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let order = sqlx::query("INSERT INTO orders (user, total_cents) VALUES (?, ?)")
        .bind(user)
        .bind(total_cents)
        .execute(&mut *transaction)
        .await?
        .last_insert_rowid();
    for PricedItem { item, .. } in items {
        sqlx::query("INSERT INTO order_lines (order_id, item, quantity) VALUES (?, ?, ?)")
            .bind(order)
            .bind(&item.name)
            .bind(item.quantity)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(order)
}
