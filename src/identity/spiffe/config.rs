//! What `identity.spiffe` may say in the configuration.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::identity::one_or_many::one_or_many;
use crate::model::units::Period;
use crate::net::UrlText;

/// `identity.spiffe` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpiffeConfig {
    /// The trust domains whose workloads may call.
    pub trust_domains: Vec<TrustDomainConfig>,
    /// What the `aud` of a JWT-SVID must name, one of these; without any, no JWT-SVID is accepted.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// How long a bundle is used that could not be read again since.
    #[serde(default = "default_max_age")]
    pub bundle_max_age: Period,
    /// How far clocks may differ.
    #[serde(default = "default_leeway")]
    pub leeway: Period,
}

/// One entry of `identity.spiffe.trust_domains`. Exactly one of its sources is set, but that a file may begin what a federation
/// goes on with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustDomainConfig {
    /// Its name, e.g. `example.org`.
    pub name: String,
    /// The file of its bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_file: Option<PathBuf>,
    /// The socket of the Workload API that has its bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_api: Option<String>,
    /// The bundle endpoint that has its bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub federation: Option<FederationConfig>,
}

/// `federation` of a trust domain (the SPIFFE Federation standard).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederationConfig {
    /// The bundle endpoint.
    pub endpoint_url: UrlText,
    /// How the endpoint proves what it is.
    pub profile: EndpointProfile,
    /// Who serves the endpoint, where the profile is `https_spiffe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_spiffe_id: Option<String>,
}

/// How a bundle endpoint proves what it is (the SPIFFE Federation standard, section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointProfile {
    /// By a certificate of the web's authorities.
    HttpsWeb,
    /// By an X.509-SVID.
    HttpsSpiffe,
}

impl SpiffeConfig {
    /// With the defaults for all that is not given.
    pub fn new(trust_domains: Vec<TrustDomainConfig>, audience: Vec<String>) -> Self {
        Self { trust_domains, audience, bundle_max_age: default_max_age(), leeway: default_leeway() }
    }
}

/// As `jwks_max_age`: longer than an outage is likely to last, and no longer than a stolen key should be of use.
const fn default_max_age() -> Period {
    Period::secs(24 * 60 * 60)
}

const fn default_leeway() -> Period {
    Period::secs(30)
}
