//! Serving HTTP on a port, within bounds: so many connections, so long for a request.
//!
//! `axum::serve` has neither a time limit for the head of a request nor a cap on connections, and a client that sends a
//! byte a minute would keep its connection for ever; hence this loop over hyper.

use std::convert::Infallible;
use std::net::TcpListener;
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
use tokio::sync::{Semaphore, watch};

/// Connections beyond it wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 256;
/// For the head of a request, and so for how long an idle connection is kept.
const HEAD_LIMIT: Duration = Duration::from_secs(15);
/// For reading a body and making the answer.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// Serves until `stop` is told. Must run inside a tokio runtime.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return log::error!("cannot serve: {error}"),
    };
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
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
            let service = service_fn(move |request| answer(router.clone(), request));
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_LIMIT)
                .max_buf_size(64 << 10)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = served.await {
                log::debug!("connection ended: {error}");
            }
            drop(place);
        });
    }
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    use hyper::service::Service;
    let answer = TowerToHyperService::new(router).call(request);
    match tokio::time::timeout(REQUEST_LIMIT, answer).await {
        Ok(answer) => answer,
        Err(_) => Ok((StatusCode::REQUEST_TIMEOUT, "the request took too long\n").into_response()),
    }
}
