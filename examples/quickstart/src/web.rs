//! The service `web`: what an ordinary service looks like with tracing in it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use sqlx::{Sqlite, SqlitePool};
use tracer_axum::TraceLayer;
use tracer_core::{Tracer, active_span, traced};
use tracer_reqwest::Client;
use tracer_sqlx::TracedPool;

use crate::database;
use crate::pricing::Price;

pub(crate) struct Web {
    pool: TracedPool<Sqlite>,
    http: Client,
    pricing: String,
}

impl Web {
    pub(crate) fn new(pool: &SqlitePool, pricing: &str, tracer: &Tracer) -> Self {
        Self {
            pool: TracedPool::from(pool.clone()).with_tracer(tracer),
            http: Client::new().with_tracer(tracer),
            pricing: pricing.to_owned(),
        }
    }

    pub(crate) fn router(self, tracer: &Tracer) -> Router {
        Router::new()
            .route("/checkout/{user}", post(checkout))
            .with_state(Arc::new(self))
            .layer(TraceLayer::new().with_tracer(tracer))
    }
}

/// One item of a cart.
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) quantity: i64,
}

/// An item and what one of it costs.
pub(crate) struct PricedItem {
    pub(crate) item: Item,
    pub(crate) cents: i64,
}

#[derive(Serialize)]
struct Receipt {
    order: i64,
    total_cents: i64,
    trace_id: String,
}

async fn checkout(
    State(web): State<Arc<Web>>,
    Path(user): Path<String>,
) -> Result<Json<Receipt>, Failure> {
    let cart = database::read_cart(&web.pool, &user).await?;
    let items = price_cart(&web, cart).await?;
    let total_cents = total(&items);
    charge(&user, total_cents).await?;
    let order = database::write_order(&web.pool, &user, &items, total_cents).await?;
    Ok(Json(Receipt {
        order,
        total_cents,
        trace_id: trace_id(),
    }))
}

#[traced(tags(items = cart.len()), err)]
async fn price_cart(web: &Web, cart: Vec<Item>) -> Result<Vec<PricedItem>, Failure> {
    let mut items = Vec::with_capacity(cart.len());
    for item in cart {
        let url = format!("{}/price/{}", web.pricing, item.name);
        let price: Price = web
            .http
            .get(url)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        items.push(PricedItem {
            item,
            cents: price.cents,
        });
    }
    Ok(items)
}

#[traced(tags(items = items.len()), ret)]
fn total(items: &[PricedItem]) -> i64 {
    items
        .iter()
        .map(|priced| priced.cents * priced.item.quantity)
        .sum()
}

/// The card company, which serves everybody but carol.
#[traced(tags(user, amount.cents = total_cents), err)]
async fn charge(user: &str, total_cents: i64) -> Result<(), Failure> {
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    if user == "carol" {
        return Err(Failure::Payment);
    }
    active_span().log((("event", "card charged"), ("cents", total_cents)));
    Ok(())
}

fn trace_id() -> String {
    active_span()
        .context()
        .map(|context| context.trace_id().to_string())
        .unwrap_or_default()
}

/// Why a checkout failed.
#[derive(Debug)]
pub(crate) enum Failure {
    Database(sqlx::Error),
    Pricing(reqwest::Error),
    Payment,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Database(error) => write!(f, "the database failed: {error}"),
            Self::Pricing(error) => write!(f, "the pricing service failed: {error}"),
            Self::Payment => write!(f, "the card company does not answer"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Pricing(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Problem {
            error: String,
            trace_id: String,
        }
        let problem = Problem {
            error: self.to_string(),
            trace_id: trace_id(),
        };
        (StatusCode::SERVICE_UNAVAILABLE, Json(problem)).into_response()
    }
}
