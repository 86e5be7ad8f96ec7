//! That what comes out of a ring is what went in, whatever it is and however full the ring is.

#![cfg(not(loom))]

use proptest::prelude::*;

use super::*;
use crate::callsite::Callsite;
use crate::context::{Decision, SpanContext, state};
use crate::id::TraceId;
use crate::name::Name;
use crate::record::{SamplerKind, SamplerTags};
use crate::report::drain::Batch;
use crate::room::Room;
use crate::wire::sample;

static NAMES: [&str; 3] = ["a name", "another", "a third"];
static SITE: Callsite = Callsite::new("work", "shop::orders", "src/orders.rs", 42);

/// What a span is to have.
#[derive(Clone, Debug)]
struct Kind {
    /// Some bytes of the names, so that names overlap and are not each other.
    name: (usize, usize),
    is_traced: bool,
    trace: u64,
    has_parent: bool,
    has_sampler: bool,
    has_baggage: bool,
    /// Bytes of a tag, if it has one: from some up it goes in a box.
    tag: Option<usize>,
    drain_after: bool,
}

fn any_kind() -> impl Strategy<Value = Kind> {
    (
        (0..NAMES.len(), 0_usize..6),
        any::<bool>(),
        0_u64..3,
        any::<bool>(),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        prop::option::weighted(0.3, prop_oneof![0_usize..200, 3_000_usize..4_096]),
        prop::bool::weighted(0.02),
    )
        .prop_map(
            |(name, is_traced, trace, has_parent, has_sampler, has_baggage, tag, drain_after)| {
                Kind {
                    name,
                    is_traced,
                    trace,
                    has_parent,
                    has_sampler,
                    has_baggage,
                    tag,
                    drain_after,
                }
            },
        )
}

impl Kind {
    fn span(&self, id: u64) -> SpanRecord {
        let parent = u64::from(self.has_parent) * 7;
        let mut context = SpanContext::remote(
            TraceId::from(u128::from(self.trace) << 64 | 1),
            id.into(),
            Decision::Sampled,
        )
        .with_parent_id(parent.into());
        context.state = state::RECORDING | state::COUNTED;
        context.tracer = 1;
        if self.has_baggage {
            context = context.with_baggage_item("id", &id.to_string());
        }
        let mut record = SpanRecord::of_context(context);
        record.context.state &= !state::BARE;
        record.name = if self.is_traced {
            Name::Site(&SITE)
        } else {
            Name::Text(&NAMES[self.name.0][self.name.1..])
        };
        record.sampler = self.has_sampler.then_some(SamplerTags {
            kind: SamplerKind::Probabilistic,
            param: id as f64,
        });
        if let Some(bytes) = self.tag {
            let text = "x".repeat(bytes);
            sample::tag(&mut record, "first", text.as_str());
            sample::tag(&mut record, "second", text.as_str());
        }
        record
    }
}

fn shown(record: &SpanRecord) -> String {
    let context = &record.context;
    let baggage: Vec<_> = context.baggage().iter().collect();
    let tags: Vec<_> = record.tags().collect();
    format!(
        "{} {}/{} {} {} {} {baggage:?} {} {:?} {:?} {tags:?}",
        context.trace_id,
        context.span_id,
        context.parent_id,
        context.tracer,
        context.flags,
        context.state,
        record.name.text(),
        record.name.callsite().map(|site| site.line),
        record.sampler,
    )
}

struct Way {
    ring: Ring,
    drain: Drain,
    batch: Batch,
    hub: Hub,
    arrived: Vec<String>,
}

impl Way {
    fn new() -> Self {
        let (ring, drain) = ring(1, &Arc::default(), Limits::default()).unwrap();
        Self {
            ring,
            drain,
            batch: Batch::new(),
            hub: Hub::new(Limits::default(), 0, Room::new(0, 0)),
            arrived: Vec::new(),
        }
    }

    fn send(&mut self, record: &mut SpanRecord) -> Handed {
        self.ring.hand_over(record, Instant::ZERO, &self.hub)
    }

    /// The same by the way for spans with details, where that is open.
    fn send_detailed(&mut self, record: &mut SpanRecord) -> Handed {
        match self.ring.copy_detailed_record(record, || Instant::ZERO) {
            Some(()) => Handed::Queued,
            None => self.send(record),
        }
    }

    fn drain(&mut self) {
        let arrived = &mut self.arrived;
        self.drain.drain(&mut self.batch, |spans| {
            arrived.extend(spans.iter().map(shown));
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_queued_arrives_and_nothing_else(kinds in prop::collection::vec(any_kind(), 0..2_000)) {
        let mut way = Way::new();
        let mut queued = Vec::new();
        for (id, kind) in (1..).zip(&kinds) {
            let mut record = kind.span(id);
            let sent = shown(&record);
            let handed = if id % 2 == 0 {
                way.send_detailed(&mut record)
            } else {
                way.send(&mut record)
            };
            match handed {
                Handed::Queued => queued.push(sent),
                Handed::Full => {}
                Handed::Closed => panic!("closed"),
            }
            prop_assert!(record.details.is_none() && record.context.carried.is_none());
            if kind.drain_after {
                way.drain();
            }
        }
        way.drain();
        prop_assert_eq!(way.arrived, queued);
    }
}

#[test]
fn a_full_ring_drops_spans_and_goes_on_when_it_was_read() {
    let mut way = Way::new();
    let plain = |id: u64| {
        let mut record = SpanRecord::of_context(sample::span(id, 0).context);
        record.context.state = state::RECORDING;
        record
    };
    for round in 0..3 {
        let first = round * 10_000;
        for id in 0..LINES as u64 {
            assert_eq!(way.send(&mut plain(first + id)), Handed::Queued);
        }
        for id in 0..3 {
            assert_eq!(way.send(&mut plain(first + id)), Handed::Full);
        }
        way.drain();
        assert_eq!(way.arrived.len(), LINES);
        way.arrived.clear();
    }
}

#[test]
fn more_names_than_a_thread_remembers_arrive_each_as_it_is() {
    let text: &'static str = Box::leak("n".repeat(2_000).into_boxed_str());
    let names: Vec<Name> = (0..1_000).map(|at| Name::Text(&text[at..])).collect();
    let mut way = Way::new();
    for round in 0..2 {
        for (id, name) in (1..).zip(&names) {
            let mut record = SpanRecord::of_context(sample::span(id, 0).context);
            record.name = *name;
            assert_eq!(way.send(&mut record), Handed::Queued);
        }
        let found = |record: &SpanRecord| record.name.text().len();
        let mut lengths = Vec::new();
        way.drain.drain(&mut way.batch, |spans| {
            lengths.extend(spans.iter().map(found));
        });
        let expected: Vec<_> = names.iter().map(|name| name.text().len()).collect();
        assert_eq!(lengths, expected, "round {round}");
    }
}

#[test]
fn a_ring_is_done_when_its_thread_has_gone_and_all_is_read() {
    let mut way = Way::new();
    way.send(&mut sample::span(1, 0));
    assert!(!way.drain.is_done());
    let Way {
        ring,
        mut drain,
        mut batch,
        ..
    } = way;
    std::thread::spawn(move || drop(ring)).join().unwrap();
    assert!(!drain.is_done(), "a span waits");
    let mut spans = 0;
    drain.drain(&mut batch, |batch| spans += batch.len());
    assert_eq!(spans, 1);
    assert!(drain.is_done());
}
