use crate::id::TraceId; use crate::record::{SamplerTags,SamplerKind}; use crate::tag::TagValue; use crate::InitError; use std::borrow::Cow;
#[derive(Clone, Debug)] pub struct Sampler(bool);
pub(crate) struct Verdict { pub(crate) sampled: bool, pub(crate) tags: Option<SamplerTags>, pub(crate) custom_tags: Vec<(Cow<'static, str>, TagValue<'static>)> }
pub(crate) struct Polling;
impl Polling { pub(crate) fn wait_first(&self, _: std::time::Duration) {} }
impl Sampler { pub fn constant(b: bool) -> Self { Self(b) } pub fn remote(_: String) -> Result<Self, InitError> { Ok(Self(false)) }
 pub(crate) fn start(&self, _: &str) -> Polling { Polling }
 pub(crate) fn decide(&self, _: TraceId, _: &str) -> Verdict { Verdict { sampled: self.0, tags: Some(SamplerTags { kind: SamplerKind::Const, param: 1.0 }), custom_tags: vec![] } } }
