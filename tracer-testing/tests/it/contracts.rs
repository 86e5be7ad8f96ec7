//! Contracts find what is wrong: each of these implementations breaks one property.

use tracer_core::{
    Decision, ExtractError, NullReporter, Process, Propagation, Propagator, ReadCarrier,
    ReportError, Reporter, Sample, Sampler, Sampling, SamplingRequest, SpanContext, SpanId,
    SpanRecord, TextFormat, TraceId, Tracer, WriteCarrier,
};
use tracer_testing::{contract, harness, vectors};

use crate::complaint;

/// Writes and reads one header, with a fault.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fault {
    None,
    ForgetsTheDecision,
    WritesTheEmptyContext,
    WritesLineBreaks,
    DoesNotReplace,
    PanicsOnDamage,
}

impl Propagator for Fault {
    fn inject(&self, context: &SpanContext, carrier: &mut dyn WriteCarrier) {
        if !context.is_valid() && *self != Self::WritesTheEmptyContext {
            carrier.remove("x-ids");
            return;
        }
        let mut seen = false;
        if *self == Self::DoesNotReplace {
            seen =
                carrier.format() == TextFormat::TextMap && context.trace_id() == TraceId::from(1);
        }
        let sampled = u8::from(context.is_sampled() && *self != Self::ForgetsTheDecision);
        let line = if *self == Self::WritesLineBreaks {
            "\u{7f}"
        } else {
            ""
        };
        if !seen {
            let ids = (u128::from(context.trace_id()), u64::from(context.span_id()));
            carrier.set(
                "x-ids",
                &format!("{:032x}{:016x}{sampled}{line}", ids.0, ids.1),
            );
        }
    }

    fn extract(&self, carrier: &dyn ReadCarrier) -> Result<Option<SpanContext>, ExtractError> {
        let mut found = None;
        carrier.values("x-ids", &mut |value| found = Some(value.to_vec()));
        let Some(value) = found else { return Ok(None) };
        let damaged = ExtractError::Corrupted("x-ids");
        let text = String::from_utf8(value).map_err(|_| damaged.clone())?;
        let text = text.trim_end_matches('\u{7f}');
        if *self == Self::PanicsOnDamage {
            assert!(text.len() == 49, "damaged");
        }
        if text.len() != 49 || !text.is_ascii() {
            return Err(damaged);
        }
        let trace: TraceId = text[..32].parse().map_err(|_| damaged.clone())?;
        let span: SpanId = text[32..48].parse().map_err(|_| damaged.clone())?;
        let decision = match &text[48..] {
            "0" => Decision::Refused,
            "1" => Decision::Sampled,
            _ => return Err(damaged),
        };
        if trace.is_none() || span.is_none() {
            return if *self == Self::WritesTheEmptyContext {
                Err(damaged)
            } else {
                Ok(None)
            };
        }
        Ok(Some(SpanContext::remote(trace, span, decision)))
    }
}

#[test]
fn propagator_without_a_fault_passes() {
    contract::propagator(&Propagation::custom(Fault::None));
}

#[test]
fn every_fault_of_a_propagator_is_found() {
    for (fault, said) in [
        (Fault::ForgetsTheDecision, "ids and decision"),
        (Fault::WritesTheEmptyContext, "a context without ids"),
        (Fault::WritesLineBreaks, "header"),
        (Fault::DoesNotReplace, "writes nothing"),
        (Fault::PanicsOnDamage, "panics"),
    ] {
        let found = complaint(|| contract::propagator(&Propagation::custom(fault)));
        assert!(found.contains(said), "{fault:?}: {found}");
    }
}

#[test]
fn vectors_of_one_format_are_not_those_of_another() {
    let found = complaint(|| vectors::check(&Propagation::W3c, vectors::JAEGER));
    assert!(
        found.contains("as the client for Python writes it"),
        "{found}"
    );
}

/// Loses more than it got, or less than it says.
struct CountsWrong;

impl Reporter for CountsWrong {
    fn report(&mut self, _: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        Err(ReportError::io(batch.len() + 1, "lost"))
    }
}

/// Panics at spans it does not expect.
struct Picky;

impl Reporter for Picky {
    fn report(&mut self, _: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        batch
            .iter()
            .for_each(|span| assert!(!span.operation_name().is_empty(), "a span without a name"));
        Ok(())
    }
}

#[test]
fn faults_of_reporters_are_found() {
    contract::reporter(|| NullReporter);
    let found = complaint(|| contract::reporter(|| CountsWrong));
    assert!(found.contains("spans were given and"), "{found}");
    let found = complaint(|| contract::reporter(|| Picky));
    assert!(found.contains("a span without a name"), "{found}");
}

#[derive(Debug)]
struct TypeIsANumber;

impl Sample for TypeIsANumber {
    fn sample(&self, _: &SamplingRequest<'_>) -> Sampling {
        Sampling::sampled().tag("sampler.type", 7)
    }
}

#[test]
fn faults_of_samplers_are_found() {
    let found = complaint(|| contract::sampler(&Sampler::custom(TypeIsANumber)));
    assert!(found.contains("`sampler.type` is text"), "{found}");
}

#[test]
fn api_checks_name_the_one_that_failed() {
    let found = complaint(|| harness::run_api_checks(Tracer::disabled));
    assert!(found.contains("\"start span\" failed"), "{found}");
    let mute = || {
        let builder = Tracer::builder("mute")
            .sampler(Sampler::constant(true))
            .reporter(NullReporter);
        builder.propagation([]).build().unwrap()
    };
    let found = complaint(|| harness::run_api_checks(mute));
    assert!(found.contains("propagation\" failed"), "{found}");
}
