//! The page of newest traces.

use std::sync::Arc;

use maud::{Markup, html};

use super::{losses, names, search};
use crate::model::Trace;
use crate::query::{Asked, Params, QueryError};
use crate::stats::StoreStats;
use crate::store::Query;
use crate::text;
use crate::tree::Tree;
use crate::upload::MAX_FILE;

/// The port of Thrift compact that clients send to by default.
const DEFAULT_PORT: u16 = 6831;

/// Names of services in a row: a row is not a page.
const MAX_NAMES: usize = 10;

pub(super) fn body(asked: &Asked, params: &Params, found: Result<&Query, &QueryError>) -> Markup {
    let store = asked.store();
    let services = store.services();
    let stats = asked.stats();
    html! {
        h1.hidden { "Traces" }
        (search::form(params, &services, store))
        (tools())
        div.found {
            (losses::line(&stats))
            @match found.map(|query| store.find(query)) {
                Err(error) => p.message { strong { "Cannot search: " } (error.message()) "." },
                Ok(traces) if traces.is_empty() => p.message {
                    @if stats.store.traces_kept == 0 { (nothing_yet(asked.compact_port(), asked.otlp_port())) }
                    @else { "No trace kept here is like that." }
                },
                Ok(traces) => (table(&traces, &services, &stats.store)),
            }
        }
    }
}

/// What the script of the page can do. Hidden until the script is there.
fn tools() -> Markup {
    html! {
        div.tools hidden {
            label { input type="checkbox" data-do="follow" checked; " Show new traces as they come" }
            label { "Open a file of traces " input type="file" multiple accept=".json,.jsonl,application/json" data-max=(MAX_FILE); }
            button type="button" data-do="show" hidden {}
        }
        p.quiet role="status" {}
    }
}

/// What to do for a first trace.
fn nothing_yet(port: u16, otlp: Option<u16>) -> Markup {
    html! {
        "No trace has arrived yet. Spans are taken on UDP port " (port) " of this machine, "
        @if port == DEFAULT_PORT { "where Jaeger clients send them unless told otherwise." }
        @else { "so start the service with " code { "JAEGER_AGENT_PORT=" (port) } "." }
        @if let Some(otlp) = otlp {
            " OpenTelemetry's SDKs are understood on TCP port " (otlp) ", over HTTP: " code { "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" } "."
        }
        " When the service has done something, it is to be seen here."
    }
}

fn table(traces: &[Arc<Trace>], services: &[String], stats: &StoreStats) -> Markup {
    html! {
        table.traces {
            thead { tr { th { "Trace" } th { "Services" } th.number { "Spans" } th.number { "Duration" } th { "Started (UTC)" } } }
            tbody { @for trace in traces { (row(trace, services)) } }
        }
        p.quiet { "Showing " (traces.len()) " of " (stats.traces_kept) " traces kept; " (stats.traces_evicted) " were evicted to stay under the memory limit." }
    }
}

fn row(trace: &Trace, services: &[String]) -> Markup {
    let tree = Tree::of(trace);
    let errors = trace.spans().filter(|span| span.is_error()).count();
    html! {
        tr {
            td {
                a href={ "/trace/" (trace.id()) } {
                    @if let Some(root) = tree.rows().first() {
                        bdi { (text::headline(root.span.service())) } " " strong { (text::headline(&root.span.operation)) }
                    }
                }
                @if errors > 0 { " " span.error { "! " (errors) (if errors == 1 { " error" } else { " errors" }) } }
                div.id { (trace.id()) }
            }
            td { (names(&trace.services(), services, MAX_NAMES)) }
            td.number.spans { (trace.len()) }
            td.number { (text::duration(trace.duration())) }
            td.time { (text::time(trace.start())) }
        }
    }
}
