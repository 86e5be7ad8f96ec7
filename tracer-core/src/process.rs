//! What a tracer says of the process it runs in.

use std::borrow::Cow;

use crate::tag::TagValue;

/// The service and process tags that go with every batch of spans.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    pub(crate) service_name: Box<str>,
    pub(crate) tags: Vec<(Cow<'static, str>, TagValue<'static>)>,
}

impl Process {
    /// The service's name.
    #[must_use]
    pub fn service_name(&self) -> &str {
        &self.service_name
    }

    /// The process tags, each key once.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &TagValue<'static>)> {
        self.tags.iter().map(|(key, value)| (&**key, value))
    }
}
