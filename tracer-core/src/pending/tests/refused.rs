//! That spans of refused traces, whose notes have no ids, are not taken for others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use super::{refusing, sampling};
use crate::{Tracer, tags};

#[test]
fn a_tag_of_a_threads_first_is_no_later_spans() {
    let (no, _) = refusing();
    let (yes, memory) = sampling();
    let on_a_new_thread = || {
        let root = no.start_active_span("root");
        no.start_active_span("child").set_tag("secret", 7);
        drop(root);
        for _ in 0..4 {
            yes.start_active_span("warm").finish();
        }
        let order = yes.start_active_span("order");
        order.set_tag("own", 1);
        let _ = order.context();
    };
    thread::scope(|scope| scope.spawn(on_a_new_thread).join()).unwrap();
    yes.flush(Duration::from_secs(30)).unwrap();
    let spans = memory.take();
    let order = spans.iter().find(|span| span.operation_name() == "order");
    let tags = |key| order.unwrap().tag(key).is_some();
    assert_eq!((tags("own"), tags("secret")), (true, false));
}

/// Starts spans when it is dropped, and asks that they are kept.
struct Forces(Tracer);

impl Drop for Forces {
    fn drop(&mut self) {
        let root = self.0.start_active_span("entered");
        root.set_tag(tags::SAMPLING_PRIORITY, 1);
        drop(root);
        let mut root = self.0.start_span("started");
        root.set_tag(tags::SAMPLING_PRIORITY, 1);
    }
}

#[test]
fn what_begins_while_the_thread_unwinds_says_nothing_of_the_panic_when_it_is_kept() {
    let (no, memory) = refusing();
    no.start_span("leaves a record").finish();
    let unwinds = || {
        let _forces = Forces(no.clone());
        panic!("on purpose");
    };
    catch_unwind(AssertUnwindSafe(unwinds)).unwrap_err();
    no.flush(Duration::from_secs(30)).unwrap();
    let spans = memory.take();
    let told: Vec<_> = spans
        .iter()
        .map(|span| (span.operation_name(), span.tag("error")))
        .collect();
    assert_eq!(told, [("entered", None), ("started", None)]);
}
