//! `/.well-known/authzen-configuration`: what the server is called and where it is asked, made once.

use serde_json::{Map, Value as Json, json};

use super::config::Config;

/// Where the metadata stand, and before the path of the server's identifier.
pub(super) const PATH: &str = "/.well-known/authzen-configuration";
pub(super) const BELOW: &str = "/.well-known/authzen-configuration/{*path}";
/// ARAP: what is denied can be asked for.
const ACCESS_REQUEST: &str = "urn:openid:authzen:capability:access-request";

/// The document.
#[derive(Debug)]
pub(super) struct Metadata {
    /// The path at which it is, behind [`PATH`]: that of the identifier.
    below: String,
    /// What it says.
    pub(super) document: String,
}

impl Metadata {
    /// That of a server that knows where it is reached; nothing else is an identifier.
    pub(super) fn new(config: &Config) -> Option<Self> {
        let url = config.public_url.as_deref()?;
        let base = url.trim_end_matches('/');
        let below = base.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        let mut members = Map::new();
        let mut add = |name: &str, value: Json| {
            members.insert(name.to_owned(), value);
        };
        add("policy_decision_point", url.into());
        add("access_evaluation_endpoint", format!("{base}/access/v1/evaluation").into());
        add("access_evaluations_endpoint", format!("{base}/access/v1/evaluations").into());
        let search = &config.search;
        for (name, document) in
            [("subject", &search.subjects), ("resource", &search.resources), ("action", &search.actions)]
        {
            if document.is_some() {
                add(&format!("search_{name}_endpoint"), format!("{base}/access/v1/search/{name}").into());
            }
        }
        if let Some(endpoint) = &config.access_request_endpoint {
            add("access_request_endpoint", endpoint.as_str().into());
            add("capabilities", json!([ACCESS_REQUEST]));
        }
        if !config.supported_obligations.is_empty() {
            add("supported_obligations", json!(config.supported_obligations));
        }
        let below = below.map(|(_, path)| format!("/{path}")).unwrap_or_default();
        Some(Self { below, document: Json::Object(members).to_string() })
    }

    /// Whether this is the path of a request for it.
    pub(super) fn stands_at(&self, path: &str) -> bool {
        path.strip_prefix(PATH).is_some_and(|below| below.trim_end_matches('/') == self.below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_stands_where_its_identifier_says() {
        for (url, path, found) in [
            ("https://pdp.example", PATH, true),
            ("https://pdp.example", "/.well-known/authzen-configuration/", true),
            ("https://pdp.example/", PATH, true),
            ("https://pdp.example", "/.well-known/authzen-configuration/a", false),
            ("https://pdp.example/a/b", "/.well-known/authzen-configuration/a/b", true),
            ("https://pdp.example/a/b", PATH, false),
        ] {
            let config = Config { public_url: Some(url.to_owned()), ..Config::default() };
            let metadata = Metadata::new(&config).unwrap();
            assert!(metadata.document.contains(&format!("\"policy_decision_point\":\"{url}\"")), "{url}");
            assert_eq!(metadata.stands_at(path), found, "{url} {path}");
        }
        assert!(Metadata::new(&Config::default()).is_none());
    }
}
