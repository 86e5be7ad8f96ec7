//! Traced connections: one of a pool, or one that stands alone.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use sqlx_core::connection::{ConnectOptions, Connection};
use sqlx_core::database::{Database, HasStatementCache};
use sqlx_core::error::Error;
use sqlx_core::pool::PoolConnection;
use sqlx_core::sql_str::{SqlSafeStr, SqlStr};
use sqlx_core::transaction::{Transaction, TransactionManager};

use crate::call::Source;
use crate::driver::TracedDb;
use crate::query_span::in_span;
use crate::settings::Settings;
use crate::transaction::{Begin, TracedTransaction, begin};

/// A connection whose queries are traced: what `&mut *tx` and `&mut *conn` are.
///
/// [`TracedPoolConnection`] and [`TracedTransaction`] deref to it. It derefs to nothing, so that no query slips past the
/// trace by accident: use [`raw_mut`](Self::raw_mut) for what only the driver's own connection can do.
pub struct TracedConn<'c, DB: Database> {
    raw: Raw<'c, DB>,
    settings: Arc<Settings>,
}

/// Where the connection lives.
pub(crate) enum Raw<'c, DB: Database> {
    Pooled(PoolConnection<DB>),
    Transaction(Transaction<'c, DB>),
    Borrowed(&'c mut DB::Connection),
    /// Boxed: the others are pointers, and connections can be large.
    Owned(Box<DB::Connection>),
}

impl<'c, DB: Database> TracedConn<'c, DB> {
    pub(crate) fn new(raw: Raw<'c, DB>, settings: Arc<Settings>) -> Self {
        Self { raw, settings }
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    pub(crate) fn into_raw(self) -> (Raw<'c, DB>, Arc<Settings>) {
        (self.raw, self.settings)
    }

    /// The driver's connection. Queries made with it are not traced.
    pub fn raw_mut(&mut self) -> &mut DB::Connection {
        match &mut self.raw {
            Raw::Pooled(connection) => connection,
            Raw::Transaction(transaction) => transaction,
            Raw::Borrowed(connection) => connection,
            Raw::Owned(connection) => connection,
        }
    }

    /// What a transaction begins on.
    pub(crate) fn begins_on(&mut self) -> Begin<'_, DB> {
        if matches!(self.raw, Raw::Transaction(_)) {
            Begin::Within(self.raw_mut())
        } else {
            Begin::On(Source::Connection(self.raw_mut()))
        }
    }

    /// The driver's connection, to look at.
    #[must_use]
    pub fn raw(&self) -> &DB::Connection {
        match &self.raw {
            Raw::Pooled(connection) => connection,
            Raw::Transaction(transaction) => transaction,
            Raw::Borrowed(connection) => connection,
            Raw::Owned(connection) => connection,
        }
    }
}

impl<DB: TracedDb> TracedConn<'static, DB> {
    /// Connects to the database of a URL, in a span, without a pool.
    ///
    /// # Errors
    /// Those of the driver's options for a URL that is none, and of the connection.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_with(&url.parse()?).await
    }

    /// As [`connect`](Self::connect), with the driver's options.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn connect_with(
        options: &<DB::Connection as Connection>::Options,
    ) -> Result<Self, Error> {
        let settings = Arc::new(Settings::new(DB::endpoint(options), Duration::MAX));
        let connection = in_span(&settings, "CONNECT", options.connect()).await?;
        Ok(Self::new(Raw::Owned(Box::new(connection)), settings))
    }

    /// Closes the connection, in a span; one of a pool or a transaction goes back where it came from.
    ///
    /// # Errors
    /// When the server could not be told.
    pub async fn close(self) -> Result<(), Error> {
        let (raw, settings) = self.into_raw();
        match raw {
            Raw::Owned(connection) => in_span(&settings, "CLOSE", connection.close()).await,
            Raw::Pooled(_) | Raw::Transaction(_) | Raw::Borrowed(_) => Ok(()),
        }
    }
}

impl<'c, DB: TracedDb> TracedConn<'c, DB> {
    /// Begins a transaction, or a savepoint in the transaction this is in.
    ///
    /// # Errors
    /// Those of the database.
    pub fn begin(
        &mut self,
    ) -> impl Future<Output = Result<TracedTransaction<'_, DB>, Error>> + Send {
        self.begin_by(None)
    }

    /// Begins a transaction by a statement of the caller's, such as `BEGIN IMMEDIATE`.
    ///
    /// # Errors
    /// Those of the database, and that of sqlx within a transaction.
    pub fn begin_with(
        &mut self,
        statement: impl SqlSafeStr,
    ) -> impl Future<Output = Result<TracedTransaction<'_, DB>, Error>> + Send {
        self.begin_by(Some(statement.into_sql_str()))
    }

    fn begin_by(
        &mut self,
        statement: Option<SqlStr>,
    ) -> impl Future<Output = Result<TracedTransaction<'_, DB>, Error>> + Send {
        let settings = Arc::clone(&self.settings);
        let begun = begin(self.begins_on(), Arc::clone(&settings), statement);
        async move { Ok(TracedTransaction::new(begun.await?, settings)) }
    }

    /// Runs the function in a transaction: committed if it gives `Ok`, else rolled back. As sqlx's
    /// [`Connection::transaction`].
    ///
    /// # Errors
    /// The function's, or those of the transaction itself.
    pub async fn transaction<F, R, E>(&mut self, work: F) -> Result<R, E>
    where
        for<'t> F: FnOnce(&'t mut TracedTransaction<'_, DB>) -> BoxFuture<'t, Result<R, E>> + Send,
        R: Send,
        E: From<Error> + Send,
    {
        let mut transaction = self.begin().await?;
        match work(&mut transaction).await {
            Ok(result) => {
                transaction.commit().await?;
                Ok(result)
            }
            Err(error) => {
                transaction.rollback().await?;
                Err(error)
            }
        }
    }

    /// Whether the connection is in a transaction.
    #[must_use]
    pub fn is_in_transaction(&self) -> bool {
        DB::TransactionManager::get_transaction_depth(self.raw()) != 0
    }

    /// As sqlx's [`Connection::cached_statements_size`].
    #[must_use]
    pub fn cached_statements_size(&self) -> usize
    where
        DB: HasStatementCache,
    {
        self.raw().cached_statements_size()
    }

    /// As sqlx's [`Connection::clear_cached_statements`]. No span: most databases do nothing here that takes time.
    ///
    /// # Errors
    /// When the server could not be told.
    pub fn clear_cached_statements(&mut self) -> impl Future<Output = Result<(), Error>> + Send
    where
        DB: HasStatementCache,
    {
        self.raw_mut().clear_cached_statements()
    }

    /// As sqlx's [`Connection::shrink_buffers`].
    pub fn shrink_buffers(&mut self) {
        self.raw_mut().shrink_buffers();
    }

    /// Asks the server for a sign of life, in a span.
    ///
    /// # Errors
    /// When there is none.
    pub fn ping(&mut self) -> impl Future<Output = Result<(), Error>> + Send {
        let settings = Arc::clone(&self.settings);
        in_span(&settings, "PING", self.raw_mut().ping())
    }
}

impl<DB: Database> fmt::Debug for TracedConn<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedConn")
            .field("db_type", &self.settings.endpoint.db_type)
            .finish_non_exhaustive()
    }
}

/// A connection of a [`TracedPool`](crate::TracedPool), back in it when dropped.
pub struct TracedPoolConnection<DB: Database> {
    conn: TracedConn<'static, DB>,
}

// Here once more, for with the trait `Acquire` in scope its `begin` on `&mut TracedPoolConnection` would be found before
// that of the deref target, and give a transaction that is not traced.
impl<DB: TracedDb> TracedPoolConnection<DB> {
    /// As [`TracedConn::begin`].
    ///
    /// # Errors
    /// Those of the database.
    pub fn begin(
        &mut self,
    ) -> impl Future<Output = Result<TracedTransaction<'_, DB>, Error>> + Send {
        self.conn.begin()
    }
}

impl<DB: Database> TracedPoolConnection<DB> {
    pub(crate) fn new(connection: PoolConnection<DB>, settings: Arc<Settings>) -> Self {
        Self {
            conn: TracedConn::new(Raw::Pooled(connection), settings),
        }
    }

    /// sqlx's pool connection. Queries made with it are not traced.
    ///
    /// # Panics
    /// When the connection in it was swapped for one that is not of a pool.
    #[must_use]
    pub fn into_inner(self) -> PoolConnection<DB> {
        match self.conn.into_raw().0 {
            Raw::Pooled(connection) => connection,
            Raw::Transaction(_) | Raw::Borrowed(_) | Raw::Owned(_) => {
                panic!("the connection of the pool was swapped for one that is of none")
            }
        }
    }

    /// What was made of the pool's connection; one that was swapped for another stays what it is.
    fn taken_by(self, take: fn(PoolConnection<DB>) -> DB::Connection) -> TracedConn<'static, DB> {
        let (raw, settings) = self.conn.into_raw();
        let raw = match raw {
            Raw::Pooled(connection) => Raw::Owned(Box::new(take(connection))),
            raw => raw,
        };
        TracedConn::new(raw, settings)
    }

    /// As [`PoolConnection::close`].
    ///
    /// # Errors
    /// When the server could not be told.
    pub async fn close(self) -> Result<(), Error> {
        match self.conn.into_raw().0 {
            Raw::Pooled(connection) => connection.close().await,
            Raw::Owned(connection) => connection.close().await,
            Raw::Transaction(_) | Raw::Borrowed(_) => Ok(()),
        }
    }

    /// As [`PoolConnection::close_on_drop`].
    pub fn close_on_drop(&mut self) {
        if let Raw::Pooled(connection) = &mut self.conn.raw {
            connection.close_on_drop();
        }
    }

    /// Takes the connection out of the pool for good, traced as before.
    #[must_use]
    pub fn detach(self) -> TracedConn<'static, DB> {
        self.taken_by(PoolConnection::detach)
    }

    /// As [`detach`](Self::detach), but the pool counts the connection as in use for ever.
    #[must_use]
    pub fn leak(self) -> TracedConn<'static, DB> {
        self.taken_by(PoolConnection::leak)
    }
}

impl<DB: Database> Deref for TracedPoolConnection<DB> {
    type Target = TracedConn<'static, DB>;

    fn deref(&self) -> &Self::Target {
        &self.conn
    }
}

impl<DB: Database> DerefMut for TracedPoolConnection<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.conn
    }
}

impl<DB: Database> AsRef<DB::Connection> for TracedPoolConnection<DB> {
    fn as_ref(&self) -> &DB::Connection {
        self.conn.raw()
    }
}

/// Queries made with it are not traced.
impl<DB: Database> AsMut<DB::Connection> for TracedPoolConnection<DB> {
    fn as_mut(&mut self) -> &mut DB::Connection {
        self.conn.raw_mut()
    }
}

impl<DB: Database> fmt::Debug for TracedPoolConnection<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TracedPoolConnection")
            .field(&self.conn)
            .finish()
    }
}
