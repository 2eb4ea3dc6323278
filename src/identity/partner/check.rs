//! Whether `identity.partners` holds together: the one check, for the loader of the configuration (which adds file and line)
//! and for [`crate::identity::Authenticator::new`].

use super::config::PartnerConfig;
use crate::identity::config::{ClaimMapping, ConfigError, IssuerConfig};
use crate::identity::jwt::check::check_keys;
use crate::model::subject;
use crate::model::units::Period;
use crate::registry::issue::{ASSERTION, LONGEST};

/// Everything that is wrong, in the order of the partners; `shortest_refresh` is what fetches are kept apart by.
pub fn check(partners: &[PartnerConfig], shortest_refresh: Period) -> Vec<ConfigError> {
    let mut found = Vec::new();
    for (index, partner) in partners.iter().enumerate() {
        let at = format!("identity.partners[{index}]");
        let before = partners.get(..index).unwrap_or_default();
        found.extend(
            flaws(partner, before)
                .into_iter()
                .map(|(key, message, hint)| ConfigError::new(format!("{at}{key}"), message, hint)),
        );
        found.extend(check_keys(&at, &issuer_config(partner), shortest_refresh));
    }
    found
}

/// The rules for its assertions, in the words of those for tokens.
pub(super) fn issuer_config(partner: &PartnerConfig) -> IssuerConfig {
    let PartnerConfig {
        organisation: _,
        issuer,
        audience,
        jwks_url,
        jwks_file,
        jwks_refresh,
        jwks_max_age,
        leeway,
    } = partner;
    IssuerConfig {
        issuer: issuer.clone(),
        audience: audience.clone(),
        algorithms: vec!["ES256".to_owned()],
        jwks_url: jwks_url.clone(),
        jwks_file: jwks_file.clone(),
        jwks_refresh: *jwks_refresh,
        jwks_max_age: *jwks_max_age,
        claims: ClaimMapping::default(),
        leeway: *leeway,
        max_lifetime: Some(LONGEST),
        single_use: true,
        types: vec![ASSERTION.to_owned()],
        ..IssuerConfig::default()
    }
}

type Flaw = (&'static str, String, &'static str);

fn flaws(partner: &PartnerConfig, before: &[PartnerConfig]) -> Vec<Flaw> {
    let PartnerConfig { organisation, issuer, audience, .. } = partner;
    let mut found: Vec<Flaw> = Vec::new();
    if let Err(problem) = subject::check_tenant(organisation) {
        found.push((".organisation", problem.to_owned(), "write what policy is to call it, e.g. `nike`"));
    }
    if before.iter().any(|other| other.organisation == *organisation) {
        let message = format!("two partners are called `{organisation}`");
        found.push((".organisation", message, "give each partner a name of its own"));
    }
    if issuer.is_empty() {
        let hint = "write the `iss` of its assertions, e.g. `https://verdict.nike.example/v1/orgs/nike`";
        found.push((".issuer", "must not be empty".to_owned(), hint));
    }
    if before.iter().any(|other| other.issuer == *issuer) {
        let message = format!("two partners have the issuer `{issuer}`");
        found.push((".issuer", message, "an issuer is one organisation"));
    }
    if audience.is_empty() || audience.iter().any(String::is_empty) {
        let message = "must name us, and an assertion for anybody else would be accepted".to_owned();
        found.push((".audience", message, "write what the partner's agents are to ask assertions for"));
    }
    found
}
