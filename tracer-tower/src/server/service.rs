//! The service around the one that answers.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::framework::{Framework, Plain};
use super::future::ResponseFuture;
use super::options::Options;
use super::start;
use crate::body::ResponseBody;

/// A service whose requests have server spans; made by [`ServerLayer`](super::ServerLayer).
#[derive(Debug)]
pub struct Trace<S, F = Plain> {
    inner: S,
    options: Arc<Options>,
    framework: PhantomData<fn() -> F>,
}

impl<S, F> Trace<S, F> {
    pub(super) fn new(inner: S, options: Arc<Options>) -> Self {
        Self {
            inner,
            options,
            framework: PhantomData,
        }
    }
}

impl<S: Clone, F> Clone for Trace<S, F> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.options))
    }
}

impl<S, F, Req, Res> Service<Request<Req>> for Trace<S, F>
where
    S: Service<Request<Req>, Response = Response<Res>>,
    F: Framework,
    Res: Body<Error: fmt::Display>,
{
    type Response = Response<ResponseBody<Res>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Req>) -> Self::Future {
        let mut exchange = start::start::<F, _>(&self.options, &mut request);
        let call = || self.inner.call(request);
        let future = match &mut exchange {
            Some(exchange) => exchange.enter(call),
            None => call(),
        };
        ResponseFuture::new(future, exchange)
    }
}
