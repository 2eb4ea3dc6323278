//! What this server protects, as OAuth clients know it: its metadata (RFC 9728), the audience of tokens for it (RFC 8707), and challenges
//! that say where to get one (RFC 6750 section 3, RFC 9728 section 5.1).
//!
//! INVARIANT (nothing new): the metadata say which issuers are trusted and how tokens are presented. Whoever wants to call has to know,
//! and anybody may.

pub mod config;

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use self::config::ResourceConfig;
use super::config::{Config, ConfigError, IssuerConfig};
use super::dpop;
use super::jwt::token_type::TokenType;
use crate::net::Endpoint;

/// Where metadata stand, before the path of the resource (RFC 9728 section 3).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
/// The longest URL, and the longest text of scopes in a challenge, in bytes.
const LONGEST_URL: usize = 512;
const LONGEST_SCOPES: usize = 2048;
/// The most scopes.
const MOST_SCOPES: usize = 256;

/// The resource, ready to be shown.
pub(super) struct Resource {
    /// The path of its URL; empty for none.
    path: String,
    metadata: String,
    /// The parameter of challenges that names the metadata.
    parameter: String,
}

/// What is wrong with `identity.resource`.
pub fn check(config: &ResourceConfig) -> Vec<ConfigError> {
    let mut found = Vec::new();
    if let Err(message) = parts(&config.url) {
        let hint = "write the URL by which clients call, e.g. `https://api.example/mcp`";
        found.push(ConfigError::new("identity.resource.url", message, hint));
    }
    if config.scopes.len() > MOST_SCOPES {
        let message = format!("there are {}; at most {MOST_SCOPES} are allowed", config.scopes.len());
        found.push(ConfigError::new("identity.resource.scopes", message, "remove some"));
    }
    if let Some(scope) = config.scopes.iter().find(|scope| !is_scope(scope)) {
        let message = format!("`{scope}` is no scope (RFC 6749 section 3.3)");
        found.push(ConfigError::new("identity.resource.scopes", message, "write one scope an item"));
    }
    found
}

/// The same configuration, where issuers without audience have the resource as theirs: who names the resource as `resource` gets tokens
/// for it (RFC 8707), and tokens for anybody else are refused.
pub(super) fn with_audience(config: &Config) -> Config {
    let mut config = config.clone();
    let Some(resource) = &config.resource else { return config };
    let own = vec![resource.url.clone()];
    for issuer in config.issuers.iter_mut().filter(|issuer| needs_audience(issuer)) {
        issuer.audience.clone_from(&own);
    }
    if let Some(asked) = config.introspection.as_mut().filter(|asked| asked.audience.is_empty()) {
        asked.audience = own;
    }
    config
}

/// Whether an issuer has no audience and is to have one. Whoever has its secret and its prefix makes tokens for us alone; and the audience
/// of a transaction token is a trust domain.
pub(super) fn needs_audience(issuer: &IssuerConfig) -> bool {
    let for_us_alone = issuer.prefix.is_some() && issuer.has_secret();
    issuer.audience.is_empty() && !for_us_alone && issuer.token_type == TokenType::Access
}

impl Resource {
    /// That of a configuration in which [`check`] found nothing.
    pub(super) fn new(config: &Config) -> Option<Self> {
        let ResourceConfig { url, scopes } = config.resource.as_ref()?;
        let (origin, path) = parts(url).ok()?;
        let mut metadata = Map::new();
        metadata.insert("resource".to_owned(), json!(url));
        let issuers = config.issuers.iter().filter(|issuer| issuer.token_type == TokenType::Access);
        let asked = config.introspection.iter().filter_map(|asked| asked.issuer.as_ref());
        let servers: Vec<&String> =
            issuers.map(|issuer| &issuer.issuer).chain(asked).filter(|name| is_server(name)).collect();
        let lists = [
            ("authorization_servers", json!(servers)),
            ("scopes_supported", json!(scopes)),
            ("bearer_methods_supported", json!(["header"])),
            ("dpop_signing_alg_values_supported", dpop::ALGORITHMS.split(' ').collect()),
        ];
        // A parameter with no values is left out (RFC 9728 section 2).
        let lists =
            lists.into_iter().filter(|(_, list)| list.as_array().is_some_and(|list| !list.is_empty()));
        metadata.extend(lists.map(|(name, list)| (name.to_owned(), list)));
        if config.client_certificates.is_some() || !config.proxies.is_empty() {
            metadata.insert("tls_client_certificate_bound_access_tokens".to_owned(), json!(true));
        }
        let parameter = format!("resource_metadata=\"{origin}{WELL_KNOWN}{path}\"");
        Some(Self { path: path.to_owned(), metadata: Value::Object(metadata).to_string(), parameter })
    }

    /// The metadata at what follows [`WELL_KNOWN`] in a path: the path of the resource, or nothing.
    pub(super) fn metadata_at(&self, rest: &str) -> Option<&str> {
        (rest.is_empty() || rest == "/" || rest == self.path).then_some(self.metadata.as_str())
    }

    /// The parameter of challenges that names the metadata.
    pub(super) fn parameter(&self) -> &str {
        &self.parameter
    }
}

/// A challenge by the scheme `Bearer`, with what of its parameters is known.
pub(super) fn challenge<'s>(
    error: Option<&str>,
    scopes: impl IntoIterator<Item = &'s str>,
    resource: Option<&Resource>,
) -> String {
    let mut text = "Bearer".to_owned();
    let mut between = " ";
    let mut add = |parameter: &str| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{between}{parameter}");
        between = ", ";
    };
    if let Some(error) = error {
        add(&format!("error=\"{error}\""));
    }
    let mut words = String::new();
    for scope in scopes.into_iter().filter(|scope| is_scope(scope)) {
        if words.len() + scope.len() < LONGEST_SCOPES {
            let blank = if words.is_empty() { "" } else { " " };
            let _ = write!(words, "{blank}{scope}");
        }
    }
    if !words.is_empty() {
        add(&format!("scope=\"{words}\""));
    }
    if let Some(resource) = resource {
        add(resource.parameter());
    }
    text
}

/// RFC 6749 section 3.3: what can stand in a quoted text as it is.
fn is_scope(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    !text.is_empty() && text.bytes().all(plain)
}

/// An authorization server is known by a URL (RFC 8414 section 2).
fn is_server(name: &str) -> bool {
    Endpoint::parse(name).is_ok_and(|endpoint| endpoint.is_private() && !endpoint.has_query())
}

/// Origin and path of the URL of a resource, of which the path may be empty.
fn parts(url: &str) -> Result<(&str, &str), String> {
    let endpoint = Endpoint::parse(url).map_err(|error| error.to_string())?;
    if endpoint.has_query() {
        return Err("it has a query, which is part of no resource here".to_owned());
    }
    if !endpoint.is_private() {
        return Err("it is not an https url (RFC 9728 section 1.2)".to_owned());
    }
    let origin = endpoint.origin();
    // Audiences are compared to the letter.
    let path = url.strip_prefix(&origin).filter(|path| path.is_empty() || path.starts_with('/'));
    let Some(path) = path else {
        return Err(format!("it is written in another way than its parts are: begin with `{origin}`"));
    };
    if url.len() > LONGEST_URL || !is_scope(url) {
        return Err("it is too long, or has characters that stand in no url".to_owned());
    }
    let origin = url.get(..origin.len()).unwrap_or_default();
    Ok((origin, if path == "/" { "" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata_url(url: &str) -> String {
        let resource = Some(ResourceConfig { url: url.to_owned(), scopes: Vec::new() });
        let resource = Resource::new(&Config { resource, ..Config::default() });
        resource.map_or_else(|| "none".to_owned(), |resource| resource.parameter)
    }

    #[test]
    fn metadata_stand_before_the_path() {
        for (url, expected) in [
            ("https://api.example", "https://api.example/.well-known/oauth-protected-resource"),
            ("https://api.example/", "https://api.example/.well-known/oauth-protected-resource"),
            ("https://api.example/mcp", "https://api.example/.well-known/oauth-protected-resource/mcp"),
            (
                "https://api.example:8443/a/b/",
                "https://api.example:8443/.well-known/oauth-protected-resource/a/b/",
            ),
            ("http://127.0.0.1:8181", "http://127.0.0.1:8181/.well-known/oauth-protected-resource"),
        ] {
            assert_eq!(metadata_url(url), format!("resource_metadata=\"{expected}\""), "{url}");
        }
        for url in [
            "",
            "api",
            "https://API.example",
            "https://api.example:443",
            "http://api.example",
            "https://api.example?a=b",
            "https://api.example/\"x",
            "https://u@api.example",
            "https://a.example#x",
        ] {
            let config = ResourceConfig { url: url.to_owned(), scopes: Vec::new() };
            assert_eq!((check(&config).len(), metadata_url(url)), (1, "none".to_owned()), "{url}");
        }
    }

    #[test]
    fn certificates_are_said_to_bind_tokens_where_they_are_looked_at() {
        let resource = || Some(ResourceConfig { url: "https://api.example".to_owned(), scopes: Vec::new() });
        let member = "tls_client_certificate_bound_access_tokens";
        for (proxies, expected) in [(Vec::new(), None), (vec!["proxy.example".to_owned()], Some(true))] {
            let config = Config { resource: resource(), proxies, ..Config::default() };
            let metadata: Value = serde_json::from_str(&Resource::new(&config).unwrap().metadata).unwrap();
            assert_eq!(metadata.get(member).and_then(Value::as_bool), expected);
        }
    }

    #[test]
    fn a_challenge_has_what_is_known_and_no_quote_breaks_out_of_it() {
        assert_eq!(challenge(None, [], None), "Bearer");
        let scopes = ["a:b", "x\"y", "", "two words", "c"];
        assert_eq!(
            challenge(Some("insufficient_scope"), scopes, None),
            "Bearer error=\"insufficient_scope\", scope=\"a:b c\""
        );
        let long = "s".repeat(100);
        assert!(challenge(None, std::iter::repeat_n(long.as_str(), 1000), None).len() < LONGEST_SCOPES + 20);
    }
}
