//! Parses URLs as Go's `net/url` does, which differs from browsers.

use crate::builtins::encoding::pem::lossy;
use crate::builtins::text::print::quote;
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

/// Takes a URL apart.
///
/// # Errors
/// When it is none, in Go's words.
pub fn parse(text: &str) -> Result<Url, String> {
    let fault = |part: &str, why: String| format!("parse {}: {why}", quote(part));
    let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
    let mut url = without_fragment(before).map_err(|why| fault(before, why))?;
    url.raw_fragment = fragment.to_owned();
    url.fragment = unescape(fragment).map_err(|why| fault(text, why))?;
    Ok(url)
}

fn without_fragment(text: &str) -> Result<Url, String> {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let mut url = Url::default();
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
            return Ok(url);
        }
        // Else it could be taken for a scheme.
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let mut path = rest;
    match rest.strip_prefix("//") {
        Some(after) if !url.scheme.is_empty() || !after.starts_with('/') => {
            let end = after.find('/').unwrap_or(after.len());
            let authority;
            (authority, path) = after.split_at_checked(end).unwrap_or((after, ""));
            let host = match authority.rsplit_once('@') {
                Some((user, host)) => {
                    check_user(user)?;
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
    Ok(url)
}

fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at > 0 => return Ok(text.split_once(':').unwrap_or(("", text))),
            b':' => return Err("missing protocol scheme".to_owned()),
            _ => break,
        }
    }
    Ok(("", text))
}

fn check_user(user: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(allowed) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    // Name and password are read apart: an escape does not reach across the colon.
    user.splitn(2, ':').try_for_each(|part| unescape(part).map(drop))
}

/// Host and port, decoded. In brackets stands an IPv6 address, and a colon begins the port: there is only one.
fn host(text: &str) -> Result<String, String> {
    let Some(open) = text.rfind('[') else {
        check_port(text.find(':').and_then(|at| text.get(at..)).unwrap_or_default())?;
        return Ok(lossy(&host_part(text)?));
    };
    let close = text.rfind(']').filter(|close| *close > open).ok_or("missing ']' in host")?;
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    let port = part(close + 1..text.len());
    check_port(port)?;
    let (inside, zone) = match part(open + 1..close) {
        inside if inside.contains("%25") => {
            inside.split_at_checked(inside.find("%25").unwrap_or_default()).unwrap_or((inside, ""))
        }
        inside => (inside, ""),
    };
    let address = lossy(&host_part(inside)?);
    if open != 0 || address.parse::<std::net::Ipv6Addr>().is_err() {
        return Err(format!("invalid host: ParseAddr({}): unable to parse IP", quote(text)));
    }
    Ok(format!("[{address}{}]{port}", lossy(&unescape(zone)?)))
}

fn check_port(port: &str) -> Result<(), String> {
    let valid = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    if valid { Ok(()) } else { Err(format!("invalid port {} after host", quote(port))) }
}

/// Of escapes only those of bytes outside of ASCII belong into a host, and that of the percent sign.
fn host_part(text: &str) -> Result<Vec<u8>, String> {
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "-_.~!$&'()*+,;=:[]<>\"%".contains(c);
    for (at, c) in text.char_indices() {
        let escape = text.as_bytes().get(at..at + 3);
        let escape = escape.and_then(|escape| std::str::from_utf8(escape).ok()).filter(|_| c == '%');
        let is_ascii = |escape: &str| escape.as_bytes().get(1).is_some_and(|digit| *digit < b'8');
        if let Some(escape) = escape.filter(|escape| *escape != "%25" && is_ascii(escape)) {
            unescape(escape)?;
            return Err(format!("invalid URL escape {}", quote(escape)));
        }
        if !allowed(c) {
            return Err(format!("invalid character {} in host name", quote(&c.to_string())));
        }
    }
    unescape(text)
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (digit(0), digit(1)) {
            (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => {
                let escape = lossy(after.get(..2).unwrap_or(after));
                return Err(format!("invalid URL escape {}", quote(&format!("%{escape}"))));
            }
        }
        rest = after.get(2..).unwrap_or_default();
    }
    Ok(bytes)
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

    /// Whether it names a scheme.
    pub const fn has_scheme(&self) -> bool {
        !self.scheme.is_empty()
    }

    /// What `uri.parse` shows: the parts that there are.
    pub fn parts(&self) -> Value {
        let (host, port) = self.host_and_port();
        // The path as it came, where there is another way to write it; else the decoded one.
        let is_usual = self.raw_path == escape(&self.path, in_path);
        let path = lossy(&self.path);
        let raw_path = if is_usual { path.clone() } else { self.raw_path.clone() };
        let parts = [
            ("scheme", self.scheme.clone()),
            ("hostname", host.to_owned()),
            ("port", port.to_owned()),
            ("path", path),
            ("raw_path", raw_path),
            ("raw_query", self.query.clone()),
            ("fragment", lossy(&self.fragment)),
        ];
        let present = parts.into_iter().filter(|(_, part)| !part.is_empty());
        object(present.map(|(name, part)| (name, Value::from(part))))
    }

    /// The host without brackets, and the port.
    fn host_and_port(&self) -> (&str, &str) {
        // A colon within brackets begins no port: what follows it has a bracket.
        let (host, port) = self.host.rsplit_once(':').unwrap_or((&self.host, ""));
        let (host, port) = if port.contains(']') { (self.host.as_str(), "") } else { (host, port) };
        (host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host), port)
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
        for (text, why) in [
            (":a", r#"parse ":a": missing protocol scheme"#),
            ("http://a b/", r#"parse "http://a b/": invalid character " " in host name"#),
            ("http://a:x/", r#"parse "http://a:x/": invalid port ":x" after host"#),
            ("http://a:\u{663}/", "parse \"http://a:\u{663}/\": invalid port \":\u{663}\" after host"),
            ("http://a:1:2/", r#"parse "http://a:1:2/": invalid port ":1:2" after host"#),
            ("http://a/%zz", r#"parse "http://a/%zz": invalid URL escape "%zz""#),
            ("http://a/%z#f", r#"parse "http://a/%z": invalid URL escape "%z""#),
            ("http://a/#%", r#"parse "http://a/#%": invalid URL escape "%""#),
            ("http://a/\n", r#"parse "http://a/\n": net/url: invalid control character in URL"#),
            ("1:b", r#"parse "1:b": first path segment in URL cannot contain colon"#),
            ("http://a%41/", r#"parse "http://a%41/": invalid URL escape "%41""#),
            ("http://a<b@c/", r#"parse "http://a<b@c/": net/url: invalid userinfo"#),
            ("http://u:%4@c/", r#"parse "http://u:%4@c/": invalid URL escape "%4""#),
            ("http://[::1/", r#"parse "http://[::1/": missing ']' in host"#),
        ] {
            assert_eq!(parse(text), Err(why.to_owned()), "{text}");
        }
        assert!(parse("http://[a]/").is_err() && parse("http://x[::1]/").is_err());
    }
}
