//! WebSockets: the span of the handshake ends, and its trace goes on.

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tracer_axum::{ServerSpan, TraceLayer};
use tracer_core::{TraceFuture, Tracer};
use tracer_testing::{TestTracer, assert_trace};

use crate::serve::serve;

#[tokio::test]
async fn a_socket_carries_on_the_trace_of_its_handshake() {
    let test = TestTracer::new("chat")
        .hide("component")
        .hide("span.kind")
        .hide("http.url");
    let tracer = test.tracer().clone();
    let chat = async |span: ServerSpan, upgrade: WebSocketUpgrade| -> Response {
        upgrade.on_upgrade(move |socket| echo(tracer, socket).in_context(span.context()))
    };
    let app = Router::new()
        .route("/chat", any(chat))
        .layer(TraceLayer::new().with_tracer(test.tracer()));
    let address = serve(app).await;

    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}/chat"))
        .await
        .unwrap();
    // The handshake is over while the socket lives.
    test.settled_with(1).await;
    assert_trace!(test, "GET /chat {http.method=GET, http.status_code=101}");
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::text("hello")
    );
    socket.close(None).await.unwrap();
    test.settled_with(1).await;
    let spans = test.spans();
    assert_eq!(spans[0].operation_name(), "message");
    assert!(!spans[0].context().parent_id().is_none(), "an orphan");
}

async fn echo(tracer: Tracer, mut socket: WebSocket) {
    if let Some(Ok(message)) = socket.recv().await {
        let _ = socket
            .send(message)
            .in_span(tracer.start_span("message"))
            .await;
    }
}
