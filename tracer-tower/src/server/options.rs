//! What a server layer is told.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderName;
use tracer_core::{Propagation, Tracer};

use crate::callback::{OnRequest, OnResponse, OperationName, RequestTest, ResponseTest};
use crate::conventions::Conventions;
use crate::header::AllowList;
use crate::method::MethodTemplates;

/// The options of a [`ServerLayer`](super::ServerLayer), shared by all services it makes.
#[derive(Clone, Default)]
pub(super) struct Options {
    pub(super) tracer: Option<Tracer>,
    pub(super) conventions: Conventions,
    pub(super) component: Option<&'static str>,
    pub(super) naming: Naming,
    pub(super) propagation: Option<Box<[Propagation]>>,
    pub(super) public: bool,
    pub(super) trusts_forwarded: bool,
    pub(super) query_keys: Vec<String>,
    pub(super) request_headers: AllowList,
    pub(super) filter: Option<RequestTest>,
    pub(super) on_request: Option<OnRequest>,
    /// Apart, for each exchange has them to its end, and most layers have none.
    pub(super) of_response: Option<Arc<ResponseOptions>>,
    /// The tags that all spans have, and that of their method, made with the first of them.
    pub(super) common: OnceLock<MethodTemplates>,
}

/// What is to be done with responses.
#[derive(Clone, Default)]
pub(super) struct ResponseOptions {
    pub(super) headers: AllowList,
    pub(super) header: Option<HeaderName>,
    pub(super) max_body_time: Option<Duration>,
    pub(super) error_if: Option<ResponseTest>,
    pub(super) on_response: Option<OnResponse>,
}

/// Where operation names come from.
#[derive(Clone, Default)]
pub(super) enum Naming {
    /// The method and the framework's route.
    #[default]
    Route,
    /// The path of a gRPC call.
    Grpc,
    /// The user, who may leave it to the route.
    Custom(OperationName),
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("tracer", &self.tracer)
            .field("conventions", &self.conventions)
            .field("component", &self.component)
            .field("propagation", &self.propagation)
            .field("public", &self.public)
            .field("trusts_forwarded", &self.trusts_forwarded)
            .field("query_keys", &self.query_keys)
            .field("request_headers", &self.request_headers)
            .field("of_response", &self.of_response)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ResponseOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseOptions")
            .field("headers", &self.headers)
            .field("header", &self.header)
            .field("max_body_time", &self.max_body_time)
            .finish_non_exhaustive()
    }
}
