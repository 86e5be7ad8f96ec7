//! How a traced pool is made.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use log::LevelFilter;
use sqlx_core::connection::Connection;
use sqlx_core::database::Database;
use sqlx_core::error::Error;
use sqlx_core::pool::{PoolConnectionMetadata, PoolOptions};

use crate::connect::{AfterConnect, hook, watch};
use crate::driver::TracedDb;
use crate::pool::TracedPool;
use crate::settings::Settings;

/// The options of a pool, with sqlx's names and defaults, for a pool whose connects are in the trace: a span `CONNECT` under
/// the query, the `acquire` or whatever else waits for it.
///
/// Not so those of sqlx's background task (`min_connections` of a lazy pool or after a connection was closed), for which
/// nobody waits. A connect whose beginning is not known, as after an idle connection was found dead, is a log of the span
/// that waited (`event=connect`).
///
/// Not made from a [`PoolOptions`]: that one does not give out its `after_connect`, which would be lost.
///
/// # Examples
///
/// ```no_run
/// # #[cfg(feature = "sqlite")] async fn run() -> Result<(), sqlx::Error> {
/// let pool = tracer_sqlx::TracedPoolOptions::<sqlx::Sqlite>::new()
///     .max_connections(5)
///     .connect("sqlite:shop.db")
///     .await?;
/// # let _ = pool; Ok(()) }
/// ```
pub struct TracedPoolOptions<DB: Database> {
    options: PoolOptions<DB>,
    after_connect: Option<AfterConnect<DB>>,
}

macro_rules! as_sqlx {
    ($($name:ident: $Type:ty),* $(,)?) => {
        /// As in sqlx.
        impl<DB: Database> TracedPoolOptions<DB> {
            $(
                #[doc = concat!("As [`PoolOptions::", stringify!($name), "`].")]
                #[must_use]
                pub fn $name(mut self, value: $Type) -> Self {
                    self.options = self.options.$name(value);
                    self
                }
            )*
        }
    };
}

as_sqlx! {
    max_connections: u32,
    min_connections: u32,
    acquire_time_level: LevelFilter,
    acquire_slow_level: LevelFilter,
    acquire_slow_threshold: Duration,
    acquire_timeout: Duration,
    max_lifetime: impl Into<Option<Duration>>,
    idle_timeout: impl Into<Option<Duration>>,
    test_before_acquire: bool,
}

macro_rules! getters {
    ($($name:ident: $Type:ty),* $(,)?) => {
        /// As in sqlx.
        impl<DB: Database> TracedPoolOptions<DB> {
            $(
                #[doc = concat!("As [`PoolOptions::", stringify!($name), "`].")]
                #[must_use]
                pub fn $name(&self) -> $Type {
                    self.options.$name()
                }
            )*
        }
    };
}

getters! {
    get_max_connections: u32,
    get_min_connections: u32,
    get_acquire_slow_threshold: Duration,
    get_acquire_timeout: Duration,
    get_max_lifetime: Option<Duration>,
    get_idle_timeout: Option<Duration>,
    get_test_before_acquire: bool,
}

macro_rules! hooks {
    ($($name:ident gives $Output:ty),* $(,)?) => {
        impl<DB: Database> TracedPoolOptions<DB> {
            $(
                #[doc = concat!("As [`PoolOptions::", stringify!($name), "`]. What it does on the connection is not traced.")]
                #[must_use]
                pub fn $name<F>(mut self, callback: F) -> Self
                where
                    for<'c> F: Fn(&'c mut DB::Connection, PoolConnectionMetadata) -> BoxFuture<'c, Result<$Output, Error>>
                        + 'static
                        + Send
                        + Sync,
                {
                    self.options = self.options.$name(callback);
                    self
                }
            )*
        }
    };
}

hooks! {
    before_acquire gives bool,
    after_release gives bool,
}

impl<DB: TracedDb> TracedPoolOptions<DB> {
    /// sqlx's defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            options: PoolOptions::new(),
            after_connect: None,
        }
    }

    /// As [`PoolOptions::after_connect`]. What it does on the connection is not traced, and not in the span `CONNECT`.
    #[must_use]
    pub fn after_connect<F>(mut self, callback: F) -> Self
    where
        for<'c> F: Fn(&'c mut DB::Connection, PoolConnectionMetadata) -> BoxFuture<'c, Result<(), Error>>
            + 'static
            + Send
            + Sync,
    {
        self.after_connect = Some(Arc::new(callback));
        self
    }

    /// Makes a pool and connects it, with a span for each connection that this waits for.
    ///
    /// # Errors
    /// Those of [`PoolOptions::connect`].
    pub async fn connect(self, url: &str) -> Result<TracedPool<DB>, Error> {
        self.connect_with(url.parse()?).await
    }

    /// As [`connect`](Self::connect), with the driver's options.
    ///
    /// # Errors
    /// Those of [`PoolOptions::connect_with`].
    pub async fn connect_with(
        self,
        options: <DB::Connection as Connection>::Options,
    ) -> Result<TracedPool<DB>, Error> {
        let (pool, settings) = self.hooked(&options);
        let connecting = Box::pin(pool.connect_with(options));
        let pool = watch(&settings, connecting).await?;
        Ok(TracedPool::of(pool, settings))
    }

    /// Makes a pool that connects when it is used.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn connect_lazy(self, url: &str) -> Result<TracedPool<DB>, Error> {
        Ok(self.connect_lazy_with(url.parse()?))
    }

    /// As [`connect_lazy`](Self::connect_lazy), with the driver's options.
    #[must_use]
    pub fn connect_lazy_with(
        self,
        options: <DB::Connection as Connection>::Options,
    ) -> TracedPool<DB> {
        let (pool, settings) = self.hooked(&options);
        TracedPool::of(pool.connect_lazy_with(options), settings)
    }

    fn hooked(
        self,
        options: &<DB::Connection as Connection>::Options,
    ) -> (PoolOptions<DB>, Arc<Settings>) {
        let slow = self.options.get_acquire_slow_threshold();
        let mut settings = Settings::new(DB::endpoint(options), slow);
        settings.sees_connects = true;
        (hook(self.options, self.after_connect), Arc::new(settings))
    }
}

impl<DB: TracedDb> Default for TracedPoolOptions<DB> {
    fn default() -> Self {
        Self::new()
    }
}

impl<DB: Database> Clone for TracedPoolOptions<DB> {
    fn clone(&self) -> Self {
        Self {
            options: self.options.clone(),
            after_connect: self.after_connect.clone(),
        }
    }
}

impl<DB: Database> fmt::Debug for TracedPoolOptions<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TracedPoolOptions")
            .field(&self.options)
            .finish()
    }
}
