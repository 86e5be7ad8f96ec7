//! What many spans have in common, encoded once.

use crate::details::{Details, Limits};
use crate::tag::TagValue;

/// An operation name and tags that many spans share: [applied](crate::Span::apply) to a span they are copied as one,
/// which costs about as much as setting one tag.
///
/// For authors of integrations, whose spans say the same about the same thing again and again.
///
/// ```
/// use tracer_core::{SpanTemplate, active_span, tags};
///
/// let cache = SpanTemplate::new().tag(tags::COMPONENT, "cache").tag(tags::PEER_SERVICE, "redis");
/// let get = cache.clone().operation_name("GET user");
/// active_span().apply(&get).set_tag("hit", true);
/// ```
#[derive(Clone, Debug)]
pub struct SpanTemplate {
    details: Details,
    /// Bytes of the longest value.
    longest: usize,
}

impl SpanTemplate {
    /// A template of nothing.
    #[must_use]
    pub fn new() -> Self {
        // A tracer's own limits hold where the template is applied.
        let limits = Limits {
            tags: usize::MAX,
            logs: 0,
            value_bytes: usize::MAX,
            text_bytes: u32::MAX as usize,
        };
        Self {
            details: Details::new(limits),
            longest: 0,
        }
    }

    /// The same with this operation name.
    #[must_use]
    pub fn operation_name(mut self, name: &str) -> Self {
        self.details.set_name(name);
        self
    }

    /// The same with one more tag; a later value for the same key wins. `sampling.priority` steers nothing here.
    #[must_use]
    pub fn tag<'v>(mut self, key: &str, value: impl Into<TagValue<'v>>) -> Self {
        let value = value.into();
        let length = match &value {
            TagValue::Str(text) => text.len(),
            TagValue::Bytes(bytes) => bytes.len(),
            TagValue::Bool(_) | TagValue::I64(_) | TagValue::F64(_) => 0,
        };
        self.longest = self.longest.max(length);
        self.details.set_tag(key, &value);
        self
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, TagValue<'_>)> {
        self.details.tags()
    }

    /// Puts all of it in the details of a span, as far as their limits allow.
    pub(crate) fn copy_to(&self, details: &mut Details) {
        if !details.take_over(&self.details, self.longest) {
            self.copy_each_to(details);
        }
    }

    #[inline(never)]
    fn copy_each_to(&self, details: &mut Details) {
        if let Some(name) = self.details.name() {
            details.set_name(name);
        }
        for (key, value) in self.details.tags() {
            details.set_tag(key, &value);
        }
    }
}

impl Default for SpanTemplate {
    fn default() -> Self {
        Self::new()
    }
}
