//! Things to do, in SQLite or PostgreSQL.

#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

type Pool = sqlx::AnyPool;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    sqlx::any::install_default_drivers();
    let url = setting("DATABASE_URL", "sqlite:todo.db?mode=rwc");
    let pool = Pool::connect(&url).await?;
    let tables = match url.starts_with("postgres") {
        true => include_str!("../postgres.sql"),
        false => include_str!("../sqlite.sql"),
    };
    sqlx::raw_sql(tables).execute(&pool).await?;

    let app = Router::new()
        .route("/todos", get(list).post(add))
        .route("/todos/{id}/done", put(done))
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind(setting("LISTEN", "127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(told_to_stop())
        .await?;
    Ok(())
}

/// Waits for Ctrl-C, and for SIGTERM where there is such a thing.
async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    tokio::signal::ctrl_c().await.unwrap_or_default();
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

#[derive(Serialize, sqlx::FromRow)]
struct Todo {
    id: i64,
    title: String,
    state: String,
}

#[derive(Deserialize)]
struct NewTodo {
    title: String,
}

async fn list(State(pool): State<Pool>) -> Result<Json<Vec<Todo>>, Failure> {
    let todos = sqlx::query_as("SELECT id, title, state FROM todos ORDER BY id")
        .fetch_all(&pool)
        .await?;
    Ok(Json(todos))
}

async fn add(
    State(pool): State<Pool>,
    Json(new): Json<NewTodo>,
) -> Result<(StatusCode, Json<Todo>), Failure> {
    let todo = sqlx::query_as("INSERT INTO todos (title) VALUES ($1) RETURNING id, title, state")
        .bind(new.title)
        .fetch_one(&pool)
        .await?;
    Ok((StatusCode::CREATED, Json(todo)))
}

async fn done(State(pool): State<Pool>, Path(id): Path<i64>) -> Result<Json<Todo>, Failure> {
    Ok(Json(finish(&pool, id).await?))
}

/// Ticks it off and writes that down, or does neither.
async fn finish(pool: &Pool, id: i64) -> Result<Todo, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let todo =
        sqlx::query_as("UPDATE todos SET state = 'done' WHERE id = $1 RETURNING id, title, state")
            .bind(id)
            .fetch_one(&mut *tx)
            .await?;
    sqlx::query("INSERT INTO history (todo, change) VALUES ($1, 'done')")
        .bind(id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(todo)
}

struct Failure(sqlx::Error);

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self.0 {
            sqlx::Error::RowNotFound => (StatusCode::NOT_FOUND, "no such thing to do\n".to_owned()),
            error => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        }
        .into_response()
    }
}
