//! One call of an executor: from the user's query to the driver, in a span.

use std::iter;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::TryStreamExt;
use sqlx_core::Either;
use sqlx_core::database::Database;
use sqlx_core::describe::Describe;
use sqlx_core::error::Error;
use sqlx_core::executor::Execute;
use sqlx_core::pool::{MaybePoolConnection, Pool, PoolConnection};
use sqlx_core::sql_str::SqlStr;
use tracer_core::{TraceFuture, active_span};

use crate::connect::{connects_at_once, watch};
use crate::driver::{On, Step, TracedDb};
use crate::query_span::{DB_PREPARED, QuerySpan, tag_wait};
use crate::request::Request;
use crate::settings::Settings;
use crate::stream::QueryStream;

/// Where the connection of a call comes from.
pub(crate) enum Source<'c, DB: Database> {
    Pool(Pool<DB>),
    Connection(&'c mut DB::Connection),
}

impl<'c, DB: Database> Source<'c, DB> {
    /// The connection; one of the pool is waited for, and the active span says how long.
    ///
    /// The future is 3 kB, and is copied whenever one around it is moved: to be boxed there.
    pub(crate) async fn lease(
        self,
        settings: &Arc<Settings>,
    ) -> Result<MaybePoolConnection<'c, DB>, Error> {
        match self {
            Self::Connection(connection) => Ok(MaybePoolConnection::Connection(connection)),
            Self::Pool(pool) => acquire(&pool, settings)
                .await
                .map(MaybePoolConnection::PoolConnection),
        }
    }
}

impl<'c, DB: Database> From<On<'_, 'c, DB>> for Source<'c, DB> {
    fn from(on: On<'_, 'c, DB>) -> Self {
        match on {
            On::Pool(pool) => Self::Pool(pool.clone()),
            On::Connection(connection) => Self::Connection(connection),
        }
    }
}

/// Waits for a connection of the pool; the active span says how long.
pub(crate) async fn acquire<DB: Database>(
    pool: &Pool<DB>,
    settings: &Arc<Settings>,
) -> Result<PoolConnection<DB>, Error> {
    let wait = pin!(pool.acquire());
    if !active_span().is_recording() {
        return wait.await;
    }
    let _waiting = Waiting {
        settings,
        began: Instant::now(),
    };
    if settings.sees_connects && connects_at_once(pool) {
        Box::pin(watch(settings, wait)).await
    } else {
        wait.await
    }
}

/// Says at its end how long it was, also when the wait is given up.
struct Waiting<'s> {
    settings: &'s Settings,
    began: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        tag_wait(self.settings, self.began.elapsed());
    }
}

/// A query as sqlx runs it on a connection.
type Plain<DB, T> = for<'r> fn(
    &'r mut <DB as Database>::Connection,
    Request<DB>,
) -> BoxFuture<'r, Result<T, Error>>;

/// A query on its way.
pub(crate) struct Call<'c, DB: Database> {
    source: Source<'c, DB>,
    request: Request<DB>,
    span: QuerySpan,
}

impl<'c, DB: TracedDb> Call<'c, DB> {
    pub(crate) fn new<'q>(
        on: On<'_, 'c, DB>,
        query: impl Execute<'q, DB>,
        span: QuerySpan,
    ) -> Self {
        Self {
            source: on.into(),
            request: Request::new(query),
            span,
        }
    }

    pub(crate) fn execute(self) -> BoxFuture<'c, Result<DB::QueryResult, Error>> {
        self.run(
            |on, query| DB::execute(On::Connection(on), query),
            |call| {
                call.fold(DB::QueryResult::default(), |total, step| {
                    if let Either::Left(result) = step {
                        total.extend(iter::once(result));
                    }
                })
            },
        )
    }

    pub(crate) fn fetch_all(self) -> BoxFuture<'c, Result<Vec<DB::Row>, Error>> {
        self.run(
            |on, query| DB::fetch_all(On::Connection(on), query),
            |call| {
                call.fold(Vec::new(), |rows, step| {
                    if let Either::Right(row) = step {
                        rows.push(row);
                    }
                })
            },
        )
    }

    pub(crate) fn fetch_optional(self) -> BoxFuture<'c, Result<Option<DB::Row>, Error>> {
        self.run(
            |on, query| DB::fetch_optional(On::Connection(on), query),
            Self::fetch_row,
        )
    }

    /// Runs the query in its span: one that is recorded by `recorded`, in a box of its own. The others by `plain` as sqlx's
    /// pool does, in this box, and with as little around it as can be: copying futures is most of what a wrapper costs.
    fn run<T: Send + 'static>(
        self,
        plain: Plain<DB, T>,
        recorded: fn(Self) -> BoxFuture<'c, Result<T, Error>>,
    ) -> BoxFuture<'c, Result<T, Error>> {
        Box::pin(async move {
            let open = self.span.begin_query(&self.request.sql);
            if open.is_recording() {
                return recorded(self).in_span(open).await;
            }
            let mut of_pool;
            let connection = match self.source {
                Source::Connection(connection) => connection,
                Source::Pool(pool) => {
                    // Hooks of the pool run here, and what they start is refused as well. Later no code runs but sqlx's.
                    of_pool = pin!(pool.acquire()).in_span(open).await?;
                    &mut *of_pool
                }
            };
            plain(connection, self.request).await
        })
    }

    /// Runs the query to its end.
    fn fold<T: Send + 'c>(
        self,
        mut total: T,
        add: fn(&mut T, Step<DB>),
    ) -> BoxFuture<'c, Result<T, Error>> {
        let Self {
            source,
            mut request,
            span,
        } = self;
        Box::pin(async move {
            let mut outcome = span.describe(&mut request);
            let result = async {
                let mut connection = source.lease(&span.settings).await?;
                let cached = DB::cached_statements(&connection);
                let mut steps = DB::fetch_many(On::Connection(&mut *connection), request);
                while let Some(step) = steps.try_next().await? {
                    outcome.count::<DB>(&step);
                    add(&mut total, step);
                }
                drop(steps);
                tag_prepared::<DB>(cached, &connection);
                Ok(total)
            };
            let result = result.await;
            outcome.tag(result.is_err());
            result.inspect_err(|error| span.tag_error(error))
        })
    }

    fn fetch_row(self) -> BoxFuture<'c, Result<Option<DB::Row>, Error>> {
        let Self {
            source,
            mut request,
            span,
        } = self;
        Box::pin(async move {
            let mut outcome = span.describe(&mut request);
            let result = async {
                let mut connection = source.lease(&span.settings).await?;
                let cached = DB::cached_statements(&connection);
                let row = DB::fetch_optional(On::Connection(&mut *connection), request).await?;
                tag_prepared::<DB>(cached, &connection);
                Ok(row)
            };
            let result = result.await;
            if let Ok(Some(_)) = result {
                outcome.count_row();
            }
            outcome.tag(result.is_err());
            result.inspect_err(|error| span.tag_error(error))
        })
    }

    pub(crate) fn fetch_many(self) -> BoxStream<'c, Result<Step<DB>, Error>> {
        let Self {
            source,
            request,
            span,
        } = self;
        let settings = Arc::clone(&span.settings);
        Box::pin(QueryStream::new(span, request, move |request| {
            steps(source, settings, request)
        }))
    }
}

/// Waits for a connection, then gives what it gives.
fn steps<DB: TracedDb>(
    source: Source<'_, DB>,
    settings: Arc<Settings>,
    request: Request<DB>,
) -> impl Stream<Item = Result<Step<DB>, Error>> + Send {
    async_stream::try_stream! {
        let mut connection = Box::pin(source.lease(&settings)).await?;
        let cached = DB::cached_statements(&connection);
        let mut steps = DB::fetch_many(On::Connection(&mut *connection), request);
        while let Some(step) = steps.try_next().await? {
            yield step;
        }
        drop(steps);
        tag_prepared::<DB>(cached, &connection);
    }
}

/// Says of the active span that its statement was prepared for it, if more statements are cached than before.
///
/// The time that took is the driver's secret: preparing and running are one call. A cache that is full stays as large as it
/// is, and a statement that is not to be cached does not get in, so that from no growth nothing follows.
fn tag_prepared<DB: TracedDb>(cached: usize, connection: &DB::Connection) {
    if DB::cached_statements(connection) > cached {
        active_span().set_tag(DB_PREPARED, true);
    }
}

/// Prepares a statement, in a span of its own.
pub(crate) fn prepare<'e, DB: TracedDb>(
    source: Source<'e, DB>,
    settings: &Arc<Settings>,
    sql: SqlStr,
    parameters: &'e [DB::TypeInfo],
) -> BoxFuture<'e, Result<DB::Statement, Error>> {
    let span = QuerySpan::new(Arc::clone(settings));
    Box::pin(async move {
        let open = span.begin("PREPARE");
        let work = async move {
            span.describe_as("PREPARE", &sql);
            let result = async {
                let mut connection = Box::pin(source.lease(&span.settings)).await?;
                DB::prepare_with(&mut connection, sql, parameters).await
            };
            result.await.inspect_err(|error| span.tag_error(error))
        };
        work.in_span(open).await
    })
}

/// Asks for the types of a statement, in a span of its own.
pub(crate) fn describe<'e, DB: TracedDb>(
    source: Source<'e, DB>,
    settings: &Arc<Settings>,
    sql: SqlStr,
) -> BoxFuture<'e, Result<Describe<DB>, Error>> {
    let span = QuerySpan::new(Arc::clone(settings));
    Box::pin(async move {
        let open = span.begin("DESCRIBE");
        let work = async move {
            span.describe_as("DESCRIBE", &sql);
            let result = async {
                let mut connection = Box::pin(source.lease(&span.settings)).await?;
                DB::describe(&mut connection, sql).await
            };
            result.await.inspect_err(|error| span.tag_error(error))
        };
        work.in_span(open).await
    })
}
