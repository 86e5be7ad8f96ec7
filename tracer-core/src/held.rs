//! Local traces that are decided about late: their finished spans are held until it is known what they are worth.
//!
//! The spans of such a trace share a [`LocalTrace`], which lies behind the pointer in their contexts that is empty for all
//! others. Each is recorded as if it were sampled, and when it ends comes here instead of into its thread's ring. Two
//! questions may be open, one after the other: that of the sampler, if it has not decided yet, and when it refused, that of
//! the [`KeepPolicy`]. The end of the local root answers both.
//!
//! What is released here goes to the reporter thread as it is. A thread's ring would be too small for a large trace that
//! comes all at once.

mod phase;

use std::borrow::Cow;
use std::mem;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::context::{Carried, SpanContext, flag, state};
use crate::inquiry::Reconsider;
use crate::keep::KeepPolicy;
use crate::record::{SamplerKind, SamplerTags, SpanRecord};
use crate::room::{Cause, Room};
use crate::tag::TagValue;
pub(crate) use phase::Phase;

/// The spans of one trace in this process, from a local root on.
#[derive(Debug)]
pub(crate) struct LocalTrace {
    room: Arc<Room>,
    /// The process it is of.
    process: u32,
    policy: Option<KeepPolicy>,
    /// Asked as long as the trace is [`Phase::Undecided`]. Owned by the tracer alone: dropping a sampler runs code of the
    /// user's, and a trace may go while what a thread knows is taken out.
    sampler: Option<Weak<dyn Reconsider>>,
    /// Changed under the lock, read without it.
    phase: AtomicU8,
    held: Mutex<Held>,
}

/// How many forks it took to get to this process.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// Leaves all local traces there are to the parent, in the child of a fork.
pub(crate) fn leave_to_parent() {
    PROCESS.fetch_add(1, Ordering::Relaxed);
}

/// Whether this process is the child of a fork.
#[inline]
pub(crate) fn is_forked() -> bool {
    PROCESS.load(Ordering::Relaxed) != 0
}

/// What waits for the decision.
#[derive(Debug, Default)]
struct Held {
    spans: Vec<SpanRecord>,
    bytes: usize,
    /// Why the policy keeps it, once the sampler has refused it.
    reason: Option<SamplerKind>,
    root_tags: RootTags,
}

/// What the root is tagged with for the decision.
#[derive(Debug, Default)]
pub(crate) struct RootTags {
    pub(crate) sampler: Option<SamplerTags>,
    pub(crate) custom: Vec<(Cow<'static, str>, TagValue<'static>)>,
}

impl LocalTrace {
    /// A trace that begins. With a sampler it is undecided, without it is refused.
    fn new(
        room: &Arc<Room>,
        policy: Option<KeepPolicy>,
        sampler: Option<Weak<dyn Reconsider>>,
    ) -> Self {
        let phase = if sampler.is_some() {
            Phase::Undecided
        } else {
            Phase::Candidate
        };
        Self {
            room: Arc::clone(room),
            process: PROCESS.load(Ordering::Relaxed),
            policy,
            sampler,
            phase: AtomicU8::new(phase as u8),
            held: Mutex::default(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        let number = usize::from(self.phase.load(Ordering::Acquire));
        // Only numbers of phases are stored.
        Phase::ALL.get(number).copied().unwrap_or(Phase::Dropped)
    }

    pub(crate) fn is_undecided(&self) -> bool {
        self.phase() == Phase::Undecided
    }

    pub(crate) fn sampler(&self) -> Option<Arc<dyn Reconsider>> {
        self.sampler.as_ref()?.upgrade()
    }

    /// The sampler wants the trace.
    pub(crate) fn sample(&self, root_tags: RootTags) {
        let mut held = self.lock();
        if self.is_undecided() {
            held.root_tags = root_tags;
            self.release(&mut held, Phase::Sampled);
        }
    }

    /// The sampler refuses the trace. The policy may still keep it.
    pub(crate) fn refuse(&self) {
        let mut held = self.lock();
        if self.is_undecided() {
            self.leave_to_policy(&mut held, false);
        }
    }

    /// `sampling.priority` asks for the trace: `false` if it is too late.
    pub(crate) fn force(&self) -> bool {
        let mut held = self.lock();
        let wanted = self.phase().is_recorded();
        if wanted {
            self.release(&mut held, Phase::Debug);
        }
        wanted
    }

    /// `sampling.priority` forbids the trace; not what was released before.
    pub(crate) fn forbid(&self) {
        let held = self.lock();
        if self.phase().is_open() {
            self.discard(held, Phase::Dropped, 0);
        }
    }

    /// Takes a finished span: to hold it, report it or drop it. Is it of another tracer than the root, with a room of its
    /// own, it is not held.
    fn take(&self, mut record: SpanRecord, room: &Arc<Room>) {
        room.take();
        let is_root = record.is_local_root();
        let reason = self
            .policy
            .and_then(|policy| policy.reason(&record, is_root));
        let mut held = self.lock();
        if self.phase().is_open() {
            held.reason = held.reason.or(reason);
            if is_root || self.phase() == Phase::Candidate {
                self.leave_to_policy(&mut held, is_root);
            }
        }
        match self.phase() {
            Phase::Undecided | Phase::Candidate => {
                if !Arc::ptr_eq(room, &self.room) {
                    room.drop_spans(1, Cause::NotKept);
                } else if !self.hold(&mut held, record) {
                    self.discard(held, Phase::GivenUp, 1);
                }
            }
            Phase::Sampled | Phase::Debug | Phase::Kept => {
                if is_root {
                    record.sampler = held.root_tags.sampler;
                    for (key, value) in mem::take(&mut held.root_tags.custom) {
                        record.details().set_tag(&key, &value);
                    }
                }
                drop(held);
                record.settle(self.phase());
                record.report(room);
            }
            Phase::Dropped => room.drop_spans(1, Cause::NotKept),
            Phase::GivenUp => room.drop_spans(1, Cause::NoRoom),
        }
    }

    /// The sampler has said no: the policy keeps the trace, or waits, or with the end of the root gives it up.
    fn leave_to_policy(&self, held: &mut MutexGuard<'_, Held>, is_end: bool) {
        if self.is_undecided() {
            self.room.refuse();
        }
        if let Some(kind) = held.reason {
            held.root_tags.sampler = Some(SamplerTags { kind, param: 0.0 });
            self.release(held, Phase::Kept);
        } else if is_end || self.policy.is_none() {
            self.set_phase(Phase::Dropped);
            let (spans, bytes) = held.empty();
            self.room.free(spans.len(), bytes);
            self.room.drop_spans(spans.len(), Cause::NotKept);
        } else {
            self.set_phase(Phase::Candidate);
        }
    }

    /// Puts a span to the others; `false` if there is no room for it.
    fn hold(&self, held: &mut Held, record: SpanRecord) -> bool {
        let more = match held.spans.len() {
            0 => 4,
            all if all == held.spans.capacity() => all,
            _ => 0,
        };
        let bytes = more * size_of::<SpanRecord>() + record.owned_bytes();
        if !self.room.reserve(bytes) {
            return false;
        }
        held.bytes += bytes;
        held.spans.reserve_exact(more);
        held.spans.push(record);
        true
    }

    /// Reports all that is held.
    fn release(&self, held: &mut Held, phase: Phase) {
        self.set_phase(phase);
        let (mut spans, bytes) = held.empty();
        for record in &mut spans {
            record.settle(phase);
        }
        self.room.release(spans, bytes);
    }

    /// Drops all that is held, and counts `more` spans that were not.
    fn discard(&self, mut held: MutexGuard<'_, Held>, phase: Phase, more: usize) {
        self.set_phase(phase);
        let (spans, bytes) = held.empty();
        drop(held);
        let cause = if phase == Phase::GivenUp {
            Cause::NoRoom
        } else {
            Cause::NotKept
        };
        self.room.free(spans.len(), bytes);
        self.room.drop_spans(spans.len() + more, cause);
    }

    fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// No code that can panic runs under this lock, so a poisoned one holds sound data.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn empty(&mut self) -> (Vec<SpanRecord>, usize) {
        (mem::take(&mut self.spans), mem::take(&mut self.bytes))
    }
}

/// Nobody can decide about it any more: its root was forgotten on a thread that ended.
impl Drop for LocalTrace {
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (spans, bytes) = held.empty();
        self.room.free(spans.len(), bytes);
        self.room.drop_spans(spans.len(), Cause::NotKept);
    }
}

impl SpanContext {
    /// Makes this the context of a local root that is decided about late.
    pub(crate) fn begin_late(
        &mut self,
        room: &Arc<Room>,
        policy: Option<KeepPolicy>,
        sampler: Option<&Arc<dyn Reconsider>>,
    ) {
        let trace = LocalTrace::new(room, policy, sampler.map(Arc::downgrade));
        self.carried_mut().local_trace = Some(Arc::new(trace));
        self.state |= state::LATE | state::HELD | state::COUNTED | state::LOCAL_ROOT;
    }

    /// The trace in this process, if it is decided about late. That of the parent of a fork is not: a thread that is gone may
    /// have locked it.
    pub(crate) fn local_trace(&self) -> Option<&Arc<LocalTrace>> {
        if self.state & state::LATE == 0 {
            return None;
        }
        let trace = self.carried.as_ref()?.local_trace.as_ref()?;
        (trace.process == PROCESS.load(Ordering::Relaxed)).then_some(trace)
    }

    /// Of a child that carries what its parent does: what became of the trace meanwhile holds for it.
    pub(crate) fn follow_local_trace(&mut self) {
        if self.state & state::LATE == 0 {
            return;
        }
        let phase = self
            .local_trace()
            .map_or(Phase::Dropped, |trace| trace.phase());
        match phase {
            Phase::Undecided | Phase::Candidate | Phase::Kept => {
                self.state |= state::HELD | state::COUNTED;
                return;
            }
            Phase::Sampled | Phase::Debug => self.state |= state::RECORDING | state::COUNTED,
            Phase::Dropped | Phase::GivenUp => {}
        }
        self.flags |= phase.flags();
        self.forget_local_trace();
    }

    /// Makes this the context of a span that goes its own way. What it carried so far, if that has a trace.
    pub(crate) fn forget_local_trace(&mut self) -> Option<Arc<Carried>> {
        self.state &= !(state::LATE | state::HELD);
        let carried = self.carried.take()?;
        if carried.local_trace.is_none() {
            self.carried = Some(carried);
            return None;
        }
        if !carried.is_all_local_trace() {
            self.carried = Some(Arc::new(Carried {
                local_trace: None,
                ..Carried::clone(&carried)
            }));
        }
        Some(carried)
    }
}

impl SpanRecord {
    /// Gives a finished span, which was counted as such, to its local trace. That goes over from its context, which costs no
    /// count of references: what is held must not hold its trace in turn.
    pub(crate) fn give_to_trace(mut self, room: &Arc<Room>) {
        let carried = self.context.forget_local_trace();
        for reference in self
            .details
            .iter_mut()
            .flat_map(|details| &mut details.references)
        {
            reference.context.forget_local_trace();
        }
        if let Some(trace) = carried.as_ref().and_then(|it| it.local_trace.as_ref()) {
            trace.take(self, room);
        }
    }

    /// Makes this a span that is reported. On the wire it is sampled, or backends might not keep it.
    fn settle(&mut self, phase: Phase) {
        self.context.flags |= phase.flags() | flag::SAMPLED;
        self.context.state |= state::RECORDING;
    }

    /// Gives a span that was not held to the reporter thread, if there is room for it.
    fn report(self, room: &Room) {
        let bytes = size_of::<Self>() + self.owned_bytes();
        if room.reserve(bytes) {
            room.release(vec![self], bytes);
        } else {
            room.drop_spans(1, Cause::NoRoom);
        }
    }

    /// Memory behind the record, in bytes.
    fn owned_bytes(&self) -> usize {
        let details = self
            .details
            .as_ref()
            .map_or(0, |details| details.footprint());
        let carried = self
            .context
            .carried
            .as_ref()
            .map_or(0, |carried| carried.footprint());
        details + carried
    }
}

#[cfg(test)]
mod tests {
    use crate::tree::Test;
    use crate::{KeepPolicy, Sampler};

    #[test]
    fn another_span_of_the_identity_of_the_local_root_does_not_end_its_trace() {
        let test = Test::new(|builder| {
            builder
                .sampler(Sampler::constant(false))
                .keep(KeepPolicy::errors())
        });
        let mut root = test.tracer.start_span("root");
        let again = test
            .tracer
            .build_span("again")
            .self_reference(&root.context());
        again.start().finish();
        root.set_tag("error", true);
        drop(root);
        assert_eq!(test.take(), "root {error=true}\nagain\n");
    }
}
