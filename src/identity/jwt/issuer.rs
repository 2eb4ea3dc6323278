//! One configured issuer, ready to judge tokens: what they must look like, and where its keys are.

use std::path::Path;
use std::sync::Arc;

use arc_swap::Guard;
use jsonwebtoken::Algorithm;

use super::jws::{self, Jws};
use super::key_store::{Generation, KeyStore, Source};
use super::mapping::Mapping;
use crate::identity::config::{ConfigError, IssuerConfig};
use crate::identity::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::units::Period;
use crate::net::Endpoint;

/// INVARIANT (one issuer, its own rules): algorithms, audience, types and keys are the issuer's; nothing of them is
/// shared, so a key or an algorithm of one issuer never verifies a token of another.
pub(in crate::identity) struct Issuer {
    pub(in crate::identity) name: String,
    pub(in crate::identity) audience: Vec<String>,
    algorithms: Vec<Algorithm>,
    types: Vec<String>,
    pub(in crate::identity) leeway_nanos: i64,
    pub(in crate::identity) max_age_nanos: i64,
    pub(in crate::identity) mapping: Mapping,
    pub(in crate::identity) keys: Arc<KeyStore>,
}

/// What [`Issuer::from_config`] needs besides the configuration.
pub(in crate::identity) struct Surroundings<'a> {
    pub(in crate::identity) base_dir: &'a Path,
    pub(in crate::identity) store: &'a dyn Fn(Source, Period) -> Result<KeyStore, String>,
}

impl Issuer {
    /// Makes an issuer of an entry of `identity.issuers` in which [`super::check::check`] found nothing; `at` is its
    /// place, e.g. `identity.issuers[1]`.
    ///
    /// # Errors
    /// When its JWKS file cannot be read, or is not one.
    pub(in crate::identity) fn from_config(
        config: &IssuerConfig,
        at: &str,
        around: &Surroundings<'_>,
    ) -> Result<Self, ConfigError> {
        let wrong = |key: &str, message: String| {
            ConfigError::new(format!("{at}{key}"), message, "the keys of the issuer are read at the start")
        };
        let IssuerConfig { issuer, audience, algorithms, jwks_refresh, claims, leeway, types, .. } = config;
        let mapping = Mapping::new(claims).map_err(|problem| wrong(".claims", problem.to_owned()))?;
        let (key, source) = source_from(config, around.base_dir).map_err(|message| wrong("", message))?;
        let keys = (around.store)(source, *jwks_refresh).map_err(|message| wrong(key, message))?;
        Ok(Self {
            name: issuer.clone(),
            audience: audience.clone(),
            algorithms: algorithms.iter().filter_map(|name| jws::algorithm(name)).collect(),
            types: types.iter().map(|name| media_type(name)).collect(),
            leeway_nanos: nanos(*leeway),
            max_age_nanos: nanos(config.jwks_max_age),
            mapping,
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

    /// The keys to verify with at `now`.
    ///
    /// # Errors
    /// [`Refusal::KeysTooOld`] where they were not read again for `jwks_max_age`.
    pub(in crate::identity) fn keys_at(&self, now: Timestamp) -> Result<Guard<Arc<Generation>>, Refusal> {
        self.keys.at(now, self.max_age_nanos)
    }

    /// Whether its keys were read once, but not again for `jwks_max_age`.
    pub(in crate::identity) fn has_old_keys(&self, now: Timestamp) -> bool {
        self.keys.at(now, self.max_age_nanos).is_err()
    }
}

fn nanos(period: Period) -> i64 {
    i64::try_from(period.0.as_nanos()).unwrap_or(i64::MAX)
}

/// RFC 7515 section 4.1.9: `application/` may be left out, and case does not matter.
fn media_type(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower.strip_prefix("application/").map(str::to_owned).unwrap_or(lower)
}

/// The one place where the issuer's keys come from, and the configuration key that says so.
fn source_from(config: &IssuerConfig, base_dir: &Path) -> Result<(&'static str, Source), String> {
    match (&config.jwks_file, &config.jwks_url, &config.jwks) {
        (Some(path), None, None) => Ok((".jwks_file", Source::File(base_dir.join(path)))),
        (None, Some(url), None) => {
            let endpoint = Endpoint::parse(url.expose()).map_err(|error| error.to_string())?;
            Ok((".jwks_url", Source::Url(endpoint)))
        }
        (None, None, Some(text)) => Ok((".jwks", Source::Memory(text.clone()))),
        _ => Err("it needs one source of keys".to_owned()),
    }
}
