//! Which services call which: what Jaeger's UI draws as the architecture of a system, and Grafana as its node graph.
//!
//! Counted when it is asked for, over the traces kept, so it is as old as they are.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Span, Trace};
use crate::store::{OVERFLOW, Query, Store};
use crate::tree;

/// The spans of one service whose parents are spans of another.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dependency<'s> {
    pub(crate) parent: &'s str,
    pub(crate) child: &'s str,
    pub(crate) call_count: u64,
}

/// The calls in the traces that `query` describes, by caller and called. `services` are those of the store: their number is
/// bounded, where that of the names in spans is not.
pub(crate) fn of<'s>(store: &Store, query: &Query, services: &'s [String]) -> Vec<Dependency<'s>> {
    let mut calls = BTreeMap::new();
    for trace in store.matching(query) {
        count(&trace, services, &mut calls);
    }
    calls
        .into_iter()
        .map(|((parent, child), call_count)| Dependency {
            parent: &services[parent],
            child: &services[child],
            call_count,
        })
        .collect()
}

fn count(trace: &Trace, services: &[String], calls: &mut BTreeMap<(usize, usize), u64>) {
    let place = |name: &str| services.binary_search_by(|service| service.as_str().cmp(name));
    let service = |span: &Span| place(span.service()).or_else(|_| place(OVERFLOW)).ok();
    let spans: Vec<&Span> = trace.spans().collect();
    for (child, parent) in spans.iter().zip(tree::parents(&spans)) {
        let Some(parent) = parent.map(|parent| spans[parent]) else {
            continue;
        };
        if parent.service() == child.service() {
            continue;
        }
        if let (Some(parent), Some(child)) = (service(parent), service(child)) {
            *calls.entry((parent, child)).or_default() += 1;
        }
    }
}
