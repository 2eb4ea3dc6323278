//! Queries: names and values of forms (`application/x-www-form-urlencoded`), in their order.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands in a query as it is: the characters that RFC 3986 section 2.3 reserves for nothing.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameters.
///
/// # Errors
/// Percent-encoding that is malformed or not UTF-8, NUL, and `;`, which some servers cut parameters at.
pub(super) fn pairs(query: &str) -> Result<Vec<(String, String)>, String> {
    if query.contains(';') {
        return Err(
            "ambiguous query: a `;`, which some servers cut parameters at, and which is written `%3B`"
                .to_owned(),
        );
    }
    let part = |raw: &str| {
        let text = decoded(&raw.replace('+', " "))?;
        match text.contains('\0') {
            true => Err(format!("ambiguous query: NUL in `{raw}`")),
            false => Ok(text),
        }
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((part(name)?, part(value)?))
        })
        .collect()
}

/// The parameters, written in one way.
pub(in crate::doors) fn written<'a>(pairs: impl Iterator<Item = &'a (String, String)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, PLAIN));
        query.push('=');
        query.extend(utf8_percent_encode(value, PLAIN));
    }
    query
}

/// Undoes percent-encoding, once.
///
/// # Errors
/// It is malformed, or what it makes is not UTF-8.
pub(super) fn decoded(raw: &str) -> Result<String, String> {
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' && !(0..2).all(|_| bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit())) {
            return Err(format!("bad percent-encoding in `{raw}`"));
        }
    }
    let text = percent_decode_str(raw).decode_utf8();
    text.map(String::from).map_err(|_| format!("`{raw}` is not UTF-8 once it is decoded"))
}
