//! The functions that users give to the layers.

use std::borrow::Cow;
use std::sync::Arc;

use tracer_core::Span;

use crate::head::{RequestHead, ResponseHead};

pub(crate) type RequestTest = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;
pub(crate) type ResponseTest = Arc<dyn Fn(&ResponseHead<'_>) -> bool + Send + Sync>;
pub(crate) type OperationName =
    Arc<dyn Fn(&RequestHead<'_>) -> Option<Cow<'static, str>> + Send + Sync>;
pub(crate) type OnRequest = Arc<dyn Fn(&RequestHead<'_>, &mut Span) + Send + Sync>;
pub(crate) type OnResponse = Arc<dyn Fn(&ResponseHead<'_>, &mut Span) + Send + Sync>;
