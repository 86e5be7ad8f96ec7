//! The handle of a request's span, for whoever has the request.

use std::borrow::Cow;

use http::Extensions;
use tracer_core::{ActiveSpan, SpanContext, TagValue};

use crate::refused;

/// The server span of a request, in the extensions of the request.
///
/// Its [`context`](Self::context) may be kept and carried anywhere. The setters work while the request is being answered,
/// on the task that does it: in layers, extractors, the handler, and while the body is produced. From other tasks, and
/// after the response, they do nothing.
///
/// ```
/// use tracer_tower::server::ServerSpan;
///
/// fn answer(request: &http::Request<()>) {
///     if let Some(span) = ServerSpan::of(request.extensions()) {
///         span.set_tag("cache", "miss");
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ServerSpan {
    context: SpanContext,
}

impl ServerSpan {
    pub(super) fn new(context: SpanContext) -> Self {
        Self { context }
    }

    /// In the place of the span of a request that a layer did not want, so that layers inside do not either.
    pub(super) fn unwanted() -> Self {
        Self::new(refused::context())
    }

    /// What a layer outside has left for this one.
    pub(super) fn of_layer(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// The server span of the request with these extensions; `None` without a layer, without a tracer, and where the
    /// layer's filter did not want it.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        Self::of_layer(extensions).filter(|span| span.context.is_valid())
    }

    /// The identity of the span: for tasks that go on after the response, and for logs.
    #[must_use]
    pub fn context(&self) -> &SpanContext {
        &self.context
    }

    /// The span itself, as far as this task may change it.
    #[must_use]
    pub fn span(&self) -> ActiveSpan {
        self.context.active_span()
    }

    /// Sets a tag of the span.
    pub fn set_tag<'v>(
        &self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<TagValue<'v>>,
    ) -> &Self {
        self.span().set_tag(key, value);
        self
    }

    /// Changes the operation name. Names are few: never build one of what a stranger chose.
    pub fn set_operation_name(&self, name: impl Into<Cow<'static, str>>) -> &Self {
        self.span().set_operation_name(name);
        self
    }
}
