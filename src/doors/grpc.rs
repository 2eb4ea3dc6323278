//! Calls in gRPC (gRPC over HTTP/2): one message in, one out, on the listeners and within the limits that all doors share.
//!
//! INVARIANT (recorded): what is not a message becomes a failure like any other, which its door records. So messages are taken out of
//! their frames here, where a server of a library would answer by itself.
//!
//! Deliberately absent: compression, which is not offered, and streams from the caller.

use axum::body::Body;
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use prost::Message;
use tonic::Status;

use super::answer;
use crate::model::failure::{Failure, FailureKind};

const GRPC: &str = "application/grpc";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// What stands before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// Why a request is no call at all; there is no status of gRPC for that.
pub(super) fn not_a_call(parts: &Parts) -> Option<Response> {
    let content = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let rest = content.strip_prefix(GRPC);
    if parts.version != Version::HTTP_2 {
        // A page in a browser cannot choose it.
        Some(answer::empty(StatusCode::HTTP_VERSION_NOT_SUPPORTED))
    } else if parts.method != Method::POST {
        Some(answer::empty(StatusCode::METHOD_NOT_ALLOWED))
    } else if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';'])) {
        Some(answer::empty(StatusCode::UNSUPPORTED_MEDIA_TYPE))
    } else {
        None
    }
}

/// The one message of a body.
///
/// # Errors
/// [`FailureKind::InvalidRequest`] where there is none, more than one, or something else.
pub(super) fn message<M: Message + Default>(headers: &HeaderMap, body: &Bytes) -> Result<M, Failure> {
    let malformed = |why: &str| Err(Failure::new(FailureKind::InvalidRequest, format!("the call {why}")));
    if headers.get(GRPC_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return malformed("is compressed, which was not offered");
    }
    let Some((&[compressed, ref length @ ..], bytes)) = body.split_first_chunk::<PREFIX>() else {
        return malformed("has no message");
    };
    if compressed != 0 {
        return malformed("has a compressed message, which was not offered");
    }
    let length = u32::from_be_bytes(*length);
    if usize::try_from(length) != Ok(bytes.len()) {
        return malformed("has a message of another length than it says, or more than one");
    }
    M::decode(bytes).or_else(|error| malformed(&format!("has a message that cannot be read: {error}")))
}

/// An answer of one message.
pub(super) fn answered(message: &impl Message) -> Response {
    let length = message.encoded_len();
    let mut framed = BytesMut::with_capacity(PREFIX + length);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    if message.encode(&mut framed).is_err() {
        return failed(Status::internal("the answer does not serialise"));
    }
    let ok = HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static("0"))]);
    let body = Full::new(framed.freeze()).with_trailers(std::future::ready(Some(Ok(ok))));
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    response
}

/// An answer without a message.
pub(super) fn failed(status: Status) -> Response {
    status.into_http()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The five bytes, and what follows them.
    fn framed(compressed: u8, length: u32, message: &[u8]) -> Bytes {
        let mut framed = BytesMut::new();
        framed.put_u8(compressed);
        framed.put_u32(length);
        framed.put_slice(message);
        framed.freeze()
    }

    #[test]
    fn there_is_one_whole_message_or_a_failure() {
        let good = "text".to_owned().encode_to_vec();
        let read =
            |body: &Bytes| message::<String>(&HeaderMap::new(), body).map_err(|failure| failure.message);
        assert_eq!(read(&framed(0, 6, &good)), Ok("text".to_owned()));
        assert_eq!(read(&framed(0, 0, b"")), Ok(String::new()));
        for (body, why) in [
            (Bytes::new(), "has no message"),
            (Bytes::from_static(&[0, 0, 0, 0]), "has no message"),
            (framed(1, 6, &good), "has a compressed message"),
            (framed(0, 5, &good), "of another length"),
            (framed(0, 7, &good), "of another length"),
            (framed(0, 6, &[&good[..], &framed(0, 6, &good)].concat()), "or more than one"),
            (framed(0, 2, &[10, 5]), "cannot be read"),
            (framed(0, 3, &[10, 1, 0xff]), "cannot be read"),
        ] {
            let wrong = read(&body).unwrap_err();
            assert!(wrong.contains(why), "{body:?}: {wrong}");
        }
        let gzip = HeaderMap::from_iter([(GRPC_ENCODING, HeaderValue::from_static("gzip"))]);
        assert!(message::<String>(&gzip, &framed(0, 6, &good)).is_err());
    }
}
