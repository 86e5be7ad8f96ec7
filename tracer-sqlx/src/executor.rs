//! sqlx's traits on the wrappers: with them `sqlx::query(..).fetch_one(&pool)` is the same text as before.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use sqlx_core::Either;
use sqlx_core::acquire::Acquire;
use sqlx_core::describe::Describe;
use sqlx_core::error::Error;
use sqlx_core::executor::{Execute, Executor};
use sqlx_core::pool::PoolConnection;
use sqlx_core::sql_str::SqlStr;
use sqlx_core::transaction::Transaction;

use crate::call::{self, Call, Source};
use crate::connection::{TracedConn, TracedPoolConnection};
use crate::driver::{On, TracedDb};
use crate::pool::TracedPool;
use crate::query_span::QuerySpan;
use crate::transaction::{Begin, TracedTransaction, begin};

macro_rules! executor {
    (impl[$($generics:tt)*] Executor<$life:lifetime> for $On:ty, |$this:ident| $on:expr, $settings:expr) => {
        impl<$($generics)*> Executor<$life> for $On {
            type Database = DB;

            fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<DB::QueryResult, Error>>
            where
                $life: 'e,
                E: 'q + Execute<'q, DB>,
            {
                let $this = self;
                match QuerySpan::of_query($settings) {
                    Some(span) => Call::new($on, query, span).execute(),
                    None => DB::execute($on, query),
                }
            }

            fn fetch_many<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxStream<'e, Result<Either<DB::QueryResult, DB::Row>, Error>>
            where
                $life: 'e,
                E: 'q + Execute<'q, DB>,
            {
                let $this = self;
                match QuerySpan::of_query($settings) {
                    Some(span) => Call::new($on, query, span).fetch_many(),
                    None => DB::fetch_many($on, query),
                }
            }

            fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<DB::Row>, Error>>
            where
                $life: 'e,
                E: 'q + Execute<'q, DB>,
            {
                let $this = self;
                match QuerySpan::of_query($settings) {
                    Some(span) => Call::new($on, query, span).fetch_all(),
                    None => DB::fetch_all($on, query),
                }
            }

            fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
            where
                $life: 'e,
                E: 'q + Execute<'q, DB>,
            {
                let $this = self;
                match QuerySpan::of_query($settings) {
                    Some(span) => Call::new($on, query, span).fetch_optional(),
                    None => DB::fetch_optional($on, query),
                }
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [DB::TypeInfo],
            ) -> BoxFuture<'e, Result<DB::Statement, Error>>
            where
                $life: 'e,
            {
                let $this = self;
                let settings = Arc::clone($settings);
                call::prepare($on.into(), &settings, sql, parameters)
            }

            #[doc(hidden)]
            fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
            where
                $life: 'e,
            {
                let $this = self;
                let settings = Arc::clone($settings);
                call::describe($on.into(), &settings, sql)
            }
        }
    };
}

// As in sqlx, what a pool gives does not borrow the pool: the lifetimes are apart.
executor!(impl['p, DB: TracedDb] Executor<'p> for &'_ TracedPool<DB>, |pool| On::Pool(pool.inner()), pool.settings());

executor!(impl['c, DB: TracedDb] Executor<'c> for &'c mut TracedConn<'_, DB>, |conn| On::<DB>::Connection(conn.raw_mut()), conn.settings());

executor!(impl['c, DB: TracedDb] Executor<'c> for &'c mut TracedPoolConnection<DB>, |conn| On::<DB>::Connection(conn.raw_mut()), conn.settings());

executor!(impl['c, DB: TracedDb] Executor<'c> for &'c mut TracedTransaction<'_, DB>, |tx| On::<DB>::Connection(tx.raw_mut()), tx.settings());

/// For code that is generic over `Acquire`, such as `migrate!().run(&pool)`. What it gets are sqlx's own types, because the
/// trait says so: getting them is in the trace, what is done with them is not.
impl<'a, DB: TracedDb> Acquire<'a> for &'_ TracedPool<DB> {
    type Database = DB;
    type Connection = PoolConnection<DB>;

    fn acquire(self) -> BoxFuture<'a, Result<Self::Connection, Error>> {
        Box::pin(self.acquire_raw())
    }

    fn begin(self) -> BoxFuture<'a, Result<Transaction<'a, DB>, Error>> {
        Box::pin(begin(
            Begin::On(Source::Pool(self.inner().clone())),
            Arc::clone(self.settings()),
            None,
        ))
    }
}

macro_rules! acquire {
    ($On:ty) => {
        /// As for the pool: what comes out is sqlx's own.
        impl<'t, DB: TracedDb> Acquire<'t> for &'t mut $On {
            type Database = DB;
            type Connection = &'t mut DB::Connection;

            fn acquire(self) -> BoxFuture<'t, Result<Self::Connection, Error>> {
                Box::pin(std::future::ready(Ok(self.raw_mut())))
            }

            fn begin(self) -> BoxFuture<'t, Result<Transaction<'t, DB>, Error>> {
                let settings = Arc::clone(self.settings());
                Box::pin(begin(self.begins_on(), settings, None))
            }
        }
    };
}

acquire!(TracedConn<'_, DB>);
acquire!(TracedPoolConnection<DB>);
acquire!(TracedTransaction<'_, DB>);
