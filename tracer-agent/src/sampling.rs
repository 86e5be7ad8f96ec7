//! The sampling strategies that clients with remote sampling ask for, in the form of Jaeger's `SamplingStrategyResponse`.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use crate::query::{Params, json};

/// `/sampling` is asked by Go and Node clients, `/` by Java's and older ones.
pub(crate) fn router(probability: f64) -> Router {
    Router::new()
        .route("/", get(strategy))
        .route("/sampling", get(strategy))
        .with_state(probability)
}

/// One strategy for all services. `service` must be there exactly once, as Jaeger requires.
async fn strategy(State(probability): State<f64>, RawQuery(query): RawQuery) -> Response {
    if Params::parse(query.as_deref()).count("service") != 1 {
        return (
            StatusCode::BAD_REQUEST,
            "'service' parameter must be provided once\n",
        )
            .into_response();
    }
    let strategy = Strategy {
        strategy_type: "PROBABILISTIC",
        probabilistic_sampling: Probabilistic {
            sampling_rate: probability,
        },
    };
    json::response(StatusCode::OK, &strategy)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Strategy {
    strategy_type: &'static str,
    probabilistic_sampling: Probabilistic,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Probabilistic {
    sampling_rate: f64,
}
