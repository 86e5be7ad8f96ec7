//! What a tracer says of the process it runs in.

use std::borrow::Cow;
#[cfg(target_os = "linux")]
use std::fs;
use std::net::{IpAddr, UdpSocket};

use crate::id;
use crate::tag::TagValue;

/// The tag by which agents tell the batches of one client from another's.
pub(crate) const CLIENT_UUID: &str = "client-uuid";

/// Draws one.
pub(crate) fn client_uuid() -> TagValue<'static> {
    format!("{:016x}", id::draw()).into()
}

/// The service and process tags that go with every batch of spans.
///
/// ```
/// use tracer_core::{Process, ReportError, Reporter, SpanRecord};
///
/// struct Prints;
///
/// impl Reporter for Prints {
///     fn report(&mut self, process: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
///         let host = process.tags().find(|(key, _)| *key == "hostname");
///         println!("{} spans of {} at {host:?}", batch.len(), process.service_name());
///         Ok(())
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    pub(crate) service_name: Box<str>,
    pub(crate) tags: Vec<(Cow<'static, str>, TagValue<'static>)>,
}

impl Process {
    /// The service's name.
    #[must_use]
    pub fn service_name(&self) -> &str {
        &self.service_name
    }

    /// The process tags, each key once.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &TagValue<'static>)> {
        self.tags.iter().map(|(key, value)| (&**key, value))
    }

    pub(crate) fn set_tag(&mut self, key: &'static str, value: TagValue<'static>) {
        match self.tags.iter_mut().find(|(known, _)| known == key) {
            Some(tag) => tag.1 = value,
            None => self.tags.push((key.into(), value)),
        }
    }
}

/// The user's tags, and those every Jaeger client adds where the user has not set them.
pub(crate) fn with_own_tags(
    mut tags: Vec<(Cow<'static, str>, TagValue<'static>)>,
) -> Vec<(Cow<'static, str>, TagValue<'static>)> {
    let mut add = |key: &'static str, value: TagValue<'static>| {
        if !tags.iter().any(|(known, _)| known == key) {
            tags.push((key.into(), value));
        }
    };
    add(
        "jaeger.version",
        concat!("Rust-", env!("CARGO_PKG_VERSION")).into(),
    );
    if let Some(name) = own_name() {
        add("hostname", name.into());
    }
    if let Some(address) = own_address() {
        add("ip", address.to_string().into());
    }
    add(CLIENT_UUID, client_uuid());
    tags
}

/// The name of this machine, if it tells. Linux does in a file, which spares those who build there three crates.
#[cfg(target_os = "linux")]
fn own_name() -> Option<String> {
    // The second for where no `/proc` is mounted.
    let name = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|file| fs::read(file).ok())?;
    Some(String::from_utf8_lossy(name.trim_ascii()).into_owned())
}

#[cfg(not(target_os = "linux"))]
fn own_name() -> Option<String> {
    Some(hostname::get().ok()?.to_string_lossy().into_owned())
}

/// The address of this machine that routes to others, if it has one. Connecting a UDP socket sends nothing.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // An address reserved for documentation (RFC 5737): only its route matters.
    socket.connect("192.0.2.1:9").ok()?;
    socket
        .local_addr()
        .ok()
        .map(|address| address.ip())
        .filter(|ip| !ip.is_unspecified())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn own_name_is_that_of_the_machine() {
        let said = std::process::Command::new("uname").arg("-n").output();
        let said = String::from_utf8(said.unwrap().stdout).unwrap();
        assert_eq!(own_name().as_deref(), Some(said.trim_end()));
    }
}
