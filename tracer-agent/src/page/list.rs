//! The page of newest traces.

use std::sync::Arc;

use maud::{Markup, html};

use super::colour;
use crate::model::Trace;
use crate::query::Params;
use crate::stats::StoreStats;
use crate::text;
use crate::tree::Tree;

pub(super) fn body(
    params: &Params,
    services: &[String],
    traces: &[Arc<Trace>],
    stats: &StoreStats,
) -> Markup {
    html! {
        (search(params, services))
        @if traces.is_empty() {
            p.message {
                @if stats.traces_kept == 0 {
                    "No trace has arrived yet. Point a Jaeger client at UDP port 6831 of this machine, or whatever port this agent was given."
                } @else {
                    "No trace kept here is like that."
                }
            }
        } @else {
            table.traces {
                thead { tr { th { "Trace" } th { "Services" } th.number { "Spans" } th.number { "Duration" } th { "Started (UTC)" } } }
                tbody { @for trace in traces { (row(trace, services)) } }
            }
            p.quiet { "Showing " (traces.len()) " of " (stats.traces_kept) " traces kept; " (stats.traces_evicted) " were evicted to stay under the memory limit." }
        }
    }
}

fn search(params: &Params, services: &[String]) -> Markup {
    let value = |name: &'static str| params.get(name).unwrap_or_default().to_owned();
    let chosen = value("service");
    html! {
        form.search method="get" action="/" {
            label { "Service "
                select name="service" {
                    option value="" { "all" }
                    @for service in services {
                        option value=(service) selected[*service == chosen] { (service) }
                    }
                }
            }
            label { "Operation " input name="operation" value=(value("operation")); }
            label { "Tag " input name="tag" placeholder="error:true" value=(value("tag")); }
            label { "At least " input.short name="minDuration" placeholder="10ms" value=(value("minDuration")); }
            button { "Search" }
        }
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
                        (root.span.service()) " " strong { (root.span.operation) }
                    }
                }
                @if errors > 0 { " " span.error { "! " (errors) (if errors == 1 { " error" } else { " errors" }) } }
                div.id { (trace.id()) }
            }
            td {
                @for service in trace.services() {
                    span class={ "service " (colour(services.iter().position(|s| s == service).unwrap_or(0))) } { (service) } " "
                }
            }
            td.number { (trace.len()) }
            td.number { (text::duration(trace.duration())) }
            td.time { (text::time(trace.start())) }
        }
    }
}
