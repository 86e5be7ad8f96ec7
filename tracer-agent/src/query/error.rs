//! Refusals in Jaeger's shape.

use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::json;

/// Why a question has no answer: a status, and one line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryError {
    status: StatusCode,
    message: String,
}

impl QueryError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "making the answer failed",
        )
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

/// A path that is no UTF-8.
impl From<PathRejection> for QueryError {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for QueryError {
    fn into_response(self) -> Response {
        json::error(self.status, &self.message)
    }
}
