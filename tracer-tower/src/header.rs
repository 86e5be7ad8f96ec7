//! Headers as tags, by allow-list.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};
use tracer_core::Span;

/// The headers of one direction that may be recorded, each with the name of its tag.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowList(Vec<(HeaderName, String)>);

impl AllowList {
    /// Allows `name`, which becomes the tag `http.{direction}.header.{name}`.
    pub(crate) fn add(&mut self, direction: &str, name: HeaderName) {
        let tag = format!("http.{direction}.header.{name}");
        self.0.push((name, tag));
    }

    /// Tags a span with the allowed headers that are there. Values marked as sensitive are left out all the same.
    #[inline]
    pub(crate) fn set_tags(&self, span: &mut Span, headers: &HeaderMap) {
        if !self.0.is_empty() {
            self.set_allowed(span, headers);
        }
    }

    fn set_allowed(&self, span: &mut Span, headers: &HeaderMap) {
        for (name, tag) in &self.0 {
            let mut values = headers
                .get_all(name)
                .iter()
                .filter(|value| !value.is_sensitive());
            let Some(first) = values.next() else { continue };
            let mut text = String::from_utf8_lossy(first.as_bytes());
            for more in values {
                let text = text.to_mut();
                text.push_str(", ");
                text.push_str(&String::from_utf8_lossy(more.as_bytes()));
            }
            span.set_tag(tag.clone(), Cow::as_ref(&text));
        }
    }
}
