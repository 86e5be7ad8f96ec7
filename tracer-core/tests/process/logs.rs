//! What is said in the log, which belongs to the process.

use std::net::UdpSocket;
use std::sync::Mutex;
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};
use tracer_core::{MemoryReporter, Sampler, Tracer, UdpReporter};

use crate::Scenario;

pub(crate) const SCENARIOS: [Scenario; 2] = [
    Scenario::printing(
        "set_up_losses_and_recoveries_are_said_once_each",
        once_each,
        "\
INFO tracer: service \"logs\" is traced; sampler probabilistic(1)
WARN tracer: spans are being lost: nothing listens on ADDRESS
INFO tracer: spans arrive again
WARN tracer: spans are being lost: nothing listens on ADDRESS
",
    ),
    Scenario::new("a_logger_that_panics_ends_no_reporting", panicking_logger),
];

/// Keeps all lines.
struct Lines(Mutex<Vec<String>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}", record.level(), record.args());
        self.0.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

fn once_each() {
    log::set_logger(&LINES).unwrap();
    log::set_max_level(LevelFilter::Debug);
    let agent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = agent.local_addr().unwrap().to_string();
    let tracer = Tracer::builder("logs")
        .sampler(Sampler::probabilistic(1.0).unwrap())
        .reporter(UdpReporter::to(&address).unwrap())
        .build()
        .unwrap();
    let report = || {
        for _ in 0..3 {
            tracer.start_span("span").finish();
            tracer.flush(Duration::from_secs(20)).unwrap();
        }
        // With nothing to send nothing is known.
        tracer.flush(Duration::from_secs(20)).unwrap();
    };
    drop(agent);
    report();
    let agent = UdpSocket::bind(&address).unwrap();
    report();
    drop(agent);
    report();
    for line in LINES.0.lock().unwrap().iter() {
        // Numbers of spans and hints are in parentheses.
        let told = line.split(" (").next().unwrap_or_default();
        println!("{}", told.replace(&address, "ADDRESS"));
    }
}

/// Panics when something goes wrong, as one that prints to a closed pipe does.
struct Panicking;

impl Log for Panicking {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        assert_ne!(record.level(), log::Level::Warn, "on purpose");
    }

    fn flush(&self) {}
}

fn panicking_logger() {
    log::set_logger(&Panicking).unwrap();
    log::set_max_level(LevelFilter::Debug);
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("logs")
        .sampler(Sampler::constant(true))
        .reporter(UdpReporter::to(&address).unwrap())
        .reporter(memory.clone())
        .build()
        .unwrap();
    for spans in 1..=4 {
        tracer.start_span("span").finish();
        tracer.flush(Duration::from_secs(20)).unwrap();
        assert_eq!(memory.len(), spans);
    }
    assert!(tracer.stats().lost() > 0);
}
