//! Where an issuer's keys are, by its own word (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 5).
//!
//! INVARIANT (its own word): a document counts only if its `issuer` is exactly the configured one (RFC 8414 section 3.3), or
//! one issuer could answer for another.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::jwks::MAX_JWKS_BYTES;
use crate::net::{Client, Endpoint};

/// The longest document that is read, in bytes.
const MAX_DOCUMENT_BYTES: usize = 1 << 18;

/// An issuer whose keys are to be discovered.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::identity) struct Discovery {
    issuer: String,
    document: Endpoint,
    /// Whether the keys may come over plain http from another machine.
    allow_plain_http: bool,
}

/// Of all that a document says, what is needed. A member that is there twice is an error.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

impl Discovery {
    /// Of an issuer that is a URL; its document is below `/.well-known/`.
    ///
    /// # Errors
    /// When the issuer is not a URL without query and fragment.
    pub(in crate::identity) fn new(issuer: &str, allow_plain_http: bool) -> Result<Self, String> {
        if issuer.contains('?') {
            return Err("it has a query, which an issuer with a discovery document may not have".to_owned());
        }
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let document = Endpoint::parse(&format!("{base}/.well-known/openid-configuration"))
            .map_err(|error| error.to_string())?;
        Ok(Self { issuer: issuer.to_owned(), document, allow_plain_http })
    }

    pub(in crate::identity) const fn document(&self) -> &Endpoint {
        &self.document
    }

    /// The JWKS that the document names: both are fetched anew, within `timeout` together.
    ///
    /// # Errors
    /// Why there is none. The text shows of the answers what may be shown.
    pub(in crate::identity) async fn fetch(
        &self,
        client: &Client,
        timeout: Duration,
    ) -> Result<Vec<u8>, String> {
        let start = Instant::now();
        let document = client.get_limited(&self.document, MAX_DOCUMENT_BYTES, timeout).await;
        let document = document.map_err(|error| format!("the discovery document: {error}"))?;
        let keys = self.keys_of(&document).map_err(|error| format!("the discovery document: {error}"))?;
        let left = timeout.saturating_sub(start.elapsed());
        let jwks = client.get_limited(&keys, MAX_JWKS_BYTES, left).await;
        jwks.map_err(|error| format!("the keys at `{keys}`: {error}"))
    }

    /// The `jwks_uri` of a document.
    fn keys_of(&self, document: &[u8]) -> Result<Endpoint, String> {
        let Document { issuer, jwks_uri } = serde_json::from_slice(document).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("it is no json object with `issuer` and `jwks_uri`: line {line}, column {column}")
        })?;
        if issuer != self.issuer {
            return Err(format!("its `issuer` is not exactly `{}`", self.issuer));
        }
        let keys = Endpoint::parse(&jwks_uri).map_err(|error| format!("its `jwks_uri`: {error}"))?;
        if !keys.is_private() && !self.allow_plain_http {
            return Err(format!(
                "its `jwks_uri` `{keys}` is plain http: whoever is on the way could bring keys"
            ));
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_below_the_issuer() {
        for (issuer, expected) in [
            ("https://idp.example", Ok("https://idp.example/.well-known/openid-configuration")),
            ("https://idp.example/", Ok("https://idp.example/.well-known/openid-configuration")),
            (
                "https://idp.example/realms/a",
                Ok("https://idp.example/realms/a/.well-known/openid-configuration"),
            ),
            ("https://idp.example/a?b", Err("it has a query")),
            ("https://idp.example/a#b", Err("is not usable")),
            ("relay", Err("is not usable")),
        ] {
            match (Discovery::new(issuer, false), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.document().to_string(), expected),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
                (found, _) => panic!("{issuer}: {:?}", found.map(|found| found.document)),
            }
        }
    }

    #[test]
    fn a_document_names_keys_for_its_own_issuer_alone() {
        let issuer = "https://idp.example";
        for (document, allow_plain_http, expected) in [
            (
                r#"{"issuer":"https://idp.example","jwks_uri":"https://keys.example/k","x":1}"#,
                false,
                Ok("https://keys.example/k"),
            ),
            (
                r#"{"issuer":"https://idp.example/","jwks_uri":"https://keys.example/k"}"#,
                false,
                Err("is not exactly"),
            ),
            (
                r#"{"issuer":"https://IDP.example","jwks_uri":"https://keys.example/k"}"#,
                false,
                Err("is not exactly"),
            ),
            (
                r#"{"issuer":"https://idp.example","issuer":"https://idp.example","jwks_uri":"https://keys.example/k"}"#,
                false,
                Err("it is no json object"),
            ),
            (
                r#"{"issuer":["https://idp.example"],"jwks_uri":"https://keys.example/k"}"#,
                false,
                Err("it is no json object"),
            ),
            (r#"{"issuer":"https://idp.example"}"#, false, Err("it is no json object")),
            ("<html>", false, Err("it is no json object")),
            (
                r#"{"issuer":"https://idp.example","jwks_uri":"http://keys.example/k"}"#,
                false,
                Err("plain http"),
            ),
            (
                r#"{"issuer":"https://idp.example","jwks_uri":"http://keys.example/k"}"#,
                true,
                Ok("http://keys.example/k"),
            ),
            (
                r#"{"issuer":"https://idp.example","jwks_uri":"http://127.0.0.1:9/k"}"#,
                false,
                Ok("http://127.0.0.1:9/k"),
            ),
            (
                r#"{"issuer":"https://idp.example","jwks_uri":"file:///etc/passwd"}"#,
                false,
                Err("only http and https"),
            ),
            (r#"{"issuer":"https://idp.example","jwks_uri":"/k"}"#, false, Err("not an absolute url")),
        ] {
            let found = Discovery::new(issuer, allow_plain_http).unwrap().keys_of(document.as_bytes());
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.to_string(), expected),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
                (found, _) => panic!("{document}: {found:?}"),
            }
        }
    }
}
