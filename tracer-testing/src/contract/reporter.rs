//! What every reporter must do.

use std::time::{Duration, SystemTime};

use tracer_core::{
    LossCause, Losses, MemoryReporter, Process, ReportError, Reporter, Sampler, SpanRecord, Tracer,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Checks a reporter, of which `make` gives a fresh one at each call. What it reports to need not be there: losing spans is
/// allowed, losing count is not.
///
/// ```
/// use tracer_core::ConsoleReporter;
///
/// tracer_testing::contract::reporter(|| ConsoleReporter::to(std::io::sink()));
/// ```
///
/// # Panics
/// When a property does not hold; the message names it.
pub fn reporter<R: Reporter>(mut make: impl FnMut() -> R) {
    takes_spans_of_every_shape(&mut make());
    takes_nothing_and_flushes_it(&mut make());
    takes_many_spans(&mut make());
    hears_of_losses(&mut make());
    keeps_the_ledger_of_its_tracer(make());
    leaves_its_tracer_to_others(make());
}

/// Adds up what a reporter says it lost.
#[derive(Default)]
struct Account {
    given: usize,
    lost: usize,
}

impl Account {
    fn report(&mut self, reporter: &mut impl Reporter, process: &Process, batch: &[SpanRecord]) {
        self.given += batch.len();
        self.settle(reporter.report(process, batch));
    }

    fn settle(&mut self, result: Result<(), ReportError>) {
        if let Err(error) = result {
            let causes = [LossCause::Io, LossCause::Refused, LossCause::TooLarge];
            let sum: usize = causes.iter().map(|&cause| error.lost_to(cause)).sum();
            assert_eq!(sum, error.lost(), "the losses by cause add up: {error:?}");
            assert!(
                !error.to_string().is_empty(),
                "an error says what happened: {error:?}"
            );
            self.lost += error.lost();
        }
        assert!(
            self.lost <= self.given,
            "{} spans were given and {} lost",
            self.given,
            self.lost
        );
    }
}

fn takes_spans_of_every_shape(reporter: &mut impl Reporter) {
    let (process, spans) = every_shape();
    let mut account = Account::default();
    for span in &spans {
        account.report(reporter, &process, std::slice::from_ref(span));
    }
    account.report(reporter, &process, &spans);
    account.settle(reporter.flush());
}

fn takes_nothing_and_flushes_it(reporter: &mut impl Reporter) {
    let (process, spans) = every_shape();
    let mut account = Account::default();
    account.settle(reporter.flush());
    account.report(reporter, &process, &[]);
    account.settle(reporter.flush());
    account.report(reporter, &process, &spans[..1]);
    for _ in 0..3 {
        account.settle(reporter.flush());
    }
}

fn takes_many_spans(reporter: &mut impl Reporter) {
    let (process, spans) = every_shape();
    let many: Vec<_> = spans.iter().cycle().take(2_000).cloned().collect();
    let mut account = Account::default();
    for _ in 0..3 {
        account.report(reporter, &process, &many);
    }
    account.settle(reporter.flush());
}

fn hears_of_losses(reporter: &mut impl Reporter) {
    reporter.losses(Losses::default());
    Account::default().settle(reporter.flush());
}

fn keeps_the_ledger_of_its_tracer(reporter: impl Reporter) {
    let tracer = build(reporter);
    for n in 0..1_000 {
        tracer.start_active_span("span").set_tag("n", n);
    }
    assert!(
        tracer.flush(PATIENCE).is_ok(),
        "a flush ends within {PATIENCE:?}"
    );
    tracer.start_span("last").finish();
    assert!(
        tracer.shutdown(PATIENCE).is_ok(),
        "a shutdown ends within {PATIENCE:?}"
    );
    let stats = tracer.stats();
    let [own] = &stats.reporters[..] else {
        panic!("one reporter was given: {stats:?}")
    };
    assert_eq!(stats.finished, 1_001, "{stats:?}");
    let known = own.reported + own.lost() + stats.queue_full + stats.after_shutdown;
    assert_eq!(
        known, stats.finished,
        "every span is reported or counted as lost: {stats:?}"
    );
}

/// A second reporter of the same tracer gets every span whatever the first does, and the first starts no spans.
fn leaves_its_tracer_to_others(reporter: impl Reporter) {
    let memory = MemoryReporter::new();
    let builder = Tracer::builder("contract").sampler(Sampler::constant(true));
    let tracer = match builder.reporter(reporter).reporter(memory.clone()).build() {
        Ok(tracer) => tracer,
        Err(error) => panic!("the tracer cannot be set up: {error}"),
    };
    for _ in 0..100 {
        tracer.start_span("span").finish();
    }
    assert!(
        tracer.shutdown(PATIENCE).is_ok(),
        "a shutdown ends within {PATIENCE:?}"
    );
    assert_eq!(
        (memory.len(), tracer.stats().started),
        (100, 100),
        "the spans of the application and no others"
    );
}

/// A span of every shape, and the process they are of.
fn every_shape() -> (Process, Vec<SpanRecord>) {
    let memory = MemoryReporter::new();
    let tracer = build(memory.clone());
    let root = tracer.start_active_span("root");
    tracer.start_span("").finish();
    tracer
        .start_span("\u{1f980} \u{200b}\r\n\0\u{1b}[31m")
        .finish();
    tracer.start_span("n".repeat(10_000)).finish();
    let mut tags = tracer.start_span("tags");
    tags.set_tag("bool", true)
        .set_tag("i64", i64::MIN)
        .set_tag("f64", f64::NAN)
        .set_tag("text", "\u{e9}\"\\<&>");
    tags.set_tag("bytes", vec![0u8, 255])
        .set_tag("", "")
        .set_tag("large", "x".repeat(100_000))
        .set_tag("error", true);
    tags.finish();
    let mut logs = tracer.start_span("logs");
    for n in 0..200 {
        logs.log((("event", "x"), ("n", n), ("text", "y".repeat(1_000))));
    }
    logs.log_error(&std::fmt::Error).set_baggage_item("k", "v");
    logs.finish();
    let other = tracer.build_span("other").ignore_active().start();
    let builder = tracer
        .build_span("references")
        .follows_from(&root.context())
        .child_of(&other.context());
    builder
        .start_time(SystemTime::UNIX_EPOCH)
        .start()
        .finish_at(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
    other.finish();
    drop(root);
    assert!(tracer.flush(PATIENCE).is_ok());
    let taken = memory.take_with_process();
    let process = taken.first().map(|(process, _)| (**process).clone());
    let Some(process) = process else {
        panic!("the spans did not arrive")
    };
    (process, taken.into_iter().map(|(_, span)| span).collect())
}

fn build(reporter: impl Reporter) -> Tracer {
    match Tracer::builder("contract")
        .sampler(Sampler::constant(true))
        .reporter(reporter)
        .build()
    {
        Ok(tracer) => tracer,
        Err(error) => panic!("the tracer cannot be set up: {error}"),
    }
}
