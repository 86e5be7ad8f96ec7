//! A trace that passes through a service with Jaeger's own Python client, `ci/interop.d/hop.py`.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::process::Command;

use tracer_core::{Propagation, Sampler, TextMap, Tracer, UdpReporter};

use crate::server::Server;
use crate::span::Span;
use crate::{Outcome, PATIENCE, query};

const TREE: &str = "\
rust before
  python between, cart 7
    rust after, cart 7
";

pub(crate) fn check(server: &Server, python: &OsStr) -> Outcome {
    let tracer = Tracer::builder("rust")
        .sampler(Sampler::constant(true))
        .propagation([Propagation::Jaeger])
        .reporter(UdpReporter::to(&server.udp)?)
        .build()?;
    let mut before = tracer.start_span("before");
    before.set_baggage_item("cart", "7");
    let mut carrier = HashMap::new();
    tracer.inject(&before.context(), &mut TextMap(&mut carrier));

    let port = server.udp.rsplit(':').next().unwrap_or_default();
    let output = Command::new(python)
        .arg(crate::folder().join("hop.py"))
        .args([port, &serde_json::to_string(&carrier)?])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let mut carrier: HashMap<String, String> = serde_json::from_slice(&output.stdout)?;
    let context = tracer.extract(&TextMap(&mut carrier))?;
    let mut after = tracer.build_span("after").child_of(&context).start();
    let cart = after.baggage_item("cart").unwrap_or_default().to_owned();
    after.set_tag("cart", cart);
    after.finish();
    let id = before.context().trace_id();
    before.finish();
    tracer.shutdown(PATIENCE)?;

    let spans = query::trace(&server.query, id, 3)?;
    let mut tree = String::new();
    write_children(&spans, None, 0, &mut tree);
    if tree != TREE {
        return Err(format!("expected\n{TREE}there is\n{tree}").into());
    }
    println!("mixed with Python's client: one trace\n{}", tree.trim_end());
    Ok(())
}

fn write_children(spans: &[Span], parent: Option<&Span>, depth: usize, tree: &mut String) {
    let parent_id = parent.map(|parent| parent.span_id);
    for span in spans {
        let of = span.references.first().map(|(_, _, parent)| *parent);
        if of == parent_id {
            let cart = span.tags.iter().find(|(key, _)| key == "cart");
            let cart = cart.map_or_else(String::new, |(_, value)| format!(", cart {value}"));
            let (service, operation) = (&span.service, &span.operation);
            tree.push_str(&format!(
                "{:1$}{service} {operation}{cart}\n",
                "",
                2 * depth
            ));
            write_children(spans, Some(span), depth + 1, tree);
        }
    }
}
