//! What the expansion of `#[traced]` calls. Not for use by hand: it changes with the macro, which is pinned to the same
//! version.

use std::borrow::Cow;

pub use crate::callsite::Callsite;
use crate::global;
use crate::local::{self, Mode};
use crate::stack::Place;
use crate::scope::Scope;
use crate::span::Span;
use crate::span_builder::SpanBuilder;
use crate::tracer::{Parent, Tracer};

/// Starts the span of a call and makes it active: a child of the active span, else a root.
///
/// With nothing active and no tracer installed this is one read of a thread-local and one of a static.
#[inline(always)]
#[must_use]
pub fn enter(site: &'static Callsite) -> Scope {
    match local::mode() {
        Mode::Sampled => Scope::at(local::enter_child(site.name, Some(site), 0)),
        Mode::Refused | Mode::Suppressed => Scope::at(Place::NONE),
        Mode::Idle if global::installed_ref().is_none() => Scope::at(Place::NONE),
        Mode::Idle | Mode::Default | Mode::Undecided => enter_slowly(site),
    }
}

#[cold]
fn enter_slowly(site: &'static Callsite) -> Scope {
    with_tracer(|tracer| tracer.enter(Cow::Borrowed(site.name), Some(site)))
}

/// Starts the span of a future's call: as [`enter`], but not active.
#[inline]
pub fn start(site: &'static Callsite) -> Span {
    match local::mode() {
        Mode::Refused | Mode::Suppressed => Span::disabled(),
        Mode::Idle if global::installed_ref().is_none() => Span::disabled(),
        _ => Span::new(with_tracer(|tracer| tracer.begin(Parent::Active, Cow::Borrowed(site.name), Some(site)))),
    }
}

/// Begins the span of a call that has references or a kind.
pub fn build<'t>(tracer: &'t Tracer, site: &'static Callsite) -> SpanBuilder<'t> {
    SpanBuilder::new(tracer, Cow::Borrowed(site.name), Some(site))
}

/// Runs with the tracer that a traced function uses; see [`Tracer::current`].
fn with_tracer<R>(work: impl FnOnce(&Tracer) -> R) -> R {
    match (local::mode(), global::installed_ref()) {
        (Mode::Idle, Some(tracer)) => work(tracer),
        _ => work(&Tracer::current()),
    }
}
