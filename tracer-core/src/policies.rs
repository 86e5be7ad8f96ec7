//! What a tracer keeps to beside its sampler, and what asks an agent for it all.

use std::sync::Arc;
use std::time::Instant;

use crate::baggage_policy::{BaggagePolicy, BaggageRules};
use crate::debug_throttle::{DebugThrottle, Throttle};
use crate::poll::Polling;
use crate::process::{CLIENT_UUID, Process};
use crate::sampler::Sampler;

/// Made anew in the child of a fork.
#[derive(Default)]
pub(crate) struct Policies {
    /// Keeps the sampler up to date.
    pub(crate) sampler: Polling,
    baggage: Option<Arc<BaggageRules>>,
    pub(crate) baggage_polling: Polling,
    debug: Option<Arc<Throttle>>,
    pub(crate) debug_polling: Polling,
}

impl Policies {
    /// Those of a tracer whose sampler is kept up to date by `sampler`.
    pub(crate) fn start(
        sampler: Polling,
        baggage: Option<BaggagePolicy>,
        debug: Option<DebugThrottle>,
        process: &Process,
    ) -> Self {
        Self {
            sampler,
            baggage: baggage.map(|policy| Arc::new(BaggageRules::new(policy))),
            debug: debug.map(|throttle| Arc::new(Throttle::new(throttle))),
            ..Self::default()
        }
        .polling(process)
    }

    /// Those of a forked child.
    pub(crate) fn for_child(&self, sampler: &Sampler, process: &Process) -> Self {
        Self {
            sampler: sampler.start_in_child(process.service_name()),
            baggage: self.baggage.clone(),
            debug: self
                .debug
                .as_ref()
                .map(|throttle| Arc::new(throttle.for_child())),
            ..Self::default()
        }
        .polling(process)
    }

    fn polling(mut self, process: &Process) -> Self {
        let service = process.service_name();
        if let Some(rules) = &self.baggage {
            self.baggage_polling = rules.poll(service);
        }
        if let Some(throttle) = &self.debug {
            let uuid = process.tags().find(|(key, _)| *key == CLIENT_UUID);
            let uuid = uuid.and_then(|(_, value)| value.as_str());
            self.debug_polling = throttle.poll(service, uuid.unwrap_or_default());
        }
        self
    }

    /// Waits until all was asked once, but not beyond `deadline`.
    pub(crate) fn wait_first(&self, deadline: Instant) {
        self.sampler.wait_first(deadline);
        self.baggage_polling.wait_first(deadline);
    }

    /// The bytes that the value of a baggage item may have; `None` if its key is not allowed.
    pub(crate) fn room_for_baggage(&self, key: &str) -> Option<usize> {
        match &self.baggage {
            Some(rules) => rules.room(key),
            None => Some(usize::MAX),
        }
    }

    /// Whether an operation may begin a debug trace.
    pub(crate) fn allow_debug(&self, operation: &str) -> bool {
        self.debug
            .as_ref()
            .is_none_or(|throttle| throttle.allows(operation))
    }
}
