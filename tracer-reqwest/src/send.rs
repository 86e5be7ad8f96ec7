//! Sending a request of reqwest with a span.

use std::borrow::Cow;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Extensions, HeaderMap, Method, Uri, Version};
use pin_project_lite::pin_project;
use reqwest::{Body, Error, Request, RequestBuilder, Response, ResponseBuilderExt, Url};
use tracer_tower::RequestHead;
use tracer_tower::client::{Call, Caller, Operation, TraceLayer};

use crate::error;

/// Sends a single request of a [`reqwest::Client`] with a span.
///
/// ```no_run
/// # async fn run(client: reqwest::Client) -> Result<(), reqwest::Error> {
/// use tracer_reqwest::SendTraced;
///
/// let status = client.get("http://shop/orders").send_traced().await?.status();
/// # let _ = status; Ok(()) }
/// ```
pub trait SendTraced {
    /// As [`send`](reqwest::RequestBuilder::send), with a client span around it; see [`Client`](crate::Client).
    ///
    /// # Errors
    /// Those of `send`.
    fn send_traced(self) -> impl Future<Output = Result<Response, Error>> + Send + Unpin;
}

impl SendTraced for RequestBuilder {
    fn send_traced(self) -> impl Future<Output = Result<Response, Error>> + Send + Unpin {
        let (client, request) = self.build_split();
        send(layer(), request, None, move |request| {
            client.execute(request)
        })
    }
}

/// The layer of whoever did not choose one.
pub(crate) fn layer() -> TraceLayer {
    TraceLayer::new().component("reqwest")
}

/// Sends a request by `execute` with a span of `layer`.
///
/// The span starts at the first poll, as a child of what is active there or, on a task where nothing is, of what is active
/// now.
pub(crate) fn send<F>(
    layer: TraceLayer,
    request: Result<Request, Error>,
    operation: Option<Cow<'static, str>>,
    execute: impl FnOnce(Request) -> F + Send + Unpin,
) -> impl Future<Output = Result<Response, Error>> + Send + Unpin
where
    F: Future<Output = Result<Response, Error>> + Send + Unpin,
{
    let mut unsent = Some((layer, request, operation, Caller::current(), execute));
    let mut sent = None;
    poll_fn(move |cx| {
        if let Some((layer, request, operation, caller, execute)) = unsent.take() {
            sent = Some(begin(&layer, request?, operation, Some(&caller), execute));
        }
        sent.as_mut()
            .map_or(Poll::Pending, |sent| Pin::new(sent).poll(cx))
    })
}

/// Begins a call and hands the request over to `execute`.
pub(crate) fn begin<F>(
    layer: &TraceLayer,
    mut request: Request,
    operation: Option<Cow<'static, str>>,
    caller: Option<&Caller>,
    execute: impl FnOnce(Request) -> F,
) -> ResponseFuture<F> {
    let mut call = open(
        layer,
        (request.method(), request.url(), request.version()),
        request.headers(),
        operation,
        caller,
    );
    call.inject(request.headers_mut());
    let asked = call.span().is_recording().then(|| request.url().clone());
    let pending = call.enter(|| execute(request));
    ResponseFuture {
        pending: Some(pending),
        call: Some(call),
        asked,
    }
}

/// Begins the call of a request that is asked for in these words.
pub(crate) fn open(
    layer: &TraceLayer,
    (method, url, version): (&Method, &Url, Version),
    headers: &HeaderMap,
    operation: Option<Cow<'static, str>>,
    caller: Option<&Caller>,
) -> Call {
    let uri = Uri::try_from(url.as_str()).unwrap_or_default();
    let mut extensions = Extensions::new();
    if let Some(operation) = operation {
        extensions.insert(Operation(operation));
    }
    let head = RequestHead::new(method, &uri, version, headers, &extensions);
    layer.begin(&head, caller)
}

pin_project! {
    /// The future of a traced response.
    ///
    /// The span is active at each poll and while the future is dropped, and goes on in the body of the response. A future
    /// dropped before it is ready tags the span with `cancelled`.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        pending: Option<F>,
        call: Option<Call>,
        // The URL that was asked for, if the span is recorded.
        asked: Option<Url>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(call) = this.call {
                call.enter(|| this.pending.set(None));
            }
        }
    }
}

impl<F: Future<Output = Result<Response, Error>>> Future for ResponseFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let (Some(mut pending), Some(call)) =
            (this.pending.as_mut().as_pin_mut(), this.call.as_mut())
        else {
            return Poll::Pending;
        };
        let result = ready!(call.enter(|| pending.as_mut().poll(cx)));
        call.enter(|| this.pending.set(None));
        let (Some(call), Some(asked)) = (this.call.take(), this.asked.take()) else {
            return Poll::Ready(result);
        };
        Poll::Ready(match result {
            Ok(response) => Ok(respond(call, &asked, response)),
            Err(error) => Err(fail(call, error)),
        })
    }
}

/// Lets the body of a response carry the span on. The response is taken apart and put together again: nothing is lost but
/// its URL, which is given back to it.
fn respond(mut call: Call, asked: &Url, response: Response) -> Response {
    describe(&mut call, asked, response.url(), response.remote_addr());
    let url = response.url().clone();
    let response = call.respond_with(http::Response::<Body>::from(response), error::describe);
    Response::from(with_url(response.map(Body::wrap), url))
}

/// Tags the span with who answered, and logs that it was another URL's.
pub(crate) fn describe(call: &mut Call, asked: &Url, url: &Url, address: Option<SocketAddr>) {
    if let Some(address) = address {
        call.set_peer(address);
    }
    // A fragment is not sent, so the URL of the response has none.
    if url != asked
        && sent(url) != sent(asked)
        && let Ok(uri) = Uri::try_from(url.as_str())
    {
        call.set_redirected(&uri);
    }
}

fn sent(url: &Url) -> &str {
    url.as_str().split('#').next().unwrap_or_default()
}

/// Gives a response the URL that reqwest's has beside it.
pub(crate) fn with_url<B>(mut response: http::Response<B>, url: Url) -> http::Response<B> {
    if let Ok(with_url) = http::Response::builder().url(url).body(()) {
        response
            .extensions_mut()
            .extend(with_url.into_parts().0.extensions);
    }
    response
}

/// Ends a call that had no response.
pub(crate) fn fail(call: Call, error: Error) -> Error {
    let (kind, message) = error::describe(&error);
    call.fail(kind, Some(&message));
    error
}
