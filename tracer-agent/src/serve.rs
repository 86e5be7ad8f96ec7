//! Serving HTTP on a port, within bounds: so many connections, so long for each and for a request.
//!
//! `axum::serve` has neither a time limit for the head of a request nor a cap on connections, and a client that sends a
//! byte a minute would keep its connection for ever; hence this loop over hyper.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

/// Bytes of the head of a request, and so of what a connection holds.
const MAX_HEAD: usize = 32 << 10;

/// What clients may take of a port.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Connections beyond it wait in the kernel's queue.
    connections: usize,
    /// For the head of a request, and so for how long an idle connection is kept.
    head: Duration,
    /// For reading a body and making the answer.
    request: Duration,
    /// For all requests of a connection. The one that is being answered then has [`request`](Self::request) more, so
    /// whoever takes its answers byte by byte, or does not take them, loses its place in the end.
    connection: Duration,
    /// For what a client still sends after its last answer.
    linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            head: Duration::from_secs(15),
            request: Duration::from_secs(60),
            connection: Duration::from_secs(300),
            linger: Duration::from_secs(5),
        }
    }
}

/// Serves until `stop` is told. Must run inside a tokio runtime.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: watch::Receiver<bool>) {
    serve_within(Limits::default(), listener, router, stop).await;
}

async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return log::error!("cannot serve: {error}"),
    };
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, stream) = tokio::select! {
            (place, accepted) = accept => match accepted {
                Ok((stream, _)) => (place, stream),
                // No file descriptors, most often; others may be given back in a while.
                Err(error) => {
                    log::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let router = router.clone();
        tokio::spawn(async move {
            connection(limits, stream, router).await;
            drop(place);
        });
    }
}

async fn connection(limits: Limits, mut stream: TcpStream, router: Router) {
    converse(limits, &mut stream, router).await;
    match timeout(limits.linger, linger(&stream)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::debug!("connection ended: {error}"),
        Err(_) => log::debug!("connection ended before the client had enough"),
    }
}

/// Takes and drops what a client still sends, until it closes its side. With something unread the connection would be reset,
/// and a client that is refused in the middle of its body would often see that, and not the answer.
async fn linger(stream: &TcpStream) -> io::Result<()> {
    // Done already, unless something was wrong with the request. Fails where nobody is there any more.
    SockRef::from(stream).shutdown(Shutdown::Write)?;
    let mut unread = vec![0; 16 << 10];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut unread) {
            Ok(0) => return Ok(()),
            // Others wait to be served.
            Ok(_) => tokio::task::yield_now().await,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Answers requests until there is none, or the time is over.
async fn converse(limits: Limits, stream: &mut TcpStream, router: Router) {
    // The end of an answer must not wait for the reader's word on its beginning.
    if let Err(error) = stream.set_nodelay(true) {
        log::debug!("connection without TCP_NODELAY: {error}");
    }
    let service = service_fn(move |request| answer(limits.request, router.clone(), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .half_close(true)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    let ended = match timeout(limits.connection, served.as_mut()).await {
        Ok(ended) => Ok(ended),
        Err(_) => {
            served.as_mut().graceful_shutdown();
            timeout(limits.request, served).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::debug!("connection ended: {error}"),
        Err(_) => log::debug!("connection ended: it took too long"),
    }
}

async fn answer(
    limit: Duration,
    router: Router,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    use hyper::service::Service;
    let answer = TowerToHyperService::new(router).call(request);
    match timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Ok((StatusCode::REQUEST_TIMEOUT, "the request took too long\n").into_response()),
    }
}

#[cfg(test)]
mod tests;
