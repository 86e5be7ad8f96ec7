//! How a pool is traced: the choices of its owner.

use std::time::Duration;

use tracer_core::{SpanTemplate, Tracer};

use crate::endpoint::Endpoint;
use crate::repeats::Repeats;
use crate::statement::Statements;

/// How much of a statement's text spans show, as the tag `db.statement`. Bound values are never shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum StatementText {
    /// Text known when the program was compiled (`&'static str`) in full, text built at run time with its literals
    /// replaced by `?` and without comments.
    #[default]
    Auto,
    /// All text as it was written, and error messages as the database wrote them: both may hold personal data.
    Full,
    /// All text with its literals replaced.
    Obfuscated,
    /// None: spans have names (`SELECT orders`) and no text.
    Off,
}

/// What the connections of a pool share. Changed only while the pool is being built.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) tracer: Option<Tracer>,
    pub(crate) endpoint: Endpoint,
    /// What all spans say.
    pub(crate) common: SpanTemplate,
    pub(crate) statements: Statements,
    pub(crate) text: StatementText,
    pub(crate) max_text: usize,
    pub(crate) only_with_parent: bool,
    pub(crate) comments: bool,
    pub(crate) repeats: Option<Repeats>,
    /// Waits for a connection beyond this are logged.
    pub(crate) slow_acquire: Duration,
    /// Whether the pool has the hook that makes spans of its connects.
    pub(crate) sees_connects: bool,
}

impl Settings {
    pub(crate) fn new(endpoint: Endpoint, slow_acquire: Duration) -> Self {
        Self {
            tracer: None,
            common: endpoint.template(),
            endpoint,
            statements: Statements::new(),
            text: StatementText::default(),
            max_text: 2048,
            only_with_parent: false,
            comments: false,
            repeats: None,
            slow_acquire,
            sees_connects: false,
        }
    }
}
