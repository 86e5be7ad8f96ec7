//! The connects that a pool makes while somebody waits for it, as spans.
//!
//! sqlx tells that a connection was made, by its hook `after_connect`, in the task that waits for it; when it began to
//! connect it does not tell. But a pool that has no idle connection and room for one more connects at once, so that then the
//! beginning of the wait is that of the connect. In all other cases (a connection found dead, a permit waited for first) the
//! beginning is not known: the span that waited gets a log in place of a child that would show a guess.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use futures_core::future::BoxFuture;
use sqlx_core::database::Database;
use sqlx_core::error::Error;
use sqlx_core::pool::{Pool, PoolConnectionMetadata, PoolOptions};
use tracer_core::{active_span, tags};

use crate::query_span::QuerySpan;
use crate::settings::Settings;

/// The user's own hook.
pub(crate) type AfterConnect<DB> = Arc<
    dyn for<'c> Fn(
            &'c mut <DB as Database>::Connection,
            PoolConnectionMetadata,
        ) -> BoxFuture<'c, Result<(), Error>>
        + Send
        + Sync,
>;

/// A wait for a pool that connects.
#[derive(Debug)]
struct Wait {
    settings: Arc<Settings>,
    /// When the connect that is under way began, where that is known.
    began: Option<SystemTime>,
}

thread_local! {
    /// The wait that is polled on this thread.
    static WAIT: Cell<Option<Wait>> = const { Cell::new(None) };
}

/// Whether whoever asks the pool now waits for a connect, which begins at once.
pub(crate) fn connects_at_once<DB: Database>(pool: &Pool<DB>) -> bool {
    let has_room = pool.size() < pool.options().get_max_connections();
    pool.num_idle() == 0 && has_room && !pool.is_closed()
}

/// Waits for what a pool does, which begins with a connect, and makes spans of the connects.
pub(crate) async fn watch<T>(
    settings: &Arc<Settings>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut work = pin!(work);
    let mut wait = Some(Wait {
        settings: Arc::clone(settings),
        began: Some(SystemTime::now()),
    });
    let result = poll_fn(|cx| {
        let visit = Visit {
            before: WAIT.replace(wait.take()),
        };
        let result = work.as_mut().poll(cx);
        wait = WAIT.take();
        drop(visit);
        result
    })
    .await;
    if let (Err(error), Some(wait)) = (&result, wait) {
        wait.record(Some(error));
    }
    result
}

/// The hook that makes the spans, before the user's.
pub(crate) fn hook<DB: Database>(
    options: PoolOptions<DB>,
    users: Option<AfterConnect<DB>>,
) -> PoolOptions<DB> {
    options.after_connect(move |connection, metadata| {
        connected();
        let Some(users) = &users else {
            return Box::pin(std::future::ready(Ok(())));
        };
        let work = users(connection, metadata);
        Box::pin(async move {
            let result = work.await;
            // After an error sqlx waits a while and connects again.
            begin_next(result.is_ok());
            result
        })
    })
}

/// Makes a span of the connect that was under way.
fn connected() {
    let Some(wait) = WAIT.take() else {
        let waiting = active_span();
        if waiting.is_recording() {
            let message = "a connection was made meanwhile";
            waiting.log(((tags::EVENT, "connect"), (tags::MESSAGE, message)));
        }
        return;
    };
    wait.record(None);
    WAIT.set(Some(wait));
    begin_next(true);
}

/// Connects of a pool's beginning follow one another without a pause.
fn begin_next(is_known: bool) {
    if let Some(mut wait) = WAIT.take() {
        wait.began = is_known.then(SystemTime::now);
        WAIT.set(Some(wait));
    }
}

impl Wait {
    fn record(&self, error: Option<&Error>) {
        let Some(began) = self.began else { return };
        let query = QuerySpan::new(Arc::clone(&self.settings));
        let _scope = query.begin_at("CONNECT", began).activate();
        query.tag_if_recording();
        if let Some(error) = error {
            query.tag_error(error);
        }
    }
}

/// Restores what was there before, also when the work panics.
struct Visit {
    before: Option<Wait>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        WAIT.set(self.before.take());
    }
}
