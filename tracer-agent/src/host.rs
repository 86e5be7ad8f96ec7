//! Who may ask: requests that name this machine, and no web page of another.
//!
//! A page on the web can give its own host name the address 127.0.0.1 and then read a local server as its own origin
//! (DNS rebinding). The browser still sends the page's name in `Host`, so that is what decides. An `Origin` other than
//! ours is refused too, on every route: what may name this agent, and what it was just called by. An address instead of a name
//! cannot be rebound, but there may be pages on it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header, uri::Authority};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

/// The hosts by which the agent may be called.
#[derive(Debug)]
pub(crate) struct Hosts {
    listen: IpAddr,
    names: Vec<String>,
}

impl Hosts {
    pub(crate) fn new(listen: IpAddr, names: Vec<String>) -> Self {
        Self { listen, names }
    }

    /// Whether a request to `authority`, a host with or without a port, is one to this agent.
    fn allows(&self, authority: &str) -> bool {
        self.is_ours(authority, !self.listen.is_loopback())
    }

    /// Whether a page of that origin may ask, in a request to `host`.
    fn allows_origin(&self, origin: &str, host: &str) -> bool {
        origin
            .split_once("://")
            .is_some_and(|(_, authority)| authority == host || self.is_ours(authority, false))
    }

    /// Whether `authority` names this agent; `by_address` if any address does.
    fn is_ours(&self, authority: &str, by_address: bool) -> bool {
        // User information has no place in `Host`, and hides the host from a careless reader.
        let Some(authority) = authority
            .parse::<Authority>()
            .ok()
            .filter(|a| !a.as_str().contains('@'))
        else {
            return false;
        };
        let host = authority.host();
        match host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>()
        {
            // Whoever listens beyond loopback is called by addresses it may not know, behind a mapped port say.
            Ok(ip) => ip.is_loopback() || by_address,
            Err(_) => {
                host.eq_ignore_ascii_case("localhost")
                    || self
                        .names
                        .iter()
                        .any(|name| host.eq_ignore_ascii_case(name))
            }
        }
    }
}

/// Wraps every route, those not found too.
pub(crate) fn guard(router: Router, hosts: Arc<Hosts>) -> Router {
    router.layer(middleware::from_fn_with_state(hosts, check))
}

async fn check(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    let mut named = request.headers().get_all(header::HOST).iter();
    let host = match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        _ => "",
    };
    // A request line with a full URL overrides `Host`; both have to be ours.
    let line = request
        .uri()
        .authority()
        .is_none_or(|authority| hosts.allows(authority.as_str()));
    if !hosts.allows(host) || !line {
        return refuse(&format!(
            "host {host:?} is not served here: use localhost, or start the agent with --allow-host\n"
        ));
    }
    if let Some(origin) = request.headers().get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        if !hosts.allows_origin(origin, host) {
            return refuse(&format!("requests from {origin:?} are not served\n"));
        }
    }
    next.run(request).await
}

fn refuse(reason: &str) -> Response {
    (StatusCode::FORBIDDEN, reason.to_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn only_names_of_this_machine_pass() {
        let local = Hosts::new(Ipv4Addr::LOCALHOST.into(), vec!["agent.internal".into()]);
        let open = Hosts::new(Ipv4Addr::UNSPECIFIED.into(), vec![]);
        for (host, locally, openly) in [
            ("localhost", true, true),
            ("LocalHost:16686", true, true),
            ("127.0.0.1", true, true),
            ("127.0.0.1:16686", true, true),
            ("[::1]", true, true),
            ("[::1]:16686", true, true),
            ("agent.internal:16686", true, false),
            ("10.1.2.3:16686", false, true),
            ("[fe80::1]:1", false, true),
            ("evil.example", false, false),
            ("localhost.evil.example", false, false),
            ("127.0.0.1.evil.example", false, false),
            ("localhost@evil.example", false, false),
            ("evil.example@localhost", false, false),
            ("localhost:80:80", false, false),
            ("localhost/", false, false),
            ("", false, false),
        ] {
            assert_eq!(
                (local.allows(host), open.allows(host)),
                (locally, openly),
                "{host:?}"
            );
        }
        for (origin, allowed) in [
            ("http://localhost:16686", true),
            ("http://127.0.0.1:3000", true),
            ("http://10.1.2.3:16686", true),
            ("http://10.1.2.3", false),
            ("http://10.1.2.4:16686", false),
            ("https://evil.example", false),
            ("null", false),
            ("", false),
        ] {
            for hosts in [&local, &open] {
                assert_eq!(
                    hosts.allows_origin(origin, "10.1.2.3:16686"),
                    allowed,
                    "{origin:?}"
                );
            }
        }
    }
}
