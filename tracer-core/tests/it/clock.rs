//! Times of spans while the wall clock steps.

use std::time::{Duration, UNIX_EPOCH};

use tracer_testing::{TestClock, TestTracer, assert_trace};

const HOUR: Duration = Duration::from_secs(3600);
const TICK: Duration = Duration::from_millis(7);

#[test]
fn step_of_the_wall_clock_changes_no_duration_and_tears_no_trace() {
    let begin = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for stepped in [begin - HOUR, begin + HOUR] {
        let test = TestTracer::new("it").strict();
        let clock = TestClock::at(begin);
        let root = test.tracer().start_active_span("root");
        clock.advance(TICK);
        let child = test.tracer().start_active_span("child");
        child.log([("event", "before")]);
        clock.set_wall(stepped);
        clock.advance(TICK);
        child.log([("event", "after")]);
        drop(child);
        let late = test.tracer().start_active_span("late");
        clock.advance(TICK);
        drop((late, root));
        test.tracer().start_span("new trace").finish();

        let spans = test.spans();
        let seen: Vec<_> = spans
            .iter()
            .map(|span| (span.operation_name(), span.start(), span.duration()))
            .collect();
        assert_eq!(
            seen,
            [
                ("root", begin, 3 * TICK),
                ("child", begin + TICK, TICK),
                ("late", begin + 2 * TICK, TICK),
                ("new trace", stepped + 2 * TICK, Duration::ZERO),
            ]
        );
        let logs: Vec<_> = spans[1].logs().map(|log| log.time).collect();
        assert_eq!(logs, [begin + TICK, begin + 2 * TICK]);
    }
}

#[test]
fn end_given_by_a_clock_that_went_back_is_the_start() {
    let test = TestTracer::new("it").strict();
    let clock = TestClock::new();
    let span = test.tracer().start_span("given");
    let begin = clock.now();
    clock.advance(TICK);
    span.finish_at(begin - HOUR);
    let spans = test.spans();
    assert_eq!(
        (spans[0].start(), spans[0].duration()),
        (begin, Duration::ZERO)
    );
}

#[test]
fn start_that_was_given_has_its_place_among_the_others() {
    let test = TestTracer::new("it").strict();
    let tracer = test.tracer();
    let clock = TestClock::at(UNIX_EPOCH + 1000 * HOUR);
    let root = tracer.start_active_span("root");
    clock.advance(TICK);
    tracer.start_span("first").finish();
    clock.advance(TICK);
    let given = clock.now();
    tracer
        .build_span("second")
        .start_time(given)
        .start()
        .finish();
    clock.advance(TICK);
    tracer.start_span("third").finish();
    drop((root, clock));
    assert_trace!(test, "root\n  first\n  second\n  third");
}

#[test]
fn clocks_run_again_afterwards() {
    let test = TestTracer::new("it").strict();
    drop(TestClock::at(UNIX_EPOCH));
    test.tracer().start_span("now").finish();
    assert!(test.spans()[0].start() > UNIX_EPOCH + 1000 * HOUR);
}
