//! A trace that passes through a service with OpenTelemetry's Python SDK, `ci/interop.d/otel.py`, into our own agent.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::process::Command;

use tracer_agent::show::Waterfall;
use tracer_agent::{Agent, TraceId};
use tracer_core::{Sampler, TextMap, Tracer, UdpReporter};

use crate::{Outcome, PATIENCE};

pub(crate) fn check(python: &OsStr) -> Outcome {
    let agent = Agent::builder().ephemeral_ports().start()?;
    let tracer = Tracer::builder("rust")
        .sampler(Sampler::constant(true))
        .reporter(UdpReporter::to(agent.compact_addr().to_string())?)
        .build()?;
    let before = tracer.start_span("before");
    let mut carrier = HashMap::new();
    tracer.inject(&before.context(), &mut TextMap(&mut carrier));

    let otlp = agent.otlp_addr().ok_or("the agent has no port for OTLP")?;
    let output = Command::new(python)
        .arg(crate::folder().join("otel.py"))
        .args([
            format!("http://{otlp}/v1/traces"),
            serde_json::to_string(&carrier)?,
        ])
        .output()?;
    if !output.status.success() || !output.stderr.is_empty() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let mut carrier: HashMap<String, String> = serde_json::from_slice(&output.stdout)?;
    let context = tracer.extract(&TextMap(&mut carrier))?;
    tracer
        .build_span("after")
        .child_of(&context)
        .start()
        .finish();
    let id = before.context().trace_id().to_string().parse::<TraceId>()?;
    before.finish();
    tracer.shutdown(PATIENCE)?;

    let trace = agent.store().wait_for_spans(id, 3, PATIENCE)?;
    let shown = Waterfall::new(&trace).to_string();
    let names = ["rust before ", "└─ python between ", "   └─ rust after "];
    let lines = shown.lines().skip(1);
    if lines.clone().count() != names.len()
        || !lines.zip(names).all(|(line, name)| line.starts_with(name))
    {
        return Err(format!("expected one of\n{}\nthere is\n{shown}", names.join("\n")).into());
    }
    println!(
        "mixed with OpenTelemetry's SDK: one trace\n{}",
        shown.trim_end()
    );
    Ok(())
}
