//! What a tracer says of the process it runs in.

use std::borrow::Cow;

use crate::id;
use crate::tag::TagValue;

/// The tag by which agents tell the batches of one client from another's.
pub(crate) const CLIENT_UUID: &str = "client-uuid";

/// Draws one.
pub(crate) fn client_uuid() -> TagValue<'static> {
    format!("{:016x}", id::draw()).into()
}

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

    pub(crate) fn set_tag(&mut self, key: &'static str, value: TagValue<'static>) {
        match self.tags.iter_mut().find(|(known, _)| known == key) {
            Some(tag) => tag.1 = value,
            None => self.tags.push((key.into(), value)),
        }
    }
}
