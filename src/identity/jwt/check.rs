//! Whether `identity.issuers` holds together: the one check, for the loader of the configuration (which adds file and line)
//! and for [`crate::identity::Authenticator::new`].

mod algorithms;
mod claims;
mod entry;
mod source;

use self::entry::Entry;
use super::issuer::media_type;
use super::token_type::{TokenType, other_purpose};
use crate::identity::capability;
use crate::identity::config::{ClaimMapping, Config, ConfigError, IssuerConfig, Risk, default_types};
use crate::model::units::Period;
use crate::registry::issue::ASSERTION;

/// The most by which clocks may be allowed to differ; more would keep expired tokens alive.
const MAX_LEEWAY: Period = Period::secs(300);
/// The longest prefix, in bytes.
const MAX_PREFIX: usize = 64;

/// Everything that is wrong with the issuers, in their order; `shortest_refresh` is what fetches are kept apart by.
///
/// Does not read files or the environment, and fetches nothing.
pub fn check(config: &Config, shortest_refresh: Period) -> Vec<ConfigError> {
    let mut found = Vec::new();
    for (index, issuer) in config.issuers.iter().enumerate() {
        let mut entry = Entry { at: format!("identity.issuers[{index}]"), found: &mut found };
        let before = config.issuers.get(..index).unwrap_or_default();
        if let Some(first) = before.iter().position(|other| other.issuer == issuer.issuer) {
            entry.wrong(
                ".issuer",
                format!("duplicate issuer `{}`, the same as identity.issuers[{first}]", issuer.issuer),
                "one entry can have several audiences, and several keys in its JWKS",
            );
        }
        values(&mut entry, issuer, config.resource.is_some());
        token_type(&mut entry, issuer);
        prefix(&mut entry, issuer, before);
        algorithms::check(&mut entry, issuer);
        source::check(&mut entry, issuer);
        periods(&mut entry, issuer, shortest_refresh);
        claims::check(&mut entry, issuer);
    }
    found
}

/// What is wrong with the keys of an issuer that another key of the configuration lists, at `at`.
pub(in crate::identity) fn check_keys(
    at: &str,
    issuer: &IssuerConfig,
    shortest_refresh: Period,
) -> Vec<ConfigError> {
    let mut found = Vec::new();
    let mut entry = Entry { at: at.to_owned(), found: &mut found };
    source::check(&mut entry, issuer);
    periods(&mut entry, issuer, shortest_refresh);
    found
}

/// What is wrong with an issuer of something that is no token: its algorithms and its keys.
pub(in crate::identity) fn check_signer(
    at: &str,
    issuer: &IssuerConfig,
    shortest_refresh: Period,
) -> Vec<ConfigError> {
    let mut found = check_keys(at, issuer, shortest_refresh);
    algorithms::check(&mut Entry { at: at.to_owned(), found: &mut found }, issuer);
    found
}

fn values(entry: &mut Entry<'_>, config: &IssuerConfig, has_resource: bool) {
    let IssuerConfig { issuer, audience, types, prefix, .. } = config;
    if issuer.is_empty() {
        entry.wrong(".issuer", "must not be empty", "write the exact `iss` of the issuer's tokens");
    }
    // Whoever has the secret makes tokens for those who share it; the prefix keeps them from being taken for others.
    let for_us_alone = prefix.is_some() && config.has_secret();
    let for_the_resource = has_resource && config.token_type == TokenType::Access;
    if audience.is_empty() && !for_us_alone && !for_the_resource {
        let message =
            format!("issuer `{issuer}` has no audience: its tokens for any other service are accepted");
        let hint = "list what its tokens for this service have as `aud`";
        entry.insecure(".audience", Risk::NoAudience, message, hint);
    }
    if audience.iter().any(String::is_empty) {
        let hint = "remove it, or write the name that it stands for";
        entry.wrong(".audience", "an audience is empty", hint);
    }
    if let Some(typ) = types.iter().find(|typ| media_type(typ) == capability::TYPE) {
        let message = format!("`{typ}` is the type of capability tokens, which no issuer of JWTs can have");
        entry.wrong(".types", message, "trust their keys in `identity.capabilities`");
    }
    if let Some(typ) = types.iter().find(|typ| media_type(typ) == ASSERTION) {
        let message = format!("`{typ}` is the type of assertions of partners' agents");
        entry.wrong(".types", message, "trust the partner in `identity.partners`");
    }
    if types.is_empty() || types.iter().any(String::is_empty) {
        let hint = "write e.g. `[JWT, at+jwt]`, which is the default";
        entry.wrong(".types", "must list types of tokens, none of them empty", hint);
    }
}

/// INVARIANT (one purpose): no type of tokens that are for something else can be configured as one of access tokens.
fn token_type(entry: &mut Entry<'_>, config: &IssuerConfig) {
    let IssuerConfig { types, token_type, prefix, claims, single_use, .. } = config;
    for typ in types {
        if let Some(purpose) = other_purpose(&media_type(typ)) {
            let message = format!("`{typ}` is not a type of access tokens: it is {purpose}");
            entry.wrong(".types", message, "list types of access tokens, e.g. `[JWT, at+jwt]`");
        }
    }
    if *token_type == TokenType::Access {
        return;
    }
    let hint = "leave it out: transaction tokens say who else is concerned, and not who is calling";
    for (key, is_set) in [
        (".types", *types != default_types()),
        (".prefix", prefix.is_some()),
        (".claims", *claims != ClaimMapping::default()),
        (".single_use", *single_use),
    ] {
        if is_set {
            entry.wrong(key, "is for access tokens, and the issuer has `token_type: transaction`", hint);
        }
    }
}

/// INVARIANT (a prefix is its issuer's): no token has the prefixes of two issuers, or looks like a token without.
fn prefix(entry: &mut Entry<'_>, config: &IssuerConfig, before: &[IssuerConfig]) {
    let Some(prefix) = config.prefix.as_deref() else { return };
    let hint = "write e.g. `relay_jwt_`";
    let letters = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if prefix.is_empty() || prefix.len() > MAX_PREFIX || !letters {
        let message = format!("must have 1 to {MAX_PREFIX} letters, digits, `_` or `-`");
        entry.wrong(".prefix", message, hint);
    } else if prefix.starts_with("ey") {
        entry.wrong(".prefix", "begins with `ey`, as tokens without a prefix do", hint);
    }
    let same = |other: &IssuerConfig| {
        other.prefix.as_deref().is_some_and(|other| other.starts_with(prefix) || prefix.starts_with(other))
    };
    if let Some(first) = before.iter().position(same) {
        let message =
            format!("one of `{prefix}` and the prefix of identity.issuers[{first}] begins with the other");
        entry.wrong(".prefix", message, "give each issuer a prefix of its own");
    }
}

fn periods(entry: &mut Entry<'_>, config: &IssuerConfig, shortest_refresh: Period) {
    let IssuerConfig { jwks_url, discovery, jwks_refresh, jwks_max_age, leeway, max_lifetime, .. } = config;
    if *jwks_refresh < shortest_refresh {
        let message = format!("{jwks_refresh} is less than {shortest_refresh}");
        let hint = "keys are fetched in the background, and for an unknown key at once; `5m` is common";
        entry.wrong(".jwks_refresh", message, hint);
    }
    let twice = Period(jwks_refresh.0.saturating_mul(2));
    if jwks_max_age.0.is_zero() {
        let hint = "write e.g. `24h`; a long period is as good as none, e.g. `3650d`";
        entry.wrong(".jwks_max_age", "must be more than 0", hint);
    } else if (jwks_url.is_some() || *discovery) && *jwks_max_age < twice {
        let message = format!("{jwks_max_age} is less than twice `jwks_refresh` ({jwks_refresh})");
        entry.wrong(".jwks_max_age", message, "one fetch that fails would refuse the issuer's tokens");
    }
    if *leeway > MAX_LEEWAY {
        let message = format!("{leeway} is more than {MAX_LEEWAY}, and would keep expired tokens alive");
        entry.wrong(".leeway", message, "keep the clocks in step (NTP) and allow some seconds");
    }
    if config.single_use && max_lifetime.is_none() {
        let message = "needs `max_lifetime`: each token is remembered until it expires";
        entry.wrong(".single_use", message, "write e.g. `max_lifetime: 10m`");
    }
    if max_lifetime.is_some_and(|longest| longest.0.is_zero()) {
        entry.wrong(".max_lifetime", "must be more than 0", "write e.g. `1h`, or leave it out");
    }
}
