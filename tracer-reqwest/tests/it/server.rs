//! Servers that are not traced, on ports of their own.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Serves `app` until the runtime ends; gives its URL.
pub(crate) async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// A server with the answers that the tests need.
pub(crate) async fn shop() -> String {
    let echo = |headers: HeaderMap| async move {
        let value = |name| {
            headers
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
                .to_owned()
        };
        format!("{}|{}", value("traceparent"), value("uber-trace-id"))
    };
    let app = Router::new()
        .route("/headers", get(echo))
        .route("/orders", get(|| async { "[1,2]" }))
        .route("/orders", post(|body: String| async move { body }))
        .route(
            "/moved",
            get(|| async { axum::response::Redirect::temporary("/orders?token=secret") }),
        )
        .route(
            "/stalled",
            get(|| async {
                Body::from_stream(tokio_stream::pending::<Result<Bytes, Infallible>>())
            }),
        )
        .route("/missing", get(|| async { StatusCode::NOT_FOUND }))
        .route(
            "/broken",
            get(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
        );
    serve(app).await
}

/// Answers each connection's first request with these bytes, and closes it.
pub(crate) async fn raw(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(response.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

/// Takes connections and requests and never answers; gives the address.
pub(crate) async fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut streams = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            streams.push(stream);
        }
    });
    address
}
