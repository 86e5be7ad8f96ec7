//! A process that a request passes through: `tests/it/processes.rs` starts several.
//!
//! - `hop client URL` asks once, with a tracer, and ends.
//! - `hop service NAME [NEXT]` is a traced service, which asks the next one.
//! - `hop relay HEADER NEXT` has a tracer of another make: it knows only `HEADER`, and draws a span id of its own.
//!
//! Servers print their address first, and end with their standard input. A relay prints each of its spans: `SPAN PARENT`.

#![expect(clippy::print_stdout, reason = "a program talks to its parent")]

use std::error::Error;
use std::io::Read;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::get;
use tokio::net::TcpListener;
use tracer_axum::TraceLayer;
use tracer_core::{Tracer, TracerGuard};

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["client", url] => client(url).await,
        ["service", name] => service(name, None).await,
        ["service", name, next] => service(name, Some(next.to_owned())).await,
        ["relay", header, next] => relay(header, next).await,
        _ => Err("hop client URL | service NAME [NEXT] | relay HEADER NEXT".into()),
    }
}

/// As an application would: everything else is said by the environment.
fn install(service: &str) -> Result<TracerGuard, Box<dyn Error>> {
    Ok(Tracer::builder(service).from_env().install()?)
}

async fn client(url: &str) -> Outcome {
    let guard = install("client")?;
    let http = tracer_reqwest::Client::new();
    println!("{}", http.get(url).send().await?.text().await?);
    guard.shutdown(Duration::from_secs(20))?;
    Ok(())
}

async fn service(name: &str, next: Option<String>) -> Outcome {
    let guard = install(name)?;
    let answer = async move || match next {
        Some(next) => ask(&next).await.unwrap_or_else(|error| error.to_string()),
        None => tracer_core::active_span()
            .context()
            .map_or_else(String::new, |context| context.trace_id().to_string()),
    };
    serve(
        Router::new()
            .route("/ask", get(answer))
            .layer(TraceLayer::new()),
    )
    .await?;
    guard.shutdown(Duration::from_secs(20))?;
    Ok(())
}

async fn ask(next: &str) -> Result<String, reqwest::Error> {
    let http = tracer_reqwest::Client::new();
    http.get(next).send().await?.text().await
}

/// Serves until the standard input ends, which it does with the parent.
async fn serve(router: Router) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/ask", listener.local_addr()?);
    let (over, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        over.send(())
    });
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { drop(ended.await) })
        .await?;
    Ok(())
}

#[derive(Clone)]
struct Relay {
    header: &'static str,
    /// Between the fields of its value.
    separator: char,
    /// Where the id of the span stands among them.
    span: usize,
    next: String,
    http: reqwest::Client,
}

async fn relay(header: &str, next: &str) -> Outcome {
    let (header, separator, span) = match header {
        "traceparent" => ("traceparent", '-', 2),
        "uber-trace-id" => ("uber-trace-id", ':', 1),
        other => return Err(format!("no relay knows {other}").into()),
    };
    let relay = Relay {
        header,
        separator,
        span,
        next: next.to_owned(),
        http: reqwest::Client::new(),
    };
    serve(Router::new().route("/ask", get(pass_on)).with_state(relay)).await
}

async fn pass_on(State(relay): State<Relay>, headers: HeaderMap) -> String {
    match relay.pass_on(&headers).await {
        Ok(answer) => answer,
        Err(error) => format!("the relay failed: {error}"),
    }
}

impl Relay {
    async fn pass_on(&self, headers: &HeaderMap) -> Result<String, Box<dyn Error + Send + Sync>> {
        let came = headers
            .get(self.header)
            .ok_or("no context came")?
            .to_str()?;
        let mut fields: Vec<&str> = came.split(self.separator).collect();
        let parent = *fields.get(self.span).ok_or("the context has no span")?;
        let own = format!("{:016x}", u64::from_str_radix(parent, 16)? ^ u64::MAX);
        println!("{own} {parent}");
        fields[self.span] = &own;
        if self.header == "uber-trace-id" {
            // The third field is the parent's id.
            fields[2] = parent;
        }
        let value = fields.join(&self.separator.to_string());
        let request = self.http.get(&self.next).header(self.header, value);
        Ok(request.send().await?.text().await?)
    }
}
