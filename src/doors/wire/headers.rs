//! Headers: what may stand once stands once, and nothing in them has an upstream see another request than the one that is decided.

use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName};

/// The most headers that are looked at.
const MAX_HEADERS: usize = 256;

/// What has one value, or means nothing.
const SINGLE: [HeaderName; 5] = [HOST, AUTHORIZATION, PROXY_AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE];

/// By these, services take a request for another one: another method, another target.
const OVERRIDES: [HeaderName; 5] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];

/// Looks at all headers of a described request.
///
/// # Errors
/// What is ambiguous in them. Values are never shown.
pub(super) fn check(headers: &HeaderMap) -> Result<(), String> {
    if headers.len() > MAX_HEADERS {
        return Err(format!("the request has more than {MAX_HEADERS} headers"));
    }
    if let Some(twice) = SINGLE.iter().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        return Err(format!("ambiguous request: it has more than one `{twice}` header"));
    }
    if headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING) {
        return Err("ambiguous request: it has both `content-length` and `transfer-encoding`".to_owned());
    }
    if let Some(other) = OVERRIDES.iter().find(|name| headers.contains_key(*name)) {
        return Err(format!("ambiguous request: by `{other}`, a service may take it for another one"));
    }
    for (name, value) in headers {
        if std::str::from_utf8(value.as_bytes()).is_err() {
            return Err(format!("the header `{name}` is not UTF-8"));
        }
        if value.as_bytes().iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(format!("ambiguous request: a control character in the header `{name}`"));
        }
        // CGI and its heirs (RFC 3875 section 4.1.18) know no difference.
        if name.as_str().contains('_') {
            let dashed = name.as_str().replace('_', "-");
            if headers.contains_key(&dashed) {
                return Err(format!("ambiguous request: it has both `{name}` and `{dashed}`"));
            }
        }
    }
    Ok(())
}

/// The `Host` header, where there is one.
///
/// # Errors
/// It is not ASCII.
pub(super) fn host(headers: &HeaderMap) -> Result<Option<&str>, String> {
    let text = headers.get(HOST).map(|value| value.to_str());
    text.transpose().map_err(|_| "ambiguous host: it is not ASCII".to_owned())
}
