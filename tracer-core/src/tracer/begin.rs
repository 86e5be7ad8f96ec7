//! How the spans of a tracer begin: the context of each, the decision about a root, the record.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Core, Parent};
use crate::callsite::Callsite;
use crate::clock::{Anchor, Instant};
use crate::context::{Carried, SpanContext, flag, state};
use crate::id::{self, TraceId};
use crate::local;
use crate::name::Name;
use crate::pending::{self, ReadyForRoot};
use crate::record::SpanRecord;
use crate::sampler::Verdict;
use crate::span::Span;
use crate::stack::Place;
use crate::tag::TagValue;

impl Core {
    /// A root that needs no more than its name. Most that are sampled take no more than a note.
    #[inline(never)]
    pub(super) fn enter_root(&self, text: &'static str, site: Option<&'static Callsite>) -> Place {
        match pending::ready_for_root(Name::of(text, site), self.id()) {
            Some(ready) => self.enter_root_at_once(ready),
            None => self.enter_root_at_length(text, site, TraceId::NONE),
        }
    }

    #[inline(always)]
    fn enter_root_at_once(&self, ready: ReadyForRoot) -> Place {
        let drawn = id::draw_trace_at_once(self.bits128);
        let noted = drawn.and_then(|trace_id| {
            let tags = self.sampler.take_at_once(trace_id)?;
            local::note_root(ready, trace_id, self.id(), tags)
        });
        noted.unwrap_or_else(|| {
            let (text, site) = ready.name().parts();
            self.enter_root_at_length(text, site, drawn.unwrap_or(TraceId::NONE))
        })
    }

    /// Of a trace with that id, if it has been drawn.
    #[inline(never)]
    fn enter_root_at_length(
        &self,
        text: &'static str,
        site: Option<&'static Callsite>,
        drawn: TraceId,
    ) -> Place {
        let name = Name::of(text, site);
        let trace_id = self.trace_id(drawn);
        let tags = self.sampler.decide_plain(trace_id, name.text());
        local::enter_root(name, trace_id, self.id(), tags)
    }

    /// A root that needs no more than its name and is not active. Most take no more than a record that is at hand.
    ///
    /// In pieces, for a function that calls others saves registers for that. Spans of refused traces say nothing of panics.
    #[inline(never)]
    pub(super) fn start_root(&self, text: &'static str, site: Option<&'static Callsite>) -> Span {
        let drawn = id::draw_trace_at_once(self.bits128);
        if let Some(trace_id) = drawn
            && self.sampler.refuses_at_once(trace_id)
            && let Some(record) = local::refuse_root(Name::of(text, site), trace_id, self.id())
        {
            return Span::new(Some(record));
        }
        self.take_root(text, site, drawn.unwrap_or(TraceId::NONE))
    }

    /// The same where the sampler did not refuse at once; of the trace that was drawn, if one was.
    #[inline(never)]
    fn take_root(
        &self,
        text: &'static str,
        site: Option<&'static Callsite>,
        drawn: TraceId,
    ) -> Span {
        if !drawn.is_none()
            && !std::thread::panicking()
            && let Some(tags) = self.sampler.take_at_once(drawn)
            && let Some(record) = local::take_root(Name::of(text, site), drawn, self.id(), tags)
        {
            return Span::new(Some(record));
        }
        self.start_root_at_length(text, site, drawn)
    }

    /// The same whatever it takes.
    #[inline(never)]
    fn start_root_at_length(
        &self,
        text: &'static str,
        site: Option<&'static Callsite>,
        drawn: TraceId,
    ) -> Span {
        if std::thread::panicking() {
            return Span::new(self.begin(Parent::Active, Cow::Borrowed(text), site));
        }
        let name = Name::of(text, site);
        let trace_id = self.trace_id(drawn);
        let tags = self.sampler.decide_plain(trace_id, name.text());
        Span::new(local::start_root(name, trace_id, self.id(), tags))
    }

    /// That one, if it has been drawn.
    #[inline]
    fn trace_id(&self, drawn: TraceId) -> TraceId {
        if drawn.is_none() {
            id::draw_trace(self.bits128)
        } else {
            drawn
        }
    }

    /// The context of a span that is given its own.
    pub(super) fn adopt(&self, own: &SpanContext) -> SpanContext {
        let mut context = own.share();
        context.tracer = self.id();
        context.anchor = context.anchor.or_newest();
        context.state &= !state::REMOTE;
        context.follow_local_trace();
        if context.is_sampled() {
            context.state |= state::RECORDING | state::COUNTED;
        }
        context
    }

    /// Whether a child of that context takes over its trace and its decision, and there is nothing more to it.
    #[inline]
    pub(super) fn follows(&self, parent: &SpanContext) -> bool {
        let is_watched = parent.flags & flag::SAMPLED == 0 && parent.is_remote();
        parent.is_valid()
            && parent.state & state::DEFERRED == 0
            && (!is_watched || self.keep.is_none())
    }

    /// The context of a span under a valid one, and the verdict if the decision was left to us.
    pub(super) fn child(
        &self,
        parent: &SpanContext,
        name: &str,
    ) -> Option<(SpanContext, Option<Verdict>)> {
        let mut context = parent.child(local::draw_span()?);
        context.tracer = self.id();
        if context.state & state::DEFERRED == 0 {
            if parent.is_remote() && !context.is_sampled() {
                self.watch(&mut context);
            }
            return Some((context, None));
        }
        let verdict = self.decide_on(&mut context, name);
        Some((context, Some(verdict)))
    }

    /// The context of a span that begins a trace, and the verdict of the sampler. What a context without a trace carries
    /// (baggage, a decision, a debug id) holds for the new trace.
    pub(super) fn root(
        &self,
        carrying: Option<&SpanContext>,
        name: &str,
    ) -> Option<(SpanContext, Option<Verdict>)> {
        let trace_id = local::draw_trace(self.bits128)?;
        let mut context = SpanContext {
            trace_id,
            span_id: trace_id.root(),
            anchor: Anchor::newest(),
            tracer: self.id(),
            state: state::RANDOM,
            ..SpanContext::EMPTY
        };
        let Some(carrying) = carrying else {
            let verdict = self.decide_on(&mut context, name);
            return Some((context, Some(verdict)));
        };
        let debug_id = carrying.debug_id();
        context.carried = carrying.carried.as_ref().map(|carried| {
            let baggage = carried.baggage.clone();
            Arc::new(Carried {
                baggage,
                ..Carried::default()
            })
        });
        let wants_debug = !debug_id.is_empty() || carrying.flags & flag::DEBUG != 0;
        if wants_debug && self.allow_debug(name) {
            context.flags |= flag::DEBUG;
            self.apply(&mut context, true);
            let tag = (
                Cow::Borrowed("jaeger-debug-id"),
                TagValue::from(debug_id.to_owned()),
            );
            let tags = if debug_id.is_empty() {
                Vec::new()
            } else {
                vec![tag]
            };
            return Some((
                context,
                Some(Verdict {
                    sampled: true,
                    undecided: false,
                    tags: None,
                    custom_tags: tags,
                }),
            ));
        }
        if carrying.decides() && !wants_debug {
            self.apply(&mut context, carrying.is_sampled());
            return Some((context, None));
        }
        let verdict = self.decide_on(&mut context, name);
        Some((context, Some(verdict)))
    }

    /// Has the sampler decide about the local root of that context.
    fn decide_on(&self, context: &mut SpanContext, name: &str) -> Verdict {
        let verdict = self.sampler.decide(context.trace_id, name);
        if verdict.undecided {
            context.state &= !state::DEFERRED;
            let sampler = self.reconsiders.as_ref();
            context.begin_late(&self.hub.load().room, self.keep, sampler);
        } else {
            self.apply(context, verdict.sampled);
        }
        verdict
    }

    fn apply(&self, context: &mut SpanContext, sampled: bool) {
        context.state &= !state::DEFERRED;
        if sampled {
            context.flags |= flag::SAMPLED;
            context.state |= state::RECORDING | state::COUNTED;
        } else {
            local::count(self.id(), |counts| counts.refused.add(1));
            self.watch(context);
        }
    }

    /// Holds the spans of a local root that was refused, if the policy may want them.
    fn watch(&self, context: &mut SpanContext) {
        if self.keep.is_some() {
            context.begin_late(&self.hub.load().room, self.keep, None);
        }
    }

    pub(super) fn record(
        &self,
        context: SpanContext,
        name: Cow<'static, str>,
        callsite: Option<&'static Callsite>,
        verdict: Option<Verdict>,
    ) -> Box<SpanRecord> {
        let mut record = local::spare();
        record.context = context;
        record.name = callsite.map_or(Name::NONE, Name::Site);
        record.start = Instant::ZERO;
        record.sampler = verdict.as_ref().and_then(|verdict| verdict.tags);
        match name {
            Cow::Borrowed(text) if callsite.is_none() => record.name = Name::Text(text),
            Cow::Borrowed(_) => {}
            Cow::Owned(name) => record
                .details
                .insert(local::details(self.id()))
                .set_name(&name),
        }
        if !record.is_recording() {
            return record;
        }
        local::count(self.id(), |counts| counts.started.add(1));
        for (key, value) in verdict
            .map(|verdict| verdict.custom_tags)
            .unwrap_or_default()
        {
            record
                .details
                .get_or_insert_with(|| local::details(self.id()))
                .set_tag(&key, &value);
        }
        record.start = Instant::now();
        record
    }
}
