//! The counters, for people; `/api/health` has them for programs.

use std::time::Duration;

use maud::{Markup, html};

use crate::receive::Client;
use crate::stats::{ForwardStats, Messages, Received, Stats, StoreStats};
use crate::text;

pub(super) fn body(stats: &Stats, uptime: Duration) -> Markup {
    html! {
        h1 { "Health" }
        p { "tracer-agent " (env!("CARGO_PKG_VERSION")) ", running for " (text::duration(uptime)) ". " a href="/api/health" { "JSON" } }
        (received(&stats.received))
        (numbers("Spans and traces", &kept(&stats.store)))
        @if let Some(forward) = &stats.forward {
            (numbers(&format!("Forwarding to {}", forward.to), &forwarded(forward)))
        }
        @if !stats.clients.is_empty() { (clients(&stats.clients)) }
    }
}

fn received(received: &Received) -> Markup {
    let row = |name: &str, messages: &Messages| {
        html! {
            tr {
                th scope="row" { (name) }
                td { (messages.ok) }
                td { (messages.refused()) }
                td { (messages.kernel_dropped) }
            }
        }
    };
    html! {
        h2 { "Messages" }
        table.numbers {
            thead { tr { th scope="col" { "Received by" } th.number scope="col" { "Read" } th.number scope="col" { "Could not be read or taken" } th.number scope="col" { "Dropped by the kernel" } } }
            tbody {
                (row("Thrift compact over UDP", &received.compact))
                (row("Thrift binary over UDP", &received.binary))
                (row("Thrift binary over HTTP", &received.http))
                (row("OTLP over HTTP", &received.otlp))
            }
        }
    }
}

fn kept(store: &StoreStats) -> [(&'static str, String); 9] {
    [
        ("Spans received", store.spans_received.to_string()),
        ("Spans kept", store.spans_kept.to_string()),
        (
            "Spans evicted with their traces",
            store.spans_evicted.to_string(),
        ),
        (
            "Spans that had arrived before",
            store.spans_repeated.to_string(),
        ),
        (
            "Spans of traces that are too large",
            store.spans_refused.to_string(),
        ),
        ("Spans that are not valid", store.spans_invalid.to_string()),
        ("Traces kept", store.traces_kept.to_string()),
        ("Traces evicted", store.traces_evicted.to_string()),
        ("Memory for them", memory(store.bytes, store.bytes_limit)),
    ]
}

fn forwarded(forward: &ForwardStats) -> [(&'static str, String); 8] {
    [
        ("Spans to be sent", forward.spans_accepted.to_string()),
        ("Spans sent", forward.spans_sent.to_string()),
        ("Spans waiting", forward.spans_waiting.to_string()),
        (
            "Spans dropped: too many were waiting",
            forward.spans_dropped.to_string(),
        ),
        (
            "Spans the collector refused",
            forward.spans_refused.to_string(),
        ),
        ("Spans left over", forward.spans_unsent.to_string()),
        ("Requests tried again", forward.retries.to_string()),
        (
            "Memory for those waiting",
            memory(forward.bytes, forward.bytes_limit),
        ),
    ]
}

fn memory(bytes: u64, limit: u64) -> String {
    let megabytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!("{:.1} of {:.0} MB", megabytes(bytes), megabytes(limit))
}

fn numbers(title: &str, rows: &[(&str, String)]) -> Markup {
    html! {
        h2 { (title) }
        table.numbers {
            @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } }
        }
    }
}

/// What clients count themselves is what they say, so it may be anything.
fn clients(clients: &[Client]) -> Markup {
    let columns = [
        "Batches",
        "Spans",
        "Batches lost",
        "Repeated",
        "Restarts",
        "Dropped: queue full",
        "too large",
        "not sent",
    ];
    html! {
        h2 { "Clients, as their batches and they themselves tell" }
        div.wide tabindex="0" role="region" aria-label="Clients" { table.numbers {
            thead { tr { th scope="col" { "Client" } @for column in columns { th.number scope="col" { (column) } } } }
            tbody {
                @for client in clients {
                    tr {
                        th scope="row" { bdi { (text::named(&client.key.service)) } " " span.id { (client.key.uuid) } }
                        td { (client.batches) }
                        td { (client.spans) }
                        td { (client.lost_batches) }
                        td { (client.repeated_batches) }
                        td { (client.restarts) }
                        td { (client.stats.full_queue_dropped_spans) }
                        td { (client.stats.too_large_dropped_spans) }
                        td { (client.stats.failed_to_emit_spans) }
                    }
                }
            }
        } }
    }
}
