//! Whether a URL is that of a request, by RFC 9449 section 4.3: query and fragment do not count, and both are normalised as RFC 3986
//! sections 6.2.2 and 6.2.3 say.
//!
//! The scheme of the request is not known: Verdict speaks plain HTTP, also where TLS ends in front of it. The client's scheme says
//! which port is meant where none is written.

use std::borrow::Cow;

use http::Uri;
use http::uri::Authority;

/// Whether `htu` is the URL of a request with this authority and path.
pub(super) fn is_of(htu: &str, authority: &str, path: &str) -> bool {
    let (Ok(uri), Ok(ours)) = (htu.parse::<Uri>(), authority.parse::<Authority>()) else { return false };
    let usual = match uri.scheme_str() {
        Some("https") => 443,
        Some("http") => 80,
        _ => return false,
    };
    let Some(theirs) = uri.authority() else { return false };
    let place = |authority: &Authority| {
        let plain = !authority.as_str().contains('@');
        plain.then(|| (authority.host().to_ascii_lowercase(), port(authority, usual)))
    };
    let theirs = place(theirs);
    theirs.is_some() && theirs == place(&ours) && normal(uri.path()) == normal(path)
}

/// The port, `None` where it is not one.
fn port(authority: &Authority, usual: u16) -> Option<u16> {
    match authority.as_str().get(authority.host().len()..).unwrap_or_default() {
        "" | ":" => Some(usual),
        _ => authority.port_u16(),
    }
}

/// A path in which what needs no escape has none, and escapes are in capitals.
fn normal(path: &str) -> Cow<'_, str> {
    if path.is_empty() {
        return Cow::Borrowed("/");
    }
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut parts = path.split('%');
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let escaped = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = escaped.filter(|_| !part.starts_with('+')) else {
            written.push('%');
            written.push_str(part);
            continue;
        };
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => written.push(char::from(byte)),
            false => written.push_str(&format!("%{byte:02X}")),
        }
        written.push_str(part.get(2..).unwrap_or_default());
    }
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_that_of_the_request_or_not() {
        for (htu, authority, path, expected) in [
            ("https://api.example/v1/data/a", "api.example", "/v1/data/a", true),
            ("http://api.example/v1/data/a", "api.example", "/v1/data/a", true),
            ("https://api.example:443/a", "API.example", "/a", true),
            ("HTTPS://Api.Example/a", "api.example:443", "/a", true),
            ("http://api.example:80/a", "api.example", "/a", true),
            ("https://api.example:80/a", "api.example", "/a", false),
            ("https://api.example/a", "api.example:8181", "/a", false),
            ("http://127.0.0.1:8181/a", "127.0.0.1:8181", "/a", true),
            ("http://[::1]:8181/a", "[::1]:8181", "/a", true),
            ("http://[::1]/a", "[::1]", "/a", true),
            ("https://api.example", "api.example", "/", true),
            ("https://api.example/a?x=1#y", "api.example", "/a", true),
            ("https://api.example/%7Ea%2fb", "api.example", "/~a%2Fb", true),
            ("https://api.example/a%2Fb", "api.example", "/a/b", false),
            ("https://api.example/%+1", "api.example", "/%01", false),
            ("https://api.example/A", "api.example", "/a", false),
            ("https://api.example/a/", "api.example", "/a", false),
            ("https://api.example.evil/a", "api.example", "/a", false),
            ("https://api.example@evil/a", "evil", "/a", false),
            ("https://api.example/a", "", "/a", false),
            ("ftp://api.example/a", "api.example", "/a", false),
            ("//api.example/a", "api.example", "/a", false),
            ("/a", "api.example", "/a", false),
            ("", "api.example", "/a", false),
        ] {
            assert_eq!(is_of(htu, authority, path), expected, "{htu} at {authority}{path}");
        }
    }
}
