//! `doors.authzen:` in the configuration.

use serde::{Deserialize, Serialize};

/// `doors.authzen:` in the configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The document that decides; the default decision without it.
    pub document: Option<String>,
    /// Whether an entity of a batch item that lacks what it must have takes that from the default of the batch.
    pub merge_defaults: bool,
    /// The documents that list candidates.
    pub search: SearchConfig,
    /// Where PEPs reach the server: the identifier of its metadata.
    pub public_url: Option<String>,
    /// Where a PEP asks for what was denied.
    pub access_request_endpoint: Option<String>,
    /// The types of obligations that policy may give.
    pub supported_obligations: Vec<String>,
}

/// `doors.authzen.search:` in the configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchConfig {
    /// The document that lists subjects.
    pub subjects: Option<String>,
    /// The document that lists resources.
    pub resources: Option<String>,
    /// The document that lists actions.
    pub actions: Option<String>,
}

impl Config {
    /// The documents that it names, with their keys below `doors.authzen`.
    pub fn documents(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let SearchConfig { subjects, resources, actions } = &self.search;
        [
            ("document", &self.document),
            ("search.subjects", subjects),
            ("search.resources", resources),
            ("search.actions", actions),
        ]
        .into_iter()
        .filter_map(|(key, document)| Some((key, document.as_deref()?)))
    }

    /// Checks the URLs.
    ///
    /// # Errors
    /// The key below `doors.authzen`, and what is wrong with it.
    pub fn check(&self) -> Result<(), (String, String)> {
        let urls =
            [("public_url", &self.public_url), ("access_request_endpoint", &self.access_request_endpoint)];
        for (key, url) in urls {
            if let Some(url) = url.as_deref().filter(|url| !is_https(url)) {
                let message = format!("`{url}` is not an https URL without query and fragment");
                return Err((key.to_owned(), message));
            }
        }
        Ok(())
    }
}

/// `https://host[:port][/path]`.
fn is_https(url: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@' | b'"' | b'\\');
    url.strip_prefix("https://")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_servers() {
        for (url, expected) in [
            ("https://pdp.example", true),
            ("https://pdp.example:8443/tenant", true),
            ("http://pdp.example", false),
            ("https://", false),
            ("https:///x", false),
            ("https://u@pdp.example", false),
            ("https://pdp.example/?a", false),
            ("https://pdp.example/#a", false),
            ("https://pdp.example/a b", false),
        ] {
            let config = Config { public_url: Some(url.to_owned()), ..Config::default() };
            assert_eq!(config.check().is_ok(), expected, "{url}");
        }
    }
}
