//! gRPC with tonic: a server and a client, each with a layer of `tracer-tower`.
//!
//! The service is the health check that tonic ships, so that there is no code to generate; any other goes the same way.
//!
//! `cargo run -p tonic-grpc` makes a call that succeeds and one that fails, and prints their spans.

use std::error::Error;

use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Code;
use tonic::transport::{Channel, Server};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::ServiceBuilder;
use tracer_core::{ConsoleReporter, Sampler, TraceFuture, Tracer};
use tracer_tower::{client, server};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let guard = Tracer::builder("health")
        .sampler(Sampler::constant(true))
        .reporter(ConsoleReporter::new())
        .install()?;

    // The server: spans are named by service and method, `grpc.health.v1.Health/Check`.
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("shop", ServingStatus::Serving)
        .await;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = Server::builder()
        .layer(server::TraceLayer::grpc())
        .add_service(health);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));

    // The client: a channel with a layer around it.
    let channel = Channel::from_shared(url)?.connect().await?;
    let channel = ServiceBuilder::new()
        .layer(client::TraceLayer::new().peer_service("health"))
        .service(channel);
    let mut client = HealthClient::new(channel);
    let ask = |service: &str| HealthCheckRequest {
        service: service.to_owned(),
    };
    let probe = async {
        client.check(ask("shop")).await?;
        // Nobody has heard of it: an error of the client's span (`grpc.status = 5`), but none of the server's.
        match client.check(ask("bakery")).await {
            Err(status) if status.code() == Code::NotFound => Ok(()),
            other => other.map(drop),
        }
    };
    probe.in_span(guard.tracer().start_span("probe")).await?;
    Ok(())
}
