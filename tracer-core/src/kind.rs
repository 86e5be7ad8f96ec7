//! The role of a span in a call between services.

use crate::tag::TagValue;

/// The side of a remote call a span stands for: the value of the `span.kind` tag.
///
/// ```
/// # let test = tracer_testing::TestTracer::new("shop");
/// # let tracer = test.tracer();
/// # use tracer_core::SpanKind;
/// tracer.build_span("publish").kind(SpanKind::Producer).start().finish();
/// # tracer_testing::assert_trace!(test, "publish {span.kind=producer}");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SpanKind {
    /// The caller of a remote service.
    Client,
    /// The service that was called.
    Server,
    /// The sender of a message.
    Producer,
    /// The receiver of a message.
    Consumer,
}

impl SpanKind {
    /// The value of the tag.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

impl From<SpanKind> for TagValue<'_> {
    fn from(kind: SpanKind) -> Self {
        kind.as_str().into()
    }
}
