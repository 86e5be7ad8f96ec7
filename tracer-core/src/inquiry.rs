//! Asking a sampler again that had not decided.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::held::LocalTrace;
use crate::id::TraceId;
use crate::record::SpanRecord;
use crate::tag::TagValue;

/// What became known of a trace that a [`Sample`](crate::Sample) left undecided.
///
/// ```
/// # use tracer_core::{Change, Sampling, SpanRecord};
/// /// For `Sample::sample_again`: late traces that turn out to be about an order.
/// fn of_orders(change: &Change<'_>) -> Sampling {
///     match change {
///         Change::Tag { key: "order", .. } => Sampling::sampled(),
///         Change::Finished(root) if root.tag("order.total").is_some() => Sampling::sampled(),
///         _ => Sampling::undecided(),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Change<'a> {
    /// A span got another operation name: that of the request.
    OperationName,
    /// A span got a tag.
    Tag {
        /// Its key.
        key: &'a str,
        /// Its value.
        value: &'a TagValue<'a>,
    },
    /// The local root ended: the last time to decide. What is still undecided after it is refused.
    Finished(&'a SpanRecord),
}

/// A sampler that may be asked again.
pub(crate) trait Reconsider: Send + Sync + fmt::Debug {
    /// Decides on the trace of an inquiry, or leaves it undecided. Runs code of the user's: nothing of ours may be borrowed
    /// or locked.
    fn reconsider(&self, inquiry: &Inquiry, change: &Change<'_>);
}

/// The span of an undecided trace that something became known of.
#[derive(Debug)]
pub(crate) struct Inquiry {
    pub(crate) trace: Arc<LocalTrace>,
    pub(crate) trace_id: TraceId,
    pub(crate) operation_name: Cow<'static, str>,
    pub(crate) is_local_root: bool,
}

impl Inquiry {
    /// About a span; `None` if its trace is decided.
    pub(crate) fn about(record: &SpanRecord) -> Option<Self> {
        let trace = record.context.local_trace()?;
        if !trace.is_undecided() {
            return None;
        }
        let name = match record.given_name() {
            Some(name) => Cow::Owned(name.to_owned()),
            None => Cow::Borrowed(record.name.text()),
        };
        Some(Self {
            trace: Arc::clone(trace),
            trace_id: record.context.trace_id,
            operation_name: name,
            is_local_root: record.is_local_root(),
        })
    }

    /// Asks the sampler.
    pub(crate) fn make(&self, change: &Change<'_>) {
        if let Some(sampler) = self.trace.sampler() {
            sampler.reconsider(self, change);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::mem::ManuallyDrop;
    use std::thread;

    use super::Change;
    use crate::tree::Test;
    use crate::{Sample, Sampler, Sampling, SamplingRequest};

    /// Takes what ends.
    #[derive(Debug)]
    struct AtTheEnd;

    impl Sample for AtTheEnd {
        fn sample(&self, _: &SamplingRequest<'_>) -> Sampling {
            Sampling::undecided()
        }

        fn sample_again(&self, _: &SamplingRequest<'_>, change: &Change<'_>) -> Sampling {
            match change {
                Change::Finished(_) => Sampling::sampled(),
                Change::OperationName | Change::Tag { .. } => Sampling::undecided(),
            }
        }
    }

    #[test]
    fn sampler_is_asked_about_a_root_that_ends_with_its_thread() {
        let test = Test::new(|builder| builder.sampler(Sampler::custom(AtTheEnd)));
        let leak = || {
            let root = test.tracer.start_active_span("root");
            test.tracer.start_active_span("child").finish();
            let _leaked = ManuallyDrop::new(root);
        };
        thread::scope(|scope| scope.spawn(leak).join()).unwrap();
        assert_eq!(test.take(), "root\n  child\n");
    }
}
