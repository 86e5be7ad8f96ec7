//! Strategies that come from an agent, and what they make of traces that are decided about late.

use std::time::Duration;

use tracer_core::{RemoteSampler, Sampler};
use tracer_testing::{TestTracer, assert_trace};

use crate::agent::Agent;
use crate::wait_until;

const OFTEN: Duration = Duration::from_millis(100);
const NONE: &str = r#"{"probabilisticSampling":{"samplingRate":0}}"#;

/// A strategy that samples one operation and no other.
fn only(operation: &str) -> String {
    format!(
        r#"{{
            "probabilisticSampling": {{"samplingRate": 0}},
            "operationSampling": {{
                "defaultSamplingProbability": 0,
                "defaultLowerBoundTracesPerSecond": 0,
                "perOperationStrategies": [
                    {{"operation": "{operation}", "probabilisticSampling": {{"samplingRate": 1}}}}
                ]
            }}
        }}"#
    )
}

fn test_of(agent: &Agent, set_up: impl FnOnce(Sampler) -> Sampler) -> TestTracer {
    let sampler = RemoteSampler::to(agent.url("sampling")).unwrap();
    let sampler = set_up(sampler.refresh_interval(OFTEN).into());
    let test = TestTracer::with("it", |builder| builder.sampler(sampler));
    follow(&test, 1);
    test.show("sampler.*")
}

/// Waits for so many strategies, each another one.
fn follow(test: &TestTracer, strategies: u64) {
    wait_until("the strategy is followed", || {
        test.tracer().stats().sampler.updates == strategies
    });
}

#[test]
fn name_that_is_set_late_is_decided_by_the_strategy_of_that_time() {
    let agent = Agent::new(NONE);
    let test = test_of(&agent, Sampler::operation_name_late_binding);
    let tracer = test.tracer();

    // Nothing waits for a name where names do not decide.
    let mut unnamed = tracer.start_span("GET");
    assert!(!unnamed.context().is_recorded());
    unnamed.set_operation_name("GET /orders/{id}");
    assert!(!unnamed.context().is_sampled());
    drop(unnamed);

    agent.answer(&only("GET /orders/{id}"));
    follow(&test, 2);
    assert!(agent.asked().starts_with("GET /sampling?service=it "));
    for route in ["GET /orders/{id}", "GET /health"] {
        let root = tracer.start_active_span("GET");
        root.set_tag("early", true);
        tracer.start_active_span("authorize").finish();
        let context = root.context();
        assert!(context.is_recorded() && !context.is_sampled());
        root.set_operation_name(route);
        assert_eq!(context.is_sampled(), route == "GET /orders/{id}");
        tracer.start_active_span("load").finish();
    }

    // One strategy when it begins, the next when its name is known.
    let open = tracer.start_active_span("GET");
    agent.answer(&only("GET /health"));
    follow(&test, 3);
    open.set_operation_name("GET /health");
    drop(open);
    assert_trace!(
        test,
        "
        GET /orders/{id} {early=true, sampler.param=1.0, sampler.type=probabilistic}
          authorize
          load
        GET /health {sampler.param=1.0, sampler.type=probabilistic}
        "
    );
}

#[test]
fn name_that_is_set_late_does_not_decide_unless_that_is_wanted() {
    let agent = Agent::new(&only("GET /orders/{id}"));
    let test = test_of(&agent, |sampler| sampler);
    let mut root = test.tracer().start_span("GET");
    root.set_operation_name("GET /orders/{id}");
    drop(root);
    test.tracer().start_span("GET /orders/{id}").finish();
    assert_trace!(
        test,
        "GET /orders/{id} {sampler.param=1.0, sampler.type=probabilistic}"
    );
}
