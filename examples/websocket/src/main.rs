//! A WebSocket whose messages belong to the trace of its handshake.
//!
//! The span of the handshake ends with its response: an hour of chat is not an hour of request. What is said afterwards
//! are spans of the same trace, because the context goes along into the task of the socket.
//!
//! `cargo run -p websocket` says two things over a socket and prints the spans.

use std::error::Error;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message as ClientMessage;
use tracer_axum::{ServerSpan, TraceLayer};
use tracer_core::{ConsoleReporter, Sampler, TraceFuture, Tracer, traced};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let _guard = Tracer::builder("chat")
        .sampler(Sampler::constant(true))
        .reporter(ConsoleReporter::new())
        .install()?;

    let app = Router::new()
        .route("/chat", any(chat))
        .layer(TraceLayer::new());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/chat", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, app).await });

    let (mut socket, _) = connect_async(url).await?;
    for word in ["hello", "goodbye"] {
        socket.send(ClientMessage::text(word)).await?;
        socket.next().await.ok_or("the server left")??;
    }
    socket.close(None).await?;
    Ok(())
}

async fn chat(span: ServerSpan, upgrade: WebSocketUpgrade) -> Response {
    // The task of the socket is axum's and knows nothing of this request.
    upgrade.on_upgrade(move |socket| talk(socket).in_context(span.context()))
}

async fn talk(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(text) = message {
            answer(&mut socket, &text).await;
        }
    }
}

/// A span for each message, a child of the handshake.
#[traced(tags(bytes = text.len()))]
async fn answer(socket: &mut WebSocket, text: &str) {
    // A client that has left gets no answer.
    let _ = socket.send(Message::text(text.to_uppercase())).await;
}
