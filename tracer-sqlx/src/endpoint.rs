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
