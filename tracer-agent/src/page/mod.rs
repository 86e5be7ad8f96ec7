//! The pages, written on the server: they work without scripts, and no script may run in them.
//!
//! Everything shown came from the network. [`maud`] escapes all of it, and the policy sent with each page forbids what an
//! escape might miss: scripts, inline styles, anything from elsewhere. Colours and depths are classes of one style
//! sheet, bars are SVG with geometry in attributes, since an inline style would be refused by that policy.

mod list;
mod trace;

use std::io::{self, Write as _};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};

use crate::query::Params;
use crate::query::{Asked, QueryError, answer, parse_trace_id};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How many colours the style sheet has for services.
const COLOURS: usize = 10;
/// How many steps of indentation it has.
const DEPTHS: usize = 32;

pub(crate) fn router() -> Router<Asked> {
    Router::new()
        .route("/", get(list_page))
        .route("/trace/{id}", get(trace_page))
        .route("/style.css", get(style))
        .route("/favicon.svg", get(icon))
}

async fn list_page(State(asked): State<Asked>, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref());
    let query = match params.query() {
        Ok(query) => query,
        Err(error) => return refusal(&error),
    };
    let body = answer::written(move |answer| {
        let traces = asked.store().find(&query);
        let body = list::body(
            &params,
            &asked.store().services(),
            &traces,
            &asked.stats().store,
        );
        write(answer, "Traces", |out| out.write_all(body.0.as_bytes()))
    });
    body.await.map_or_else(|error| refusal(&error), response)
}

async fn trace_page(State(asked): State<Asked>, Path(id): Path<String>) -> Response {
    let trace = parse_trace_id(&id).and_then(|id| {
        asked.store().trace(id).ok_or_else(|| {
            QueryError::not_found("trace not found: it did not arrive, or was evicted")
        })
    });
    let trace = match trace {
        Ok(trace) => trace,
        Err(error) => return refusal(&error),
    };
    let body = answer::written(move |answer| {
        let title = format!("Trace {}", trace.id());
        write(answer, &title, |out| trace::write(out, &trace))
    });
    body.await.map_or_else(|error| refusal(&error), response)
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("style.css"))
}

async fn icon() -> Response {
    asset("image/svg+xml", include_str!("icon.svg"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

fn refusal(error: &QueryError) -> Response {
    let body = html! {
        p.message { (error.message()) }
        p { a href="/" { "All traces" } }
    };
    let title = error.status().canonical_reason().unwrap_or("Refused");
    let mut response = response(page(title, &body).into_string());
    *response.status_mut() = error.status();
    response
}

/// Writes a page around a body that is never held whole.
fn write<W: io::Write>(
    out: &mut W,
    title: &str,
    body: impl FnOnce(&mut W) -> io::Result<()>,
) -> io::Result<()> {
    const END: &str = "</main>";
    let empty = page(title, &Markup::default()).into_string();
    // What is shown is escaped, so there is one.
    let (before, after) = empty.split_once(END).unwrap_or((&empty, ""));
    out.write_all(before.as_bytes())?;
    body(out)?;
    out.write_all(END.as_bytes())?;
    out.write_all(after.as_bytes())
}

fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " \u{b7} tracer-agent" }
                link rel="icon" href="/favicon.svg";
                link rel="stylesheet" href="/style.css";
            }
            body {
                header { a href="/" { "tracer-agent" } a.quiet href="/health" { "health" } }
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

/// The colour class of the `n`th service.
fn colour(n: usize) -> String {
    format!("c{}", n % COLOURS)
}
