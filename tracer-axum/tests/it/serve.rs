//! A server of axum on a port of its own, and raw clients for it.

use std::net::SocketAddr;

use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves `app` until the runtime ends.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// As [`serve`], with the addresses of clients known to the layers.
pub(crate) async fn serve_with_peers(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A client that writes bytes.
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Sends a request with `headers`, each ended by a line break.
    pub(crate) async fn send(&mut self, method: &str, path: &str, headers: &str) {
        let request = format!("{method} {path} HTTP/1.1\r\nhost: shop\r\n{headers}\r\n");
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    /// Reads until `end` has come, and gives all of it.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        let mut bytes = [0; 1024];
        while !text.contains(end) {
            let count = self.0.read(&mut bytes).await.unwrap();
            assert!(count > 0, "the connection ended after {text:?}");
            text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
        text
    }
}

/// Asks for a path over a connection of its own and gives the text of the response.
pub(crate) async fn get(address: SocketAddr, path: &str) -> String {
    reqwest::get(format!("http://{address}{path}"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}
