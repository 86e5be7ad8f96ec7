//! The page of calls between services: what `/api/dependencies` counts, of all traces kept.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::names;
use crate::query::{Asked, dependencies};
use crate::store::Query;

/// Enough for people; the API has all.
const MOST: usize = 1_000;

pub(super) fn body(asked: &Asked) -> Markup {
    let services = asked.store().services();
    let mut calls = dependencies::of(asked.store(), &Query::new(), &services);
    calls.sort_by_key(|call| Reverse(call.call_count));
    html! {
        h1 { "Calls between services" }
        @if calls.is_empty() {
            p.message { "No trace kept here has a call from one service to another." }
        } @else {
            table.numbers {
                thead { tr { th scope="col" { "Caller" } th scope="col" { "Called" } th.number scope="col" { "Calls" } } }
                tbody {
                    @for call in calls.iter().take(MOST) {
                        tr {
                            th scope="row" { (names(&[call.parent], &services, 1)) }
                            th scope="row" { (names(&[call.child], &services, 1)) }
                            td { (call.call_count) }
                        }
                    }
                }
            }
            p.quiet {
                "Counted over the traces kept. "
                @if calls.len() > MOST { "The " (MOST) " most frequent of " (calls.len()) ". " }
                a href="/api/dependencies" { "JSON of the last day" }
            }
        }
    }
}
