//! The span of a query: when it begins, what it says, how it ends.
//!
//! Whether a trace is sampled is asked first, everywhere: a query of one that is not costs no look at its text.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;
use sqlx_core::Either;
use sqlx_core::error::{DatabaseError, Error, ErrorKind};
use sqlx_core::sql_str::{AssertSqlSafe, SqlSafeStr, SqlStr};
use tracer_core::{
    ActiveSpan, Decision, Span, SpanContext, TraceFuture, Tracer, active_span, is_refused, tags,
};

use crate::driver::{Step, TracedDb};
use crate::request::{Request, is_static};
use crate::settings::{Settings, StatementText};
use crate::sql::{self, Operation};
use crate::statement::Statement;

/// Integer: microseconds that the database and the connection took, without the user's work between rows.
pub(crate) const DB_ACTIVE_US: &str = "db.active_us";
/// Boolean: the driver prepared the statement for this run, which is within the span. Absent where that is not known.
pub(crate) const DB_PREPARED: &str = "db.prepared";
/// Text: the constraint that a statement violated.
const DB_CONSTRAINT: &str = "db.constraint";
/// Integer, on the parent: how often one statement ran under it.
const DB_REPEATED: &str = "db.repeated";
/// Text, on the parent: the operation that was repeated.
const DB_REPEATED_OPERATION: &str = "db.repeated_operation";

/// A span that begins at the first poll, under what was active at the call.
#[derive(Debug)]
pub(crate) struct QuerySpan {
    pub(crate) settings: Arc<Settings>,
    parent: Parent,
}

/// What was active at the call.
#[derive(Debug)]
enum Parent {
    /// Nothing: what is active at the first poll is the parent.
    Nothing,
    /// A trace that is not sampled. Its queries need no spans: there is nothing to record, and whatever is started while
    /// they run is under what is active anyway.
    Refused,
    Context(SpanContext),
}

impl QuerySpan {
    /// To be made when the user calls, before any future is polled.
    #[inline]
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        let parent = match active_span().context() {
            None => Parent::Nothing,
            Some(context)
                if context.decision() == Decision::Refused
                    && context.is_valid()
                    && !context.is_recorded() =>
            {
                Parent::Refused
            }
            Some(context) => Parent::Context(context),
        };
        Self { settings, parent }
    }

    /// The same for a query; `None` if there will be no span, as far as can be told at the call. Most queries of a busy
    /// service are of traces that are not sampled, so that is asked first, and costs nothing.
    #[inline]
    pub(crate) fn of_query(settings: &Arc<Settings>) -> Option<Self> {
        if is_refused() {
            return None;
        }
        let span = Self::new(Arc::clone(settings));
        let is_off = match &span.parent {
            Parent::Refused => true,
            Parent::Context(_) => false,
            Parent::Nothing => settings.tracer.is_none() && !Tracer::current().is_enabled(),
        };
        (!is_off).then_some(span)
    }

    /// Starts the span. If nothing was active at the call, what is active now is the parent.
    pub(crate) fn begin(&self, name: &'static str) -> Span {
        self.start_by(|tracer| tracer.start_span(name))
    }

    /// As [`begin`](Self::begin), for what began before it was known that there is a span of it.
    pub(crate) fn begin_at(&self, name: &'static str, time: SystemTime) -> Span {
        self.start_by(|tracer| tracer.build_span(name).start_time(time).start())
    }

    #[inline]
    fn start_by(&self, start: impl FnOnce(&Tracer) -> Span) -> Span {
        let start = || match &self.settings.tracer {
            Some(tracer) => start(tracer),
            None => start(&Tracer::current()),
        };
        match &self.parent {
            Parent::Refused => Span::disabled(),
            // Mostly the future is polled where it was made; then there is nothing to make active first.
            Parent::Context(parent) if is_active(parent) => start(),
            Parent::Context(parent) => parent.in_scope(start),
            Parent::Nothing
                if self.settings.only_with_parent && active_span().context().is_none() =>
            {
                Span::disabled()
            }
            Parent::Nothing => start(),
        }
    }

    /// Starts the span of a query and counts it, if that is wanted.
    pub(crate) fn begin_query(&self, sql: &SqlStr) -> Span {
        let span = self.begin("SQL");
        if self.settings.repeats.is_some() && span.is_recording() {
            self.count_repeats(sql);
        }
        span
    }

    /// Tells the parent when one statement runs again and again under it.
    #[cold]
    fn count_repeats(&self, sql: &SqlStr) {
        let (Some(repeats), Some(parent)) = (&self.settings.repeats, active_span().context())
        else {
            return;
        };
        // Only the span that is active in this task can be told.
        if matches!(&self.parent, Parent::Context(called) if called.span_id() != parent.span_id()) {
            return;
        }
        let count = repeats.count(parent.trace_id(), parent.span_id(), sql.as_str());
        if let Some(count) = count {
            let operation = Operation::of(sql.as_str(), self.settings.endpoint.dialect);
            active_span()
                .set_tag(DB_REPEATED, count)
                .set_tag(DB_REPEATED_OPERATION, &operation.name);
        }
    }

    /// Names and tags the span of a query, which must be the active one, and does what it asks for of the query.
    pub(crate) fn describe<DB: TracedDb>(&self, request: &mut Request<DB>) -> Outcome {
        let span = active_span();
        if !span.is_recording() {
            return Outcome::default();
        }
        let outcome = self.describe_text(&span, &request.sql);
        if self.settings.comments && !request.is_prepared() {
            comment(&span, request);
        }
        outcome
    }

    /// Names and tags the active span, which is recorded, by the statement that it runs.
    pub(crate) fn describe_text(&self, span: &ActiveSpan, sql: &SqlStr) -> Outcome {
        let statements = &self.settings.statements;
        if let Some(statement) = statements.find(sql.as_str()) {
            return Outcome::of(span, statement);
        }
        let is_static = is_static(sql);
        let statement = Statement::read(&self.settings, sql.as_str(), is_static, "");
        let outcome = Outcome::of(span, &statement);
        if is_static {
            statements.keep(sql.as_str(), statement);
        }
        outcome
    }

    /// Names and tags the active span, if it is recorded, by a statement that something else is done with.
    pub(crate) fn describe_as(&self, verb: &'static str, sql: &SqlStr) {
        let span = active_span();
        if span.is_recording() {
            let statement = Statement::read(&self.settings, sql.as_str(), is_static(sql), verb);
            span.apply(&statement.template);
        }
    }

    /// Sets what all spans of the pool say.
    pub(crate) fn tag_if_recording(&self) {
        let span = active_span();
        if span.is_recording() {
            span.apply(&self.settings.common);
        }
    }

    /// Says that the work of the active span failed.
    pub(crate) fn tag_error(&self, error: &Error) {
        let span = active_span();
        if !span.is_recording() {
            return;
        }
        span.set_tag(tags::ERROR, true);
        let full = self.settings.text == StatementText::Full;
        let (kind, message) = match error {
            Error::Database(error) => {
                if let Some(code) = error.code() {
                    span.set_tag(tags::DB_SQLSTATE, code);
                }
                if let Some(constraint) = error.constraint() {
                    span.set_tag(DB_CONSTRAINT, constraint);
                }
                let message = if !full && is_raised(&**error) {
                    Err("raised by a procedure or trigger")
                } else {
                    Ok(Cow::Borrowed(error.message()))
                };
                (database_error_kind(&error.kind()), message)
            }
            // What could not be encoded or decoded is a value.
            Error::Encode(_) | Error::Decode(_) | Error::ColumnDecode { .. } if !full => {
                (error_kind(error), Err("a value could not be converted"))
            }
            error => (error_kind(error), Ok(Cow::Owned(error.to_string()))),
        };
        let message = match message {
            Ok(message) if full => sql::prefix(&message, self.settings.max_text).to_owned(),
            Ok(message) => sql::obfuscate_message(&message, self.settings.max_text),
            Err(instead) => instead.to_owned(),
        };
        span.log((
            (tags::EVENT, "error"),
            (tags::ERROR_KIND, kind),
            (tags::MESSAGE, message),
        ));
    }
}

fn is_active(context: &SpanContext) -> bool {
    active_span()
        .context()
        .is_some_and(|active| active.span_id() == context.span_id())
}

/// Runs a step that is no query in a span of its own: the span is a child of what is active at the call.
///
/// The work is boxed: futures of drivers are kilobytes, and are copied whenever a future around them is moved.
pub(crate) fn in_span<'f, T, F>(
    settings: &Arc<Settings>,
    name: &'static str,
    work: F,
) -> impl Future<Output = Result<T, Error>> + Send + use<'f, T, F>
where
    T: 'f,
    F: Future<Output = Result<T, Error>> + Send + 'f,
{
    let span = QuerySpan::new(Arc::clone(settings));
    let work: BoxFuture<'f, _> = Box::pin(work);
    async move {
        let open = span.begin(name);
        let work = async move {
            span.tag_if_recording();
            work.await.inspect_err(|error| span.tag_error(error))
        };
        work.in_span(open).await
    }
}

/// What came of a query.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Whether the rest is of use.
    pub(crate) recording: bool,
    reads: bool,
    /// Whether a count of changed rows was told that means something.
    changed: bool,
    /// A bit for each statement to come: whether it changes rows.
    changes: u64,
    /// How many statements there are to be results of, and of how many there were.
    statements: u32,
    results: u32,
    /// Whether rows came since the last result.
    gave_rows: bool,
    rows: u64,
    affected: u64,
}

impl Outcome {
    /// Nothing yet, of a statement that the span, which is recorded, is to tell.
    fn of(span: &ActiveSpan, statement: &Statement) -> Self {
        span.apply(&statement.template);
        Self {
            recording: true,
            reads: statement.reads,
            changes: statement.changes,
            statements: statement.statements,
            ..Self::default()
        }
    }

    #[inline]
    pub(crate) fn count<DB: TracedDb>(&mut self, step: &Step<DB>) {
        match step {
            Either::Right(_) => {
                self.rows += 1;
                self.gave_rows = true;
            }
            // After a statement that changes nothing SQLite still tells the count of the last one that did.
            Either::Left(result) if self.recording => {
                let gave_rows = std::mem::take(&mut self.gave_rows);
                let affected = DB::rows_affected(result);
                // MariaDB's `RETURNING` gives the rows in place of their count.
                if self.changes & 1 == 1 && (affected > 0 || !gave_rows) {
                    self.changed = true;
                    self.affected += affected;
                }
                self.changes >>= 1;
                self.results += 1;
            }
            Either::Left(_) => {}
        }
    }

    pub(crate) fn count_row(&mut self) {
        self.rows += 1;
    }

    /// Sets what was counted on the active span.
    pub(crate) fn tag(&self, failed: bool) {
        if !self.recording {
            return;
        }
        let span = active_span();
        if self.rows > 0 || self.reads && !failed {
            span.set_tag(tags::DB_ROWS_RETURNED, self.rows);
        }
        // Else it is not known which result is whose: a procedure gives several, and a long text is not read to its end.
        let is_known = self.results == self.statements && self.statements <= u64::BITS;
        if self.changed && is_known {
            span.set_tag(tags::DB_ROWS_AFFECTED, self.affected);
        }
    }
}

/// Says how long the active span waited for a connection.
pub(crate) fn tag_wait(settings: &Settings, waited: Duration) {
    let micros = micros(waited);
    let span = active_span();
    span.set_tag(tags::DB_POOL_WAIT_US, micros);
    if waited > settings.slow_acquire {
        span.log((
            (tags::EVENT, "slow pool"),
            (tags::MESSAGE, "the wait for a connection was long"),
            ("wait_us", micros),
        ));
    }
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Appends the trace context to the statement, as [sqlcommenter](https://google.github.io/sqlcommenter/spec/) has it.
fn comment<DB: TracedDb>(span: &ActiveSpan, request: &mut Request<DB>) {
    // One that is held may never be seen, and would cost the server its prepared statement.
    let Some(context) = span.context().filter(SpanContext::is_sampled) else {
        return;
    };
    let sql = request.sql.as_str();
    // By the specification, a statement with comments is left alone.
    if sql.contains("/*") || sql.contains("--") || sql.contains('#') {
        return;
    }
    let (trace, parent) = (
        context.trace_id().to_string(),
        context.span_id().to_string(),
    );
    let flags = context.flags() & 1;
    let commented = format!(
        "{} /*traceparent='00-{trace:0>32}-{parent:0>16}-{flags:02x}'*/",
        sql.trim_end().trim_end_matches(';')
    );
    request.sql = AssertSqlSafe(commented).into_sql_str();
    // No two statements are the same now: to cache them would throw out those that come again.
    request.persistent = false;
}

/// Whether the message is of the database's user, who quotes no values in it: that of `RAISE` and `SIGNAL`.
fn is_raised(error: &dyn DatabaseError) -> bool {
    const CODES: [&str; 3] = ["P0001", "45000", "1811"];
    error.code().is_some_and(|code| CODES.contains(&&*code))
}

fn database_error_kind(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UniqueViolation => "unique_violation",
        ErrorKind::ForeignKeyViolation => "foreign_key_violation",
        ErrorKind::NotNullViolation => "not_null_violation",
        ErrorKind::CheckViolation => "check_violation",
        ErrorKind::ExclusionViolation => "exclusion_violation",
        _ => "database",
    }
}

fn error_kind(error: &Error) -> &'static str {
    match error {
        Error::Configuration(_) => "configuration",
        Error::InvalidArgument(_) => "invalid_argument",
        Error::Io(_) => "io",
        Error::Tls(_) => "tls",
        Error::Protocol(_) => "protocol",
        Error::RowNotFound => "row_not_found",
        Error::TypeNotFound { .. } => "type_not_found",
        Error::Encode(_) => "encode",
        Error::Decode(_) | Error::ColumnDecode { .. } => "decode",
        Error::PoolTimedOut => "pool_timed_out",
        Error::PoolClosed => "pool_closed",
        Error::WorkerCrashed => "worker_crashed",
        _ => "other",
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use sqlx_sqlite::Sqlite;
    use tracer_core::{KeepPolicy, Sampler};
    use tracer_testing::TestTracer;

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::repeats::Repeats;
    use crate::sql::Dialect;

    /// A pool that does all there is to do with the text of statements.
    fn busy_settings(tracer: &Tracer) -> Arc<Settings> {
        let endpoint = Endpoint::new("sqlite", Dialect::Sqlite);
        let mut settings = Settings::new(endpoint, Duration::MAX);
        settings.tracer = Some(tracer.clone());
        settings.comments = true;
        settings.repeats = Some(Repeats::new(0));
        Arc::new(settings)
    }

    /// Whether a query, run where `parent` is active, has its text read: commented and counted.
    fn reads_text(settings: &Arc<Settings>) -> bool {
        let mut request = Request::<Sqlite>::new("SELECT 1 FROM items");
        let span = QuerySpan::new(Arc::clone(settings));
        let open = span.begin_query(&request.sql).activate();
        let outcome = span.describe(&mut request);
        drop(open);
        let commented = request.sql.as_str() != "SELECT 1 FROM items";
        assert_eq!(commented, outcome.recording);
        commented
    }

    #[test]
    fn a_query_whose_own_root_is_refused_has_its_text_left_alone() {
        let refusing =
            TestTracer::with("shop", |builder| builder.sampler(Sampler::constant(false)));
        let settings = busy_settings(refusing.tracer());
        assert!(active_span().context().is_none());
        assert!(!reads_text(&settings));
        let parent = refusing.tracer().start_active_span("parent");
        assert!(!reads_text(&settings));
        let context = parent.context();
        drop(parent);
        // The first count of all, so that none was made before.
        if let (Some(context), Some(repeats)) = (Some(context), &settings.repeats) {
            let (trace, span) = (context.trace_id(), context.span_id());
            assert_eq!(repeats.count(trace, span, "SELECT 1 FROM items"), Some(1));
        }
    }

    #[test]
    fn a_query_of_a_trace_that_is_held_is_not_commented() {
        let holding = TestTracer::with("shop", |builder| {
            let refusing = builder.sampler(Sampler::constant(false));
            refusing.keep(KeepPolicy::errors())
        });
        let query = QuerySpan::new(busy_settings(holding.tracer()));
        let mut request = Request::<Sqlite>::new("SELECT 1 FROM items");
        let open = query.begin_query(&request.sql).activate();
        assert!(query.describe(&mut request).recording);
        drop(open);
        assert_eq!(request.sql.as_str(), "SELECT 1 FROM items");
        assert!(request.persistent);
    }

    #[test]
    fn a_sampled_query_has_its_text_read() {
        let sampling = TestTracer::new("shop");
        assert!(reads_text(&busy_settings(sampling.tracer())));
        assert_eq!(sampling.spans().len(), 1);
    }
}
