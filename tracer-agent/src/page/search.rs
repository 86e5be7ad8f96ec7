//! The form of the list page, which asks what the query API would be asked.

use maud::{Markup, html};

use crate::query::Params;
use crate::store::Store;
use crate::text;

/// Names offered for the operation: a browser's list of more is of no use.
const MAX_OFFERED: usize = 500;

/// The form, filled in as it was sent.
pub(super) fn form(params: &Params, services: &[String], store: &Store) -> Markup {
    let value = |name: &'static str| params.get(name).unwrap_or_default();
    html! {
        form.search method="get" action="/" {
            label { "Service "
                (select("service", value("service"), &offered(services)))
            }
            label { "Operation "
                input name="operation" list="operations" placeholder="whole name" value=(value("operation"));
            }
            datalist id="operations" {
                @for name in operations(value("service"), services, store) { option value=(name) {} }
            }
            label { "Tag " input name="tag" placeholder="error:true" value=(value("tag")); }
            label { "At least " input.short name="minDuration" placeholder="10ms" value=(value("minDuration")); }
            label { "At most " input.short name="maxDuration" placeholder="1.5s" value=(value("maxDuration")); }
            label { "Started "
                (select("lookback", value("lookback"), &[("", "at any time"), ("5m", "in the last 5 minutes"), ("1h", "in the last hour"), ("1d", "in the last day")]))
            }
            label { "Show " (select("limit", value("limit"), &[("", "20"), ("100", "100"), ("500", "500"), ("1500", "1500")])) }
            button { "Search" }
        }
    }
}

/// A choice of values and their names. One that is not among them, as of an address typed by hand, is offered too.
fn select(name: &str, chosen: &str, offered: &[(&str, &str)]) -> Markup {
    html! {
        select name=(name) {
            @for (value, shown) in offered {
                option value=(value) selected[*value == chosen] { (shown) }
            }
            @if offered.iter().all(|(value, _)| *value != chosen) {
                option value=(chosen) selected { (chosen) }
            }
        }
    }
}

fn offered(services: &[String]) -> Vec<(&str, &str)> {
    // A service without a name cannot be asked for: a field that is empty asks for all.
    let named = services.iter().filter(|name| !name.is_empty());
    let names = named.map(|name| (name.as_str(), text::named(name)));
    std::iter::once(("", "all")).chain(names).collect()
}

/// The operations of the service chosen, or of all.
fn operations(chosen: &str, services: &[String], store: &Store) -> Vec<String> {
    let of_chosen = services
        .iter()
        .filter(|service| chosen.is_empty() || *service == chosen);
    let mut names: Vec<_> = of_chosen
        .flat_map(|service| store.operations(service))
        .take(MAX_OFFERED)
        .collect();
    names.sort();
    names.dedup();
    names
}
