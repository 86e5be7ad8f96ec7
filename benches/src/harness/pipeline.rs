//! Spans all the way into a UDP socket.

use std::time::{Duration, Instant};

use super::{MEASURED, iterations, ns_each, start_sending};
use crate::contender::Contender;
use crate::figure::{Figure, Figures, median};
use crate::sink::{Arrived, Sink};
use crate::usage;
use crate::work::Work;

/// Spans between two flushes: three full datagrams, which a socket's default buffer still holds.
const BATCH_SPANS: u64 = 1000;
const CHUNK: u64 = 16;

/// Records, encodes and sends; total CPU is that of all threads, less as many idle flushes.
pub(super) fn measure<C: Contender>(work: Work) -> Option<Figures> {
    if !C::DELIVERS {
        return None;
    }
    let mut sink = Sink::start().expect("the sink is this program");
    let contender = start_sending::<C>(sink.address())?;
    let mut run = contender.work(work)?;
    let batch = iterations(work, BATCH_SPANS);
    let units = batch * work.units();
    let (mut sent, mut arrived) = (0, Arrived::default());
    let (mut caller, mut busy, mut idle, mut measured) =
        (Vec::new(), Duration::ZERO, Duration::ZERO, 0);
    let start = Instant::now();
    while start.elapsed() < MEASURED * 2 {
        let before = usage::cpu();
        for _ in 0..CHUNK {
            let start = Instant::now();
            run(batch);
            caller.push(ns_each(start.elapsed(), units));
            contender.flush();
            sent += units;
            arrived = sink.wait(sent).expect("the sink answers");
        }
        let between = usage::cpu();
        for _ in 0..CHUNK {
            contender.flush();
            arrived = sink.wait(sent).expect("the sink answers");
        }
        busy += between - before;
        idle += usage::cpu() - between;
        measured += CHUNK * units;
        if arrived.spans < sent {
            break;
        }
    }
    Some(Figures::from([
        (Figure::Caller, median(caller)?),
        (Figure::Cpu, ns_each(busy.saturating_sub(idle), measured)),
        (
            Figure::SentBytes,
            arrived.bytes as f64 / arrived.spans as f64,
        ),
        (Figure::SpansPerDatagram, arrived.fullest as f64),
        (Figure::Expected, sent as f64),
        (Figure::Delivered, arrived.spans as f64),
    ]))
}

/// Encodes and sends finished spans on the caller's thread, over and over the same ones.
pub(super) fn encode<C: Contender>() -> Option<Figures> {
    let mut sink = Sink::start().expect("the sink is this program");
    let contender = start_sending::<C>(sink.address())?;
    let mut run = contender.work(Work::Encode)?;
    let units = Work::Encode.units();
    let (mut caller, mut sent, mut arrived) = (Vec::new(), 0, Arrived::default());
    let start = Instant::now();
    while start.elapsed() < MEASURED && arrived.spans == sent {
        let start = Instant::now();
        run(1);
        caller.push(ns_each(start.elapsed(), units));
        sent += units;
        arrived = sink.wait(sent).expect("the sink answers");
    }
    Some(Figures::from([
        (Figure::Caller, median(caller)?),
        (
            Figure::SentBytes,
            arrived.bytes as f64 / arrived.spans as f64,
        ),
        (Figure::SpansPerDatagram, arrived.fullest as f64),
        (Figure::Expected, sent as f64),
        (Figure::Delivered, arrived.spans as f64),
    ]))
}
