//! Where a load goes.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};

use http::Uri;

/// An `http://` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    text: String,
    authority: String,
    host: String,
    port: u16,
    target: String,
}

impl Url {
    /// Reads `http://host[:port][/path][?query]`.
    ///
    /// # Errors
    /// Another scheme, a user name, or what is no URL at all; the text says what to do.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            |what: &str| format!("`{text}` {what}; write e.g. `http://127.0.0.1:8181/v1/data/app/allow`");
        let uri: Uri = text.parse().map_err(|error| wrong(&format!("is not a url ({error})")))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(format!(
                    "`{text}`: bench speaks plain http only, as a sidecar does to its neighbour; measure the \
                     listener behind the one that terminates tls"
                ));
            }
            _ => return Err(wrong("does not begin with http://")),
        }
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("carries a user name, which http servers do not see; use --header or --token"));
        }
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host).unwrap_or_default() {
            "" => Some(80),
            port => port.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|port| *port > 0),
        };
        let port =
            port.filter(|_| !host.is_empty()).ok_or_else(|| wrong("names no host and port to connect to"))?;
        Ok(Self {
            text: text.to_owned(),
            authority: authority.as_str().to_owned(),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            target: uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned(),
        })
    }

    /// The path with its query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The value of `Host`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Every address that the host name stands for.
    ///
    /// # Errors
    /// When the name is not known.
    pub fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        let unknown = |why: String| format!("cannot find the address of `{}`: {why}", self.host);
        let found: Vec<_> = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|error| unknown(error.to_string()))?
            .collect();
        if found.is_empty() { Err(unknown("it has none".to_owned())) } else { Ok(found) }
    }

    /// Whether a body sent here has the input as its member `input`.
    pub fn wraps_input(&self) -> bool {
        self.target.starts_with("/v1/data")
    }

    /// Whether a body sent here is the input itself, as OPA has it for `POST /` and below `/v0`.
    pub fn takes_bare_input(&self) -> bool {
        let path = self.target.split('?').next().unwrap_or_default();
        path == "/" || path.starts_with("/v0/")
    }
}

/// The URL as it was given.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_urls_with_a_host() {
        for (text, part) in [
            ("https://h/", "plain http only"),
            ("h:8181", "does not begin with http://"),
            ("localhost", "does not begin with http://"),
            ("ftp://h/", "does not begin with http://"),
            ("http://u:p@h/", "user name"),
            ("http://h:0/", "host and port"),
            ("http://h:99999/", "host and port"),
            ("http://", ""),
            ("", "not a url"),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let six = Url::parse("http://[::1]:8181/v1?x=y").unwrap();
        assert_eq!((six.host.as_str(), six.port, six.target.as_str()), ("::1", 8181, "/v1?x=y"));
        assert_eq!(six.resolve().unwrap()[0].to_string(), "[::1]:8181");
    }
}
