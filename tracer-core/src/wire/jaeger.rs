//! Jaeger's structs ([jaeger.thrift](https://github.com/jaegertracing/jaeger-idl/blob/main/thrift/jaeger.thrift),
//! `emitBatch` of agent.thrift), written straight from the tracer's own records in either protocol.
//!
//! A batch is written in three pieces, because a message is filled until it is full: [`batch_head`] up to its list of
//! spans, whose length is known last; each [`span`]; [`batch_tail`].

use super::{Buffer, Known, Protocol};
use crate::callsite::Callsite;
use crate::context::SpanContext;
use crate::details::{RawValue, ReferenceKind, cut_bytes};
use crate::process::Process;
use crate::record::SpanRecord;
use crate::report::Losses;
use crate::tags;

/// How much of a span or process is written: all of it, or less so that it fits into a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Extent {
    pub(crate) logs: bool,
    pub(crate) tags: bool,
    /// Bytes of each value.
    pub(crate) value_bytes: usize,
}

impl Extent {
    pub(crate) const WHOLE: Self = Self {
        logs: true,
        tags: true,
        value_bytes: usize::MAX,
    };
    /// What is left of a span in the end: its identity and times, a name, and the mark that it was cut.
    pub(crate) const MINIMAL: Self = Self {
        logs: false,
        tags: false,
        value_bytes: 0,
    };

    /// As much of a text value as is written.
    #[inline]
    fn value<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        cut_bytes(text, self.value_bytes)
    }

    /// As much of an operation's or a service's name as is written: without it the rest says little.
    fn name<'t>(&self, name: &'t str) -> &'t [u8] {
        cut_bytes(name.as_bytes(), self.value_bytes.max(64))
    }
}

/// Whether a batch stands alone, as over HTTP, or is the argument of a call, as over UDP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    Bare,
    /// `emitBatch` of the service `Agent`, one-way.
    EmitBatch,
}

/// A batch up to its list of spans: `{1: Process process, ...`.
pub(crate) fn batch_head<P: Protocol>(
    out: &mut Buffer,
    framing: Framing,
    process: &Process,
    extent: Extent,
) {
    if framing == Framing::EmitBatch {
        // Thrift's sequence number pairs answers with calls; a one-way call has no answer.
        P::message(out, "emitBatch", 0);
        P::struct_field(out, 0, 1);
    }
    P::struct_field(out, 0, 1);
    P::bytes_field(out, 0, 1, extent.name(&process.service_name));
    if extent.tags && !process.tags.is_empty() {
        P::list_field(out, 1, 2, process.tags.len());
        for (key, value) in &process.tags {
            tag::<P>(out, key.as_bytes(), value.into(), extent);
        }
    }
    P::stop(out);
}

/// The header of a batch's list of spans: `2: list<Span> spans`. The spans follow.
pub(crate) fn spans_head<P: Protocol>(out: &mut Buffer, count: usize) {
    P::list_field(out, 1, 2, count);
}

/// The end of a batch: `3: i64 seqNo, 4: ClientStats stats}`.
pub(crate) fn batch_tail<P: Protocol>(
    out: &mut Buffer,
    framing: Framing,
    sequence: u64,
    losses: Losses,
) {
    P::i64_field(out, 2, 3, sequence as i64);
    P::struct_field(out, 3, 4);
    P::i64_field(out, 0, 1, losses.queue_full as i64);
    P::i64_field(out, 1, 2, losses.too_large as i64);
    P::i64_field(out, 2, 3, losses.failed as i64);
    P::stop(out);
    P::stop(out);
    if framing == Framing::EmitBatch {
        P::stop(out);
    }
}

/// One span. `known` is of spans in the same protocol.
pub(crate) fn span<P: Protocol>(
    out: &mut Buffer,
    record: &SpanRecord,
    extent: Extent,
    known: &mut Known,
) {
    let context = &record.context;
    known.write_trace(out, context.trace_id, |out| {
        P::i64_field(out, 0, 1, context.trace_id.low as i64);
        P::i64_field(out, 1, 2, context.trace_id.high as i64);
    });
    P::i64_field(out, 2, 3, context.span_id.0 as i64);
    known.write_parent(out, context.parent_id, |out| {
        P::i64_field(out, 3, 4, context.parent_id.0 as i64);
    });
    if record.details.is_none() && record.sampler.is_none() && extent == Extent::WHOLE {
        bare::<P>(out, record, known);
        return;
    }
    P::bytes_field(out, 4, 5, extent.name(record.operation_name()));
    let references = extent.tags && references::<P>(out, record);
    P::i32_field(out, if references { 6 } else { 5 }, 7, context.flags.into());
    let (start, duration) = micros(record);
    P::i64_field(out, 7, 8, start);
    P::i64_field(out, 8, 9, duration);
    let tags = tags::<P>(out, record, extent, known);
    if extent.logs {
        logs::<P>(out, record, if tags { 10 } else { 9 });
    }
    P::stop(out);
}

/// What comes after the ids of a span with no more than a name: as [`span`] has it, of which little is left then.
fn bare<P: Protocol>(out: &mut Buffer, record: &SpanRecord, known: &mut Known) {
    P::bytes_field(out, 4, 5, record.name.text().as_bytes());
    P::i32_field(out, 5, 7, record.context.flags.into());
    let wall = |instant| record.context.anchor.wall_nanos(instant).div_euclid(1000);
    let start = wall(record.start);
    P::i64_field(out, 7, 8, start);
    P::i64_field(out, 8, 9, wall(record.end).saturating_sub(start).max(0));
    if let Some(site) = record.name.callsite() {
        P::list_field(out, 9, 10, Callsite::TAGS);
        known.write_site(out, site, |out| site_tags::<P>(out, site, Extent::WHOLE));
    }
    P::stop(out);
}

/// Start and duration in microseconds.
///
/// Start and end are each rounded down and the duration is their difference: a child that lies within its parent still
/// does when both are rounded, which rounding durations would not give.
fn micros(record: &SpanRecord) -> (i64, i64) {
    let start = record.start_nanos();
    let end = match record
        .details
        .as_deref()
        .and_then(|details| details.finished_at)
    {
        Some(given) => given,
        None => record.context.anchor.wall_nanos(record.end),
    };
    let start = start.div_euclid(1000);
    (start, end.div_euclid(1000).saturating_sub(start).max(0))
}

/// Field 6, if there is more to say than `parentSpanId` does; whether there was.
///
/// Receivers take `parentSpanId` as a reference of the kind ChildOf unless the list has that span. So the list is left out
/// for a span with nothing but a parent, and is otherwise complete, parent first, as Jaeger's Go client sends it.
fn references<P: Protocol>(out: &mut Buffer, record: &SpanRecord) -> bool {
    let given = || {
        record
            .references()
            .iter()
            .filter(|reference| reference.context.is_valid())
    };
    let count = given().count();
    if count == 0 {
        return false;
    }
    let own = &record.context;
    let is_parent =
        |other: &SpanContext| other.trace_id == own.trace_id && other.span_id == own.parent_id;
    let parent_missing =
        !own.parent_id.is_none() && !given().any(|reference| is_parent(&reference.context));
    P::list_field(out, 5, 6, count + usize::from(parent_missing));
    if parent_missing {
        reference::<P>(
            out,
            ReferenceKind::ChildOf,
            own.trace_id.low,
            own.trace_id.high,
            own.parent_id.0,
        );
    }
    for given in given() {
        let other = &given.context;
        reference::<P>(
            out,
            given.kind,
            other.trace_id.low,
            other.trace_id.high,
            other.span_id.0,
        );
    }
    true
}

fn reference<P: Protocol>(
    out: &mut Buffer,
    kind: ReferenceKind,
    trace_low: u64,
    trace_high: u64,
    span: u64,
) {
    let kind = match kind {
        ReferenceKind::ChildOf => 0,
        ReferenceKind::FollowsFrom => 1,
    };
    P::i32_field(out, 0, 1, kind);
    P::i64_field(out, 1, 2, trace_low as i64);
    P::i64_field(out, 2, 3, trace_high as i64);
    P::i64_field(out, 3, 4, span as i64);
    P::stop(out);
}

/// Field 10, if there are tags; whether there are.
fn tags<P: Protocol>(
    out: &mut Buffer,
    record: &SpanRecord,
    extent: Extent,
    known: &mut Known,
) -> bool {
    let details = record.details.as_deref();
    let is_marked = extent != Extent::WHOLE || details.is_some_and(|details| details.truncated);
    let own = details.filter(|_| extent.tags);
    let sampler = record.sampler_tags().filter(|_| extent.tags);
    let site = record.name.callsite().filter(|_| extent.tags);
    let count = own.map_or(0, |details| details.tag_count())
        + sampler.as_ref().map_or(0, |tags| tags.len())
        + site.map_or(0, |_| Callsite::TAGS)
        + usize::from(is_marked);
    if count == 0 {
        return false;
    }
    P::list_field(out, 9, 10, count);
    if let Some(details) = own {
        details
            .raw_tags()
            .for_each(|(key, value)| tag::<P>(out, key, value, extent));
    }
    for (key, value) in sampler.iter().flatten() {
        tag::<P>(out, key.as_bytes(), value.into(), extent);
    }
    match site {
        Some(site) if extent.value_bytes == usize::MAX => {
            known.write_site(out, site, |out| site_tags::<P>(out, site, extent));
        }
        Some(site) => site_tags::<P>(out, site, extent),
        None => {}
    }
    if is_marked {
        tag::<P>(
            out,
            tags::TRUNCATED.as_bytes(),
            RawValue::Bool(true),
            extent,
        );
    }
    true
}

fn site_tags<P: Protocol>(out: &mut Buffer, site: &Callsite, extent: Extent) {
    for (key, value) in site.tags() {
        tag::<P>(out, key.as_bytes(), (&value).into(), extent);
    }
}

/// Field 11, if there are logs.
fn logs<P: Protocol>(out: &mut Buffer, record: &SpanRecord, before: u8) {
    let Some(details) = record
        .details
        .as_deref()
        .filter(|details| details.log_count() > 0)
    else {
        return;
    };
    P::list_field(out, before, 11, details.log_count());
    for (time, fields) in details.raw_logs() {
        P::i64_field(out, 0, 1, record.log_nanos(time).div_euclid(1000));
        P::list_field(out, 1, 2, fields.len());
        for (key, value) in fields {
            tag::<P>(out, key, value, Extent::WHOLE);
        }
        P::stop(out);
    }
}

/// A number that JSON lacks, as text: one such tag, and Jaeger's query API has nothing to say of the whole trace.
fn not_finite(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "inf"
    } else {
        "-inf"
    }
}

/// A tag or a field of a log.
#[inline]
fn tag<P: Protocol>(out: &mut Buffer, key: &[u8], value: RawValue<'_>, extent: Extent) {
    P::bytes_field(out, 0, 1, key);
    match value {
        RawValue::Text(text) => {
            P::i32_field(out, 1, 2, 0);
            P::bytes_field(out, 2, 3, extent.value(text));
        }
        RawValue::F64(number) if !number.is_finite() => {
            P::i32_field(out, 1, 2, 0);
            P::bytes_field(out, 2, 3, extent.value(not_finite(number).as_bytes()));
        }
        RawValue::F64(number) => {
            P::i32_field(out, 1, 2, 1);
            P::f64_field(out, 2, 4, number);
        }
        RawValue::Bool(truth) => {
            P::i32_field(out, 1, 2, 2);
            P::bool_field(out, 2, 5, truth);
        }
        RawValue::I64(number) => {
            P::i32_field(out, 1, 2, 3);
            P::i64_field(out, 2, 6, number);
        }
        RawValue::Bytes(bytes) => {
            P::i32_field(out, 1, 2, 4);
            P::bytes_field(out, 2, 7, &bytes[..bytes.len().min(extent.value_bytes)]);
        }
    }
    P::stop(out);
}
