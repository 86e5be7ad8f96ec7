// As without the attribute: what makes the future of one thread is told by its own name.
use std::rc::Rc;

use tracer_core::traced;

#[traced]
async fn charge(cents: Rc<u64>) -> u64 {
    std::future::ready(()).await;
    *cents
}

fn is_send(_: impl Send) {}

fn main() {
    is_send(charge(Rc::new(7)));
}
