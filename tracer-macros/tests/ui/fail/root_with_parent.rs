use tracer_core::{SpanContext, traced};

#[traced(root, child_of = context)]
fn charge(context: &SpanContext) {
    let _ = context;
}

#[traced(skip_without_parent, root)]
fn refund() {}

fn main() {
    charge(&tracer_core::Span::disabled().context());
    refund();
}
