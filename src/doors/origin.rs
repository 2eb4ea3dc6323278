//! Who may call where identity is off: programs, and the pages of this server; not other web pages.
//!
//! Where nobody says who is calling, a web page that somebody opens on the same machine could call as well as a program.
//! Browsers say so: a page of another origin sends `Origin` with whatever is not a plain reading, and `Sec-Fetch-Site` with
//! everything; and a page that comes to the server through a name of its own (DNS rebinding) sends that name as `Host`.
//! A `Content-Type` says nothing: `curl -d` sends a form's.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::uri::{Authority, Uri};

use crate::listen;
use crate::model::failure::{Failure, FailureKind};

/// The hosts and origins from which this server may be called.
#[derive(Debug, Clone)]
pub struct Origins {
    listen: SocketAddr,
    /// The scheme that the listener speaks, and its usual port.
    scheme: (&'static str, u16),
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Origins {
    /// As `server.allowed_hosts` and `server.allowed_origins` say.
    pub fn new(config: &listen::Config) -> Self {
        let lower = |texts: &[String]| texts.iter().map(|text| text.to_ascii_lowercase()).collect();
        Self {
            listen: config.listen,
            scheme: if config.tls.is_some() { ("https", 443) } else { ("http", 80) },
            hosts: lower(&config.allowed_hosts),
            origins: lower(&config.allowed_origins),
        }
    }

    /// Whether an origin is that of a host: scheme, name and port (RFC 6454 section 5).
    fn is_same(&self, origin: &str, host: &Authority) -> bool {
        let Ok(origin) = origin.parse::<Uri>() else { return false };
        let (scheme, usual) = self.scheme;
        let port = |authority: &Authority| authority.port_u16().unwrap_or(usual);
        origin.scheme_str() == Some(scheme)
            && origin
                .authority()
                .is_some_and(|own| own.host().eq_ignore_ascii_case(host.host()) && port(own) == port(host))
    }

    /// Checks what a browser says of the page that calls.
    ///
    /// # Errors
    /// [`FailureKind::CrossOrigin`]
    pub fn check(&self, parts: &Parts) -> Result<(), Failure> {
        let refused = |message| Err(Failure::new(FailureKind::CrossOrigin, message));
        // A target with a host is what counts, and `Host` is then ignored (RFC 9112 section 3.2.2).
        let host = match parts.uri.authority() {
            Some(authority) => Some(authority.clone()),
            None => parts.headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok()),
        };
        if host.as_ref().is_some_and(|host| !self.is_own_host(host.host())) {
            return refused(
                "the `Host` is not a name of this server, and identity is off (`server.allowed_hosts`)",
            );
        }
        match origin(&parts.headers) {
            Ok(None) => {}
            Ok(Some(origin)) if self.origins.iter().any(|allowed| origin.eq_ignore_ascii_case(allowed)) => {
                return Ok(());
            }
            Ok(Some(origin)) if host.as_ref().is_some_and(|host| self.is_same(origin, host)) => {}
            Ok(Some(_)) | Err(()) => {
                return refused(
                    "the call comes from a page of another origin, and identity is off (`server.allowed_origins`)",
                );
            }
        }
        let site = parts.headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
        match site {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) => refused(
                "the call comes from a page of another site, and identity is off (`server.allowed_origins`)",
            ),
        }
    }

    /// An address can only be this server's; a name may be anybody's.
    fn is_own_host(&self, host: &str) -> bool {
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match literal.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(address) => {
                let own = self.listen.ip().to_canonical();
                address.is_loopback() || address == own || own.is_unspecified()
            }
            Err(_) => {
                let name = host.strip_suffix('.').unwrap_or(host);
                // Names below `localhost` are nobody's (RFC 6761 section 6.3); Docker calls its plugins by one.
                let local = name.rsplit('.').next().is_some_and(|top| top.eq_ignore_ascii_case("localhost"));
                local || self.hosts.iter().any(|own| name.eq_ignore_ascii_case(own))
            }
        }
    }
}

/// The `Origin`, if there is one; an error where it is not one text.
fn origin(headers: &HeaderMap) -> Result<Option<&str>, ()> {
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => Ok(None),
        (Some(origin), None) => origin.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&str, &str)]) -> bool {
        let origins = Origins::new(&listen::Config {
            allowed_hosts: vec!["pdp.example".to_owned()],
            allowed_origins: vec!["https://console.example".to_owned()],
            ..listen::Config::default()
        });
        let mut request = http::Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        origins.check(&request.body(()).unwrap().into_parts().0).is_ok()
    }

    #[test]
    fn programs_and_own_pages_may_call() {
        for (headers, expected) in [
            (&[("Host", "localhost:8181")][..], true),
            (&[("Host", "LOCALHOST.")], true),
            (&[("Host", "127.0.0.1:8181")], true),
            (&[("Host", "127.1.2.3")], true),
            (&[("Host", "[::1]:8181")], true),
            (&[("Host", "pdp.example:8181")], true),
            (&[], true),
            (&[("Host", "plugin.moby.localhost")], true),
            (&[("Host", "evil.example")], false),
            (&[("Host", "evillocalhost")], false),
            (&[("Host", "localhost.evil.example")], false),
            (&[("Host", "10.0.0.1")], false),
            (&[("Host", "localhost:8181"), ("Origin", "http://localhost:8181")], true),
            (&[("Host", "localhost"), ("Origin", "http://localhost:80")], true),
            (&[("Host", "localhost:8181"), ("Origin", "https://localhost:8181")], false),
            (&[("Host", "localhost:8181"), ("Origin", "http://localhost:3000")], false),
            (&[("Host", "localhost:8181"), ("Origin", "http://evil.example")], false),
            (&[("Host", "localhost:8181"), ("Origin", "null")], false),
            (&[("Host", "localhost:8181"), ("Origin", "")], false),
            (&[("Host", "localhost:8181"), ("Origin", "http://localhost:8181"), ("Origin", "null")], false),
            (
                &[
                    ("Host", "localhost"),
                    ("Origin", "https://console.example"),
                    ("Sec-Fetch-Site", "cross-site"),
                ],
                true,
            ),
            (&[("Host", "localhost"), ("Sec-Fetch-Site", "cross-site")], false),
            (&[("Host", "localhost"), ("Sec-Fetch-Site", "same-site")], false),
            (&[("Host", "localhost"), ("Sec-Fetch-Site", "same-origin")], true),
            (&[("Host", "localhost"), ("Sec-Fetch-Site", "none")], true),
        ] {
            assert_eq!(check(headers), expected, "{headers:?}");
        }
    }
    #[test]
    fn with_tls_a_page_of_its_own_is_one_of_https() {
        let tls = serde_json::json!({ "cert": "c", "key": "k" });
        let config =
            listen::Config { tls: Some(serde_json::from_value(tls).unwrap()), ..listen::Config::default() };
        for (host, origin, expected) in [
            ("localhost:8181", "https://localhost:8181", true),
            ("localhost", "https://localhost:443", true),
            ("localhost:8181", "http://localhost:8181", false),
            ("localhost", "https://localhost:80", false),
        ] {
            let request = http::Request::builder().header("Host", host).header("Origin", origin);
            let parts = request.body(()).unwrap().into_parts().0;
            assert_eq!(Origins::new(&config).check(&parts).is_ok(), expected, "{origin}");
        }
    }
}
