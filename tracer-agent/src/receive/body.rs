//! Bodies of requests, read whole, within one bound for all that are being read and worked on.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use flate2::bufread::MultiGzDecoder;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Why a body is not taken: a status, and one line for people.
pub(crate) type Refusal = (StatusCode, String);

/// Larger than any batch of spans a client posts: Java's of Jaeger are at most 1 MiB, SDKs and the Collector of OpenTelemetry send
/// at most 512 and 8 192 spans, unless told otherwise.
pub(crate) const MAX: usize = 8 << 20;

/// How long nothing of a body may come.
const SILENCE: Duration = Duration::from_secs(5);

/// What a body is said to be, without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let kind = text(headers, &header::CONTENT_TYPE).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}

/// How a body is compressed, if it is.
pub(super) fn content_encoding(headers: &HeaderMap) -> Option<&str> {
    text(headers, &header::CONTENT_ENCODING)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let value = headers.get(name)?;
    Some(value.to_str().unwrap_or_default())
}

/// The room for bodies.
#[derive(Debug)]
pub(crate) struct Room {
    max: usize,
    /// Bytes that may still be read.
    left: Arc<Semaphore>,
}

/// A body, and the room it takes until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(crate) bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Room for one body of `max` bytes, or several of fewer.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            left: Arc::new(Semaphore::new(max)),
        }
    }

    /// Reads a body. One that is longer than there is room for at all is refused with 413, one that is longer than there is
    /// now with 503, and one that stops coming with 408: others wait for the room it has.
    pub(crate) async fn read(&self, mut body: Body) -> Result<Whole, Refusal> {
        let mut whole = Whole::default();
        loop {
            let frame = timeout(SILENCE, body.frame()).await.map_err(|_| {
                let reason = format!("nothing more of the body came for {SILENCE:?}\n");
                (StatusCode::REQUEST_TIMEOUT, reason)
            })?;
            let Some(frame) = frame else {
                return Ok(whole);
            };
            let frame = frame.map_err(|error| {
                let reason = format!("the body cannot be read: {error}\n");
                (StatusCode::BAD_REQUEST, reason)
            })?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            self.add(&mut whole, &data)?;
        }
    }

    /// Decompresses a body by gzip, within the same bounds: what it becomes is only made as far as there is room for it.
    pub(crate) fn unpack(&self, packed: &Whole) -> Result<Whole, Refusal> {
        let mut whole = Whole::default();
        let mut unpacked = MultiGzDecoder::new(&packed.bytes[..]);
        let mut piece = vec![0; 16 << 10];
        loop {
            match unpacked.read(&mut piece) {
                Ok(0) => return Ok(whole),
                Ok(len) => self.add(&mut whole, &piece[..len])?,
                Err(error) => {
                    let reason = format!("the body cannot be decompressed by gzip: {error}\n");
                    return Err((StatusCode::BAD_REQUEST, reason));
                }
            }
        }
    }

    fn add(&self, whole: &mut Whole, data: &[u8]) -> Result<(), Refusal> {
        if whole.bytes.len() + data.len() > self.max {
            let reason = format!("the body is longer than {} bytes\n", self.max);
            return Err((StatusCode::PAYLOAD_TOO_LARGE, reason));
        }
        let more = u32::try_from(data.len())
            .ok()
            .and_then(|bytes| Arc::clone(&self.left).try_acquire_many_owned(bytes).ok());
        let Some(more) = more else {
            let reason = String::from("too much is being posted at once\n");
            return Err((StatusCode::SERVICE_UNAVAILABLE, reason));
        };
        match &mut whole.room {
            Some(room) => room.merge(more),
            None => whole.room = Some(more),
        }
        whole.bytes.extend_from_slice(data);
        Ok(())
    }
}
