//! How the span of a traced function begins.

use std::borrow::Cow;

use crate::active::ActiveSpan;
use crate::callsite::Callsite;
use crate::context::SpanContext;
use crate::details::ReferenceKind;
use crate::global;
use crate::local::{self, Mode};
use crate::name::{Name, SiteNumber};
use crate::pending;
use crate::scope::Scope;
use crate::span::Span;
use crate::span_builder::SpanBuilder;
use crate::stack::Place;
use crate::tracer::Tracer;

/// Starts the span of a call and makes it active: a child of the active span, else a root.
///
/// With nothing active and no tracer installed this is one read of a thread-local and one of a static. `number` is where that
/// of the name is kept; without, it is looked up at each call.
#[inline]
pub fn enter(site: &'static Callsite, number: Option<&'static SiteNumber>) -> Scope {
    // Not a `match`, which becomes a table to jump by.
    let mode = local::mode();
    if mode == Mode::Sampled {
        enter_child(site, number)
    } else if traces_nothing(mode) {
        Scope::at(Place::NONE)
    } else {
        enter_under_tracer(site)
    }
}

/// Starts the span of a future's call: as [`enter`], but not active.
#[inline]
pub fn start(site: &'static Callsite) -> Span {
    let mode = local::mode();
    if mode == Mode::Sampled && !std::thread::panicking() {
        Span::child(site.name, Some(site), 0)
    } else if traces_nothing(mode) {
        Span::disabled()
    } else {
        Tracer::with_current(|tracer| tracer.start(site.name, Some(site)))
    }
}

/// Whether a traced function has no span.
#[inline]
fn traces_nothing(mode: Mode) -> bool {
    mode >= Mode::Refused || mode == Mode::Idle && global::installed_ref().is_none()
}

/// Apart, so that functions that are traced contain calls of it alone; and in pieces, for a function that calls others saves
/// registers for that.
#[inline(never)]
fn enter_child(site: &'static Callsite, number: Option<&'static SiteNumber>) -> Scope {
    if std::thread::panicking() {
        enter_under_tracer(site)
    } else {
        note_child(site, number)
    }
}

#[inline(never)]
fn note_child(site: &'static Callsite, number: Option<&'static SiteNumber>) -> Scope {
    match number
        .and_then(SiteNumber::get)
        .and_then(pending::note_child)
    {
        Some(place) => Scope::at(place),
        None => note_first(site, number),
    }
}

/// The same for the first one under a span.
#[inline(never)]
fn note_first(site: &'static Callsite, number: Option<&'static SiteNumber>) -> Scope {
    let Some(known) = number.and_then(SiteNumber::get) else {
        return note_by_name(site, number);
    };
    match local::note_first(known) {
        Some(place) => Scope::at(place),
        None => make_child(site),
    }
}

/// The same where the number of the name is not at hand.
#[inline(never)]
fn note_by_name(site: &'static Callsite, number: Option<&'static SiteNumber>) -> Scope {
    let found = Name::Site(site).recent_number();
    if let (Some(number), Some(found)) = (number, found) {
        number.set(found);
    }
    match found.and_then(pending::note_child) {
        Some(place) => Scope::at(place),
        None => make_child(site),
    }
}

#[inline(never)]
fn make_child(site: &'static Callsite) -> Scope {
    Scope::at(local::enter_child(site.name, Some(site), 0))
}

/// Apart, so that functions that are traced contain the decision and two calls.
fn enter_under_tracer(site: &'static Callsite) -> Scope {
    Tracer::with_current(|tracer| tracer.enter(site.name, Some(site)))
}

/// Takes the span of a call out of its scope, for the future or stream that goes on with it.
///
/// In a refused trace a call has no span while it runs, for the caller's context does. What it gives back may be polled where
/// that is not active, and what is started there is refused as well: it gets a context of its own.
pub fn leave(scope: Scope, site: &'static Callsite) -> Span {
    let span = scope.into_span();
    if span.is_present() || local::mode() != Mode::Refused {
        return span;
    }
    Span::child(site.name, Some(site), 0)
}

/// The handle to the span of a scope: of that one, whichever is active by now.
#[must_use]
pub fn own(scope: &Scope) -> ActiveSpan {
    scope.active()
}

/// Begins the span of a call whose attribute says more about its beginning than its name.
#[derive(Debug)]
#[must_use]
pub struct Begin {
    site: &'static Callsite,
    wanted: bool,
    needs_parent: bool,
    root: bool,
    /// Only made when there is something to hold.
    references: Vec<(ReferenceKind, SpanContext)>,
}

impl Begin {
    pub const fn new(site: &'static Callsite) -> Self {
        Self {
            site,
            wanted: true,
            needs_parent: false,
            root: false,
            references: Vec::new(),
        }
    }

    /// `when`: without it the function runs as if it had no attribute.
    pub const fn when(mut self, wanted: bool) -> Self {
        self.wanted = wanted;
        self
    }

    /// `skip_without_parent`.
    pub const fn needs_parent(mut self) -> Self {
        self.needs_parent = true;
        self
    }

    /// `root`.
    pub const fn root(mut self) -> Self {
        self.root = true;
        self
    }

    /// `child_of`.
    pub fn child_of(self, contexts: &(impl References + ?Sized)) -> Self {
        self.reference(ReferenceKind::ChildOf, contexts)
    }

    /// `follows_from`.
    pub fn follows_from(self, contexts: &(impl References + ?Sized)) -> Self {
        self.reference(ReferenceKind::FollowsFrom, contexts)
    }

    fn reference(mut self, relation: ReferenceKind, contexts: &(impl References + ?Sized)) -> Self {
        if self.wanted {
            contexts.each(&mut |context| {
                if !context.is_nothing() {
                    self.references.push((relation, context.clone()));
                }
            });
        }
        self
    }

    /// Starts the span and makes it active.
    pub fn enter(self) -> Scope {
        match self.way() {
            Way::None => Span::disabled().activate(),
            Way::Plain => enter(self.site, None),
            Way::Built => self.build().activate(),
        }
    }

    /// Starts the span.
    pub fn start(self) -> Span {
        match self.way() {
            Way::None => Span::disabled(),
            Way::Plain => start(self.site),
            Way::Built => self.build(),
        }
    }

    fn way(&self) -> Way {
        let alone = || self.references.is_empty() && !is_parent_active();
        if !self.wanted || (self.needs_parent && alone()) {
            Way::None
        } else if self.references.is_empty() && !self.root {
            Way::Plain
        } else {
            Way::Built
        }
    }

    fn build(self) -> Span {
        Tracer::with_current(|tracer| {
            let mut builder =
                SpanBuilder::new(tracer, Cow::Borrowed(self.site.name), Some(self.site));
            if self.root {
                builder = builder.new_trace();
            }
            for (relation, context) in &self.references {
                builder = match relation {
                    ReferenceKind::ChildOf => builder.child_of(context),
                    ReferenceKind::FollowsFrom => builder.follows_from(context),
                };
            }
            builder.start()
        })
    }
}

/// Whether what is active, if anything, is of a trace.
fn is_parent_active() -> bool {
    match local::mode() {
        Mode::Idle | Mode::Default => false,
        Mode::Undecided => local::context().is_some_and(|active| active.is_valid()),
        Mode::Sampled | Mode::Refused | Mode::Suppressed => true,
    }
}

enum Way {
    /// No span: the function runs as if it had no attribute.
    None,
    /// As a function with no options.
    Plain,
    /// Something was said about the parent.
    Built,
}

/// What `child_of` and `follows_from` take.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not refer to a span",
    note = "`child_of` and `follows_from` take a `SpanContext`, a reference to one, or an `Option`, slice or `Vec` of them"
)]
pub trait References {
    /// Calls `take` with each context.
    fn each(&self, take: &mut dyn FnMut(&SpanContext));
}

impl References for SpanContext {
    fn each(&self, take: &mut dyn FnMut(&SpanContext)) {
        take(self);
    }
}

impl<T: References + ?Sized> References for &T {
    fn each(&self, take: &mut dyn FnMut(&SpanContext)) {
        (**self).each(take);
    }
}

impl<T: References> References for Option<T> {
    fn each(&self, take: &mut dyn FnMut(&SpanContext)) {
        self.iter().for_each(|contexts| contexts.each(take));
    }
}

impl<T: References> References for [T] {
    fn each(&self, take: &mut dyn FnMut(&SpanContext)) {
        self.iter().for_each(|contexts| contexts.each(take));
    }
}

impl<T: References> References for Vec<T> {
    fn each(&self, take: &mut dyn FnMut(&SpanContext)) {
        self.as_slice().each(take);
    }
}

impl<T: References, const N: usize> References for [T; N] {
    fn each(&self, take: &mut dyn FnMut(&SpanContext)) {
        self.as_slice().each(take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Test;
    use crate::{Decision, Sampler, SpanId, TraceId};

    static SITE: Callsite = Callsite::new("traced", "tests", "tests.rs", 1);

    #[test]
    fn baggage_alone_is_no_parent() {
        let test = Test::new(|builder| builder.sampler(Sampler::constant(true)));
        let _default = test.tracer.set_default();
        let call = || Begin::new(&SITE).needs_parent().enter().finish();
        let none = SpanContext::remote(TraceId::NONE, SpanId::NONE, Decision::Deferred);
        none.with_baggage_item("tenant", "acme").in_scope(call);
        call();
        let caller = SpanContext::remote(0xabc.into(), 0xdef.into(), Decision::Sampled);
        caller.in_scope(call);
        assert_eq!(test.take(), "traced\n", "of the caller alone");
    }
}
