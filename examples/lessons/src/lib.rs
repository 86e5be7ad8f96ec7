//! What the three programs of the lessons share: their tracer, their HTTP client and their HTTP server.

#![expect(
    clippy::print_stderr,
    clippy::exit,
    reason = "programs talk to their terminal and end with a status"
)]

use std::error::Error;

use axum::Router;
use http::Uri;
use tracer_core::{
    ConsoleReporter, HttpHeaders, InitError, Propagation, Sampler, SpanKind, Tracer, UdpReporter,
    tags,
};

/// A tracer that samples everything, prints each span and sends it to the agent on this machine, and carries contexts in
/// the headers of the Jaeger clients, so that each program can be swapped for the tutorial's own in another language.
///
/// # Errors
/// When the environment (`JAEGER_AGENT_HOST`, ...) holds a wrong value.
pub fn init_tracer(service: &str) -> Result<Tracer, InitError> {
    let host = std::env::var("JAEGER_AGENT_HOST").unwrap_or_else(|_| "localhost".into());
    let port = std::env::var("JAEGER_AGENT_PORT").unwrap_or_else(|_| "6831".into());
    Tracer::builder(service)
        .sampler(Sampler::constant(true))
        .propagation([Propagation::Jaeger])
        .reporter(UdpReporter::to(format!("{host}:{port}"))?)
        .reporter(ConsoleReporter::new())
        .build()
}

/// Calls `GET http://127.0.0.1:{port}/{path}?{key}={value}`. The call has no span of its own: the active span gets the
/// client tags, and its context travels in the headers.
///
/// # Errors
/// When the service cannot be reached or answers with an error.
pub fn http_get(
    tracer: &Tracer,
    port: u16,
    path: &str,
    key: &str,
    value: &str,
) -> Result<String, Box<dyn Error>> {
    let url = format!("http://127.0.0.1:{port}/{path}");
    let span = tracer.active_span();
    span.set_tag(tags::HTTP_METHOD, "GET")
        .set_tag(tags::HTTP_URL, &url)
        .set_tag(tags::SPAN_KIND, SpanKind::Client);

    let mut request = ureq::get(url.parse::<Uri>()?).query(key, value);
    if let (Some(context), Some(headers)) = (span.context(), request.headers_mut()) {
        tracer.inject(&context, &mut HttpHeaders(headers));
    }
    Ok(request.call()?.body_mut().read_to_string()?)
}

/// Serves `router` on 127.0.0.1 until the program is stopped.
///
/// # Errors
/// When the port is taken or the runtime cannot be started.
pub fn serve(port: u16, router: Router) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
            .await
            .map_err(|error| format!("port {port} cannot be listened on: {error}"))?;
        axum::serve(listener, router).await?;
        Ok(())
    })
}

/// Ends the program with one line that says why.
pub fn exit_on_error(result: Result<(), Box<dyn Error>>) {
    if let Err(error) = result {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}
