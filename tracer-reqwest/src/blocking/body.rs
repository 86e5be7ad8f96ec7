//! The body of a blocking response.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::blocking::Response;

use crate::error;

/// A response as the body of another, which reads it on the thread that reads that one.
///
/// Polling it blocks. Only a blocking response ever does so, which waits for it in any case.
#[derive(Debug)]
pub(super) struct Blocking {
    response: Response,
    /// What is still to come, if it is known.
    rest: Option<u64>,
}

/// Most bytes of a frame.
const FRAME_BYTES: usize = 16 * 1024;

impl Blocking {
    pub(super) fn new(response: Response) -> Self {
        let rest = response.content_length();
        Self { response, rest }
    }

    /// The sort of an error and what happened: reqwest's own error lies inside of the one of reading.
    pub(super) fn describe(error: &io::Error) -> (&'static str, String) {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        inner.map_or_else(|| ("body", error.to_string()), error::describe)
    }
}

impl Body for Blocking {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let most = this.rest.map_or(FRAME_BYTES, |rest| {
            // At least one, for reading nothing would look like the end.
            usize::try_from(rest).map_or(FRAME_BYTES, |rest| FRAME_BYTES.min(rest.max(1)))
        });
        let mut bytes = vec![0; most];
        Poll::Ready(match this.response.read(&mut bytes) {
            Ok(0) => None,
            Ok(read) => {
                bytes.truncate(read);
                this.rest = this.rest.map(|rest| rest.saturating_sub(read as u64));
                Some(Ok(Frame::data(bytes.into())))
            }
            Err(error) => Some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.rest
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
