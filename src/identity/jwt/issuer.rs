//! One configured issuer, checked and made ready: what its tokens must look like, and where its keys are.

use std::path::Path;
use std::sync::Arc;

use jsonwebtoken::Algorithm;

use super::jws::{self, Jws};
use super::key_store::{KeyStore, Source};
use crate::identity::ConfigError;
use crate::identity::config::{ClaimMapping, IssuerConfig};
use crate::identity::refusal::Refusal;
use crate::model::units::Period;
use crate::net::Endpoint;

const MAX_LEEWAY: Period = Period::secs(300);

/// INVARIANT (one issuer, its own rules): algorithms, audience, types and keys are the issuer's; nothing of them is
/// shared, so a key or an algorithm of one issuer never verifies a token of another.
pub(in crate::identity) struct Issuer {
    pub(in crate::identity) name: String,
    pub(in crate::identity) audience: Vec<String>,
    algorithms: Vec<Algorithm>,
    types: Vec<String>,
    pub(in crate::identity) leeway_nanos: i64,
    pub(in crate::identity) mapping: ClaimMapping,
    pub(in crate::identity) keys: Arc<KeyStore>,
}

/// What [`Issuer::from_config`] needs besides the configuration.
pub(in crate::identity) struct Surroundings<'a> {
    pub(in crate::identity) base_dir: &'a Path,
    pub(in crate::identity) allow_insecure: bool,
    pub(in crate::identity) shortest_refresh: Period,
    pub(in crate::identity) store: &'a dyn Fn(Source, Period) -> Result<KeyStore, String>,
}

impl Issuer {
    /// Checks one entry of `identity.issuers`; `at` is its place, e.g. `identity.issuers[1]`.
    pub(in crate::identity) fn from_config(
        config: &IssuerConfig,
        at: &str,
        around: &Surroundings<'_>,
    ) -> Result<Self, ConfigError> {
        let wrong = |(key, message): (&str, String)| ConfigError::new(format!("{at}{key}"), message);
        check_values(config, around).map_err(wrong)?;
        let IssuerConfig { issuer, audience, algorithms, jwks_refresh, claims, leeway, types, .. } = config;
        let algorithms = algorithms_from(algorithms).map_err(|message| wrong((".algorithms", message)))?;
        let (key, source) = source_from(config, around).map_err(wrong)?;
        let keys = (around.store)(source, *jwks_refresh).map_err(|message| wrong((key, message)))?;
        Ok(Self {
            name: issuer.clone(),
            audience: audience.clone(),
            algorithms,
            types: types.iter().map(|name| media_type(name)).collect(),
            leeway_nanos: i64::try_from(leeway.0.as_nanos()).unwrap_or(i64::MAX),
            mapping: claims.clone(),
            keys: Arc::new(keys),
        })
    }

    /// What the issuer allows of a token's header, its algorithm above all (RFC 8725 sections 3.1 and 3.11).
    pub(in crate::identity) fn check_header(&self, jws: &Jws<'_>) -> Result<(), Refusal> {
        if !self.algorithms.contains(&jws.algorithm) {
            return Err(Refusal::Algorithm);
        }
        match &jws.typ {
            Some(typ) if !self.types.contains(&media_type(typ)) => Err(Refusal::Type),
            _ => Ok(()),
        }
    }
}

/// The key below the issuer's place, with a dot before it, and what is wrong there.
type Wrong = (&'static str, String);

/// What can be judged of each value alone.
fn check_values(config: &IssuerConfig, around: &Surroundings<'_>) -> Result<(), Wrong> {
    let IssuerConfig { issuer, audience, jwks_refresh, claims, leeway, .. } = config;
    if issuer.is_empty() {
        return Err((".issuer", "it is empty; write the exact `iss` of the issuer's tokens".to_owned()));
    }
    if audience.is_empty() && !around.allow_insecure {
        let message = "it is missing: tokens that were issued for any other service would be accepted here; write what `aud` must name";
        return Err((".audience", message.to_owned()));
    }
    if audience.iter().any(String::is_empty) {
        return Err((".audience", "it has an empty text".to_owned()));
    }
    if jwks_refresh.0 < around.shortest_refresh.0 {
        return Err((".jwks_refresh", format!("`{jwks_refresh}` is less than {}", around.shortest_refresh)));
    }
    if leeway.0 > MAX_LEEWAY.0 {
        return Err((".leeway", format!("`{leeway}` is more than {MAX_LEEWAY}")));
    }
    match paths(claims).into_iter().find(|(_, path)| path.is_some_and(str::is_empty)) {
        Some((key, _)) => Err((key, "it is empty; write a path such as `realm_access.roles`".to_owned())),
        None => Ok(()),
    }
}

/// RFC 7515 section 4.1.9: `application/` may be left out, and case does not matter.
fn media_type(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower.strip_prefix("application/").map(str::to_owned).unwrap_or(lower)
}

fn paths(mapping: &ClaimMapping) -> [(&'static str, Option<&str>); 6] {
    let ClaimMapping { id, kind, roles, scopes, permissions, tenant } = mapping;
    [
        (".claims.id", id.as_deref()),
        (".claims.type", kind.as_deref()),
        (".claims.roles", roles.as_deref()),
        (".claims.scopes", scopes.as_deref()),
        (".claims.permissions", permissions.as_deref()),
        (".claims.tenant", tenant.as_deref()),
    ]
}

fn algorithms_from(names: &[String]) -> Result<Vec<Algorithm>, String> {
    let known = || jws::ALGORITHMS.map(|(name, _)| name).join(", ");
    if names.is_empty() {
        return Err(format!("it is empty; name what the issuer signs with, of {}", known()));
    }
    names
        .iter()
        .map(|name| match (jws::algorithm(name), name.to_ascii_uppercase().as_str()) {
            (Some(algorithm), _) => Ok(algorithm),
            (None, upper) if upper.starts_with("HS") => Err(format!(
                "`{name}` is symmetric, so whoever verifies with the key can also sign; use one of {}",
                known()
            )),
            (None, "NONE") => Err(format!("`{name}` is no signature at all; use one of {}", known())),
            (None, _) => Err(format!("`{name}` is not supported; use one of {}", known())),
        })
        .collect()
}

/// The one place where the issuer's keys come from, and the configuration key that says so.
fn source_from(config: &IssuerConfig, around: &Surroundings<'_>) -> Result<(&'static str, Source), Wrong> {
    match (&config.jwks_file, &config.jwks_url, &config.jwks) {
        (Some(path), None, None) => Ok((".jwks_file", Source::File(around.base_dir.join(path)))),
        (None, Some(url), None) => {
            let endpoint = Endpoint::parse(url).map_err(|error| (".jwks_url", error.to_string()))?;
            if !endpoint.is_private() && !around.allow_insecure {
                let message = format!(
                    "`{endpoint}` is not encrypted: whoever is on the way could bring keys of their own; use https"
                );
                return Err((".jwks_url", message));
            }
            Ok((".jwks_url", Source::Url(endpoint)))
        }
        (None, None, Some(text)) => Ok((".jwks", Source::Memory(text.clone()))),
        (None, None, None) => Err(("", "it has no keys; add `jwks_file` or `jwks_url`".to_owned())),
        _ => Err(("", "it has several sources of keys; keep one of `jwks_file` and `jwks_url`".to_owned())),
    }
}
