//! Parses URLs as Go's `net/url` does, which differs from browsers.

use crate::builtins::encoding::pem::lossy;
use crate::builtins::x509::go_json::object;
use crate::value::Value;

/// A URL in its parts, decoded where Go decodes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    opaque: String,
    has_user: bool,
    /// Host and port.
    pub host: String,
    path: Vec<u8>,
    /// As it came.
    raw_path: String,
    omit_host: bool,
    force_query: bool,
    /// What is after the question mark.
    pub query: String,
    fragment: Vec<u8>,
    raw_fragment: String,
}

/// Takes a URL apart. `None` when it is none.
pub fn parse(text: &str) -> Option<Url> {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return None;
    }
    let mut url = Url::default();
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    url.raw_fragment = fragment.to_owned();
    url.fragment = unescape(fragment)?;
    let (scheme, rest) = scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let rest = if rest.ends_with('?') && rest.matches('?').count() == 1 {
        url.force_query = true;
        rest.trim_end_matches('?')
    } else {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        url.query = query.to_owned();
        rest
    };
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_owned();
            return Some(url);
        }
        // Else it could be taken for a scheme.
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return None;
        }
    }
    let mut path = rest;
    match rest.strip_prefix("//") {
        Some(after) if !url.scheme.is_empty() || !after.starts_with('/') => {
            let end = after.find('/').unwrap_or(after.len());
            let authority;
            (authority, path) = after.split_at_checked(end)?;
            let host = match authority.rsplit_once('@') {
                Some((user, host)) => {
                    let allowed =
                        |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
                    if !user.bytes().all(allowed) {
                        return None;
                    }
                    unescape(user)?;
                    url.has_user = true;
                    host
                }
                None => authority,
            };
            url.host = self::host(host)?;
        }
        _ => url.omit_host = !url.scheme.is_empty() && rest.starts_with('/'),
    }
    url.path = unescape(path)?;
    url.raw_path = path.to_owned();
    Some(url)
}

fn scheme(text: &str) -> Option<(&str, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at > 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            b':' => return None,
            _ => break,
        }
    }
    Some(("", text))
}

fn host(text: &str) -> Option<String> {
    let port = if text.starts_with('[') {
        text.get(text.rfind(']')? + 1..)?
    } else {
        text.rfind(':').and_then(|at| text.get(at..)).unwrap_or_default()
    };
    let is_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte);
    if !is_port || !text.bytes().all(allowed) {
        return None;
    }
    // Of escapes only those of bytes outside of ASCII belong into a host, and that of the percent sign.
    let fitting = |(at, _): (usize, &str)| {
        let escape = text.as_bytes().get(at..at + 3);
        escape.is_some_and(|escape| {
            escape == b"%25" || escape.get(1).is_some_and(|digit| !(b'0'..b'8').contains(digit))
        })
    };
    if !text.match_indices('%').all(fitting) {
        return None;
    }
    let host = unescape(text)?;
    Some(lossy(&host))
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let value = digit()? * 16 + digit()?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// Which bytes of a path are left as they are.
const fn in_path(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'@')
}

const fn in_fragment(byte: u8) -> bool {
    in_path(byte) || matches!(byte, b'?' | b'!' | b'(' | b')' | b'*')
}

fn escape(bytes: &[u8], is_kept: fn(u8) -> bool) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, byte| {
        if is_kept(*byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a `String` does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

impl Url {
    /// The path, escaped: as it came, where that is a way to escape it.
    pub fn escaped_path(&self) -> String {
        let valid = |byte: u8| in_path(byte) || b"!'()*[]%".contains(&byte);
        if self.raw_path == "*" || self.raw_path.bytes().all(valid) {
            self.raw_path.clone()
        } else {
            escape(&self.path, in_path)
        }
    }

    /// As Go's JSON has it.
    pub fn to_value(&self) -> Value {
        let text = |text: &str| Value::from(text);
        let if_other = |raw: &str, usual: String| if raw == usual { text("") } else { text(raw) };
        object([
            ("Scheme", text(&self.scheme)),
            ("Opaque", text(&self.opaque)),
            ("User", if self.has_user { object([]) } else { Value::Null }),
            ("Host", text(&self.host)),
            ("Path", Value::from(lossy(&self.path))),
            ("RawPath", if_other(&self.raw_path, escape(&self.path, in_path))),
            ("OmitHost", Value::Bool(self.omit_host)),
            ("ForceQuery", Value::Bool(self.force_query)),
            ("RawQuery", text(&self.query)),
            ("Fragment", Value::from(lossy(&self.fragment))),
            ("RawFragment", if_other(&self.raw_fragment, escape(&self.fragment, in_fragment))),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_as_go_does() {
        for (text, host, path, query) in [
            ("http://example.org", "example.org", "", ""),
            ("http://u:p@example.org:80/a%20b/c?x=1&y#f", "example.org:80", "/a%20b/c", "x=1&y"),
            ("http://example.org/a b/\u{e9}", "example.org", "/a%20b/%C3%A9", ""),
            ("http://example.org/a!(b)/%2f", "example.org", "/a!(b)/%2f", ""),
            ("/only/path", "", "/only/path", ""),
            ("http://[::1]:8080/", "[::1]:8080", "/", ""),
            ("", "", "", ""),
        ] {
            let url = parse(text).unwrap();
            assert_eq!(
                (url.host.as_str(), url.escaped_path().as_str(), url.query.as_str()),
                (host, path, query)
            );
        }
        let broken = [
            ":a",
            "http://a b/",
            "http://a:x/",
            "http://a/%zz",
            "http://a/\n",
            "a:b/c:d/../\u{7f}",
            "1:b",
            "http://a%41/",
        ];
        for text in broken {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
