//! The wrappers against real databases: one suite for all backends, and what only servers can do.
//!
//! PostgreSQL and MariaDB are started on free ports in a temporary directory when the first test needs them, and stopped
//! when the tests end, however they do. `ci/databases` installs them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod backend;
mod driver_log;
mod patterns;
mod server;
