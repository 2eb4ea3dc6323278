//! What `identity:` may say in the configuration. [`super::check`] says whether it holds together.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::delegation::config::Config as DelegationConfig;

use super::api_key::config::ApiKeysConfig;
use super::capability::config::Config as CapabilityConfig;
use super::certificate::config::ClientCertificatesConfig;
pub use super::claim_mapping::ClaimMapping;
pub use super::config_error::{ConfigError, Risk};
use super::introspection::config::IntrospectionConfig;
use super::jwt::token_type::TokenType;
pub use super::one_or_many::one_or_many;
use super::partner::config::PartnerConfig;
use super::resource::config::ResourceConfig;
use super::spiffe::config::SpiffeConfig;
use crate::model::principal::IdentityMode;
use crate::model::units::Period;
use crate::net::UrlText;

/// `identity:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether calls must, may, or need not present a credential.
    pub mode: IdentityMode,
    /// Another mode for a document and all below it, e.g. `{"app/allow": optional}`; the longest path wins.
    pub entrypoints: BTreeMap<String, IdentityMode>,
    /// What is protected, as OAuth clients know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceConfig>,
    /// Who may vouch for callers.
    pub issuers: Vec<IssuerConfig>,
    /// Who mints capability tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<CapabilityConfig>,
    /// Organisations elsewhere whose agents may call.
    pub partners: Vec<PartnerConfig>,
    /// An authorization server that is asked about its tokens (RFC 7662).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection: Option<IntrospectionConfig>,
    /// How certificates of clients are credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificates: Option<ClientCertificatesConfig>,
    /// The subjects of the certificates of proxies, who may pass on their clients' certificates.
    pub proxies: Vec<String>,
    /// The SPIFFE trust domains whose workloads may call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spiffe: Option<SpiffeConfig>,
    /// How agents act for each other.
    pub delegations: DelegationConfig,
    /// A Dockfile whose `auth:` section is part of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dockfile: Option<PathBuf>,
    /// The file with organisations, agents, keys, delegations, roles and revocations.
    #[serde(rename = "static", skip_serializing_if = "Option::is_none")]
    pub static_file: Option<PathBuf>,
    /// Keys of environment variables, and how keys are taken.
    pub api_keys: ApiKeysConfig,
    /// How many verified tokens are kept.
    pub cache_entries: usize,
    /// The longest that a verified token is kept before it is verified again.
    pub cache_ttl: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: IdentityMode::Required,
            entrypoints: BTreeMap::new(),
            resource: None,
            issuers: Vec::new(),
            capabilities: None,
            partners: Vec::new(),
            introspection: None,
            client_certificates: None,
            proxies: Vec::new(),
            spiffe: None,
            delegations: DelegationConfig::default(),
            dockfile: None,
            static_file: None,
            api_keys: ApiKeysConfig::default(),
            cache_entries: 10_000,
            cache_ttl: Period::secs(60),
        }
    }
}

impl Config {
    /// Whether anybody may vouch for callers.
    pub const fn trusts_anybody(&self) -> bool {
        let api_keys = self.static_file.is_some() || self.api_keys.has_variables();
        let partners = !self.partners.is_empty() || self.introspection.is_some();
        let partners = partners || self.knows_certificates() || self.spiffe.is_some();
        !self.issuers.is_empty() || self.capabilities.is_some() || partners || api_keys
    }

    /// Whether certificates of clients are credentials.
    pub const fn knows_certificates(&self) -> bool {
        self.client_certificates.is_some() || self.spiffe.is_some()
    }

    /// What tokens begin with that may stand where API keys do.
    pub(super) fn token_prefixes(&self) -> Vec<String> {
        let asked = self.introspection.iter().map(|asked| &asked.prefix);
        self.issuers.iter().map(|issuer| &issuer.prefix).chain(asked).flatten().cloned().collect()
    }

    /// The files that it names, to be made absolute.
    pub fn key_files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let capabilities = self.capabilities.iter_mut().flat_map(|config| &mut config.keys);
        let files = self.issuers.iter_mut().flat_map(IssuerConfig::files_mut);
        let directory = self.static_file.iter_mut().chain(&mut self.dockfile);
        let files = files.chain(self.partners.iter_mut().filter_map(|partner| partner.jwks_file.as_mut()));
        let domains = self.spiffe.iter_mut().flat_map(|spiffe| &mut spiffe.trust_domains);
        let files = files.chain(domains.filter_map(|domain| domain.bundle_file.as_mut()));
        files.chain(capabilities.filter_map(|key| key.public_key_file.as_mut())).chain(directory)
    }
}

/// One entry of `identity.issuers`. Exactly one of its sources of keys is set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The exact `iss` of its tokens (RFC 7519 section 4.1.1).
    pub issuer: String,
    /// What a token's `aud` must name, one of these (RFC 7519 section 4.1.3).
    #[serde(default, deserialize_with = "one_or_many")]
    pub audience: Vec<String>,
    /// The signature algorithms that its tokens may use, e.g. `[RS256]` (RFC 7518 section 3.1, RFC 8037).
    pub algorithms: Vec<String>,
    /// What its tokens begin with, before the JWT, e.g. `relay_jwt_`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Its keys, as a JWKS file (RFC 7517 section 5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<PathBuf>,
    /// Its keys, as the text of a JWKS held in memory: for the development issuer and for tests, not for a file.
    #[serde(skip)]
    pub jwks: Option<String>,
    /// Its keys, as the URL of a JWKS. The URL may hold a secret, and is shown without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<UrlText>,
    /// Its keys, at the URL that its discovery document names (OpenID Connect Discovery 1.0 section 4, RFC 8414).
    #[serde(default)]
    pub discovery: bool,
    /// Its public keys, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The file of its public keys, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key_file: Option<PathBuf>,
    /// The environment variable that holds its public keys, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key_env: Option<String>,
    /// The environment variable that holds the secret that it shares with Verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
    /// The file of that secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// How often keys are fetched again.
    #[serde(default = "default_refresh")]
    pub jwks_refresh: Period,
    /// How long keys are used that could not be read again since: past it the issuer's tokens are refused.
    #[serde(default = "default_max_age")]
    pub jwks_max_age: Period,
    /// Where the subject's attributes stand in the claims.
    #[serde(default)]
    pub claims: ClaimMapping,
    /// Paths of claims that every token must have, and not as null.
    #[serde(default)]
    pub required_claims: Vec<String>,
    /// How far clocks may differ.
    #[serde(default = "default_leeway")]
    pub leeway: Period,
    /// The longest time from `iat` to `exp`; none is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<Period>,
    /// Whether a token is accepted once only, by its `jti`.
    #[serde(default)]
    pub single_use: bool,
    /// What its tokens are.
    #[serde(default)]
    pub token_type: TokenType,
    /// The header `typ` values that its tokens may have, without `application/`; a token without `typ` is a JWT.
    #[serde(default = "default_types")]
    pub types: Vec<String>,
}

impl Default for IssuerConfig {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: Vec::new(),
            algorithms: Vec::new(),
            prefix: None,
            jwks_file: None,
            jwks: None,
            jwks_url: None,
            discovery: false,
            public_key: None,
            public_key_file: None,
            public_key_env: None,
            secret_env: None,
            secret_file: None,
            jwks_refresh: default_refresh(),
            jwks_max_age: default_max_age(),
            claims: ClaimMapping::default(),
            required_claims: Vec::new(),
            leeway: default_leeway(),
            max_lifetime: None,
            single_use: false,
            token_type: TokenType::Access,
            types: default_types(),
        }
    }
}

impl IssuerConfig {
    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let Self { jwks_file, public_key_file, secret_file, .. } = self;
        [jwks_file, public_key_file, secret_file].into_iter().flatten()
    }

    /// The files that it names, to be made absolute.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Self { jwks_file, public_key_file, secret_file, .. } = self;
        [jwks_file, public_key_file, secret_file].into_iter().flatten()
    }

    /// Whether it shares a secret with Verdict, instead of having a key pair.
    pub const fn has_secret(&self) -> bool {
        self.secret_env.is_some() || self.secret_file.is_some()
    }
}

const fn default_refresh() -> Period {
    Period::secs(300)
}

/// A day: longer than an outage is likely to last, and no longer than a stolen key should be of use.
const fn default_max_age() -> Period {
    Period::secs(24 * 60 * 60)
}

const fn default_leeway() -> Period {
    Period::secs(30)
}

pub(super) fn default_types() -> Vec<String> {
    vec!["JWT".to_owned(), "at+jwt".to_owned()]
}
