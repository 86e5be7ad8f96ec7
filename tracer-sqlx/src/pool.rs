//! The traced pool.

use std::fmt;
use std::sync::Arc;

use sqlx_core::connection::Connection;
use sqlx_core::database::Database;
use sqlx_core::error::Error;
use sqlx_core::pool::{CloseEvent, Pool, PoolConnection, PoolOptions};
use sqlx_core::sql_str::{SqlSafeStr, SqlStr};
use tracer_core::{TraceFuture, Tracer};

use crate::call::{Source, acquire};
use crate::connection::{Raw, TracedConn, TracedPoolConnection};
use crate::driver::TracedDb;
use crate::pool_options::TracedPoolOptions;
use crate::query_span::QuerySpan;
use crate::repeats::Repeats;
use crate::settings::{Settings, StatementText};
use crate::statement::Statements;
use crate::transaction::{Begin, TracedTransaction, begin};

/// A pool whose queries are traced, used as sqlx's [`Pool`]: `sqlx::query(..).fetch_one(&pool)`. Cheap to clone.
///
/// Made by [`connect`](Self::connect) or [`TracedPoolOptions`], or from a pool of sqlx's that is there. The latter has no
/// spans of the connects it makes: sqlx's pools let nobody in later to see them. The tags of the database (`db.instance`,
/// `peer.*`) are those of the pool's connect options at this time.
///
/// ```no_run
/// # #[cfg(feature = "sqlite")] async fn run() -> Result<(), sqlx::Error> {
/// use tracer_sqlx::{StatementText, TracedPool};
///
/// let pool = TracedPool::from(sqlx::SqlitePool::connect("sqlite:shop.db").await?)
///     .statement_text(StatementText::Off);
///
/// let mut tx = pool.begin().await?; // a span `BEGIN`
/// sqlx::query("DELETE FROM carts WHERE customer = ?").bind(7).execute(&mut tx).await?;
/// tx.commit().await?;
/// # Ok(()) }
/// ```
pub struct TracedPool<DB: Database> {
    pool: Pool<DB>,
    settings: Arc<Settings>,
}

/// Set-up. All of these hold for this handle of the pool and for clones made of it later.
impl<DB: TracedDb> TracedPool<DB> {
    /// As [`TracedPoolOptions::connect`], with sqlx's default options.
    ///
    /// # Errors
    /// Those of [`Pool::connect`].
    pub async fn connect(url: &str) -> Result<Self, Error> {
        TracedPoolOptions::new().connect(url).await
    }

    /// As [`connect`](Self::connect), with the driver's options.
    ///
    /// # Errors
    /// Those of [`Pool::connect_with`].
    pub async fn connect_with(
        options: <DB::Connection as Connection>::Options,
    ) -> Result<Self, Error> {
        TracedPoolOptions::new().connect_with(options).await
    }

    /// A pool that connects when it is used, with sqlx's default options.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn connect_lazy(url: &str) -> Result<Self, Error> {
        TracedPoolOptions::new().connect_lazy(url)
    }

    /// As [`connect_lazy`](Self::connect_lazy), with the driver's options.
    #[must_use]
    pub fn connect_lazy_with(options: <DB::Connection as Connection>::Options) -> Self {
        TracedPoolOptions::new().connect_lazy_with(options)
    }

    /// Uses this tracer for all spans, instead of that of the active span, the thread or the process.
    #[must_use]
    pub fn with_tracer(self, tracer: &Tracer) -> Self {
        self.with(|settings| settings.tracer = Some(tracer.clone()))
    }

    /// Starts spans only under an active one: no traces of their own for what runs in the background.
    #[must_use]
    pub fn only_with_parent(self, only: bool) -> Self {
        self.with(|settings| settings.only_with_parent = only)
    }

    /// Chooses how much of the statements spans show.
    #[must_use]
    pub fn statement_text(self, text: StatementText) -> Self {
        self.with(|settings| settings.text = text)
    }

    /// Shows statements, and messages of errors, up to so many bytes; 2048 if nothing is said.
    #[must_use]
    pub fn max_statement_length(self, bytes: usize) -> Self {
        self.with(|settings| settings.max_text = bytes)
    }

    /// Appends the trace context to the statements of sampled traces as a comment in the form of sqlcommenter, so that the
    /// log of the database has the trace's id.
    ///
    /// Such a statement is never the same twice, so that the database cannot reuse its prepared form: for seeing what goes
    /// on, not for every query of a busy service. Statements with a comment of their own stay as they are.
    #[must_use]
    pub fn sqlcommenter(self, append: bool) -> Self {
        self.with(|settings| settings.comments = append)
    }

    /// Tells the parent span, by the tags `db.repeated` and `db.repeated_operation`, when one statement ran more than so
    /// many times directly under it: mostly a query in a loop that could be one query.
    ///
    /// Costs a lock and a hash of the text for each query of a sampled trace.
    #[must_use]
    pub fn tell_repeats(self, more_than: u32) -> Self {
        self.with(|settings| settings.repeats = Some(Repeats::new(more_than)))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        let settings = Arc::make_mut(&mut self.settings);
        change(settings);
        settings.statements = Statements::new();
        self
    }
}

/// As sqlx's pool, with spans.
impl<DB: TracedDb> TracedPool<DB> {
    /// Takes a connection, in a span that shows the wait. The future can be spawned: it borrows nothing.
    ///
    /// # Errors
    /// Those of [`Pool::acquire`].
    pub fn acquire(
        &self,
    ) -> impl Future<Output = Result<TracedPoolConnection<DB>, Error>> + Send + use<DB> {
        let settings = Arc::clone(&self.settings);
        let connection = self.acquire_raw();
        async move { Ok(TracedPoolConnection::new(connection.await?, settings)) }
    }

    /// Takes a connection if one is idle. No span: there is no wait.
    #[must_use]
    pub fn try_acquire(&self) -> Option<TracedPoolConnection<DB>> {
        Some(TracedPoolConnection::new(
            self.pool.try_acquire()?,
            Arc::clone(&self.settings),
        ))
    }

    /// Takes a connection and begins a transaction on it, in one span.
    ///
    /// # Errors
    /// Those of [`Pool::begin`].
    pub fn begin(
        &self,
    ) -> impl Future<Output = Result<TracedTransaction<'static, DB>, Error>> + Send + use<DB> {
        self.begin_by(None)
    }

    /// As [`begin`](Self::begin), by a statement of the caller's.
    ///
    /// # Errors
    /// Those of [`Pool::begin_with`].
    pub fn begin_with<S: SqlSafeStr>(
        &self,
        statement: S,
    ) -> impl Future<Output = Result<TracedTransaction<'static, DB>, Error>> + Send + use<DB, S>
    {
        self.begin_by(Some(statement.into_sql_str()))
    }

    /// As [`begin`](Self::begin), if a connection is idle.
    ///
    /// # Errors
    /// Those of [`Pool::try_begin`].
    pub async fn try_begin(&self) -> Result<Option<TracedTransaction<'static, DB>>, Error> {
        self.try_begin_by(None).await
    }

    /// As [`begin_with`](Self::begin_with), if a connection is idle.
    ///
    /// # Errors
    /// Those of [`Pool::try_begin_with`].
    pub async fn try_begin_with(
        &self,
        statement: impl SqlSafeStr,
    ) -> Result<Option<TracedTransaction<'static, DB>>, Error> {
        self.try_begin_by(Some(statement.into_sql_str())).await
    }

    fn begin_by(
        &self,
        statement: Option<SqlStr>,
    ) -> impl Future<Output = Result<TracedTransaction<'static, DB>, Error>> + Send + use<DB> {
        let settings = Arc::clone(&self.settings);
        let begun = begin(
            Begin::On(Source::Pool(self.pool.clone())),
            Arc::clone(&settings),
            statement,
        );
        async move { Ok(TracedTransaction::new(begun.await?, settings)) }
    }

    async fn try_begin_by(
        &self,
        statement: Option<SqlStr>,
    ) -> Result<Option<TracedTransaction<'static, DB>>, Error> {
        let Some(connection) = self.pool.try_acquire() else {
            return Ok(None);
        };
        let settings = Arc::clone(&self.settings);
        let begun = begin(Begin::Taken(connection), Arc::clone(&settings), statement).await?;
        Ok(Some(TracedTransaction::new(begun, settings)))
    }

    /// Takes a connection of sqlx's, in a span.
    pub(crate) fn acquire_raw(
        &self,
    ) -> impl Future<Output = Result<PoolConnection<DB>, Error>> + Send + use<DB> {
        let pool = self.pool.clone();
        let span = QuerySpan::new(Arc::clone(&self.settings));
        async move {
            let open = span.begin("ACQUIRE");
            let work = async move {
                span.tag_if_recording();
                let connection = Box::pin(acquire(&pool, &span.settings)).await;
                connection.inspect_err(|error| span.tag_error(error))
            };
            work.in_span(open).await
        }
    }

    /// Traces the queries made through a connection of sqlx's as this pool's are: for what sqlx's own types come to, behind
    /// `impl Acquire` or after [`PoolConnection::detach`].
    #[must_use]
    pub fn traced<'c>(&self, connection: &'c mut DB::Connection) -> TracedConn<'c, DB> {
        TracedConn::new(Raw::Borrowed(connection), Arc::clone(&self.settings))
    }
}

/// As sqlx's pool.
impl<DB: Database> TracedPool<DB> {
    /// sqlx's pool, for what needs that one: `PgListener`, session stores. Queries through it are not traced.
    #[must_use]
    pub fn inner(&self) -> &Pool<DB> {
        &self.pool
    }

    /// sqlx's pool.
    #[must_use]
    pub fn into_inner(self) -> Pool<DB> {
        self.pool
    }

    pub(crate) fn of(pool: Pool<DB>, settings: Arc<Settings>) -> Self {
        Self { pool, settings }
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// As [`Pool::close`].
    pub fn close(&self) -> impl Future<Output = ()> + '_ {
        self.pool.close()
    }

    /// As [`Pool::is_closed`].
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }

    /// As [`Pool::close_event`].
    #[must_use]
    pub fn close_event(&self) -> CloseEvent {
        self.pool.close_event()
    }

    /// As [`Pool::size`].
    #[must_use]
    pub fn size(&self) -> u32 {
        self.pool.size()
    }

    /// As [`Pool::num_idle`].
    #[must_use]
    pub fn num_idle(&self) -> usize {
        self.pool.num_idle()
    }

    /// As [`Pool::options`].
    #[must_use]
    pub fn options(&self) -> &PoolOptions<DB> {
        self.pool.options()
    }

    /// As [`Pool::connect_options`].
    #[must_use]
    pub fn connect_options(&self) -> Arc<<DB::Connection as Connection>::Options> {
        self.pool.connect_options()
    }

    /// As [`Pool::set_connect_options`]. The tags of spans stay those of the options before.
    pub fn set_connect_options(&self, options: <DB::Connection as Connection>::Options) {
        self.pool.set_connect_options(options);
    }
}

impl<DB: TracedDb> From<Pool<DB>> for TracedPool<DB> {
    fn from(pool: Pool<DB>) -> Self {
        let endpoint = DB::endpoint(&pool.connect_options());
        let settings = Settings::new(endpoint, pool.options().get_acquire_slow_threshold());
        Self {
            pool,
            settings: Arc::new(settings),
        }
    }
}

impl<DB: Database> From<TracedPool<DB>> for Pool<DB> {
    fn from(pool: TracedPool<DB>) -> Self {
        pool.pool
    }
}

impl<DB: Database> AsRef<Pool<DB>> for TracedPool<DB> {
    fn as_ref(&self) -> &Pool<DB> {
        &self.pool
    }
}

impl<DB: Database> Clone for TracedPool<DB> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            settings: Arc::clone(&self.settings),
        }
    }
}

impl<DB: Database> fmt::Debug for TracedPool<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TracedPool").field(&self.pool).finish()
    }
}
