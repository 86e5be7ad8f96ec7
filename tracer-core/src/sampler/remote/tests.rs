//! Remote sampling against an HTTP server over a socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::poll::PollStats;
use crate::record::SamplerKind;
use crate::sampler::Kind;
use crate::sampler::tests::{IN, OUT};

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone)]
enum Answer {
    Strategy(&'static str),
    Status(&'static str),
    /// A body of that length, or without end.
    Body(Option<usize>),
    /// A byte now and then.
    Trickle,
    /// Nothing, but the connection stays.
    Silence,
}

/// An HTTP server that gives the answers in order and the last one ever after.
struct Server {
    address: SocketAddr,
    requests: Receiver<String>,
    answers: Arc<Mutex<Vec<Answer>>>,
    ended: Arc<AtomicBool>,
}

impl Server {
    fn new(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (request, requests) = mpsc::channel();
        let answers: Arc<Mutex<Vec<_>>> =
            Arc::new(Mutex::new(answers.iter().rev().cloned().collect()));
        let ended = Arc::new(AtomicBool::new(false));
        let (next, end) = (Arc::clone(&answers), Arc::clone(&ended));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let mut answers = next.lock().unwrap();
                let answer = if answers.len() > 1 {
                    answers.pop()
                } else {
                    answers.last().cloned()
                }
                .unwrap();
                let request = request.clone();
                thread::spawn(move || serve(stream.unwrap(), &answer, &request));
            }
        });
        Self {
            address,
            requests,
            answers,
            ended,
        }
    }

    fn url(&self) -> String {
        format!("http://{}/sampling", self.address)
    }

    fn answer(&self, answer: Answer) {
        *self.answers.lock().unwrap() = vec![answer];
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// Errors are those of a client that went away, which many of the tests are about.
fn serve(mut stream: TcpStream, answer: &Answer, request: &mpsc::Sender<String>) {
    let mut head = String::new();
    for line in BufReader::new(&stream)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
    {
        head += &line;
        head.push('\n');
    }
    let _ = request.send(head);
    let reply = |status, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let _ = match answer {
        Answer::Strategy(json) => stream.write_all(reply("200 OK", json).as_bytes()),
        Answer::Status(status) => stream
            .write_all(reply(status, r#"{"probabilisticSampling":{"samplingRate":1}}"#).as_bytes()),
        Answer::Body(length) => {
            let body = [b' '; 4096];
            let mut left = length.unwrap_or(usize::MAX);
            let mut written = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while left > 0 && written.is_ok() {
                let part = &body[..left.min(body.len())];
                written = stream.write_all(part);
                left -= part.len();
            }
            written
        }
        Answer::Trickle => {
            let mut written =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n{");
            while written.is_ok() {
                thread::sleep(Duration::from_millis(50));
                written = stream.write_all(b" ");
            }
            written
        }
        Answer::Silence => stream.read_to_end(&mut Vec::new()).map(drop),
    };
}

/// Waits until `condition` holds: for so many looks at it, not so long, for the process may be stopped meanwhile.
#[track_caller]
fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..PATIENCE.as_millis() {
        if condition() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("{what}");
}

fn settings(url: &str) -> RemoteSampler {
    // Roots with the id `IN` are sampled at first, and with this probability as parameter.
    RemoteSampler::to(url)
        .unwrap()
        .initial_probability(0.125)
        .unwrap()
        .refresh_interval(Duration::ZERO)
}

/// A sampler with its first answer. Where the process is stopped a request may run into its limit of time: then another
/// one is started.
fn start(server: &Server) -> (Sampler, Polling) {
    for _ in 0..10 {
        let mut sampler = Sampler::from(settings(&server.url()));
        let polling = sampler.start("shop");
        // Not the limit that counts: that of the request does.
        polling.wait_first(Instant::now() + 100 * PATIENCE);
        if polling.stats().query_failures == 0 {
            return (sampler, polling);
        }
    }
    panic!("no request is answered");
}

fn tags(sampler: &Sampler, id: TraceId) -> Option<(SamplerKind, f64)> {
    sampler.decide(id, "op").told()
}

const INITIAL: Option<(SamplerKind, f64)> = Some((SamplerKind::Probabilistic, 0.125));

#[test]
fn first_strategy_is_there_when_it_was_waited_for() {
    for (json, id, expected) in [
        (
            r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":1}}"#,
            OUT,
            (SamplerKind::Probabilistic, 1.0),
        ),
        (
            r#"{"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":2}}"#,
            OUT,
            (SamplerKind::RateLimiting, 2.0),
        ),
        (
            r#"{"operationSampling":{"defaultSamplingProbability":0.5,"defaultLowerBoundTracesPerSecond":1,
                "perOperationStrategies":[{"operation":"op","probabilisticSampling":{"samplingRate":0.25}}]}}"#,
            OUT,
            (SamplerKind::LowerBound, 0.25),
        ),
    ] {
        let server = Server::new(&[Answer::Strategy(json)]);
        let (sampler, polling) = start(&server);
        assert_eq!(tags(&sampler, id), Some(expected), "{json}");
        assert_eq!(polling.stats().updates, 1);
    }
}

#[test]
fn request_names_the_service_once_and_is_not_traced() {
    let server = Server::new(&[Answer::Strategy("{}")]);
    let mut sampler = Sampler::from(settings(&format!("{}?v=1", server.url())));
    let _polling = sampler.start("a b&c+d/ü?");
    let request = server
        .requests
        .recv_timeout(PATIENCE)
        .unwrap()
        .to_lowercase();
    let line = request.lines().next().unwrap();
    assert_eq!(
        line,
        "get /sampling?v=1&service=a%20b%26c%2bd%2f%c3%bc%3f http/1.1"
    );
    for header in ["traceparent", "uber-trace-id", "b3"] {
        assert!(!request.contains(&format!("\n{header}:")), "{request}");
    }
}

#[test]
fn strategy_is_followed_and_kept_through_failures() {
    let server = Server::new(&[Answer::Strategy(
        r#"{"probabilisticSampling":{"samplingRate":1}}"#,
    )]);
    let (sampler, polling) = start(&server);
    let full = Some((SamplerKind::Probabilistic, 1.0));
    assert_eq!(tags(&sampler, OUT), full);
    let failed = |stats: &PollStats| stats.query_failures + stats.update_failures;
    for failure in [
        Answer::Status("500 Internal Server Error"),
        Answer::Status("404 Not Found"),
        Answer::Strategy(r#"{"probabilisticSampling":{"samplingRate":2}}"#),
        Answer::Strategy(r#"[{"baggageKey":"k","maxValueLength":10}]"#),
        Answer::Body(Some(64 * 1024 + 1)),
        Answer::Body(None),
    ] {
        let before = failed(&polling.stats());
        server.answer(failure);
        until("a failure", || failed(&polling.stats()) > before);
        assert_eq!(tags(&sampler, OUT), full);
        // Straight on, or the wait after a failure would double with each of them.
        server.answer(Answer::Strategy(
            r#"{"probabilisticSampling":{"samplingRate":1}}"#,
        ));
        let answered = polling.stats().queries;
        until("an answer", || polling.stats().queries > answered);
    }
    assert_eq!(
        polling.stats().updates,
        1,
        "the same strategy again is no update"
    );
    server.answer(Answer::Strategy(
        r#"{"rateLimitingSampling":{"maxTracesPerSecond":3}}"#,
    ));
    until("the new strategy", || {
        tags(&sampler, OUT) == Some((SamplerKind::RateLimiting, 3.0))
    });
    // Counted after it is followed.
    until("the second update", || polling.stats().updates > 1);
    assert_eq!(polling.stats().updates, 2);
}

#[test]
fn longest_reply_that_is_read() {
    const ONE: &str = r#"{"probabilisticSampling":{"samplingRate":1}}"#;
    let reply = |length: usize| -> &'static str {
        format!("{ONE}{}", " ".repeat(length - ONE.len())).leak()
    };
    let server = Server::new(&[Answer::Strategy(reply(65_537))]);
    let (sampler, polling) = start(&server);
    assert!(polling.stats().update_failures >= 1);
    assert_eq!(tags(&sampler, OUT), None);
    server.answer(Answer::Strategy(reply(65_536)));
    until("the reply of 64 KB", || tags(&sampler, OUT).is_some());
}

#[test]
fn nothing_listening_is_known_at_once_and_changes_nothing() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut sampler = Sampler::from(settings(&format!("http://{address}/sampling")));
    let begun = Instant::now();
    let polling = sampler.start("shop");
    polling.wait_first(Instant::now() + PATIENCE);
    assert!(begun.elapsed() < PATIENCE / 4, "{:?}", begun.elapsed());
    assert_eq!(tags(&sampler, IN), INITIAL);
    assert_eq!(tags(&sampler, OUT), None);
    assert!(polling.stats().query_failures >= 1);
}

#[test]
fn agent_that_comes_later_is_found_before_the_interval_is_over() {
    let server = Server::new(&[Answer::Status("503 Service Unavailable")]);
    let hourly = settings(&server.url()).refresh_interval(Duration::from_secs(3600));
    let mut sampler = Sampler::from(hourly);
    let polling = sampler.start("shop");
    polling.wait_first(Instant::now() + PATIENCE);
    assert_eq!(tags(&sampler, OUT), None);
    server.answer(Answer::Strategy(
        r#"{"probabilisticSampling":{"samplingRate":1}}"#,
    ));
    until("the retry", || tags(&sampler, OUT).is_some());
    assert!(polling.stats().query_failures >= 1);
}

#[test]
fn slow_server_holds_up_neither_set_up_nor_sampling() {
    thread::scope(|scope| {
        for answer in [Answer::Silence, Answer::Trickle] {
            scope.spawn(|| held_up_by(answer));
        }
    });
}

fn held_up_by(answer: Answer) {
    let server = Server::new(&[answer]);
    let mut sampler = Sampler::from(settings(&server.url()));
    let begun = Instant::now();
    let polling = sampler.start("shop");
    polling.wait_first(begun + Duration::from_millis(100));
    let waited = begun.elapsed();
    assert!(
        waited >= Duration::from_millis(100) && waited < Duration::from_secs(4),
        "{waited:?}"
    );
    assert_eq!(tags(&sampler, IN), INITIAL);
    // The request is given up in the end, and the next one made.
    server.requests.recv_timeout(PATIENCE).unwrap();
    server.requests.recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        polling.stats(),
        PollStats {
            query_failures: 1,
            ..PollStats::default()
        }
    );
}

/// The sampler's inside, which its thread holds as long as it lives.
fn watch(sampler: &Sampler) -> Weak<Remote> {
    let Kind::Remote(remote) = &sampler.kind else {
        panic!("{sampler:?}")
    };
    Arc::downgrade(remote)
}

#[test]
fn thread_ends_with_its_owner() {
    for answer in [Answer::Strategy("{}"), Answer::Silence] {
        let server = Server::new(&[answer]);
        let mut sampler =
            Sampler::from(settings(&server.url()).refresh_interval(Duration::from_secs(3600)));
        let polling = sampler.start("shop");
        server.requests.recv_timeout(PATIENCE).unwrap();
        let watch = watch(&sampler);
        drop((sampler, polling));
        until("the end of the thread", || watch.strong_count() == 0);
    }
}

#[test]
fn tracers_that_share_settings_follow_the_strategies_of_their_own_services() {
    let server = Server::new(&[
        Answer::Strategy(r#"{"probabilisticSampling":{"samplingRate":1}}"#),
        Answer::Strategy(r#"{"probabilisticSampling":{"samplingRate":0}}"#),
    ]);
    let settings =
        Sampler::from(settings(&server.url()).refresh_interval(Duration::from_secs(3600)));
    let (mut shop, mut stock) = (settings.clone(), settings.clone());
    let first = shop.start("shop");
    first.wait_first(Instant::now() + PATIENCE);
    let second = stock.start("stock");
    second.wait_first(Instant::now() + PATIENCE);
    assert_eq!(
        (
            shop.decide(IN, "op").sampled,
            stock.decide(IN, "op").sampled
        ),
        (true, false)
    );
    assert_eq!(tags(&settings, IN), INITIAL);
}

#[test]
fn wrong_urls_are_refused_and_the_right_form_named() {
    for (url, reason) in [
        ("", "a URL such as"),
        ("localhost:5778", "a URL that begins with http://"),
        ("/sampling", "a URL such as"),
        ("http://", "a URL such as"),
        ("http://:5778/", "a URL such as"),
        ("http://a b/", "a URL such as"),
        ("https://agent:5778/sampling", "without TLS"),
        (
            "http://agent:5778/sampling?service=shop",
            "without `service`",
        ),
        ("http://agent:5778/?a=b&service", "without `service`"),
    ] {
        let error = RemoteSampler::to(url).expect_err(url).to_string();
        assert!(error.contains(reason), "{url}: {error}");
    }
    assert!(RemoteSampler::to("http://[::1]:5778/sampling?microservice=1").is_ok());
    for wrong in [-0.1, 1.1, f64::NAN] {
        assert!(
            RemoteSampler::to("http://agent/")
                .unwrap()
                .initial_probability(wrong)
                .is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn password_in_the_url_is_not_shown() {
    let sampler = Sampler::remote("http://me:secret@agent:5778/sampling?token=secret").unwrap();
    let shown = format!("{sampler:?}");
    assert_eq!(
        shown,
        "remote(http://agent:5778/sampling, now probabilistic(0.001))"
    );
}
