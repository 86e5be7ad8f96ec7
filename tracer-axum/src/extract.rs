//! The extractor of the span of a request.

use std::borrow::Cow;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use tracer_core::{ActiveSpan, Span, SpanContext, TagValue};
use tracer_tower::server;

/// The server span of a request, as an argument of its handler.
///
/// It never rejects a request: without a layer or a tracer it is empty and does nothing.
///
/// ```
/// use tracer_axum::ServerSpan;
///
/// async fn show(span: ServerSpan) {
///     span.set_tag("cache", "miss");
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ServerSpan(Option<server::ServerSpan>);

impl ServerSpan {
    /// The identity of the span: for tasks that go on after the response, and for logs. Empty when nothing is traced.
    #[must_use]
    pub fn context(&self) -> SpanContext {
        self.0
            .as_ref()
            .map(|span| span.context().clone())
            .unwrap_or_else(|| Span::disabled().context())
    }

    /// The span itself, as far as the calling task may change it: while it answers the request.
    #[must_use]
    pub fn span(&self) -> ActiveSpan {
        self.context().active_span()
    }

    /// Sets a tag of the span.
    pub fn set_tag<'v>(
        &self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<TagValue<'v>>,
    ) -> &Self {
        if let Some(span) = &self.0 {
            span.set_tag(key, value);
        }
        self
    }

    /// Changes the operation name. Names are few: never build one of what a stranger chose.
    pub fn set_operation_name(&self, name: impl Into<Cow<'static, str>>) -> &Self {
        if let Some(span) = &self.0 {
            span.set_operation_name(name);
        }
        self
    }
}

impl<S: Sync> FromRequestParts<S> for ServerSpan {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(server::ServerSpan::of(&parts.extensions).cloned()))
    }
}
