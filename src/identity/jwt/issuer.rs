//! One configured issuer, ready to judge tokens: what they must look like, and where its keys are.

use std::sync::Arc;

use arc_swap::Guard;
use verdict_jose::Algorithm;

use super::claim_path::ClaimPath;
use super::jws::Jws;
use super::key_store::{Generation, KeyStore};
use super::mapping::Mapping;
use super::source::{Around, Source};
use super::token_type::{TRANSACTION, TokenType};
use crate::identity::config::{ConfigError, IssuerConfig};
use crate::identity::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::units::Period;

/// The `typ` of an access token (RFC 9068 section 2.1).
const ACCESS_TOKEN: &str = "at+jwt";

/// INVARIANT (one issuer, its own rules): algorithms, audience, types and keys are the issuer's; nothing of them is
/// shared, so a key or an algorithm of one issuer never verifies a token of another.
pub(in crate::identity) struct Issuer {
    pub(in crate::identity) name: String,
    pub(in crate::identity) prefix: Option<String>,
    pub(in crate::identity) audience: Vec<String>,
    algorithms: Vec<Algorithm>,
    types: Vec<String>,
    pub(in crate::identity) token_type: TokenType,
    pub(in crate::identity) leeway_nanos: i64,
    pub(in crate::identity) max_lifetime_nanos: Option<i64>,
    pub(in crate::identity) max_age_nanos: i64,
    pub(in crate::identity) required_claims: Vec<ClaimPath>,
    pub(in crate::identity) single_use: bool,
    pub(in crate::identity) mapping: Mapping,
    pub(in crate::identity) keys: Arc<KeyStore>,
}

impl Issuer {
    /// Makes an issuer of an entry of `identity.issuers` in which [`super::check::check`] found nothing; `at` is its
    /// place, e.g. `identity.issuers[1]`.
    ///
    /// # Errors
    /// When its keys are to be at hand and cannot be read, or are none.
    pub(in crate::identity) fn from_config(
        config: &IssuerConfig,
        at: &str,
        around: &Around<'_>,
        store: &dyn Fn(Source, Period) -> Result<KeyStore, String>,
    ) -> Result<Self, ConfigError> {
        let wrong = |key: &str, message: String| {
            ConfigError::new(format!("{at}{key}"), message, "the keys of the issuer are read at the start")
        };
        let unreadable = |key: &str, problem: &str| wrong(key, problem.to_owned());
        let algorithms: Vec<Algorithm> =
            config.algorithms.iter().filter_map(|name| Algorithm::by_name(name)).collect();
        let mapping = Mapping::new(&config.claims).map_err(|problem| unreadable(".claims", problem))?;
        let required: Result<Vec<ClaimPath>, &str> =
            config.required_claims.iter().map(|path| ClaimPath::parse(path)).collect();
        let (key, source) =
            Source::from_config(config, &algorithms, around).map_err(|(key, message)| wrong(key, message))?;
        let keys = store(source, config.jwks_refresh).map_err(|message| wrong(key, message))?;
        Ok(Self {
            name: config.issuer.clone(),
            prefix: config.prefix.clone(),
            audience: config.audience.clone(),
            algorithms,
            types: match config.token_type {
                TokenType::Access => config.types.iter().map(|name| media_type(name)).collect(),
                TokenType::Transaction => vec![TRANSACTION.to_owned()],
            },
            token_type: config.token_type,
            leeway_nanos: nanos(config.leeway),
            max_lifetime_nanos: config.max_lifetime.map(nanos),
            max_age_nanos: nanos(config.jwks_max_age),
            required_claims: required.map_err(|problem| unreadable(".required_claims", problem))?,
            single_use: config.single_use,
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

    /// Whether this is one of its types.
    pub(in crate::identity) fn has_type(&self, media_type: &str) -> bool {
        self.types.iter().any(|own| own == media_type)
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

/// Whether a token calls itself an access token of RFC 9068.
pub(in crate::identity) fn is_access_token(jws: &Jws<'_>) -> bool {
    jws.typ.as_deref().is_some_and(|typ| media_type(typ) == ACCESS_TOKEN)
}

pub(in crate::identity) fn nanos(period: Period) -> i64 {
    i64::try_from(period.0.as_nanos()).unwrap_or(i64::MAX)
}

/// RFC 7515 section 4.1.9: `application/` may be left out, and case does not matter.
pub(in crate::identity) fn media_type(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower.strip_prefix("application/").map(str::to_owned).unwrap_or(lower)
}
