//! Traced transactions and savepoints.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx_core::database::Database;
use sqlx_core::error::Error;
use sqlx_core::pool::{MaybePoolConnection, PoolConnection};
use sqlx_core::sql_str::SqlStr;
use sqlx_core::transaction::{Transaction, TransactionManager};
use tracer_core::{TraceFuture, active_span, tags};

use crate::call::Source;
use crate::connection::{Raw, TracedConn};
use crate::driver::TracedDb;
use crate::query_span::{QuerySpan, in_span};
use crate::settings::Settings;

/// A transaction, or a savepoint in one, whose steps are in the trace: `BEGIN`, its queries, `COMMIT` or `ROLLBACK`.
///
/// Dropped without either it is rolled back, as sqlx does it: when the connection is used next. There is no span for that,
/// but the active span gets a log of it.
pub struct TracedTransaction<'c, DB: Database> {
    conn: TracedConn<'c, DB>,
    open: Open,
    is_savepoint: bool,
}

impl<'c, DB: TracedDb> TracedTransaction<'c, DB> {
    pub(crate) fn new(transaction: Transaction<'c, DB>, settings: Arc<Settings>) -> Self {
        let is_savepoint = depth::<DB>(&transaction) > 1;
        let conn = TracedConn::new(Raw::Transaction(transaction), settings);
        let open = Open { is_open: true };
        Self {
            conn,
            open,
            is_savepoint,
        }
    }

    /// Sets a savepoint. As [`TracedConn::begin`]; here once more, for with the trait `Acquire` in scope its `begin` would be
    /// found before that of the deref target, and give a savepoint that is not traced.
    ///
    /// # Errors
    /// Those of the database.
    pub fn begin(
        &mut self,
    ) -> impl Future<Output = Result<TracedTransaction<'_, DB>, Error>> + Send {
        self.conn.begin()
    }

    /// Commits the transaction, or releases the savepoint, in a span.
    ///
    /// # Errors
    /// Those of the database. The transaction is rolled back then.
    pub fn commit(self) -> impl Future<Output = Result<(), Error>> + Send {
        let name = if self.is_savepoint {
            "RELEASE SAVEPOINT"
        } else {
            "COMMIT"
        };
        self.end_by(name, Transaction::commit)
    }

    /// Rolls the transaction back, to the savepoint if it is one, in a span.
    ///
    /// # Errors
    /// Those of the database.
    pub fn rollback(self) -> impl Future<Output = Result<(), Error>> + Send {
        let name = if self.is_savepoint {
            "ROLLBACK TO SAVEPOINT"
        } else {
            "ROLLBACK"
        };
        self.end_by(name, Transaction::rollback)
    }

    /// sqlx's transaction. Queries made with it are not traced.
    ///
    /// # Panics
    /// When the connection in it was swapped for one that is no transaction.
    #[must_use]
    pub fn into_inner(mut self) -> Transaction<'c, DB> {
        self.open.is_open = false;
        match self.conn.into_raw().0 {
            Raw::Transaction(transaction) => transaction,
            Raw::Pooled(_) | Raw::Borrowed(_) | Raw::Owned(_) => panic!("{SWAPPED}"),
        }
    }

    fn end_by<F>(
        self,
        name: &'static str,
        end: impl FnOnce(Transaction<'c, DB>) -> F + Send + 'c,
    ) -> impl Future<Output = Result<(), Error>> + Send
    where
        F: Future<Output = Result<(), Error>> + Send,
    {
        let Self { conn, open, .. } = self;
        let (raw, settings) = conn.into_raw();
        in_span(&settings, name, async move {
            // Not before: a future that is never polled ends nothing.
            let mut open = open;
            open.is_open = false;
            match raw {
                Raw::Transaction(transaction) => end(transaction).await,
                Raw::Pooled(_) | Raw::Borrowed(_) | Raw::Owned(_) => {
                    Err(Error::InvalidArgument(SWAPPED.to_owned()))
                }
            }
        })
    }
}

impl<'c, DB: Database> Deref for TracedTransaction<'c, DB> {
    type Target = TracedConn<'c, DB>;

    fn deref(&self) -> &Self::Target {
        &self.conn
    }
}

impl<DB: Database> DerefMut for TracedTransaction<'_, DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.conn
    }
}

impl<DB: Database> AsMut<DB::Connection> for TracedTransaction<'_, DB> {
    fn as_mut(&mut self) -> &mut DB::Connection {
        self.conn.raw_mut()
    }
}

impl<DB: Database> fmt::Debug for TracedTransaction<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TracedTransaction")
            .field(&self.conn)
            .finish()
    }
}

/// What is wrong after a `mem::swap` of the connections that the wrappers deref to.
const SWAPPED: &str = "the connection of the transaction was swapped for one that is in none";

/// Notices a transaction that is dropped open. Apart from the transaction, so that this one can be taken to pieces.
struct Open {
    is_open: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        let span = active_span();
        if self.is_open && span.is_recording() {
            let message = "the transaction was dropped without commit: it is rolled back";
            span.log(((tags::EVENT, "db.rollback"), (tags::MESSAGE, message)));
        }
    }
}

fn depth<DB: Database>(connection: &DB::Connection) -> usize {
    DB::TransactionManager::get_transaction_depth(connection)
}

/// Where the connection of a transaction comes from.
pub(crate) enum Begin<'c, DB: Database> {
    On(Source<'c, DB>),
    /// One of the pool that was taken before.
    Taken(PoolConnection<DB>),
    /// One that is in a transaction.
    Within(&'c mut DB::Connection),
}

/// Begins a transaction of sqlx's, in a span.
pub(crate) fn begin<'c, DB: TracedDb>(
    begin: Begin<'c, DB>,
    settings: Arc<Settings>,
    statement: Option<SqlStr>,
) -> impl Future<Output = Result<Transaction<'c, DB>, Error>> + Send {
    let span = QuerySpan::new(settings);
    async move {
        let name = match begin {
            Begin::On(_) | Begin::Taken(_) => "BEGIN",
            Begin::Within(_) => "SAVEPOINT",
        };
        let open = span.begin(name);
        let work = async move {
            let told = statement.is_some();
            match &statement {
                Some(sql) if active_span().is_recording() => {
                    span.describe_text(&active_span(), sql);
                }
                _ => span.tag_if_recording(),
            }
            let result = async {
                let connection = match begin {
                    Begin::Taken(connection) => MaybePoolConnection::PoolConnection(connection),
                    Begin::On(source) => Box::pin(source.lease(&span.settings)).await?,
                    Begin::Within(connection) => MaybePoolConnection::Connection(connection),
                };
                Transaction::begin(connection, statement).await
            };
            let result = result.await;
            // Not asked before: the rollback of a transaction that was dropped may have been under way still.
            if let Ok(transaction) = &result
                && !told
                && depth::<DB>(transaction) > 1
            {
                active_span().set_operation_name("SAVEPOINT");
            }
            result.inspect_err(|error| span.tag_error(error))
        };
        work.in_span(open).await
    }
}
