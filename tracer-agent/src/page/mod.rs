//! The pages, written on the server: they show everything without scripts, which only add other views of what is there.
//!
//! Everything shown came from the network. [`maud`] escapes all of it, and the policy sent with each page forbids what an
//! escape might miss: scripts but the files served here, inline styles, anything from elsewhere. Colours and depths are
//! classes of one style sheet, bars are SVG with geometry in attributes, since an inline style would be refused by that
//! policy. The scripts never make markup of text.

mod calls;
mod health;
mod list;
mod losses;
mod minimap;
mod search;
mod trace;

use std::io::{self, Write as _};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};

use crate::query::{Asked, Params, QueryError, answer, parse_trace_id};
use crate::stats::Stats;
use crate::text;
use crate::tree::Tree;

const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How many colours the style sheet has for services.
const COLOURS: usize = 10;
/// How many steps of indentation it has.
const DEPTHS: usize = 32;

pub(crate) fn router() -> Router<Asked> {
    Router::new()
        .route("/", get(list_page))
        .route("/calls", get(calls_page))
        .route("/trace", get(go_to_trace))
        .route("/trace/{id}", get(trace_page))
        .route("/style.css", get(style))
        .route("/list.js", get(list_script))
        .route("/trace.js", get(trace_script))
        .route("/favicon.svg", get(icon))
        // Where browsers look beside answers that are no pages.
        .route("/favicon.ico", get(icon))
}

async fn list_page(State(asked): State<Asked>, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref());
    let query = params.query();
    let status = query
        .as_ref()
        .map_or_else(QueryError::status, |_| StatusCode::OK);
    let body = answer::written(move |answer| {
        let body = list::body(&asked, &params, query.as_ref());
        write(answer, "Traces", Some("/list.js"), |out| {
            out.write_all(body.0.as_bytes())
        })
    });
    body.await.map_or_else(
        |error| refusal(&error),
        |body| (status, response(body)).into_response(),
    )
}

async fn calls_page(State(asked): State<Asked>) -> Response {
    let body = answer::written(move |answer| {
        let body = calls::body(&asked);
        write(answer, "Calls between services", None, |out| {
            out.write_all(body.0.as_bytes())
        })
    });
    body.await.map_or_else(|error| refusal(&error), response)
}

/// `?id=`, as the form at the head of each page asks for a trace.
async fn go_to_trace(RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref());
    match parse_trace_id(params.get("id").unwrap_or_default().trim()) {
        Ok(id) => Redirect::to(&format!("/trace/{id}")).into_response(),
        Err(error) => refusal(&error),
    }
}

async fn trace_page(
    State(asked): State<Asked>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let params = Params::parse(query.as_deref());
    let found = || {
        let Path(id) = id?;
        let trace = asked.store().trace(parse_trace_id(&id)?);
        let trace = trace.ok_or_else(|| {
            QueryError::not_found("trace not found: it did not arrive, or was evicted")
        })?;
        Ok((trace, params.first_row()?))
    };
    let (trace, from) = match found() {
        Ok(found) => found,
        Err(error) => return refusal(&error),
    };
    let body = answer::written(move |answer| {
        let services = asked.store().services();
        let tree = Tree::of(&trace);
        let title = match tree.rows().first() {
            Some(row) => format!(
                "{} {}",
                text::headline(row.span.service()),
                text::headline(&row.span.operation)
            ),
            None => format!("Trace {}", trace.id()),
        };
        write(answer, &title, Some("/trace.js"), |out| {
            trace::write(out, &trace, &tree, &services, from)
        })
    });
    body.await.map_or_else(|error| refusal(&error), response)
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("style.css"))
}

async fn list_script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("list.js"))
}

async fn trace_script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("trace.js"))
}

async fn icon() -> Response {
    asset("image/svg+xml", include_str!("icon.svg"))
}

/// The counters.
pub(crate) fn health(stats: &Stats, uptime: Duration) -> Response {
    response(page("Health", None, &health::body(stats, uptime)).into_string())
}

/// Whether who asks is a browser that wants a page, and not a program.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter();
    accepted.any(|kinds| {
        kinds
            .to_str()
            .is_ok_and(|kinds| kinds.contains("text/html"))
    })
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

pub(crate) fn refusal(error: &QueryError) -> Response {
    let title = error.status().canonical_reason().unwrap_or("Refused");
    let body = html! {
        h1 { (title) }
        p.message { (error.message()) }
        p { a href="/" { "All traces" } }
    };
    let mut response = response(page(title, None, &body).into_string());
    *response.status_mut() = error.status();
    response
}

/// Writes a page around a body that is never held whole.
fn write<W: io::Write>(
    out: &mut W,
    title: &str,
    script: Option<&str>,
    body: impl FnOnce(&mut W) -> io::Result<()>,
) -> io::Result<()> {
    const END: &str = "</main>";
    let empty = page(title, script, &Markup::default()).into_string();
    // What is shown is escaped, so there is one.
    let (before, after) = empty.split_once(END).unwrap_or((&empty, ""));
    out.write_all(before.as_bytes())?;
    body(out)?;
    out.write_all(END.as_bytes())?;
    out.write_all(after.as_bytes())
}

fn page(title: &str, script: Option<&str>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " \u{b7} tracer-agent" }
                link rel="icon" href="/favicon.svg";
                link rel="stylesheet" href="/style.css";
                @if let Some(script) = script { script type="module" src=(script) {} }
            }
            body {
                header {
                    a href="/" { "tracer-agent" }
                    a.quiet href="/calls" { "calls" }
                    a.quiet href="/health" { "health" }
                    form method="get" action="/trace" {
                        input name="id" aria-label="Trace id" placeholder="trace id" required;
                        " " button { "Open" }
                    }
                }
                main { (body) }
            }
        }
    }
}

fn response(page: impl Into<Body>) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, page.into()).into_response()
}

/// The names of some of `services`, `most` at the most, in their colours.
fn names(some: &[&str], services: &[String], most: usize) -> Markup {
    html! {
        @for service in some.iter().take(most) {
            span class={ "service " (colour(services, service)) } { (text::headline(service)) } " "
        }
        @if some.len() > most { span.quiet { "and " (some.len() - most) " more" } }
    }
}

/// The colour class of a service: by its place among all that have traces here, so that it is the same on every page.
fn colour(services: &[String], service: &str) -> String {
    let place = services.binary_search_by(|name| name.as_str().cmp(service));
    format!("c{}", place.unwrap_or_default() % COLOURS)
}
