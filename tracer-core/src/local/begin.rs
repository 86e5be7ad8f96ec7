//! How spans begin on this thread: roots, children of the active span, and spans under a context that need not be active.

use super::note::{allow_root, note_root};
use super::{LOCAL, Local, Place, borrow, with, with_made};
use crate::callsite::Callsite;
use crate::clock::{self, Anchor, Instant};
use crate::context::{SpanContext, state};
use crate::held;
use crate::id::{self, TraceId};
use crate::name::Name;
use crate::part::{Part, Parts};
use crate::pending;
use crate::record::{SamplerTags, SpanRecord};
use crate::registry;

/// Starts a child of the active span, whose mode must be `Sampled` or `Refused`, and activates it. Its tracer is the one
/// given, or with 0 that of its parent. Where a [note](pending) is enough, the next span can be noted without this.
#[inline(never)]
pub(crate) fn enter_child(
    text: &'static str,
    site: Option<&'static Callsite>,
    tracer: u32,
) -> Place {
    if let Some(place) = pending::note_at_length(text, site, tracer) {
        return place;
    }
    with(|local| {
        if local.allow_notes(tracer) {
            if let Some(place) = pending::note_at_length(text, site, tracer) {
                return Some(place);
            }
            // The next one is not to be noted as a child of what was on top.
            pending::end();
        }
        let record = local.child(Name::of(text, site), tracer)?;
        Some(local.push(record))
    })
    .flatten()
    .unwrap_or(Place::NONE)
}

/// Starts a child as [`enter_child`] does, but does not activate it. `None` if the thread is ending.
#[inline]
pub(crate) fn start_child(name: Name, tracer: u32) -> Option<Box<SpanRecord>> {
    with(|local| local.child(name, tracer)).flatten()
}

/// Starts a root, where nothing is active, and activates it. With the tags of the sampler, if it said yes.
#[inline]
pub(crate) fn enter_root(
    name: Name,
    trace_id: TraceId,
    tracer: u32,
    tags: Option<SamplerTags>,
) -> Place {
    if let Some(tags) = tags
        && allow_root(tracer)
        && name.number().is_some()
        && let Some(ready) = pending::ready_for_root(name, tracer)
        && let Some(place) = note_root(ready, trace_id, tracer, tags)
    {
        return place;
    }
    let (text, site) = name.parts();
    make_root(text, site, trace_id, tracer, tags)
}

#[inline(never)]
fn make_root(
    text: &'static str,
    site: Option<&'static Callsite>,
    trace_id: TraceId,
    tracer: u32,
    tags: Option<SamplerTags>,
) -> Place {
    with_made(|local| {
        let record = local.root(Name::of(text, site), trace_id, tracer, tags);
        local.push(record)
    })
    .unwrap_or(Place::NONE)
}

/// Starts a root that is not activated. With the tags of the sampler, if it said yes. `None` if the thread is ending.
#[inline]
pub(crate) fn start_root(
    name: Name,
    trace_id: TraceId,
    tracer: u32,
    tags: Option<SamplerTags>,
) -> Option<Box<SpanRecord>> {
    with_made(|local| local.root(name, trace_id, tracer, tags))
}

/// Starts, as [`start_root`] does, a root that the sampler refused, where nothing is active. `None` if that takes more than a
/// record that is at hand.
#[inline]
pub(crate) fn refuse_root(name: Name, trace_id: TraceId, tracer: u32) -> Option<Box<SpanRecord>> {
    root_at_hand(name, trace_id, tracer, None, |part, _| {
        part.counts.refused.add(1);
    })
}

/// The same for one that it took.
#[inline]
pub(crate) fn take_root(
    name: Name,
    trace_id: TraceId,
    tracer: u32,
    tags: SamplerTags,
) -> Option<Box<SpanRecord>> {
    if !clock::has_counter() {
        return None;
    }
    root_at_hand(name, trace_id, tracer, Some(tags), |part, record| {
        part.counts.started.add(1);
        record.start = clock::now();
    })
}

/// Starts a root of the tracer used last in a record that is at hand.
#[inline]
fn root_at_hand(
    name: Name,
    trace_id: TraceId,
    tracer: u32,
    tags: Option<SamplerTags>,
    begin: impl FnOnce(&Part, &mut SpanRecord),
) -> Option<Box<SpanRecord>> {
    let anchor = Anchor::newest_at_once()?;
    borrow(LOCAL.take(), |local| {
        let part = local.parts.last_of(tracer)?;
        let mut record = local.stack.spare_at_hand()?;
        record.begin_root(name, trace_id, anchor, tracer, tags);
        begin(part, &mut record);
        Some(record)
    })
    .flatten()
}

/// Starts a child of a context with a trace and a decision, and does not activate it. `None` if the thread is ending.
pub(crate) fn start_under(
    parent: &SpanContext,
    name: Name,
    tracer: u32,
) -> Option<Box<SpanRecord>> {
    with_made(|local| {
        let mut record = local.stack.spare();
        record.context = parent.child(id::next_span());
        record.context.tracer = tracer;
        local.begin(&mut record, name, None, None);
        record
    })
}

impl Local {
    /// Begins a root.
    #[inline(always)]
    fn root(
        &mut self,
        name: Name,
        trace_id: TraceId,
        tracer: u32,
        tags: Option<SamplerTags>,
    ) -> Box<SpanRecord> {
        let mut record = self.stack.spare();
        record.begin_root(name, trace_id, Anchor::newest(), tracer, tags);
        record.start = begin(&mut record.context, &mut self.parts, None);
        record
    }

    /// Begins a child of the active span.
    #[inline(always)]
    fn child(&mut self, name: Name, tracer: u32) -> Option<Box<SpanRecord>> {
        let mut record = self.stack.spare();
        record.context = self.stack.top()?.context.child(id::next_span());
        if tracer != 0 {
            record.context.tracer = tracer;
        } else if held::is_forked() {
            record.context.tracer = registry::number_now(record.context.tracer);
        }
        self.begin(&mut record, name, None, None);
        Some(record)
    }

    /// Begins a span whose context is set, now unless it began before. Part of its callers, for values that are not written
    /// where they belong at once go through memory.
    #[inline(always)]
    pub(super) fn begin(
        &mut self,
        record: &mut SpanRecord,
        name: Name,
        sampler: Option<SamplerTags>,
        start: Option<Instant>,
    ) {
        record.name = name;
        record.sampler = sampler;
        record.start = begin(&mut record.context, &mut self.parts, start);
    }
}

/// Counts a span that begins, and reads the clock if it has not begun before. When it began, if that is to be known.
#[inline]
fn begin(context: &mut SpanContext, parts: &mut Parts, start: Option<Instant>) -> Instant {
    if !context.is_recording() {
        // Others need no part of the tracer, nor the ring and the locks that come with a thread's first: a child of a fork
        // must not wait for those.
        if context.parent_id.is_none()
            && let Some(part) = parts.get(context.tracer)
        {
            part.counts.refused.add(1);
        }
        return Instant::ZERO;
    }
    match parts.get(context.tracer) {
        Some(part) => part.counts.started.add(1),
        None => context.state &= !state::COUNTED,
    }
    // Last: what beginning a span takes is not part of it.
    start.unwrap_or_else(clock::now)
}
