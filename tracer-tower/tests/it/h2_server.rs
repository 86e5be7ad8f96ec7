//! A server of HTTP/2 that does not answer as it should, frame by frame. The tests of `tracer-reqwest` have it too.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::Reason;
use http::Response;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// How far a response comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Until {
    /// The request has arrived.
    Request,
    /// The head has gone out and `first`, a piece of the body.
    Piece,
    /// As a piece, and it was all of the length that the head has declared.
    Length,
}

/// How it ends then.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// `RST_STREAM`.
    Reset(Reason),
    /// `GOAWAY` with an error, and the connection is closed.
    GoAway(Reason),
    /// `GOAWAY` without one, and the rest of the body: no more requests, but this one is served.
    Farewell,
}

/// Answers one request so. What comes after a piece waits until the client is said to have `read` it, since a reset takes
/// back what is not sent yet.
pub(crate) async fn serve(until: Until, ending: Ending) -> (SocketAddr, Arc<Notify>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let read = Arc::new(Notify::new());
    let was_read = Arc::clone(&read);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (_, mut answer) = connection.accept().await.unwrap().unwrap();
        let mut body = (until != Until::Request).then(|| {
            let mut head = Response::new(());
            if until == Until::Length {
                head.headers_mut().insert("content-length", 5.into());
            }
            let mut body = answer.send_response(head, false).unwrap();
            body.send_data(Bytes::from("first"), false).unwrap();
            body
        });
        if body.is_some() {
            tokio::select! {
                // Frames go out while the connection is asked for more requests.
                _ = connection.accept() => {}
                () = was_read.notified() => {}
            }
        }
        match (ending, &mut body) {
            (Ending::Reset(reason), Some(body)) => body.send_reset(reason),
            (Ending::Reset(reason), None) => answer.send_reset(reason),
            (Ending::GoAway(reason), _) => connection.abrupt_shutdown(reason),
            (Ending::Farewell, body) => {
                connection.graceful_shutdown();
                if let Some(body) = body {
                    body.send_data(Bytes::from("last"), true).unwrap();
                }
            }
        }
        while connection.accept().await.is_some() {}
    });
    (address, read)
}
