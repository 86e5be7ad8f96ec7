//! Everything behind a seam keeps its contract, and the tracer that of OpenTracing.

use std::time::Duration;

use tracer_core::{
    ConsoleReporter, HttpReporter, JaegerHeaders, MemoryReporter, NullReporter, Process,
    Propagation, ReportError, Reporter, Sample, Sampler, Sampling, SamplingRequest, SpanRecord,
    Tracer, UdpReporter,
};
use tracer_testing::{contract, harness, vectors};

use crate::agent::Agent;

#[test]
fn every_format_is_a_propagator() {
    for format in [
        Propagation::W3c,
        Propagation::Jaeger,
        Propagation::B3Single,
        Propagation::B3Multi,
    ] {
        contract::propagator(&format);
    }
    contract::propagator(&Propagation::jaeger(JaegerHeaders::default()).unwrap());
}

#[test]
fn every_format_reads_what_its_specification_shows() {
    vectors::check(&Propagation::W3c, vectors::W3C);
    vectors::check(&Propagation::Jaeger, vectors::JAEGER);
    vectors::check(&Propagation::B3Single, vectors::B3);
    vectors::check(&Propagation::B3Multi, vectors::B3);
}

#[derive(Debug)]
struct EveryOther(std::sync::atomic::AtomicBool);

impl Sample for EveryOther {
    fn sample(&self, _: &SamplingRequest<'_>) -> Sampling {
        if self.0.fetch_xor(true, std::sync::atomic::Ordering::Relaxed) {
            return Sampling::refused();
        }
        Sampling::sampled().tag("sampler.type", "every other")
    }
}

#[test]
fn every_sampler_is_one() {
    let samplers = [
        Sampler::constant(true),
        Sampler::constant(false),
        Sampler::probabilistic(0.5).unwrap(),
        Sampler::rate_limiting(50.0).unwrap(),
        Sampler::guaranteed_throughput(0.5, 50.0).unwrap(),
        Sampler::per_operation(0.5, 1.0, [("operation 3", 0.0)]).unwrap(),
        Sampler::custom(EveryOther(false.into())),
    ];
    samplers.iter().for_each(contract::sampler);
}

#[test]
fn remote_sampler_is_one_whatever_strategy_it_follows() {
    for strategy in [
        r#"{"probabilisticSampling":{"samplingRate":0.5}}"#,
        r#"{"rateLimitingSampling":{"maxTracesPerSecond":50}}"#,
        r#"{"operationSampling":{"defaultSamplingProbability":0.5,"perOperationStrategies":[]}}"#,
        "no strategy",
    ] {
        let agent = Agent::new(strategy);
        let sampler = Sampler::remote(agent.url("sampling")).unwrap();
        contract::sampler(&sampler);
        contract::sampler(&sampler.operation_name_late_binding());
    }
}

/// Fails in every way there is, one after the other.
#[derive(Default)]
struct Unreliable(u32);

impl Reporter for Unreliable {
    fn report(&mut self, _: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        self.0 += 1;
        match self.0 % 3 {
            0 => Err(ReportError::io(batch.len(), "the cable is out")),
            1 => Err(ReportError::io(batch.len() / 2, "half of it arrived")),
            _ => Ok(()),
        }
    }
}

#[test]
fn every_reporter_is_one() {
    contract::reporter(MemoryReporter::new);
    contract::reporter(|| MemoryReporter::with_capacity(10));
    contract::reporter(|| NullReporter);
    contract::reporter(|| ConsoleReporter::to(std::io::sink()));
    contract::reporter(Unreliable::default);
}

#[test]
fn reporter_over_udp_is_one_whether_or_not_somebody_listens() {
    let listener = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    contract::reporter(|| UdpReporter::to(address.to_string()).unwrap());
    drop(listener);
    contract::reporter(|| UdpReporter::to(address.to_string()).unwrap());
}

#[test]
fn reporter_over_http_is_one_whether_or_not_somebody_listens() {
    let collector = Agent::new("");
    contract::reporter(|| HttpReporter::to(collector.url("api/traces")).unwrap());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    contract::reporter(|| HttpReporter::to(format!("http://{address}")).unwrap());
}

fn build(propagation: impl IntoIterator<Item = Propagation>, sampler: Sampler) -> Tracer {
    let builder = Tracer::builder("checked")
        .sampler(sampler)
        .reporter(NullReporter)
        .propagation(propagation);
    builder
        .flush_interval(Duration::from_secs(60))
        .build()
        .unwrap()
}

#[test]
fn every_set_up_passes_the_api_checks() {
    for sampled in [true, false] {
        for format in [
            Propagation::W3c,
            Propagation::Jaeger,
            Propagation::B3Single,
            Propagation::B3Multi,
        ] {
            harness::run_api_checks(|| build([format.clone()], Sampler::constant(sampled)));
        }
        harness::run_api_checks(|| {
            build(
                [Propagation::W3c, Propagation::Jaeger],
                Sampler::constant(sampled),
            )
        });
    }
}
