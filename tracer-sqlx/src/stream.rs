//! The stream of a query: its span begins at the first poll and ends when it is exhausted, fails or is dropped.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;
use pin_project_lite::pin_project;
use sqlx_core::error::Error;
use tracer_core::{Span, active_span, tags};

use crate::driver::{Step, TracedDb};
use crate::query_span::{DB_ACTIVE_US, Outcome, QuerySpan, micros};
use crate::request::Request;

pin_project! {
    /// A stream of a driver, made at the first poll, with its span.
    pub(crate) struct QueryStream<DB: TracedDb, F, S> {
        #[pin]
        steps: Option<S>,
        unstarted: Option<(Request<DB>, F)>,
        progress: Progress,
    }

    impl<DB: TracedDb, F, S> PinnedDrop for QueryStream<DB, F, S> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // What the driver does when it is dropped is still the query's.
            this.progress.visit(|| this.steps.set(None));
            this.progress.end(false);
        }
    }
}

/// What the stream knows of its query.
#[derive(Debug)]
struct Progress {
    query: QuerySpan,
    /// The open span; `None` before the first poll and after the end.
    span: Option<Span>,
    outcome: Outcome,
    /// When the user began to wait for the row that is next.
    asked: Option<Instant>,
    /// How long the user waited, in all: what is done between two rows is not the database's time.
    active: Duration,
}

impl<DB: TracedDb, F, S> QueryStream<DB, F, S>
where
    F: FnOnce(Request<DB>) -> S,
    S: Stream<Item = Result<Step<DB>, Error>>,
{
    pub(crate) fn new(query: QuerySpan, request: Request<DB>, make: F) -> Self {
        let progress = Progress {
            query,
            span: None,
            outcome: Outcome::default(),
            asked: None,
            active: Duration::ZERO,
        };
        Self {
            steps: None,
            unstarted: Some((request, make)),
            progress,
        }
    }
}

impl<DB: TracedDb, F, S> Stream for QueryStream<DB, F, S>
where
    F: FnOnce(Request<DB>) -> S,
    S: Stream<Item = Result<Step<DB>, Error>>,
{
    type Item = Result<Step<DB>, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let (steps, progress) = (&mut this.steps, this.progress);
        if let Some((mut request, make)) = this.unstarted.take() {
            progress.span = Some(progress.query.begin_query(&request.sql));
            steps.set(progress.visit_describing(|query| {
                let outcome = query.describe(&mut request);
                (outcome, Some(make(request)))
            }));
        }
        if progress.outcome.recording && progress.asked.is_none() {
            progress.asked = Some(Instant::now());
        }
        let step = progress.visit(|| match steps.as_mut().as_pin_mut() {
            Some(steps) => steps.poll_next(cx),
            None => Poll::Ready(None),
        });
        if step.is_ready()
            && let Some(asked) = progress.asked.take()
        {
            progress.active += asked.elapsed();
        }
        match &step {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(step))) => progress.outcome.count::<DB>(step),
            Poll::Ready(Some(Err(error))) => {
                // The connection goes back now, as sqlx's does: the stream may live on.
                progress.visit(|| steps.set(None));
                progress.fail(error);
            }
            Poll::Ready(None) => {
                progress.visit(|| steps.set(None));
                progress.end(true);
            }
        }
        step
    }
}

impl Progress {
    /// Runs `work` with the span active.
    fn visit<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let Some(span) = self.span.take() else {
            return work();
        };
        let scope = span.activate();
        let result = work();
        self.span = Some(scope.into_span());
        result
    }

    fn visit_describing<R>(&mut self, work: impl FnOnce(&QuerySpan) -> (Outcome, R)) -> R {
        let Some(span) = self.span.take() else {
            return work(&self.query).1;
        };
        let scope = span.activate();
        let (outcome, result) = work(&self.query);
        self.outcome = outcome;
        self.span = Some(scope.into_span());
        result
    }

    fn fail(&mut self, error: &Error) {
        let Some(span) = self.span.take() else { return };
        let scope = span.activate();
        self.query.tag_error(error);
        self.span = Some(scope.into_span());
        self.end(false);
    }

    /// Finishes the span, if it is open.
    fn end(&mut self, complete: bool) {
        let Some(span) = self.span.take() else { return };
        let _scope = span.activate();
        if self.outcome.recording {
            self.outcome.tag(!complete);
            let waiting = self
                .asked
                .take()
                .map_or(Duration::ZERO, |asked| asked.elapsed());
            let active = micros(self.active + waiting);
            active_span()
                .set_tag(tags::COMPLETE, complete)
                .set_tag(DB_ACTIVE_US, active);
        }
    }
}
