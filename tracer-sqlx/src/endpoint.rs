//! Where a pool's queries go, as tags say it.

use std::net::IpAddr;
use std::path::Path;

use tracer_core::{SpanKind, SpanTemplate, tags};

use crate::sql::Dialect;

/// The database behind a pool, as its connect options name it. Read once, when the pool is wrapped.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(crate) db_type: &'static str,
    pub(crate) dialect: Dialect,
    instance: Option<Box<str>>,
    user: Option<Box<str>>,
    peer: Option<Peer>,
}

#[derive(Clone, Debug)]
enum Peer {
    Host {
        tag: &'static str,
        host: Box<str>,
        port: u16,
    },
    Socket(Box<str>),
}

impl Endpoint {
    pub(crate) fn new(db_type: &'static str, dialect: Dialect) -> Self {
        Self {
            db_type,
            dialect,
            instance: None,
            user: None,
            peer: None,
        }
    }

    pub(crate) fn instance(mut self, instance: Option<&str>) -> Self {
        self.instance = instance
            .filter(|instance| !instance.is_empty())
            .map(Into::into);
        self
    }

    /// SQLite's file. What a URI says behind its path may be a key.
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(dead_code, reason = "servers have no files")
    )]
    pub(crate) fn file(self, name: &Path) -> Self {
        let name = name.to_str().map(|name| match name.split_once('?') {
            Some((path, _)) if name.starts_with("file:") => path,
            _ => name,
        });
        self.instance(name)
    }

    #[cfg_attr(
        not(any(feature = "any", feature = "mysql", feature = "postgres")),
        expect(dead_code, reason = "SQLite has no users")
    )]
    pub(crate) fn user(mut self, user: &str) -> Self {
        self.user = Some(user).filter(|user| !user.is_empty()).map(Into::into);
        self
    }

    /// A path is that of a socket, as in PostgreSQL's `host=/run/postgresql`.
    #[cfg_attr(
        not(any(feature = "any", feature = "mysql", feature = "postgres")),
        expect(dead_code, reason = "SQLite is in no host")
    )]
    pub(crate) fn peer(mut self, host: &str, port: u16, socket: Option<&Path>) -> Self {
        let socket = socket.or_else(|| host.starts_with('/').then(|| Path::new(host)));
        self.peer = match socket {
            Some(path) => Some(Peer::Socket(path.to_string_lossy().into())),
            None if host.is_empty() => None,
            None => {
                let tag = match host.trim_matches(['[', ']']).parse() {
                    Ok(IpAddr::V4(_)) => tags::PEER_IPV4,
                    Ok(IpAddr::V6(_)) => tags::PEER_IPV6,
                    Err(_) => tags::PEER_HOSTNAME,
                };
                Some(Peer::Host {
                    tag,
                    host: host.trim_matches(['[', ']']).into(),
                    port,
                })
            }
        };
        self
    }

    /// What all spans of queries that go there say.
    pub(crate) fn template(&self) -> SpanTemplate {
        let mut template = SpanTemplate::new()
            .tag(tags::COMPONENT, "sqlx")
            .tag(tags::SPAN_KIND, SpanKind::Client)
            .tag(tags::DB_TYPE, self.db_type);
        if let Some(instance) = &self.instance {
            template = template.tag(tags::DB_INSTANCE, &**instance);
        }
        if let Some(user) = &self.user {
            template = template.tag(tags::DB_USER, &**user);
        }
        match &self.peer {
            Some(Peer::Host { tag, host, port }) => {
                template.tag(tag, &**host).tag(tags::PEER_PORT, *port)
            }
            Some(Peer::Socket(path)) => template.tag(tags::PEER_ADDRESS, &**path),
            None => template,
        }
    }
}

/// A part of a URL without its escapes (`%20`).
#[cfg(any(feature = "any", test))]
pub(crate) fn decoded(part: &str) -> String {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = match behind {
            [high, low, behind @ ..] if *first == b'%' => digit(high)
                .zip(digit(low))
                .and_then(|(high, low)| u8::try_from(high << 4 | low).ok())
                .map(|byte| (byte, behind)),
            _ => None,
        };
        let (byte, behind) = escaped.unwrap_or((*first, behind));
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_escapes_of_a_url_are_decoded() {
        for (part, expected) in [
            ("my%20db", "my db"),
            ("my%40user", "my@user"),
            ("gr%C3%b6%C3%9Fe", "größe"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%+4%zz", "%+4%zz"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decoded(part), expected);
        }
    }

    #[test]
    fn what_a_uri_says_behind_its_file_is_not_told() {
        for (name, expected) in [
            ("file:/tmp/k.db?key=secret", "file:/tmp/k.db"),
            ("file:k.db", "file:k.db"),
            ("why?.db", "why?.db"),
        ] {
            let endpoint = Endpoint::new("sqlite", Dialect::Sqlite).file(Path::new(name));
            assert_eq!(endpoint.instance.as_deref(), Some(expected));
        }
    }
}
