//! The thread that posts: makes requests of what waits, and decides what to do about each answer.

use std::hash::{BuildHasher as _, RandomState};
use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use ureq::Body;

use super::endpoint::Format;
use super::queue::Fate;
use super::{MAX_REQUEST, Queue, jaeger, otlp};
use crate::model::{Process, Span};

/// For a request as a whole.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Before the second try; each further wait is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The most a collector may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);
/// Bytes of an answer that are read.
const MAX_ANSWER: u64 = 64 << 10;
/// Bytes of an answer that are told on.
const EXCERPT: usize = 200;

/// Sends what comes into the queue until it is closed and empty, or until its time is over.
pub(crate) fn run(queue: &Queue, headers: &[(HeaderName, HeaderValue)]) {
    let http = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("tracer-agent/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let sender = Sender {
        queue,
        http,
        headers,
    };
    while let Some(taken) = queue.take() {
        for request in requests(queue.endpoint().format(), &taken.chunks) {
            sender.deliver(&request);
        }
        queue.release(taken);
    }
}

struct Sender<'q> {
    queue: &'q Queue,
    http: ureq::Agent,
    /// Of the user's, for every request.
    headers: &'q [(HeaderName, HeaderValue)],
}

/// What was not taken this time.
enum Failure {
    /// It would not be another time.
    Lasting(String),
    /// It may be another time.
    Passing {
        reason: String,
        retry_after: Option<Duration>,
    },
}

/// The spans of one request, by process.
type Request<'s> = Vec<(&'s Process, Vec<&'s Span>)>;

impl Sender<'_> {
    /// Sends a request until it has met its fate.
    fn deliver(&self, request: &Request<'_>) {
        let format = self.queue.endpoint().format();
        let spans = request.iter().map(|(_, spans)| spans.len() as u64).sum();
        let body = encode(format, request);
        let mut pause = FIRST_PAUSE;
        let fate = loop {
            let left = self.queue.left();
            if left.is_some_and(|left| left.is_zero()) {
                break Fate::Unsent;
            }
            match self.post(&body, left.map_or(TIMEOUT, |left| left.min(TIMEOUT))) {
                Ok(rejected) => break Fate::Sent { rejected },
                Err(Failure::Lasting(reason)) => break Fate::Refused(reason),
                Err(Failure::Passing {
                    reason,
                    retry_after,
                }) => {
                    let length = retry_after.unwrap_or_else(|| jittered(pause));
                    if !self.queue.pause(length, &reason) {
                        break Fate::Unsent;
                    }
                    pause = (2 * pause).min(LONGEST_PAUSE);
                }
            }
        };
        self.queue.settle(spans, &fate);
    }

    /// Sends a request once. Returns how many of its spans were rejected.
    fn post(&self, body: &[u8], timeout: Duration) -> Result<u64, Failure> {
        let endpoint = self.queue.endpoint();
        let request = self.http.post(endpoint.uri());
        let mut request = request
            .config()
            .timeout_global(Some(timeout))
            .build()
            .header(CONTENT_TYPE, content_type(endpoint.format()));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let answer = request.send(body).map_err(|error| Failure::Passing {
            reason: error.to_string(),
            retry_after: None,
        })?;
        read(answer, endpoint.format())
    }
}

fn read(answer: Response<Body>, format: Format) -> Result<u64, Failure> {
    let (head, body) = answer.into_parts();
    // Read in any case: the connection is used again if nothing is left on it.
    let mut reader = body.into_reader().take(MAX_ANSWER);
    let mut body = Vec::new();
    // What came of it, if it breaks off.
    let _ = reader.read_to_end(&mut body);
    if head.status.is_success() {
        return Ok(match format {
            Format::Otlp => otlp::rejected(&body),
            Format::Jaeger => 0,
        });
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT)]);
    let reason = format!("it answers {}: {:?}", head.status, text.trim());
    // As OTLP has it; the others are about the request itself.
    match head.status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            let value = head.headers.get(RETRY_AFTER);
            let value = value.and_then(|value| value.to_str().ok());
            let retry_after = value.and_then(|value| retry_after(value, SystemTime::now()));
            Err(Failure::Passing {
                reason,
                retry_after,
            })
        }
        _ => Err(Failure::Lasting(reason)),
    }
}

/// How long a collector wants to be left alone: seconds, or a time of day. `None` if it says nothing of the kind, or that it
/// is ready: one that is busy again and again shall not be asked without a pause.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let length = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value)
            .ok()?
            .duration_since(now)
            .ok()?,
    };
    (!length.is_zero()).then(|| length.min(LONGEST_RETRY_AFTER))
}

/// Between a half and the whole: agents that lost a collector together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(()) as u32;
    pause.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0)
}

/// Divides spans into requests of at most [`MAX_REQUEST`], but one span at the least. A request to Jaeger is of one process.
fn requests<'s>(format: Format, chunks: &'s [Arc<[Span]>]) -> Vec<Request<'s>> {
    let (mut requests, mut room) = (Vec::<Request<'s>>::new(), 0);
    for (process, spans) in by_process(chunks) {
        if format == Format::Jaeger {
            room = 0;
        }
        let mut begun = false;
        for span in spans {
            let cost = span.cost();
            match requests.last_mut() {
                Some(request) if cost <= room => match request.last_mut() {
                    Some((_, spans)) if begun => spans.push(span),
                    _ => request.push((process, vec![span])),
                },
                _ => {
                    requests.push(vec![(process, vec![span])]);
                    room = MAX_REQUEST;
                }
            }
            begun = true;
            room = room.saturating_sub(cost);
        }
    }
    requests
}

fn by_process(chunks: &[Arc<[Span]>]) -> Request<'_> {
    let mut groups: Request<'_> = Vec::new();
    for chunk in chunks {
        let Some(process) = chunk.first().map(|span| &*span.process) else {
            continue;
        };
        match groups.iter_mut().find(|(known, _)| *known == process) {
            Some((_, spans)) => spans.extend(chunk.iter()),
            None => groups.push((process, chunk.iter().collect())),
        }
    }
    groups
}

fn encode(format: Format, request: &Request<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    for (process, spans) in request {
        match format {
            Format::Otlp => otlp::request(&mut body, process, spans),
            Format::Jaeger => body = jaeger::batch(process, spans),
        }
    }
    body
}

fn content_type(format: Format) -> &'static str {
    match format {
        Format::Otlp => "application/x-protobuf",
        Format::Jaeger => "application/x-thrift",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collectors_say_seconds_or_a_time_of_day() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for (value, seconds) in [
            ("7", Some(7)),
            ("0", None),
            ("86400", Some(300)),
            ("-1", None),
            ("soon", None),
            ("Sun, 09 Sep 2001 01:46:50 GMT", Some(10)),
            ("Sunday, 09-Sep-01 01:46:50 GMT", Some(10)),
            ("Sun, 09 Sep 2001 01:46:40 GMT", None),
            ("Thu, 01 Jan 1970 00:00:00 GMT", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(300)),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(value, now), expected, "{value}");
        }
    }
}
