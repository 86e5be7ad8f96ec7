//! Which traces have a service, and an operation of it.
//!
//! Names come from the network, so their number is bounded: beyond it, and for names of absurd length, traces are filed
//! under [`OVERFLOW`]. They are found all the same: a search for a name that has no list of its own goes through the
//! overflow list and compares the spans themselves. (A name that gets a list later, when others were evicted, is
//! searched in that list only: the traces filed before it are found by id.)

use std::collections::{BTreeSet, HashMap};

use crate::model::Span;

/// The name that stands for all names beyond the bounds.
pub(crate) const OVERFLOW: &str = "__overflow__";

const MAX_SERVICES: usize = 500;
const MAX_OPERATIONS_PER_SERVICE: usize = 2_000;
const MAX_OPERATIONS: usize = 20_000;
const MAX_NAME: usize = 256;

/// Keys of traces, the newest last.
type Keys = BTreeSet<u64>;

#[derive(Debug, Default)]
pub(super) struct Index {
    services: HashMap<Box<str>, Service>,
    /// Operations of all services.
    operations: usize,
}

#[derive(Debug, Default)]
struct Service {
    traces: Keys,
    operations: HashMap<Box<str>, Keys>,
}

impl Index {
    /// Files a trace under the names of one of its spans.
    pub(super) fn add(&mut self, span: &Span, key: u64) {
        let service = self.service_name(span.service());
        if !self.services.contains_key(service) {
            self.services.insert(service.into(), Service::default());
        }
        let Some(found) = self.services.get_mut(service) else {
            return;
        };
        found.traces.insert(key);

        let full = self.operations >= MAX_OPERATIONS
            || found.operations.len() >= MAX_OPERATIONS_PER_SERVICE;
        let operation = match &*span.operation {
            name if found.operations.contains_key(name) => name,
            name if full || name.len() > MAX_NAME => OVERFLOW,
            name => name,
        };
        match found.operations.get_mut(operation) {
            Some(keys) => {
                keys.insert(key);
            }
            None => {
                found.operations.insert(operation.into(), Keys::from([key]));
                self.operations += 1;
            }
        }
    }

    /// Takes a trace out of the lists of the names of one of its spans. A name may have been beyond the bounds when the
    /// trace was filed and within them now, so both places are looked at.
    pub(super) fn remove(&mut self, span: &Span, key: u64) {
        for service in [span.service(), OVERFLOW] {
            let Some(found) = self.services.get_mut(service) else {
                continue;
            };
            found.traces.remove(&key);
            for operation in [&*span.operation, OVERFLOW] {
                let Some(keys) = found.operations.get_mut(operation) else {
                    continue;
                };
                keys.remove(&key);
                if keys.is_empty() {
                    found.operations.remove(operation);
                    self.operations -= 1;
                }
            }
            if found.traces.is_empty() {
                self.services.remove(service);
            }
        }
    }

    /// The newest `most` traces before `before` that may have the service and operation, newest first.
    pub(super) fn newest(
        &self,
        service: &str,
        operation: Option<&str>,
        before: u64,
        most: usize,
    ) -> Vec<u64> {
        let find = |service: &str| {
            let found = self.services.get(service)?;
            match operation {
                None => Some(&found.traces),
                Some(name) => found
                    .operations
                    .get(name)
                    .or_else(|| found.operations.get(OVERFLOW)),
            }
        };
        let keys = find(service).or_else(|| find(OVERFLOW));
        keys.map(|keys| keys.range(..before).rev().take(most).copied().collect())
            .unwrap_or_default()
    }

    pub(super) fn services(&self) -> Vec<String> {
        sorted(self.services.keys())
    }

    pub(super) fn operations(&self, service: &str) -> Vec<String> {
        self.services
            .get(service)
            .map(|found| sorted(found.operations.keys()))
            .unwrap_or_default()
    }

    fn service_name<'s>(&self, name: &'s str) -> &'s str {
        let known = self.services.contains_key(name);
        if known || (self.services.len() < MAX_SERVICES && name.len() <= MAX_NAME) {
            name
        } else {
            OVERFLOW
        }
    }
}

fn sorted<'n>(names: impl Iterator<Item = &'n Box<str>>) -> Vec<String> {
    let mut names: Vec<String> = names.map(ToString::to_string).collect();
    names.sort_unstable();
    names
}
