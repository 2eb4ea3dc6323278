//! Paths: segments that every server understands alike, or a refusal.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::query::decoded;

/// What stands in a segment as it is (`pchar` of RFC 3986 section 3.3), without the `;` that some servers cut segments at.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// The decoded segments. A slash at the end means nothing.
///
/// # Errors
/// An empty segment, a dot segment, an encoded slash, backslash or control character, parameters (`;`), percent-encoding that is
/// malformed, is done twice, or is not UTF-8.
pub(in crate::doors) fn segments(path: &str) -> Result<Vec<String>, String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').map(segment).collect()
}

/// The path, written in one way.
pub(super) fn written(segments: &[String]) -> String {
    if segments.is_empty() {
        return "/".to_owned();
    }
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        path.extend(utf8_percent_encode(segment, PLAIN));
    }
    path
}

fn segment(raw: &str) -> Result<String, String> {
    let ambiguous = |what: &str| Err(format!("ambiguous path: {what} in `{raw}`"));
    if raw.is_empty() {
        return Err("ambiguous path: an empty segment (`//`)".to_owned());
    }
    let segment = decoded(raw)?;
    if matches!(segment.as_str(), "." | "..") {
        return ambiguous("a dot segment");
    }
    if segment.contains('/') {
        return ambiguous("an encoded slash");
    }
    if segment.contains('\\') {
        return ambiguous("a backslash, which some servers take for a slash");
    }
    if segment.contains(';') {
        return ambiguous("a `;`, which some servers cut segments at");
    }
    if segment.chars().any(char::is_control) {
        return ambiguous("a control character");
    }
    if is_encoded(&segment) {
        return ambiguous("percent-encoding within percent-encoding");
    }
    Ok(segment)
}

/// Whether decoding once more would change it.
fn is_encoded(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    (0..bytes.len())
        .any(|at| bytes.get(at) == Some(&b'%') && hex(bytes.get(at + 1)) && hex(bytes.get(at + 2)))
}
