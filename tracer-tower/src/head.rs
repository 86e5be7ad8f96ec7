//! Requests and responses without their bodies, as the callbacks of the layers get them.

use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri, Version};

/// A request without its body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'r> {
    /// The method, known or not.
    pub method: &'r Method,
    /// The target: on a server usually path and query alone.
    pub uri: &'r Uri,
    /// The protocol.
    pub version: Version,
    /// The headers.
    pub headers: &'r HeaderMap,
    /// What layers and frameworks have put beside the request.
    pub extensions: &'r Extensions,
}

/// A response without its body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ResponseHead<'r> {
    /// The status.
    pub status: StatusCode,
    /// The protocol.
    pub version: Version,
    /// The headers.
    pub headers: &'r HeaderMap,
    /// What layers and frameworks have put beside the response.
    pub extensions: &'r Extensions,
}

impl<'r> RequestHead<'r> {
    /// A head of parts, for clients whose requests are of another type.
    #[must_use]
    pub fn new(
        method: &'r Method,
        uri: &'r Uri,
        version: Version,
        headers: &'r HeaderMap,
        extensions: &'r Extensions,
    ) -> Self {
        Self {
            method,
            uri,
            version,
            headers,
            extensions,
        }
    }

    /// The head of a request.
    pub fn of<B>(request: &'r Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

impl<'r> ResponseHead<'r> {
    /// The head of a response.
    pub fn of<B>(response: &'r Response<B>) -> Self {
        Self {
            status: response.status(),
            version: response.version(),
            headers: response.headers(),
            extensions: response.extensions(),
        }
    }
}
