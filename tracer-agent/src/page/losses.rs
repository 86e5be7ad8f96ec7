//! The line that says what did not become part of a trace, if anything.

use maud::{Markup, html};

use crate::stats::{Messages, Received, Stats};

pub(super) fn line(stats: &Stats) -> Markup {
    let causes = causes(stats);
    html! {
        @if !causes.is_empty() {
            p.message { strong { "Not everything is here: " } (causes.join("; ")) ". " a href="/health" { "Health" } " has the numbers." }
        }
    }
}

fn causes(stats: &Stats) -> Vec<String> {
    let dropped = stats.clients.iter().flat_map(|client| {
        let told = &client.stats;
        [
            told.full_queue_dropped_spans,
            told.too_large_dropped_spans,
            told.failed_to_emit_spans,
        ]
    });
    let lost = stats.clients.iter().map(|client| client.lost_batches);
    let Received {
        compact,
        binary,
        http,
        otlp,
    } = &stats.received;
    let store = &stats.store;
    let forward = stats.forward.as_ref();
    let unforwarded = forward.map(|forward| forward.spans_dropped + forward.spans_refused);
    [
        (
            sum(dropped.filter_map(|spans| u64::try_from(spans).ok())),
            "spans dropped by their services",
        ),
        (sum(lost), "packets that did not arrive"),
        (
            sum([compact, binary, http, otlp].map(Messages::refused)),
            "messages that could not be read or taken",
        ),
        (store.spans_refused, "spans of traces that are too large"),
        (store.spans_invalid, "spans that are not valid"),
        (
            unforwarded.unwrap_or_default(),
            "spans that could not be forwarded",
        ),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{what}: {count}"))
    .collect()
}

/// The numbers of clients are what they say, so they may be anything.
fn sum(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(0, u64::saturating_add)
}
