//! The future of a response: the span from the call to the head.

use std::any;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::call::Call;
use crate::body::ResponseBody;

pin_project! {
    /// The future of a traced call; made by [`Trace`](super::Trace).
    ///
    /// The span is active at each poll and while the future is dropped, and goes on in the body of the response. A future
    /// dropped before it is ready tags the span with `cancelled`.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Option<F>,
        call: Option<Call>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(call) = this.call {
                call.enter(|| this.inner.set(None));
            }
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, call: Call) -> Self {
        Self {
            inner: Some(inner),
            call: Some(call),
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Error: fmt::Display>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (Some(mut inner), Some(call)) = (this.inner.as_mut().as_pin_mut(), this.call.as_mut())
        else {
            return Poll::Pending;
        };
        let output = ready!(call.enter(|| inner.as_mut().poll(cx)));
        call.enter(|| this.inner.set(None));
        let Some(call) = this.call.take() else {
            return Poll::Pending;
        };
        Poll::Ready(match output {
            Ok(response) => Ok(call.respond(response)),
            Err(error) => {
                call.fail(any::type_name::<E>(), None);
                Err(error)
            }
        })
    }
}
