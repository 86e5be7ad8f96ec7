//! Limits of what a service adds to traces of others: its baggage, and debug traces.

use std::time::Duration;

use tracer_core::{
    BaggagePolicy, DebugThrottle, Decision, HttpHeaders, Propagation, RemoteBaggagePolicy,
    RemoteDebugThrottle, Sampler, active_span,
};
use tracer_testing::{TestTracer, assert_trace};

use crate::agent::Agent;
use crate::wait_until;

/// So slow that no credit comes back during a test.
const SLOW: f64 = 1e-6;
const OFTEN: Duration = Duration::from_millis(100);

#[test]
fn baggage_of_keys_that_are_not_allowed_is_left_out_and_long_values_are_cut() {
    let policy = BaggagePolicy::keys([("user", 4), ("tenant", 16)]);
    let test = TestTracer::with("it", |builder| builder.baggage_policy(policy));
    let mut span = test.tracer().start_span("root");
    span.set_baggage_item("tenant", "acme")
        .set_baggage_item("user", "näin")
        .set_baggage_item("secret", "s")
        .set_baggage_item("User", "u")
        .set_baggage_item("user", "");
    let items = span.context().baggage().clone();
    assert_eq!(items.iter().collect::<Vec<_>>(), [("tenant", "acme")]);
    span.finish();
    assert_trace!(
        test,
        r#"root [event=baggage, key=tenant, value=acme] [event=baggage, key=user, value=näi, truncated="true"] [event=baggage, key=secret, value=s, invalid="true"] [event=baggage, key=User, value=u, invalid="true"] [event=baggage, key=user, value="", override="true"]"#
    );
    let stats = test.tracer().stats();
    assert_eq!((stats.baggage_denied, stats.baggage_truncated), (2, 1));
}

#[test]
fn baggage_policy_holds_for_active_spans_and_contexts_and_not_for_what_callers_sent() {
    let test = TestTracer::with("it", |builder| {
        builder
            .baggage_policy(BaggagePolicy::any_key(3))
            .propagation([Propagation::Jaeger])
    });
    let mut headers = http::HeaderMap::new();
    headers.insert("uber-trace-id", "1:2:0:1".parse().unwrap());
    headers.insert("uberctx-long", "longer".parse().unwrap());
    let caller = test.tracer().extract(&HttpHeaders(&headers)).unwrap();
    let scope = test
        .tracer()
        .build_span("serve")
        .child_of(caller.as_ref())
        .start_active();
    scope.set_baggage_item("own", "longer");
    active_span().set_baggage_item("k", "v");
    assert_eq!(scope.baggage_item("long").as_deref(), Some("longer"));
    assert_eq!(scope.baggage_item("own").as_deref(), Some("lon"));
    scope.context().in_scope(|| {
        active_span().set_baggage_item("bare", "longer");
        assert_eq!(active_span().baggage_item("bare").as_deref(), Some("lon"));
    });
    assert_eq!(test.tracer().stats().baggage_truncated, 2);
    drop(scope);
    test.forget();
}

#[test]
fn baggage_beyond_the_limits_of_the_format_is_counted_as_denied() {
    let test = TestTracer::new("it");
    let mut span = test.tracer().start_span("root");
    span.set_baggage_item("k", &"v".repeat(9000));
    assert_eq!(span.baggage_item("k"), None);
    span.finish();
    assert_eq!(test.tracer().stats().baggage_denied, 1);
    assert!(test.tree().contains(r#"invalid="true""#));
}

#[test]
fn remote_baggage_policy_follows_the_agent_and_takes_another_shape_for_a_failure() {
    let sampling = r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":1}}"#;
    let agent = Agent::new(sampling);
    let policy = || {
        RemoteBaggagePolicy::to(agent.url("baggageRestrictions"))
            .unwrap()
            .refresh_interval(OFTEN)
    };
    let open = TestTracer::with("a b", |builder| builder.baggage_policy(policy()));
    let shut = TestTracer::with("it", |builder| {
        builder.baggage_policy(policy().deny_until_known())
    });
    let try_out = |test: &TestTracer, key: &str| {
        let mut span = test.tracer().start_span("root");
        span.set_baggage_item(key, "long");
        let value = span.baggage_item(key).map(str::to_owned);
        span.finish();
        test.forget();
        value
    };
    let failures = |test: &TestTracer| test.tracer().stats().baggage_policy.update_failures;
    wait_until("both were answered wrongly", || {
        failures(&open) > 0 && failures(&shut) > 0
    });
    assert_eq!(try_out(&open, "k").as_deref(), Some("long"));
    assert_eq!(try_out(&shut, "k"), None);

    agent.answer(r#"[{"baggageKey":"k","maxValueLength":2}]"#);
    for test in [&open, &shut] {
        wait_until("the answer is in force", || {
            test.tracer().stats().baggage_policy.updates == 1
        });
        assert_eq!(try_out(test, "k").as_deref(), Some("lo"));
        assert_eq!(try_out(test, "other"), None);
    }

    agent.answer(sampling);
    let before = failures(&open);
    wait_until("it fails again", || failures(&open) > before);
    assert_eq!(
        try_out(&open, "k").as_deref(),
        Some("lo"),
        "the last one stays"
    );
    wait_until("both asked", || agent.asked().contains("service=a%20b"));
    assert!(
        agent
            .asked()
            .starts_with("GET /baggageRestrictions?service=")
    );
}

fn throttled(sampled: bool, traces: f64) -> TestTracer {
    let throttle = DebugThrottle::per_second(traces).unwrap();
    TestTracer::with("it", |builder| {
        builder
            .sampler(Sampler::constant(sampled))
            .debug_throttle(throttle)
            .propagation([Propagation::Jaeger, Propagation::B3Single])
    })
}

/// Serves a request with that header.
fn serve_with(test: &TestTracer, operation: &'static str, name: &'static str, value: &'static str) {
    let mut headers = http::HeaderMap::new();
    headers.insert(name, value.parse().unwrap());
    let context = test.tracer().extract(&HttpHeaders(&headers)).unwrap();
    let caller = context.as_ref();
    drop(test.tracer().build_span(operation).child_of(caller).start());
}

#[test]
fn debug_id_beyond_the_throttle_is_up_to_the_sampler_and_not_a_tag() {
    for sampled in [true, false] {
        let test = throttled(sampled, SLOW);
        for operation in ["a", "a", "b"] {
            serve_with(&test, operation, "jaeger-debug-id", "me");
        }
        let spans = test.spans();
        let debug = |span: &&tracer_core::SpanRecord| span.context().decision() == Decision::Debug;
        assert_eq!(spans.iter().filter(debug).count(), 2);
        let throttled = if sampled { "a\n" } else { "" };
        let expected = format!("a {{jaeger-debug-id=me}}\n{throttled}b {{jaeger-debug-id=me}}");
        assert_trace!(spans, &expected);
        let stats = test.tracer().stats();
        assert_eq!(
            (stats.debug_throttled, stats.refused),
            (1, u64::from(!sampled))
        );
    }
}

#[test]
fn b3_debug_without_ids_is_throttled_too() {
    let test = throttled(false, SLOW);
    serve_with(&test, "a", "b3", "d");
    serve_with(&test, "a", "b3", "d");
    assert_trace!(test, "a");
    assert_eq!(test.tracer().stats().debug_throttled, 1);
}

#[test]
fn debug_traces_of_others_and_children_of_ours_are_not_throttled() {
    let test = throttled(false, 0.0);
    serve_with(&test, "joined", "uber-trace-id", "1:2:0:3");
    assert_trace!(test, "joined (parent elsewhere)");
    assert_eq!(test.tracer().stats().debug_throttled, 0);
}

#[test]
fn priority_beyond_the_throttle_is_ignored() {
    let test = throttled(false, SLOW);
    let force = || {
        let mut span = test.tracer().start_span("span");
        span.set_tag("sampling.priority", 1)
            .set_tag("sampling.priority", 1);
        span.is_recording()
    };
    assert_eq!([force(), force()], [true, false]);
    let force = || {
        let scope = test.tracer().start_active_span("scope");
        active_span().set_tag("sampling.priority", 1);
        scope.is_recording()
    };
    assert_eq!([force(), force()], [true, false]);
    let force = || {
        let builder = test.tracer().build_span("built");
        builder.tag("sampling.priority", 1).start().is_recording()
    };
    assert_eq!([force(), force()], [true, false]);
    assert_trace!(test, "span\nscope\nbuilt");
    let stats = test.tracer().stats();
    assert_eq!(stats.debug_throttled, 4, "of the second span twice");
    let test = throttled(true, 0.0);
    test.tracer()
        .start_span("sampled as it is")
        .set_tag("sampling.priority", 1);
    let spans = test.spans();
    assert_eq!(spans[0].context().decision(), Decision::Sampled);
    assert_trace!(spans, "sampled as it is");
}

#[test]
fn remote_credits_are_asked_for_by_operation_and_spent() {
    let agent = Agent::new(r#"{"balances":[{"operation":"get /","balance":1.0}]}"#);
    let throttle = RemoteDebugThrottle::to(agent.url("credits")).unwrap();
    let test = TestTracer::with("it", |builder| {
        builder
            .sampler(Sampler::constant(false))
            .tag("client-uuid", "abc")
            .debug_throttle(throttle.refresh_interval(OFTEN))
            .propagation([Propagation::Jaeger])
    });
    let ask = || serve_with(&test, "get /", "jaeger-debug-id", "me");
    ask();
    assert!(test.spans().is_empty(), "the operation was not known");
    let polled = || test.tracer().stats().debug_throttle;
    wait_until("credits came", || polled().updates > 0);
    assert_eq!(
        agent.asked().split(' ').nth(1),
        Some("/credits?service=it&uuid=abc&operations=get%20%2F")
    );
    agent.answer("{}");
    wait_until("no more come", || polled().update_failures > 0);
    let credits = polled().updates;
    (0..credits + 2).for_each(|_| ask());
    assert_eq!(test.spans().len() as u64, credits);
    assert_eq!(test.tracer().stats().debug_throttled, 3);
}
