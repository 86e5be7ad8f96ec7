//! Queries that leave no span: as sqlx's own pool runs them, with nothing around them.
//!
//! With most traces not sampled this is the way of most queries, so it is kept apart from that of the others: what those
//! keep for their spans would make the futures of these larger, and copying futures is most of what a wrapper costs.

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::TryStreamExt;
use sqlx_core::database::Database;
use sqlx_core::error::Error;
use sqlx_core::pool::MaybePoolConnection;

use crate::call::Source;
use crate::driver::{Step, TracedDb};
use crate::request::Request;

impl<'c, DB: Database> Source<'c, DB> {
    async fn take(self) -> Result<MaybePoolConnection<'c, DB>, Error> {
        match self {
            Self::Pool(pool) => pool
                .acquire()
                .await
                .map(MaybePoolConnection::PoolConnection),
            Self::Idle(connection) => Ok(MaybePoolConnection::PoolConnection(connection)),
            Self::Connection(connection) => Ok(MaybePoolConnection::Connection(connection)),
        }
    }
}

/// Runs the query to its end.
pub(crate) fn fold<'c, DB: TracedDb, T: Send + 'c>(
    source: Source<'c, DB>,
    request: Request<DB>,
    mut total: T,
    add: fn(&mut T, Step<DB>),
) -> BoxFuture<'c, Result<T, Error>> {
    Box::pin(async move {
        let mut connection = source.take().await?;
        let mut steps = DB::fetch_many(&mut connection, request);
        while let Some(step) = steps.try_next().await? {
            add(&mut total, step);
        }
        drop(steps);
        Ok(total)
    })
}

pub(crate) fn fetch_optional<'c, DB: TracedDb>(
    source: Source<'c, DB>,
    request: Request<DB>,
) -> BoxFuture<'c, Result<Option<DB::Row>, Error>> {
    Box::pin(async move {
        let mut connection = source.take().await?;
        DB::fetch_optional(&mut connection, request).await
    })
}

pub(crate) fn fetch_many<'c, DB: TracedDb>(
    source: Source<'c, DB>,
    request: Request<DB>,
) -> BoxStream<'c, Result<Step<DB>, Error>> {
    if let Source::Connection(connection) = source {
        return DB::fetch_many(connection, request);
    }
    Box::pin(async_stream::try_stream! {
        let mut connection = source.take().await?;
        let mut steps = DB::fetch_many(&mut connection, request);
        while let Some(step) = steps.try_next().await? {
            yield step;
        }
    })
}
