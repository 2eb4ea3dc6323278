//! Signed statements of an issuer that are no credentials: who says them, and that they are for us.
//!
//! INVARIANT (one type): a statement has exactly the `typ` that is asked for. So no token passes for a statement, and, because issuers of
//! tokens cannot have that type, no statement for a token.
//! INVARIANT (the same keys, the same rules): algorithms, keys, their age and their renewal are as for tokens.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::config::{ConfigError, IssuerConfig};
use super::jwt::check::check_signer;
use super::jwt::claims::{check_audience, numeric_date, required_text, wrong};
use super::jwt::facts;
use super::jwt::issuer::{Issuer, media_type};
use super::jwt::jws::Jws;
use super::jwt::key_store::{KeyStore, Pace};
use super::jwt::source::Around;
use super::jwt::strict_json;
use super::key_refresh::KeyRefresh;
use super::refusal::Refusal;
use super::setup::Setup;
use crate::model::clock::{Clock, Timestamp};
use crate::model::units::Period;

/// An issuer whose statements are believed.
pub struct Signer {
    issuer: Issuer,
    clock: Clock,
}

/// A statement whose signature was verified.
#[derive(Debug)]
pub struct Statement {
    /// Its name at its issuer (`jti`).
    pub jti: String,
    /// When it was made (`iat`).
    pub issued_at: Timestamp,
    /// All that it says.
    pub claims: Map<String, Value>,
}

/// What is wrong with an issuer of statements, at `at` in the configuration.
pub fn check(at: &str, config: &IssuerConfig) -> Vec<ConfigError> {
    check_signer(at, config, Period(Pace::default().cooldown))
}

impl Signer {
    /// Makes an issuer ready in which [`check`] found nothing; its one type is in `config`. Reads files; fetches nothing.
    ///
    /// # Errors
    /// Its keys are to be at hand and cannot be read, or are none.
    pub fn new(at: &str, config: &IssuerConfig, setup: &Setup<'_>) -> Result<Self, ConfigError> {
        let around = Around {
            base_dir: setup.base_dir,
            variables: &setup.variables,
            allow_plain_http: setup.allow_insecure_issuers,
        };
        let store = |source, refresh: Period| {
            KeyStore::new(source, refresh.0, setup.pace, setup.clock.clone(), setup.client.clone())
        };
        let issuer = Issuer::from_config(config, at, &around, &store)?;
        Ok(Self { issuer, clock: setup.clock.clone() })
    }

    /// The exact `iss` of its statements.
    pub fn name(&self) -> &str {
        &self.issuer.name
    }

    /// What keeps its keys fresh; for the supervisor to run. Keys that cannot change need none.
    pub fn key_refresh(&self) -> Option<KeyRefresh> {
        let keys = Arc::clone(&self.issuer.keys);
        keys.is_refreshed().then(|| KeyRefresh::of_keys(keys))
    }

    /// Verifies a statement; where newer keys might, with those.
    ///
    /// # Errors
    /// Why it is not believed. [`Refusal::KeysUnavailable`] and [`Refusal::KeysTooOld`] are nobody's fault: it may be sent again.
    pub async fn verify(&self, text: &str) -> Result<Statement, Refusal> {
        let generation = self.issuer.keys.current().number;
        let refusal = match self.verify_now(text) {
            Err(refusal) if refusal.newer_keys_may_help() => refusal,
            judged => return judged,
        };
        self.issuer.keys.fetch_for_token().await;
        let renewed = self.issuer.keys.current().number != generation || refusal == Refusal::KeysTooOld;
        match if renewed { self.verify_now(text) } else { Err(refusal) } {
            Err(Refusal::UnknownKey) if self.issuer.keys.in_doubt() => Err(Refusal::KeysUnavailable),
            judged => judged,
        }
    }

    /// With the keys at hand. Nothing of the payload but `iss` is judged before the signature is.
    fn verify_now(&self, text: &str) -> Result<Statement, Refusal> {
        let jws = Jws::parse(text)?;
        // One without `typ` is something else.
        if jws.typ.as_deref().is_none_or(|typ| !self.issuer.has_type(&media_type(typ))) {
            return Err(Refusal::Type);
        }
        let claims = strict_json::object(&jws.payload)
            .map_err(|_| Refusal::Malformed("its payload is not one strict json object"))?;
        if required_text(&claims, "iss")? != self.issuer.name {
            return Err(Refusal::UnknownIssuer);
        }
        self.issuer.check_header(&jws)?;
        self.issuer.keys_at(self.clock.now())?.set.verify(&jws)?;
        check_audience(&claims, &self.issuer.audience)?;
        let issued_at = numeric_date(&claims, "iat")?.ok_or(wrong("iat", "is missing"))?;
        if issued_at > self.clock.now().0.saturating_add(self.issuer.leeway_nanos) {
            return Err(wrong("iat", "is in the future"));
        }
        let jti = facts::jti(&claims)?.ok_or(wrong("jti", "is missing"))?.to_owned();
        Ok(Statement { jti, issued_at: Timestamp(issued_at), claims })
    }
}
