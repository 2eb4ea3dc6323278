//! What a caller is told that would do instead (RFC 9110 section 11.6.1).

use std::sync::Arc;

use super::api_key::ApiKeys;
use super::candidate::is_with_dpop;
use super::config::Config;
use super::dpop;
use super::refusal::Refusal;
use super::resource::{Resource, challenge};
use crate::model::presented::Presented;

/// The challenges of one configuration.
pub struct Challenges {
    missing: Arc<[String]>,
    too_narrow: Arc<[String]>,
    resource: Option<Resource>,
}

impl Challenges {
    /// Of a configuration in which nothing is wrong.
    pub(super) fn new(api_keys: &ApiKeys, config: &Config) -> Self {
        let resource = Resource::new(config);
        // There is no registered scheme for keys in headers of their own.
        let key = api_keys.headers().first().filter(|_| api_keys.is_used());
        let key = key.map(|header| format!("ApiKey header=\"{header}\""));
        // What every token must have, as far as one issuer says it for all.
        let scopes =
            || config.introspection.iter().flat_map(|asked| &asked.required_scopes).map(String::as_str);
        let bearer = challenge(None, scopes(), resource.as_ref());
        let too_narrow = challenge(Some("insufficient_scope"), scopes(), resource.as_ref());
        Self {
            missing: std::iter::once(bearer).chain(key).collect(),
            too_narrow: Arc::new([too_narrow]),
            resource,
        }
    }

    /// Where there is no credential: every scheme that would do.
    pub fn missing(&self) -> &Arc<[String]> {
        &self.missing
    }

    /// Where a credential was refused: a call with the scheme `DPoP` is told what was wrong by that scheme alone, and one whose token is good
    /// and lacks a scope, which scopes it needs.
    pub(super) fn refused(&self, presented: &Presented<'_>, refusal: &Refusal) -> Arc<[String]> {
        if matches!(refusal, Refusal::Scope(_)) {
            return Arc::clone(&self.too_narrow);
        }
        let with_scheme = is_with_dpop(presented);
        let others = self.missing.iter().filter(|_| !with_scheme).cloned();
        match dpop::challenge(with_scheme, refusal) {
            Some(challenge) => {
                let more = self.resource.as_ref().map(|resource| format!(", {}", resource.parameter()));
                others.chain([challenge + more.as_deref().unwrap_or_default()]).collect()
            }
            None => Arc::clone(&self.missing),
        }
    }

    /// Where a token does not reach far enough (RFC 6750 section 3.1): all scopes that it needs, where that is known.
    pub fn insufficient_scope<'s>(&self, scopes: impl IntoIterator<Item = &'s str>) -> String {
        challenge(Some("insufficient_scope"), scopes, self.resource.as_ref())
    }

    /// Where there is no token, and one with these scopes is needed.
    pub fn token_with_scope<'s>(&self, scopes: impl IntoIterator<Item = &'s str>) -> String {
        challenge(None, scopes, self.resource.as_ref())
    }

    /// The metadata of what is protected (RFC 9728), at what follows the well-known part of a path.
    pub fn resource_metadata(&self, rest: &str) -> Option<&str> {
        self.resource.as_ref().and_then(|resource| resource.metadata_at(rest))
    }
}
