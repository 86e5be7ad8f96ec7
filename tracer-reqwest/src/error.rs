//! Errors of reqwest as text. Not by their `Display`, which has the whole URL with its query in it.

use std::error::Error;

/// The sort of an error and what happened.
pub(crate) fn describe(error: &reqwest::Error) -> (&'static str, String) {
    (kind(error), causes(error))
}

/// The sort of an error.
fn kind(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else if error.is_redirect() {
        "redirect"
    } else if error.is_builder() {
        "builder"
    } else if error.is_body() {
        "body"
    } else if error.is_decode() {
        "decode"
    } else {
        "request"
    }
}

/// What happened: the causes of an error, each in its own words.
fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut next = error.source();
    while let Some(cause) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        match cause.downcast_ref::<reqwest::Error>() {
            Some(inner) => text.push_str(kind(inner)),
            None => text.push_str(&cause.to_string()),
        }
        next = cause.source();
    }
    if text.is_empty() {
        kind(error).to_owned()
    } else {
        text
    }
}
