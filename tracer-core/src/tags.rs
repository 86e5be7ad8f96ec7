//! The standard tag and log-field names of OpenTracing (semantic conventions 1.1), and this project's own.
//!
//! Names only: a value of the type given is what backends expect.
//!
//! ```
//! use tracer_core::tags;
//!
//! # let test = tracer_testing::TestTracer::new("shop");
//! let mut span = test.tracer().start_span("GET");
//! span.set_tag(tags::HTTP_STATUS_CODE, 503).set_tag(tags::ERROR, true);
//! # drop(span);
//! # tracer_testing::assert_trace!(test, "GET {error=true, http.status_code=503}");
//! ```

macro_rules! names {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {$(
        $(#[$doc])*
        pub const $constant: &str = $name;
    )*};
}

names! {
    /// Text: the library that made the span (`axum`, `sqlx`).
    COMPONENT = "component";
    /// Text: the database's name.
    DB_INSTANCE = "db.instance";
    /// Text: the statement, placeholders in place of values.
    DB_STATEMENT = "db.statement";
    /// Text: `postgresql`, `mysql`, `sqlite`, ...
    DB_TYPE = "db.type";
    /// Text: the database user.
    DB_USER = "db.user";
    /// Boolean: the work of the span failed. The only signal of an error; absent means false.
    ERROR = "error";
    /// Text: the method of a request.
    HTTP_METHOD = "http.method";
    /// Integer: the status of a response.
    HTTP_STATUS_CODE = "http.status_code";
    /// Text: the URL of a request, without user info and query.
    HTTP_URL = "http.url";
    /// Text: where a message went to or came from.
    MESSAGE_BUS_DESTINATION = "message_bus.destination";
    /// Text: the address of the other side in its own form.
    PEER_ADDRESS = "peer.address";
    /// Text: the host name of the other side.
    PEER_HOSTNAME = "peer.hostname";
    /// Text: the IPv4 address of the other side, dotted.
    PEER_IPV4 = "peer.ipv4";
    /// Text: the IPv6 address of the other side.
    PEER_IPV6 = "peer.ipv6";
    /// Integer: the port of the other side.
    PEER_PORT = "peer.port";
    /// Text: the name of the service on the other side.
    PEER_SERVICE = "peer.service";
    /// Integer: above 0 forces the span to be reported, 0 forbids it. Steers the tracer instead of being recorded.
    ///
    /// ```
    /// # use tracer_core::{Sampler, tags};
    /// # let test = tracer_testing::TestTracer::with("shop", |builder| builder.sampler(Sampler::constant(false)));
    /// let mut span = test.tracer().start_span("order");
    /// span.set_tag(tags::SAMPLING_PRIORITY, 1);
    /// assert!(span.context().is_sampled());
    /// # drop(span);
    /// # test.forget();
    /// ```
    SAMPLING_PRIORITY = "sampling.priority";
    /// Text: `client`, `server`, `producer` or `consumer`; see [`SpanKind`](crate::SpanKind).
    SPAN_KIND = "span.kind";

    /// Log field, text: the kind of an error, such as its type.
    ERROR_KIND = "error.kind";
    /// Log field: the error itself.
    ERROR_OBJECT = "error.object";
    /// Log field, text: a stable name of what happened.
    EVENT = "event";
    /// Log field, text: what happened, for people.
    MESSAGE = "message";
    /// Log field, text: a stack trace.
    STACK = "stack";

    /// Boolean: the future or call was dropped before it was done.
    CANCELLED = "cancelled";
    /// Boolean: a stream was read to its end.
    COMPLETE = "complete";
    /// Text: the file of a traced function.
    CODE_FILE = "code.file";
    /// Integer: the line of a traced function.
    CODE_LINE = "code.line";
    /// Text: the module of a traced function.
    CODE_MODULE = "code.module";
    /// Integer: microseconds a query waited for a connection.
    DB_POOL_WAIT_US = "db.pool_wait_us";
    /// Integer: rows a statement changed.
    DB_ROWS_AFFECTED = "db.rows_affected";
    /// Integer: rows a statement gave back.
    DB_ROWS_RETURNED = "db.rows_returned";
    /// Text: the SQLSTATE or driver code of a database error.
    DB_SQLSTATE = "db.sqlstate";
    /// Text: `before` or `body`, when a client left before the response or in the middle of it.
    HTTP_CLIENT_GONE = "http.client_gone";
    /// Integer: microseconds to the first byte of a response.
    HTTP_TTFB_US = "http.ttfb_us";
    /// Text: the sampler that chose a trace. On roots only; adaptive sampling on a Jaeger backend reads it.
    SAMPLER_TYPE = "sampler.type";
    /// Number or boolean: the parameter of that sampler.
    SAMPLER_PARAM = "sampler.param";
    /// Boolean: something of the span was cut to keep a limit.
    TRUNCATED = "truncated";
}
