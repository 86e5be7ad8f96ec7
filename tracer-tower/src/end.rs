//! The rules of when a response is over. Pure: what the head promised, and what has passed since.
//!
//! "The body returned `None`" is not the rule, for servers do not ask that far: hyper stops polling when the bytes of
//! `Content-Length` have gone out, and never polls a body that HTTP does not allow. A body that is dropped then was not
//! abandoned. Nor are these bytes the rule, for HTTP/2 has trailers and resets after the last of them.

use http::{HeaderMap, Method, StatusCode, header};

use crate::grpc;

/// What is still to come of a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Rest {
    /// Nothing: it is over.
    #[default]
    Nothing,
    /// So many bytes.
    Bytes(u64),
    /// Frames until the body says that it has ended.
    Open,
    /// No more bytes: its word that it has ended, trailers or an error, if anyone asks that far.
    End,
    /// Data and then a frame of trailers, as gRPC has it: they matter even if the body says it has ended.
    Trailers {
        /// It has said so, or the status came without them.
        overdue: bool,
    },
}

/// What the request has to do with the end of its response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    /// HEAD: there is no body, whatever the headers say.
    Head,
    /// CONNECT: after success the connection is a tunnel.
    Tunnel,
    /// POST, which every call of gRPC is.
    Post,
    /// Any other method.
    Body,
}

impl Asked {
    pub(crate) fn by(method: &Method) -> Self {
        match *method {
            Method::HEAD => Self::Head,
            Method::CONNECT => Self::Tunnel,
            Method::POST => Self::Post,
            _ => Self::Body,
        }
    }
}

/// What is known of a body before its first frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyHint {
    pub(crate) is_end_stream: bool,
    pub(crate) exact_size: Option<u64>,
}

impl BodyHint {
    pub(crate) fn of(body: &impl http_body::Body) -> Self {
        Self {
            is_end_stream: body.is_end_stream(),
            exact_size: body.size_hint().exact(),
        }
    }
}

impl Rest {
    /// What is to come after the head of a response.
    pub(crate) fn after_head(
        asked: Asked,
        status: StatusCode,
        headers: &HeaderMap,
        grpc: grpc::Answer,
        body: BodyHint,
    ) -> Self {
        let no_content = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if no_content || asked == Asked::Head || (asked == Asked::Tunnel && status.is_success()) {
            return Self::Nothing;
        }
        if body.is_end_stream {
            return Self::Nothing;
        }
        match grpc {
            grpc::Answer::Other => {}
            grpc::Answer::Open => return Self::Trailers { overdue: false },
            grpc::Answer::Over(_) => return Self::Trailers { overdue: true },
        }
        match body.exact_size.or_else(|| declared_length(headers)) {
            Some(0) => Self::End,
            Some(bytes) => Self::Bytes(bytes),
            None => Self::Open,
        }
    }

    /// What is to come after so many bytes of data; `ended` is what the body says of itself, if it is asked.
    #[inline]
    pub(crate) fn after_data(self, bytes: u64, ended: impl Fn() -> bool) -> Self {
        match self {
            Self::Trailers { overdue } => Self::Trailers {
                overdue: overdue || ended(),
            },
            Self::Nothing => Self::Nothing,
            _ if ended() => Self::Nothing,
            Self::Bytes(rest) if bytes < rest => Self::Bytes(rest - bytes),
            Self::Bytes(_) | Self::End => Self::End,
            Self::Open => Self::Open,
        }
    }

    /// Whether whoever drops the body now gives up what was still to come.
    pub(crate) fn is_missed(self) -> bool {
        match self {
            Self::Nothing | Self::End | Self::Trailers { overdue: true } => false,
            Self::Bytes(_) | Self::Open | Self::Trailers { overdue: false } => true,
        }
    }
}

#[inline(never)]
fn declared_length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: BodyHint = BodyHint {
        is_end_stream: false,
        exact_size: None,
    };
    const KNOWN: BodyHint = BodyHint {
        is_end_stream: false,
        exact_size: Some(5),
    };
    const EMPTY: BodyHint = BodyHint {
        is_end_stream: true,
        exact_size: Some(0),
    };

    #[test]
    fn the_head_says_what_is_to_come() {
        use Asked::{Body, Head, Tunnel};
        use grpc::Answer::{Open, Other, Over};
        // asked, status, content-length, gRPC, body -> rest
        for (asked, status, length, grpc, body, expected) in [
            (Body, 200, None, Other, SOME, Rest::Open),
            (Body, 200, None, Other, KNOWN, Rest::Bytes(5)),
            (Body, 200, Some("7"), Other, SOME, Rest::Bytes(7)),
            (Body, 200, Some("7"), Other, KNOWN, Rest::Bytes(5)),
            (Body, 200, Some("0"), Other, SOME, Rest::End),
            (Body, 200, Some("many"), Other, SOME, Rest::Open),
            (
                Body,
                200,
                Some("99999999999999999999"),
                Other,
                SOME,
                Rest::Open,
            ),
            (Body, 200, None, Other, EMPTY, Rest::Nothing),
            (Head, 200, Some("7"), Other, KNOWN, Rest::Nothing),
            (Head, 500, None, Other, SOME, Rest::Nothing),
            (Body, 101, None, Other, SOME, Rest::Nothing),
            (Body, 204, Some("7"), Other, SOME, Rest::Nothing),
            (Body, 304, Some("7"), Other, KNOWN, Rest::Nothing),
            (Tunnel, 200, None, Other, SOME, Rest::Nothing),
            (Tunnel, 403, Some("7"), Other, SOME, Rest::Bytes(7)),
            (Body, 404, Some("7"), Other, SOME, Rest::Bytes(7)),
            (
                Body,
                200,
                None,
                Open,
                SOME,
                Rest::Trailers { overdue: false },
            ),
            (
                Body,
                200,
                Some("7"),
                Open,
                KNOWN,
                Rest::Trailers { overdue: false },
            ),
            (
                Body,
                200,
                None,
                Over(5),
                SOME,
                Rest::Trailers { overdue: true },
            ),
            (Body, 200, None, Open, EMPTY, Rest::Nothing),
        ] {
            let headers = length.map(|length| (header::CONTENT_LENGTH, length.parse().unwrap()));
            let status = StatusCode::from_u16(status).unwrap();
            let rest = Rest::after_head(asked, status, &HeaderMap::from_iter(headers), grpc, body);
            assert_eq!(
                rest, expected,
                "{asked:?} {status} {length:?} {grpc:?} {body:?}"
            );
        }
    }

    #[test]
    fn data_brings_the_end_nearer() {
        for (before, bytes, ended, expected) in [
            (Rest::Bytes(5), 3, false, Rest::Bytes(2)),
            (Rest::Bytes(5), 5, false, Rest::End),
            (Rest::Bytes(5), 5, true, Rest::Nothing),
            (Rest::Bytes(5), 9, false, Rest::End),
            (Rest::Bytes(5), 3, true, Rest::Nothing),
            (Rest::Open, 3, false, Rest::Open),
            (Rest::Open, 0, true, Rest::Nothing),
            (Rest::End, 3, false, Rest::End),
            (Rest::End, 0, true, Rest::Nothing),
            (
                Rest::Trailers { overdue: false },
                3,
                false,
                Rest::Trailers { overdue: false },
            ),
            (
                Rest::Trailers { overdue: false },
                3,
                true,
                Rest::Trailers { overdue: true },
            ),
            (Rest::Nothing, 3, false, Rest::Nothing),
        ] {
            assert_eq!(
                before.after_data(bytes, || ended),
                expected,
                "{before:?} {bytes} {ended}"
            );
        }
    }

    #[test]
    fn only_what_was_to_come_is_missed() {
        for (rest, expected) in [
            (Rest::Nothing, false),
            (Rest::Bytes(1), true),
            (Rest::Open, true),
            (Rest::End, false),
            (Rest::Trailers { overdue: false }, true),
            (Rest::Trailers { overdue: true }, false),
        ] {
            assert_eq!(rest.is_missed(), expected, "{rest:?}");
        }
    }
}
