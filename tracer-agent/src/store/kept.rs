//! What the store's lock guards: the traces, in the order they came and the order they were last added to.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map};
use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

use super::index::Index;
use super::query::Query;
use crate::model::{Process, Span, Trace, TraceId};
use crate::stats::StoreStats;

/// What a trace costs besides its spans: its places in the maps, its pointers and its set of digests.
const TRACE_COST: usize = 512;
/// What a span costs besides itself: its digest and its part of the index.
const SPAN_COST: usize = 48;
/// What a process costs besides itself: its place among those of a trace.
const PROCESS_COST: usize = 48;
/// What a span that is refused costs: its digest.
const REFUSED_COST: usize = 24;

/// Traces are numbered in the order of their first span; the number is their key everywhere here.
#[derive(Debug)]
pub(super) struct Kept {
    traces: BTreeMap<u64, Entry>,
    keys: HashMap<TraceId, u64>,
    /// Time of the last addition, counted in additions, to trace: the first is evicted first.
    by_update: BTreeMap<u64, u64>,
    index: Index,
    /// Counts additions, and numbers traces.
    clock: u64,
    bytes: usize,
    max_bytes: usize,
    max_spans: usize,
    stats: StoreStats,
}

#[derive(Debug)]
struct Entry {
    /// Shared with readers; an addition while one is reading copies the list of chunks, not the spans.
    trace: Arc<Trace>,
    updated: u64,
    bytes: usize,
    /// Digests of the spans, by which repeated ones are known.
    digests: HashSet<u64>,
    /// The processes of the spans by digest: each batch brings its own copy, and a trace of a thousand batches would hold a
    /// thousand.
    processes: HashMap<u64, Arc<Process>>,
}

impl Entry {
    fn new(id: TraceId) -> Self {
        Self {
            trace: Arc::new(Trace::new(id)),
            updated: 0,
            bytes: 0,
            digests: HashSet::new(),
            processes: HashMap::new(),
        }
    }

    /// Makes a span share the process of those that are here, if one of them is its own.
    fn share_process(&mut self, digest: u64, span: &mut Span) {
        match self.processes.entry(digest) {
            hash_map::Entry::Occupied(known) => span.process = Arc::clone(known.get()),
            hash_map::Entry::Vacant(free) => {
                self.bytes += span.process.cost() + PROCESS_COST;
                free.insert(Arc::clone(&span.process));
            }
        }
    }
}

/// The spans of one batch that belong to one trace, with what can be known of them before the lock.
#[derive(Debug)]
pub(super) struct Group {
    id: TraceId,
    spans: Vec<Prepared>,
}

#[derive(Debug)]
struct Prepared {
    span: Span,
    /// Of the span with its process, and of the process.
    digest: u64,
    process: u64,
    cost: usize,
}

/// What an insertion brought about.
#[derive(Debug, Default)]
pub(super) struct Inserted {
    /// The spans that were not here before: those kept, and those refused because their trace is too large.
    pub(super) new: Vec<Arc<[Span]>>,
    /// The traces that had to go, for the caller to free.
    pub(super) evicted: Vec<Arc<Trace>>,
}

impl Group {
    /// Sorts the spans of a batch by trace; those with a zero id are left out.
    pub(super) fn split(mut spans: Vec<Span>) -> Vec<Self> {
        spans.retain(|span| span.trace_id.is_valid() && span.span_id.is_valid());
        // Stable: within a trace the order of arrival stays.
        spans.sort_by_key(|span| span.trace_id);
        let mut groups: Vec<Self> = Vec::new();
        let mut last: Option<(Arc<Process>, u64)> = None;
        for span in spans {
            let id = span.trace_id;
            let process = match &last {
                Some((process, digest)) if Arc::ptr_eq(process, &span.process) => *digest,
                _ => DIGEST.hash_one(&span.process),
            };
            last = Some((Arc::clone(&span.process), process));
            let prepared = Prepared {
                digest: DIGEST.hash_one((&span, process)),
                process,
                cost: span.cost() + SPAN_COST,
                span,
            };
            match groups.last_mut() {
                Some(group) if group.id == id => group.spans.push(prepared),
                _ => groups.push(Self {
                    id,
                    spans: vec![prepared],
                }),
            }
        }
        groups
    }
}

/// Keyed at random for this process, so that nobody outside can make two spans look equal.
static DIGEST: LazyLock<std::hash::RandomState> = LazyLock::new(std::hash::RandomState::new);

impl Kept {
    pub(super) fn new(max_bytes: usize, max_spans: usize) -> Self {
        Self {
            traces: BTreeMap::new(),
            keys: HashMap::new(),
            by_update: BTreeMap::new(),
            index: Index::default(),
            clock: 0,
            bytes: 0,
            max_bytes,
            max_spans,
            stats: StoreStats {
                bytes_limit: max_bytes as u64,
                ..StoreStats::default()
            },
        }
    }

    /// Links the groups of a batch of `received` spans in.
    pub(super) fn insert(&mut self, received: usize, groups: Vec<Group>) -> Inserted {
        let valid: usize = groups.iter().map(|group| group.spans.len()).sum();
        self.stats.spans_received += received as u64;
        self.stats.spans_invalid += (received - valid) as u64;
        let mut inserted = Inserted::default();
        for group in groups {
            self.add(group, &mut inserted.new);
        }
        while self.bytes > self.max_bytes {
            let Some((_, key)) = self.by_update.pop_first() else {
                break;
            };
            inserted.evicted.extend(self.evict(key));
        }
        inserted
    }

    /// Counts spans that never became any.
    pub(super) fn refuse(&mut self, spans: u64) {
        self.stats.spans_received += spans;
        self.stats.spans_invalid += spans;
    }

    fn add(&mut self, group: Group, new: &mut Vec<Arc<[Span]>>) {
        self.clock += 1;
        let now = self.clock;
        let key = *self.keys.entry(group.id).or_insert(now);
        let entry = self
            .traces
            .entry(key)
            .or_insert_with(|| Entry::new(group.id));
        self.by_update.remove(&entry.updated);
        self.by_update.insert(now, key);
        entry.updated = now;

        let before = entry.bytes;
        if before == 0 {
            entry.bytes = TRACE_COST;
        }
        let mut spans = Vec::with_capacity(group.spans.len());
        let mut refused = Vec::new();
        for prepared in group.spans {
            let Prepared {
                mut span,
                digest,
                process,
                cost,
            } = prepared;
            // One trace may take half of the store: a runaway loop must not push everything else out.
            let full = entry.trace.len() + spans.len() >= self.max_spans
                || entry.bytes + cost > self.max_bytes / 2;
            if entry.digests.contains(&digest) {
                self.stats.spans_repeated += 1;
            } else if full {
                // It is known when it comes again, as long as there is room for that.
                if entry.bytes + REFUSED_COST <= self.max_bytes / 4 * 3 {
                    entry.digests.insert(digest);
                    entry.bytes += REFUSED_COST;
                }
                refused.push(span);
            } else {
                entry.digests.insert(digest);
                entry.bytes += cost;
                entry.share_process(process, &mut span);
                self.index.add(&span, key);
                spans.push(span);
            }
        }
        self.stats.spans_refused += refused.len() as u64;
        self.stats.spans_kept += spans.len() as u64;
        let trace = Arc::make_mut(&mut entry.trace);
        trace.refuse(refused.len() as u64);
        if !refused.is_empty() {
            new.push(refused.into());
        }
        if !spans.is_empty() {
            new.push(trace.push(spans));
        }
        self.bytes += entry.bytes - before;
        if trace.is_empty() {
            self.forget(key);
        }
    }

    /// Takes a trace out of which nothing is kept.
    fn forget(&mut self, key: u64) {
        if let Some(entry) = self.traces.remove(&key) {
            self.keys.remove(&entry.trace.id());
            self.by_update.remove(&entry.updated);
            self.bytes -= entry.bytes;
        }
    }

    fn evict(&mut self, key: u64) -> Option<Arc<Trace>> {
        let entry = self.traces.remove(&key)?;
        self.keys.remove(&entry.trace.id());
        self.bytes -= entry.bytes;
        for span in entry.trace.spans() {
            self.index.remove(span, key);
        }
        self.stats.traces_evicted += 1;
        self.stats.spans_evicted += entry.trace.len() as u64;
        self.stats.spans_kept -= entry.trace.len() as u64;
        Some(entry.trace)
    }

    pub(super) fn trace(&self, id: TraceId) -> Option<Arc<Trace>> {
        self.keys
            .get(&id)
            .and_then(|key| self.traces.get(key))
            .map(|entry| Arc::clone(&entry.trace))
    }

    /// Up to `most` traces that `query` may want and that are older than `before`, newest first, and the key to go on
    /// from unless there are no more.
    pub(super) fn newest(
        &self,
        query: &Query,
        before: u64,
        most: usize,
    ) -> (Vec<Arc<Trace>>, Option<u64>) {
        let keys: Vec<u64> = match &query.service {
            Some(service) => self
                .index
                .newest(service, query.operation.as_deref(), before, most),
            None => self
                .traces
                .range(..before)
                .rev()
                .take(most)
                .map(|(key, _)| *key)
                .collect(),
        };
        let next = keys.last().copied().filter(|_| keys.len() == most);
        let traces = keys
            .iter()
            .filter_map(|key| self.traces.get(key))
            .map(|entry| Arc::clone(&entry.trace));
        (traces.collect(), next)
    }

    /// Counts up with every insertion, by which those who wait know that there is something new.
    pub(super) fn insertions(&self) -> u64 {
        self.stats.spans_received
    }

    pub(super) fn services(&self) -> Vec<String> {
        self.index.services()
    }

    pub(super) fn operations(&self, service: &str) -> Vec<String> {
        self.index.operations(service)
    }

    pub(super) fn stats(&self) -> StoreStats {
        StoreStats {
            traces_kept: self.traces.len() as u64,
            bytes: self.bytes as u64,
            ..self.stats
        }
    }
}
