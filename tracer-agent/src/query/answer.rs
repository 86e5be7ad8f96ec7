//! Answers of any length, written while the connection takes them.
//!
//! The traces of one search may make more text than the store has bytes, and a client may ask and never read. So a long
//! answer waits nowhere: a thread writes it in pieces, each of which the connection has to take before the next. That many
//! threads, that many answers at a time; one whose reader stalls is cut short.

use std::io;
use std::mem;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::error::QueryError;

/// Small enough for every connection to hold some.
const PIECE: usize = 16 << 10;
/// How long a reader may take over a piece, lest it keep the thread from others.
const STALL_LIMIT: Duration = Duration::from_secs(15);

/// Where an answer is written to.
#[derive(Debug)]
pub(crate) struct Answer {
    piece: Vec<u8>,
    pieces: mpsc::Sender<Bytes>,
    stall_limit: Duration,
}

/// Starts the writing, on a thread where it may take its time, and returns the body when its first piece is there.
///
/// A body whose writing fails later ends in an error, so that a reader does not take what it has for the whole.
///
/// # Errors
///
/// When nothing could be written.
pub(crate) async fn written(
    write: impl FnOnce(&mut Answer) -> io::Result<()> + Send + 'static,
) -> Result<Body, QueryError> {
    written_within(STALL_LIMIT, write).await
}

async fn written_within(
    stall_limit: Duration,
    write: impl FnOnce(&mut Answer) -> io::Result<()> + Send + 'static,
) -> Result<Body, QueryError> {
    let (pieces, taken) = mpsc::channel(1);
    let mut answer = Answer {
        piece: Vec::new(),
        pieces,
        stall_limit,
    };
    let writer = tokio::task::spawn_blocking(move || {
        write(&mut answer)?;
        answer.pass_on()
    });
    let rest = stream::unfold(Some((taken, writer)), async |state| {
        let (mut taken, writer) = state?;
        match taken.recv().await {
            Some(piece) => Some((Ok(piece), Some((taken, writer)))),
            None => match writer.await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some((Err(error), None)),
                Err(panicked) => Some((Err(io::Error::other(panicked)), None)),
            },
        }
    });
    let mut body = Box::pin(rest.peekable());
    match body.as_mut().peek().await {
        Some(Err(_)) => Err(QueryError::internal()),
        _ => Ok(Body::from_stream(body)),
    }
}

impl Answer {
    fn pass_on(&mut self) -> io::Result<()> {
        let piece = Bytes::from(mem::take(&mut self.piece));
        match Handle::current().block_on(timeout(self.stall_limit, self.pieces.send(piece))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::other("the reader is gone")),
            Err(_) => Err(io::Error::other("the reader does not read")),
        }
    }
}

impl io::Write for Answer {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.piece.len() == PIECE {
            self.pass_on()?;
        }
        if self.piece.capacity() == 0 {
            self.piece.reserve_exact(PIECE);
        }
        let taken = text.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&text[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;
    use std::io::Write as _;

    /// What a writer gives its reader, with the error it may end in.
    async fn read(body: Body) -> Result<Vec<u8>, axum::Error> {
        axum::body::to_bytes(body, usize::MAX).await.map(Into::into)
    }

    #[tokio::test]
    async fn what_is_written_is_read_whatever_its_length() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 20 * PIECE + 7] {
            let text: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let copy = text.clone();
            let body = written(move |answer| answer.write_all(&copy)).await;
            assert!(read(body.unwrap()).await.unwrap() == text, "{length}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_fails_at_once_is_none() {
        let failed = written(|_| Err(io::Error::other("no"))).await;
        assert_eq!(
            failed.unwrap_err().status(),
            StatusCode::INTERNAL_SERVER_ERROR
        );
        let panicked = written(|_| panic!("on purpose")).await;
        assert_eq!(
            panicked.unwrap_err().status(),
            StatusCode::INTERNAL_SERVER_ERROR
        );
    }

    #[tokio::test]
    async fn an_answer_that_fails_later_is_not_taken_for_the_whole() {
        let body = written(|answer| {
            answer.write_all(&[b' '; 3 * PIECE])?;
            Err(io::Error::other("no more"))
        });
        assert!(read(body.await.unwrap()).await.is_err());
    }

    #[tokio::test]
    async fn a_reader_that_stalls_gives_the_thread_back() {
        let (ended, end) = tokio::sync::oneshot::channel();
        let body = written_within(Duration::from_millis(1), |answer| {
            let endless = std::iter::repeat(()).try_for_each(|()| answer.write_all(b"more"));
            ended.send(endless.unwrap_err().to_string()).unwrap();
            Ok(())
        });
        let unread = body.await.unwrap();
        assert_eq!(end.await.unwrap(), "the reader does not read");
        drop(unread);
    }

    #[tokio::test]
    async fn a_reader_that_leaves_ends_the_writing() {
        let (ended, end) = tokio::sync::oneshot::channel();
        let body = written(|answer| {
            let endless = std::iter::repeat(()).try_for_each(|()| answer.write_all(b"more"));
            ended.send(endless.unwrap_err().to_string()).unwrap();
            Ok(())
        });
        drop(body.await.unwrap());
        assert_eq!(end.await.unwrap(), "the reader is gone");
    }
}
