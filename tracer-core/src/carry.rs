//! Contexts for closures: work that another thread does, or this one does now.

use crate::context::SpanContext;
use crate::local;
use crate::stack::Place;

/// Wraps a closure for another thread (`std::thread::spawn`, `spawn_blocking`, `rayon::spawn`) so that it runs in the
/// context that is active now: spans it starts become children of the active span.
///
/// ```
/// # use tracer_core::Tracer;
/// # let tracer = Tracer::disabled();
/// let _scope = tracer.start_active_span("import");
/// std::thread::spawn(tracer_core::carry(|| { /* spans started here are children of `import` */ }))
///     .join()
///     .unwrap();
/// ```
pub fn carry<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let context = local::context();
    move || match context {
        Some(context) => context.in_scope(work),
        None => work(),
    }
}

impl SpanContext {
    /// Runs a closure now, on this thread, with this context active.
    ///
    /// ```
    /// # let test = tracer_testing::TestTracer::new("shop");
    /// # let tracer = test.tracer();
    /// let order = tracer.start_span("order");
    /// order.context().in_scope(|| tracer.start_span("charge").finish());
    /// # drop(order);
    /// # tracer_testing::assert_trace!(test, "order\n  charge");
    /// ```
    pub fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        let _visit = Visit(local::push(&mut Some(local::bare(self.clone()))));
        work()
    }
}

/// Makes the context inactive again, also when the work panics.
struct Visit(Place);

impl Drop for Visit {
    fn drop(&mut self) {
        if !self.0.is_none()
            && let Some(record) = local::pop(self.0, true)
        {
            local::keep(record);
        }
    }
}
