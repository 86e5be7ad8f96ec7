//! Sending a request of reqwest's blocking client with a span.

use std::borrow::Cow;
use std::mem;

use reqwest::blocking::{Client, Request, RequestBuilder, Response};
use reqwest::{Body, Error};
use tracer_tower::client::TraceLayer;

use super::body::Blocking;
use crate::send;

/// Sends a single request of a [`reqwest::blocking::Client`] with a span.
pub trait SendTraced {
    /// As [`send`](reqwest::blocking::RequestBuilder::send), with a client span around it; see
    /// [`Client`](super::Client).
    ///
    /// # Errors
    /// Those of `send`.
    fn send_traced(self) -> Result<Response, Error>;
}

impl SendTraced for RequestBuilder {
    fn send_traced(self) -> Result<Response, Error> {
        let (client, request) = self.build_split();
        call(&client, &send::layer(), request?, None)
    }
}

/// Sends a request with a span of `layer`.
pub(super) fn call(
    client: &Client,
    layer: &TraceLayer,
    mut request: Request,
    operation: Option<Cow<'static, str>>,
) -> Result<Response, Error> {
    let mut call = send::open(
        layer,
        (request.method(), request.url(), request.version()),
        request.headers(),
        operation,
        None,
    );
    call.inject(request.headers_mut());
    let asked = call.span().is_recording().then(|| request.url().clone());
    let result = call.enter(|| client.execute(request));
    let Some(asked) = asked else {
        return result;
    };
    match result {
        Ok(mut response) => {
            send::describe(&mut call, &asked, response.url(), response.remote_addr());
            let url = response.url().clone();
            let mut head = http::Response::new(());
            *head.status_mut() = response.status();
            *head.version_mut() = response.version();
            *head.headers_mut() = mem::take(response.headers_mut());
            *head.extensions_mut() = mem::take(response.extensions_mut());
            let response = head.map(|()| Blocking::new(response));
            let response = call.respond_with(response, Blocking::describe);
            Ok(Response::from(send::with_url(
                response.map(Body::wrap),
                url,
            )))
        }
        Err(error) => Err(send::fail(call, error)),
    }
}
