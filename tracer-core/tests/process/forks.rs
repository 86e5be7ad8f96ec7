//! Forks without exec.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fork::{Fork, fork, waitpid};
use tracer_core::{
    Decision, KeepPolicy, MakeReporter, MemoryReporter, Process, ReportError, Reporter, Sampler,
    SpanContext, SpanRecord, Tracer, UdpReporter, active_span, after_fork,
};

use crate::Scenario;

pub(crate) const SCENARIOS: [Scenario; 10] = [
    Scenario::new(
        "forks_before_the_first_span_have_ids_of_their_own",
        before_spans,
    ),
    Scenario::new("tracers_go_on_in_forked_children", going_on),
    Scenario::new("what_is_queued_at_a_fork_is_the_parents", queued_at_fork),
    Scenario::new("traces_held_at_a_fork_are_the_parents", held_at_fork),
    Scenario::new("remote_sampler_goes_on_in_a_forked_child", remote_sampler),
    Scenario::new(
        "tracer_that_was_shut_down_stays_so_in_a_forked_child",
        shut_down,
    ),
    Scenario::new(
        "forked_children_have_ids_and_a_tracer_of_their_own",
        children,
    ),
    Scenario::new("fork_in_the_middle_of_traced_threads", with_threads),
    Scenario::new("fork_under_refused_spans_waits_for_no_lock", under_refused),
    Scenario::new("children_that_say_nothing_wait_for_nobody", unprepared),
];

const PATIENCE: Duration = Duration::from_secs(20);

fn build(memory: &MemoryReporter) -> Tracer {
    Tracer::builder("fork")
        .sampler(Sampler::constant(true))
        .reporter(memory.clone())
        .build()
        .unwrap()
}

/// What the child of a fork does; its id file gets a line per id.
fn child(path: &Path) {
    after_fork();
    assert!(
        active_span().context().is_none(),
        "what was open stays the parent's"
    );
    let memory = MemoryReporter::new();
    let tracer = build(&memory);
    let mut lines = String::new();
    for _ in 0..20 {
        let root = tracer.start_active_span("child");
        lines.push_str(&format!("{}\n", root.context().trace_id()));
        lines.push_str(&format!(
            "{}\n",
            tracer.start_span("inner").context().span_id()
        ));
    }
    tracer.flush(PATIENCE).unwrap();
    assert_eq!(
        memory.len(),
        40,
        "spans of the child arrive, and those of the parent do not"
    );
    tracer.shutdown(PATIENCE).unwrap();
    std::fs::OpenOptions::new()
        .append(true)
        .open(path)
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
}

/// Runs the closure in a forked child, and waits for it.
fn in_child(run: impl FnOnce()) {
    match fork().unwrap() {
        Fork::Child => {
            // A panic must not run the parent's code on.
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
            std::process::exit(i32::from(caught.is_err()));
        }
        Fork::Parent(pid) => assert_eq!(waitpid(pid).unwrap(), 0, "the child failed"),
    }
}

fn empty_file(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tracer-{name}-{}", std::process::id()));
    std::fs::write(&path, "").unwrap();
    path
}

fn take_lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::remove_file(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Forks `times` times and checks that all ids differ.
fn fork_and_check(times: usize, mut before: impl FnMut()) {
    let path = empty_file("forks");
    for _ in 0..times {
        before();
        in_child(|| child(&path));
    }
    let lines = take_lines(&path);
    let distinct: HashSet<_> = lines.iter().collect();
    assert_eq!((lines.len(), distinct.len()), (times * 40, times * 40));
}

/// Appends a line for each span to a file, in a child as well.
#[derive(Clone)]
struct Lines(PathBuf);

impl Reporter for Lines {
    fn report(&mut self, _: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&self.0)
            .unwrap();
        let line = |span: &SpanRecord| format!("{} {}\n", span.span_id(), span.operation_name());
        let lines: String = batch.iter().map(line).collect();
        file.write_all(lines.as_bytes())
            .map_err(|error| ReportError::io(batch.len(), error))
    }

    fn for_child(&self) -> Option<MakeReporter> {
        let reporter = self.clone();
        Some(Box::new(move || Box::new(reporter.clone())))
    }
}

/// Forked by a thread that has a tracer and no spans yet, as servers that fork their workers do.
fn before_spans() {
    let memory = MemoryReporter::new();
    let _tracer = build(&memory);
    fork_and_check(3, || {});
}

fn going_on() {
    const TIMES: usize = 100;
    let path = empty_file("going-on");
    let agent = UdpSocket::bind("127.0.0.1:0").unwrap();
    agent.set_read_timeout(Some(PATIENCE)).unwrap();
    let tracer = Tracer::builder("fork")
        .sampler(Sampler::constant(true))
        .reporter(Lines(path.clone()))
        .reporter(UdpReporter::to(agent.local_addr().unwrap().to_string()).unwrap())
        .reporter(MemoryReporter::new())
        .build()
        .unwrap();
    let _default = tracer.set_default();
    let mut open = Some(tracer.start_span("open in the parent"));
    for _ in 0..TIMES {
        tracer.start_span("queued in the parent").finish();
        in_child(|| {
            after_fork();
            let before = open.take().unwrap();
            drop(
                Tracer::current()
                    .build_span("of the child")
                    .child_of(&before.context())
                    .start(),
            );
            before.finish();
            tracer.flush(PATIENCE).unwrap();
            let stats = tracer.stats();
            assert_eq!((stats.started, stats.finished, stats.queued), (1, 1, 0));
            let fates = stats.reporters.iter().map(|of| (of.reported, of.lost()));
            assert_eq!(fates.collect::<Vec<_>>(), [(1, 0), (1, 0), (0, 1)]);
            tracer.shutdown(PATIENCE).unwrap();
        });
    }
    drop(open);
    tracer.flush(PATIENCE).unwrap();
    let stats = tracer.stats();
    let all = TIMES as u64 + 1;
    assert_eq!((stats.started, stats.finished, stats.lost()), (all, all, 0));

    let lines = take_lines(&path);
    let count = |name: &str| lines.iter().filter(|line| line.ends_with(name)).count();
    assert_eq!(count(" of the child"), TIMES);
    assert_eq!(count(" queued in the parent"), TIMES);
    assert_eq!(count(" open in the parent"), 1, "its owner's alone");
    let ids: HashSet<_> = lines.iter().map(|line| &line[..16]).collect();
    assert_eq!(ids.len(), lines.len());

    let mut datagram = [0; 65_536];
    let mut arrived = 0;
    while arrived < TIMES {
        let len = agent.recv(&mut datagram).unwrap();
        let name = b"of the child";
        arrived += datagram[..len]
            .windows(name.len())
            .filter(|at| at == name)
            .count();
    }
}

/// Says that it was called and waits until it may go on.
struct Held {
    called: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl Reporter for Held {
    fn report(&mut self, _: &Process, _: &[SpanRecord]) -> Result<(), ReportError> {
        let _ = self.called.send(());
        // Ends by the end of the other side.
        let _ = self.go_on.lock().unwrap().recv();
        Ok(())
    }
}

fn queued_at_fork() {
    let (called, was_called) = mpsc::channel();
    let (may_go_on, go_on) = mpsc::channel();
    let go_on = Mutex::new(go_on);
    let tracer = Tracer::builder("fork")
        .sampler(Sampler::constant(true))
        .reporter(Held { called, go_on })
        .build()
        .unwrap();
    tracer.start_span("held").finish();
    let flushing = tracer.clone();
    let flushing = std::thread::spawn(move || flushing.flush(PATIENCE));
    was_called.recv().unwrap();
    for _ in 0..7 {
        tracer.start_span("queued").finish();
    }
    in_child(|| {
        after_fork();
        let stats = tracer.stats();
        assert_eq!(
            (stats.left_to_parent, stats.queued, stats.started),
            (8, 0, 0)
        );
        in_child(|| {
            after_fork();
            assert_eq!(
                tracer.stats().left_to_parent,
                0,
                "a grandchild's parent has none"
            );
        });
    });
    drop(may_go_on);
    flushing.join().unwrap().unwrap();
    tracer.flush(PATIENCE).unwrap();
    let stats = tracer.stats();
    assert_eq!((stats.left_to_parent, stats.reporters[0].reported), (0, 8));
}

/// Answers with a strategy that samples everything.
fn held_at_fork() {
    let path = empty_file("held");
    let tracer = Tracer::builder("fork")
        .sampler(Sampler::constant(false))
        .keep(KeepPolicy::errors())
        .reporter(Lines(path.clone()))
        .build()
        .unwrap();
    let mut root = tracer.start_span("root");
    let context = root.context();
    tracer
        .build_span("held")
        .child_of(&context)
        .start()
        .finish();
    in_child(|| {
        after_fork();
        assert!(!context.is_recorded());
        let mut late = tracer.build_span("late").child_of(&context).start();
        assert!(!late.is_recording());
        late.set_tag("error", true);
        drop(late);
        let mut own = tracer.start_span("own");
        own.set_tag("error", true);
        drop(own);
        tracer.flush(PATIENCE).unwrap();
        let stats = tracer.stats();
        assert_eq!((stats.started, stats.finished, stats.held), (1, 1, 0));
        assert_eq!(stats.left_to_parent, 1, "{stats:?}");
    });
    root.set_tag("error", true);
    drop(root);
    tracer.flush(PATIENCE).unwrap();
    let mut names: Vec<String> = take_lines(&path)
        .iter()
        .filter_map(|line| line.split(' ').nth(1).map(str::to_owned))
        .collect();
    names.sort();
    assert_eq!(names, ["held", "own", "root"]);
}

fn serve_strategies(listener: &TcpListener) {
    for stream in listener.incoming() {
        let mut stream = BufReader::new(stream.unwrap());
        let mut line = String::new();
        while stream.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        let strategy = r#"{"probabilisticSampling":{"samplingRate":1}}"#;
        let len = strategy.len();
        let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n{strategy}");
        stream.get_mut().write_all(reply.as_bytes()).unwrap();
    }
}

fn remote_sampler() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/sampling", listener.local_addr().unwrap());
    std::thread::spawn(move || serve_strategies(&listener));
    let tracer = Tracer::builder("fork")
        .sampler(Sampler::remote(url).unwrap())
        .reporter(MemoryReporter::new())
        .build()
        .unwrap();
    assert_eq!(tracer.stats().sampler.updates, 1);
    in_child(|| {
        after_fork();
        assert!(tracer.start_span("as the parent does").is_recording());
        let deadline = Instant::now() + PATIENCE;
        while tracer.stats().sampler.queries == 0 {
            assert!(Instant::now() < deadline, "{:?}", tracer.stats());
            std::thread::yield_now();
        }
    });
}

fn shut_down() {
    let tracer = build(&MemoryReporter::new());
    tracer.shutdown(PATIENCE).unwrap();
    in_child(|| {
        after_fork();
        tracer.start_span("late").finish();
        assert_eq!(tracer.stats().after_shutdown, 1);
        tracer.shutdown(PATIENCE).unwrap();
    });
}

fn children() {
    let memory = MemoryReporter::new();
    let tracer = build(&memory);
    let root = tracer.start_active_span("open in the parent");
    let mut started = 1;
    fork_and_check(100, || {
        tracer.start_span("queued in the parent").finish();
        started += 1;
    });
    drop(root);
    tracer.flush(PATIENCE).unwrap();
    assert_eq!(memory.len(), started, "the parent is not affected");
}

fn with_threads() {
    let memory = MemoryReporter::with_capacity(usize::MAX);
    let tracer = build(&memory);
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (tracer, stop) = (tracer.clone(), Arc::clone(&stop));
            std::thread::spawn(move || {
                // Not threads that come and go: a fork may catch one with a lock of the standard library.
                while !stop.load(Ordering::Relaxed) {
                    tracer
                        .start_active_span("busy")
                        .set_tag("k", "v")
                        .log([("event", "x")]);
                    let _ = (tracer.stats(), Tracer::current());
                }
            })
        })
        .collect();
    fork_and_check(100, || tracer.start_active_span("in the parent").finish());
    stop.store(true, Ordering::Relaxed);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    tracer.flush(PATIENCE).unwrap();
    let stats = tracer.stats();
    assert_eq!((stats.open(), stats.queued), (0, 0));
}

/// Threads that take a tracer's locks again and again.
struct Locking {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Locking {
    fn start(tracer: &Tracer) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = |_| {
            let (tracer, stop) = (tracer.clone(), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let _ = tracer.stats();
                }
            })
        };
        let threads = (0..3).map(thread).collect();
        Self { stop, threads }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

fn under_refused() {
    let tracer = build(&MemoryReporter::new());
    let locking = Locking::start(&tracer);
    let caller = SpanContext::remote(1.into(), 2.into(), Decision::Refused);
    let server = tracer.build_span("server").child_of(&caller);
    let _scopes = (server.start_active(), tracer.start_active_span("inner"));
    for _ in 0..100 {
        in_child(|| {
            after_fork();
            assert!(active_span().context().is_none());
        });
    }
    locking.end();
}

/// A child that does not call `after_fork` has no reporter thread, and may have locks that nobody gives back.
fn unprepared() {
    let tracer = build(&MemoryReporter::new());
    let locking = Locking::start(&tracer);
    for _ in 0..100 {
        in_child(|| {
            tracer.start_active_span("child").set_tag("k", "v");
            let _ = tracer.stats();
            assert!(tracer.flush(Duration::MAX).is_err());
            assert!(tracer.shutdown(Duration::MAX).is_err());
        });
    }
    locking.end();
    assert_eq!(tracer.stats().started, 0, "those were the children's");
}
