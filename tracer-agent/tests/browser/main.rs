//! The pages in a real browser: what their scripts do. `ci/browser` runs it, for it needs a Chromium.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

#[path = "../it/client.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod client;
#[path = "../it/datagram.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod datagram;
mod driver;
mod list;
mod trace;
