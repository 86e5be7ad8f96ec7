//! The service `pricing`: knows what things cost, some of them after a while.

use std::time::Duration;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tracer_axum::TraceLayer;
use tracer_core::{Tracer, traced};

#[derive(Serialize, Deserialize)]
pub(crate) struct Price {
    pub(crate) cents: i64,
}

pub(crate) fn router(tracer: &Tracer) -> Router {
    Router::new()
        .route("/price/{item}", get(price))
        .layer(TraceLayer::new().with_tracer(tracer))
}

async fn price(Path(item): Path<String>) -> Result<Json<Price>, StatusCode> {
    look_up(&item)
        .await
        .map(|cents| Json(Price { cents }))
        .ok_or(StatusCode::NOT_FOUND)
}

#[traced(tags(item))]
async fn look_up(item: &str) -> Option<i64> {
    let (cents, delay) = match item {
        "bread" => (349, 1),
        "cheese" => (799, 2),
        "olives" => (420, 1),
        // Its price is asked for in Alba.
        "truffle" => (12_900, 300),
        _ => return None,
    };
    tokio::time::sleep(Duration::from_millis(delay)).await;
    Some(cents)
}
