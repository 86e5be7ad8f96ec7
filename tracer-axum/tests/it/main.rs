//! What spans axum's requests become, over real sockets.

#![expect(clippy::unwrap_used, reason = "what tests share fails as tests do")]

mod end;
mod extractor;
mod gone;
mod name;
mod nested;
mod option;
mod parent;
mod serve;
mod upgrade;
