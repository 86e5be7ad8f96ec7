//! Several tracers in one process, the default of a thread, and the tracer that does nothing.

use http::HeaderMap;
use tracer_core::{HttpHeaders, Sampler, Tracer, tracer};
use tracer_testing::{TestTracer, assert_trace};

#[test]
fn services_of_one_process_share_a_trace() {
    let test = TestTracer::new("shop").strict();
    let payment = test.service("payment");
    let order = test.tracer().start_active_span("order");
    let mut headers = HeaderMap::new();
    test.tracer()
        .inject(&order.context(), &mut HttpHeaders(&mut headers));
    let charge = payment
        .build_span("charge")
        .child_of(&payment.extract(&HttpHeaders(&headers)).unwrap().unwrap())
        .start_active();
    payment.start_span("book").finish();
    drop((charge, order));
    assert_trace!(
        test,
        "
        order @shop
          charge @payment
            book @payment
        "
    );
    assert_eq!(
        (test.tracer().stats().finished, payment.stats().finished),
        (1, 2)
    );
}

#[test]
fn span_under_one_of_another_tracer_is_its_child_and_goes_to_its_own_reporter() {
    let test = TestTracer::new("a").strict();
    let other = test.service("b");
    let outer = test.tracer().start_active_span("outer");
    let inner = other.start_active_span("inner");
    assert_eq!(
        Tracer::current().service_name(),
        "b",
        "the tracer of the active span"
    );
    drop(inner);
    assert_eq!(Tracer::current().service_name(), "a");
    drop(outer);
    assert_trace!(test, "outer @a\n  inner @b");
}

#[test]
fn default_of_the_thread_begins_traces() {
    let test = TestTracer::new("a").strict();
    let other = test.service("b");
    assert!(!Tracer::current().is_enabled());
    {
        let _a = test.tracer().set_default();
        {
            let _b = other.set_default();
            assert_eq!(Tracer::current().service_name(), "b");
        }
        assert_eq!(Tracer::current().service_name(), "a");
        std::thread::spawn(|| assert!(!Tracer::current().is_enabled(), "of that thread alone"))
            .join()
            .unwrap();
    }
    assert!(!Tracer::current().is_enabled());
}

#[test]
fn defaults_may_end_in_any_order() {
    let test = TestTracer::new("a").strict();
    let other = test.service("b");
    let a = test.tracer().set_default();
    let b = other.set_default();
    drop(a);
    assert_eq!(Tracer::current().service_name(), "b");
    drop(b);
    assert!(!Tracer::current().is_enabled());
}

#[test]
fn disabled_default_switches_a_thread_off() {
    let test = TestTracer::new("a").strict();
    let _on = test.tracer().set_default();
    let _off = Tracer::disabled().set_default();
    assert!(!Tracer::current().is_enabled());
}

#[test]
fn tracer_that_does_nothing_does_nothing() {
    let disabled = Tracer::disabled();
    assert!(
        !disabled.is_enabled() && !tracer().is_enabled(),
        "none is installed here"
    );
    assert_eq!(disabled.service_name(), "");
    let mut span = disabled.start_span("span");
    span.set_tag("k", "v")
        .log([("event", "x")])
        .set_operation_name("y")
        .set_baggage_item("k", "v");
    assert!(!span.is_recording() && !span.context().is_valid());
    let scope = span.activate();
    assert!(disabled.active_span().context().is_none());
    let mut headers = HeaderMap::new();
    disabled.inject(&scope.context(), &mut HttpHeaders(&mut headers));
    assert!(headers.is_empty());
    headers.insert(
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            .parse()
            .unwrap(),
    );
    assert_eq!(disabled.extract(&HttpHeaders(&headers)), Ok(None));
    assert_eq!(disabled.stats(), tracer_core::Stats::default());
    assert_eq!(disabled.flush(std::time::Duration::ZERO), Ok(()));
    assert_eq!(disabled.shutdown(std::time::Duration::ZERO), Ok(()));
}

#[test]
fn span_of_a_dropped_tracer_still_ends_quietly() {
    let tracer = Tracer::builder("short")
        .sampler(Sampler::constant(true))
        .reporter(tracer_core::NullReporter)
        .build()
        .unwrap();
    let span = tracer.start_span("survivor");
    let scope = tracer.start_active_span("active");
    drop(tracer);
    scope.set_tag("k", "v");
    assert!(!Tracer::current().is_enabled());
    drop(scope);
    drop(span);
}

#[test]
fn set_up_refuses_what_cannot_be() {
    let error = Tracer::builder(" ").build().unwrap_err().to_string();
    assert!(error.contains("service name"), "{error}");
}
