//! The reporter to a collector: Jaeger's Thrift in the binary protocol, one batch a POST.

use std::io::{ErrorKind, Read as _};
use std::time::Duration;

use ::http::header::{AUTHORIZATION, CONTENT_TYPE};
use ::http::{HeaderValue, Uri, uri};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::error::InitError;
use crate::process::Process;
use crate::record::SpanRecord;
use crate::report::loss::Loss;
use crate::report::packet::Packet;
use crate::report::{LossCause, Losses, MakeReporter, ReportError, Reporter};
use crate::wire::Binary;
use crate::wire::jaeger::Framing;

/// Sends spans to a collector over HTTP: Jaeger's `/api/traces`, which the OpenTelemetry Collector and `tracer-agent` have
/// as well.
///
/// For where no agent is on the machine, and UDP does not pass or is not trusted to. Calls are made by the tracer's
/// reporter thread and take at most the [`timeout`](Self::timeout); a batch that fails is lost and counted, not sent
/// again, for the collector may have it. `https` needs the crate's feature `tls`. Proxies are taken from the usual
/// environment variables.
///
/// ```
/// use tracer_core::HttpReporter;
///
/// let reporter = HttpReporter::to("http://collector:14268/api/traces")?.basic_auth("shop", "secret")?;
/// assert!(HttpReporter::to("collector:14268").is_err());
/// # Ok::<(), tracer_core::InitError>(())
/// ```
#[derive(Debug)]
pub struct HttpReporter {
    agent: ureq::Agent,
    timeout: Duration,
    endpoint: Uri,
    authorization: Option<HeaderValue>,
    packet: Packet<Binary>,
    sequence: u64,
    losses: Losses,
}

const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a batch, unless told otherwise.
const BATCH_LIMIT: usize = 1 << 20;
const SHORTEST: usize = 512;
const LONGEST: usize = 64 << 20;
/// Bytes of a reply that are read. A good one has none; a bad one says why.
const REPLY_LIMIT: u64 = 64 << 10;
/// Bytes of a bad reply that are told on.
const EXCERPT: usize = 200;

impl HttpReporter {
    /// A reporter to the collector at `url`. Without a path, `/api/traces` is meant.
    ///
    /// # Errors
    /// If `url` is not an absolute `http` URL, or `https` with the feature `tls`. Credentials do not belong into it.
    pub fn to(url: impl AsRef<str>) -> Result<Self, InitError> {
        Ok(Self {
            agent: agent(TIMEOUT),
            timeout: TIMEOUT,
            endpoint: endpoint(url.as_ref())?,
            authorization: None,
            packet: Packet::new(Framing::Bare, BATCH_LIMIT),
            sequence: 0,
            losses: Losses::default(),
        })
    }

    /// Identifies by user and password, in place of earlier credentials.
    ///
    /// # Errors
    /// If `user` has a colon, which would end it.
    pub fn basic_auth(self, user: &str, password: &str) -> Result<Self, InitError> {
        if user.contains(':') {
            return Err(InitError::value(
                "the user of the collector",
                user,
                "without a colon",
            ));
        }
        self.authorized(
            "Basic",
            &BASE64_STANDARD.encode(format!("{user}:{password}")),
        )
    }

    /// Identifies by a token, in place of earlier credentials.
    ///
    /// # Errors
    /// If `token` has characters that a header cannot have.
    pub fn bearer_auth(self, token: &str) -> Result<Self, InitError> {
        self.authorized("Bearer", token)
    }

    fn authorized(mut self, scheme: &str, credentials: &str) -> Result<Self, InitError> {
        // The error does not quote the value: it goes to logs.
        let mut value =
            HeaderValue::from_str(&format!("{scheme} {credentials}")).map_err(|_| {
                InitError::new("the collector's token must be visible ASCII characters")
            })?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// Sets how long a call may take as a whole, 5 seconds by default.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tracer_core::HttpReporter;
    /// let near = HttpReporter::to("http://collector:14268")?.timeout(Duration::from_secs(1)).max_batch_size(64 << 10);
    /// # Ok::<(), tracer_core::InitError>(())
    /// ```
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.agent = agent(timeout);
        self.timeout = timeout;
        self
    }

    /// Sets how many bytes a batch may have, within 512 and 64 MiB; 1 MiB by default.
    #[must_use]
    pub fn max_batch_size(mut self, bytes: usize) -> Self {
        self.packet.set_limit(bytes.clamp(SHORTEST, LONGEST));
        self
    }

    /// Sends what the packet holds, if anything.
    fn send(&mut self, loss: &mut Loss) {
        let spans = self.packet.spans();
        if spans == 0 {
            return;
        }
        self.sequence += 1;
        let body = self.packet.close(self.sequence, self.losses);
        let mut request = self
            .agent
            .post(&self.endpoint)
            .header(CONTENT_TYPE, "application/x-thrift");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        match request.send(body) {
            Ok(reply) => {
                let status = reply.status();
                // Read in either case: the connection is used again if nothing is left on it.
                let mut reader = reply.into_body().into_reader().take(REPLY_LIMIT);
                let mut text = Vec::new();
                // What came of it, if it breaks off.
                let _ = reader.read_to_end(&mut text);
                if !status.is_success() {
                    let text = String::from_utf8_lossy(&text[..text.len().min(EXCERPT)]);
                    loss.add(
                        spans,
                        LossCause::Refused,
                        format_args!("{} answered {status}: {text:?}", self.endpoint),
                    );
                }
            }
            Err(error) => {
                let cause = match &error {
                    ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                        LossCause::Refused
                    }
                    _ => LossCause::Io,
                };
                loss.add(
                    spans,
                    cause,
                    format_args!("sending to {} failed: {error}", self.endpoint),
                );
            }
        }
        self.packet.clear();
    }
}

/// No clock could be moved by much longer ones.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

fn agent(timeout: Duration) -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(timeout.min(LONGEST_TIMEOUT)))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("tracer-core/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

fn endpoint(url: &str) -> Result<Uri, InitError> {
    let allowed = "an absolute URL, such as http://collector:14268/api/traces";
    let uri: Uri = url
        .parse()
        .map_err(|_| InitError::url("the collector's URL", url, allowed))?;
    let mut parts = uri.into_parts();
    match parts.scheme.as_ref().map(uri::Scheme::as_str) {
        Some("http") => {}
        Some("https") if cfg!(feature = "tls") => {}
        Some("https") => {
            let allowed = "http, as tracer-core was built without its feature `tls`";
            return Err(InitError::url("the collector's URL", url, allowed));
        }
        _ => return Err(InitError::url("the collector's URL", url, allowed)),
    }
    if parts
        .authority
        .as_ref()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(InitError::new(
            "the collector's URL must be without user and password: they go to `basic_auth`",
        ));
    }
    if parts.authority.as_ref().is_some_and(has_wrong_port) {
        return Err(InitError::url("the collector's URL", url, allowed));
    }
    if parts
        .path_and_query
        .as_ref()
        .is_none_or(|path| path.as_str() == "/")
    {
        parts.path_and_query = Some(uri::PathAndQuery::from_static("/api/traces"));
    }
    Uri::from_parts(parts).map_err(|_| InitError::url("the collector's URL", url, allowed))
}

/// Whether the host is followed by something that is no port.
pub(crate) fn has_wrong_port(authority: &uri::Authority) -> bool {
    let after_host = authority.as_str().rsplit(['@', ']']).next();
    after_host.is_some_and(|text| text.contains(':'))
        && authority.port_u16().is_none_or(|port| port == 0)
}

impl Reporter for HttpReporter {
    fn report(&mut self, process: &Process, batch: &[SpanRecord]) -> Result<(), ReportError> {
        let mut loss = Loss::default();
        if !self.packet.is_for(process) {
            self.send(&mut loss);
            self.packet.begin(process);
        }
        for record in batch {
            if self.packet.push(record) {
                continue;
            }
            self.send(&mut loss);
            if !self.packet.push_cut(record) {
                loss.add(
                    1,
                    LossCause::TooLarge,
                    "a span does not fit into a batch, whatever is cut from it",
                );
            }
        }
        loss.into_result()
    }

    fn flush(&mut self) -> Result<(), ReportError> {
        let mut loss = Loss::default();
        self.send(&mut loss);
        loss.into_result()
    }

    fn losses(&mut self, losses: Losses) {
        self.losses = losses;
    }

    fn for_child(&self) -> Option<MakeReporter> {
        let (timeout, limit) = (self.timeout, self.packet.limit());
        let (endpoint, authorization) = (self.endpoint.clone(), self.authorization.clone());
        Some(Box::new(move || {
            Box::new(Self {
                // Of its own: the connections of this one are the parent's.
                agent: agent(timeout),
                timeout,
                endpoint: endpoint.clone(),
                authorization: authorization.clone(),
                packet: Packet::new(Framing::Bare, limit),
                sequence: 0,
                losses: Losses::default(),
            })
        }))
    }
}

#[cfg(test)]
mod tests;
