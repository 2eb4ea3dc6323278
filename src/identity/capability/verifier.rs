//! Verifies capability tokens: the kind of credential that this folder is about.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderName;
use serde_json::{Map, Value};
use verdict_jose::Algorithm;

use super::check::{PUBLIC_ONLY, header_name, read};
use super::config::{Config, KeyConfig};
use super::{METHOD, TYPE, check};
use crate::identity::candidate::{Candidate, Place};
use crate::identity::config::ConfigError;
use crate::identity::jwt::claims::{self, Claims, wrong};
use crate::identity::jwt::issuer::{media_type, nanos};
use crate::identity::jwt::jws::{self, Jws};
use crate::identity::jwt::key::Key;
use crate::identity::jwt::principal::actors;
use crate::identity::jwt::{facts, strict_json};
use crate::identity::kind::{Accepted, CredentialKind, Lasting, Statement, Subject, Verifying};
use crate::identity::refusal::Refusal;
use crate::identity::setup::Setup;
use crate::model::clock::Timestamp;
use crate::model::principal::{Prepared, Principal, Proof};
use crate::model::revocation::RevocationFacts;
use crate::model::subject;

/// Capability tokens of one issuer. Without one they are recognised all the same, and refused.
pub(in crate::identity) struct Capabilities(Option<Trusted>);

/// Who is trusted, and for what.
struct Trusted {
    issuer: String,
    audience: String,
    keys: HashMap<String, Key>,
    max_ttl_nanos: i64,
    leeway_nanos: i64,
    single_use: bool,
    header: Option<HeaderName>,
}

impl CredentialKind for Capabilities {
    fn name(&self) -> &'static str {
        METHOD
    }

    /// By what the token says that it is: no kind that is asked later sees it then.
    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        match candidate.place {
            Place::Bearer => jws::declared_type(candidate.text).is_some_and(|typ| media_type(&typ) == TYPE),
            Place::Header(name) => Some(name) == self.header(),
            Place::Certificate(_) => false,
        }
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a> {
        let outcome = match &self.0 {
            Some(trusted) => trusted.verify(candidate.text, now),
            None => Err(Refusal::UnknownKind),
        };
        Box::pin(std::future::ready(outcome))
    }
}

impl Capabilities {
    /// Makes the keys ready.
    ///
    /// # Errors
    /// When the configuration does not hold together, or a file cannot be read, or holds no public key.
    pub(in crate::identity) fn new(config: Option<&Config>, setup: &Setup<'_>) -> Result<Self, ConfigError> {
        let Some(config) = config else { return Ok(Self(None)) };
        if let Some(error) = check::check(config).into_iter().next() {
            return Err(error);
        }
        let Config { issuer, audience, keys, max_ttl, leeway, single_use, header } = config;
        let keys = keys.iter().enumerate().map(|(index, key)| {
            let wrong = |message| {
                let at = format!("identity.capabilities.keys[{index}].public_key_file");
                ConfigError::new(at, message, PUBLIC_ONLY)
            };
            Ok((key.kid.clone(), public_key(key, setup).map_err(wrong)?))
        });
        Ok(Self(Some(Trusted {
            issuer: issuer.clone(),
            audience: audience.clone(),
            keys: keys.collect::<Result<_, _>>()?,
            max_ttl_nanos: nanos(*max_ttl),
            leeway_nanos: nanos(*leeway),
            single_use: *single_use,
            header: header.as_deref().and_then(header_name),
        })))
    }

    /// The header of its own that carries them, where there is one.
    pub(in crate::identity) fn header(&self) -> Option<&HeaderName> {
        self.0.as_ref()?.header.as_ref()
    }
}

fn public_key(config: &KeyConfig, setup: &Setup<'_>) -> Result<Key, String> {
    let key = match (&config.public_key, &config.public_key_file) {
        (Some(pem), _) => read(pem)?,
        (None, Some(path)) => {
            let path = setup.base_dir.join(path);
            let failed = |problem: String| format!("`{}`: {problem}", path.display());
            let pem = crate::identity::key_file::read_pem(&path).map_err(failed)?;
            read(&pem).map_err(failed)?
        }
        (None, None) => return Err("it has no public key".to_owned()),
    };
    Key::public(key)
}

impl Trusted {
    /// INVARIANT (no look-up): what decides is the token, the configuration and the time.
    ///
    /// The order matters: nothing of the payload is read before the signature is known to be right.
    fn verify(&self, token: &str, now: Timestamp) -> Result<Accepted, Refusal> {
        let jws = Jws::parse(token)?;
        if jws.algorithm != Algorithm::EdDsa {
            return Err(Refusal::Algorithm);
        }
        if jws.typ.as_deref().is_none_or(|typ| media_type(typ) != TYPE) {
            return Err(Refusal::Type);
        }
        let kid = jws.kid.ok_or(Refusal::Malformed("it has no `kid`"))?;
        let key = self.keys.get(&kid).ok_or(Refusal::UnknownKey)?;
        if !key.verifies(jws.algorithm, jws.signing_input, jws.signature) {
            return Err(Refusal::Signature);
        }
        let claims = strict_json::object(&jws.payload)
            .map_err(|_| Refusal::Malformed("its payload is not one strict json object"))?;
        self.judge(claims, kid, now)
    }

    fn judge(&self, claims: Claims, kid: String, now: Timestamp) -> Result<Accepted, Refusal> {
        if claims::required_text(&claims, "iss")? != self.issuer {
            return Err(Refusal::UnknownIssuer);
        }
        claims::check_audience(&claims, std::slice::from_ref(&self.audience))?;
        let validity = claims::validity(&claims, self.leeway_nanos, Some(self.max_ttl_nanos))?;
        validity.check(now)?;
        let jti = facts::jti(&claims)?.ok_or(wrong("jti", "is missing"))?.to_owned();
        let single_use = match self.single_use {
            true => Some(facts::single_use(&claims, &self.issuer, &validity)?),
            false => None,
        };
        let scope = scope(&claims)?;
        let expires_at = claims::expires_at(&claims)?;
        let issued_at = claims::numeric_date(&claims, "iat")?.map(Timestamp);
        let bound_to = facts::binding(&claims)?;
        let principal = self.principal(claims, scope.as_deref().unwrap_or_default())?;
        let acting = principal.actors.iter().map(|actor| actor.id.clone());
        let facts = RevocationFacts {
            jti: Some(jti),
            session: None,
            key: Some(kid),
            issuer: Some(self.issuer.clone()),
            subject: Some(principal.id.clone()),
            aliases: Vec::new(),
            agents: std::iter::once(principal.id.clone()).chain(acting).collect(),
            organisation: principal.tenant.clone(),
            issued_at,
        };
        Ok(Accepted {
            says: Statement::Subject(Subject { principal: Arc::new(principal), limits: None, scope }),
            validity,
            expires_at,
            // Its key is the configuration's, and another configuration is another authenticator with another cache.
            basis: Box::new(Lasting),
            facts,
            bound_to,
            proves: None,
            // What may be used once is never taken from the cache.
            kept: single_use.is_none(),
            single_use,
        })
    }

    fn principal(&self, claims: Claims, scopes: &[String]) -> Result<Principal, Refusal> {
        let id = claims::required_text(&claims, "sub")?.to_owned();
        subject::check_id(&id).map_err(|problem| wrong("sub", problem))?;
        let tenant = match claims.get("org") {
            None => None,
            Some(_) => {
                let org = claims::required_text(&claims, "org")?;
                subject::check_tenant(org).map_err(|problem| wrong("org", problem))?;
                Some(org.to_owned())
            }
        };
        let permissions = claims.get("permissions");
        let actors = actors(&claims)?;
        Ok(Principal {
            kind: "agent".to_owned(),
            issuer: self.issuer.clone(),
            method: METHOD,
            roles: Vec::new(),
            scopes: scopes.to_vec(),
            permissions: claims::texts(&"permissions", Ok(permissions), claims::Single::Whole)?,
            tenant,
            // Who acts for the agent is the one that calls.
            agent: Some(actors.first().map_or_else(|| id.clone(), |actor| actor.id.clone())),
            id,
            actors,
            attributes: Map::new(),
            claims,
            proof: Proof::Bearer,
            prepared: Prepared::default(),
        })
    }
}

/// INVARIANT (absent is no limit, empty is nothing): a token without `scope` is for all that its subject may do; one with an
/// empty scope is for nothing.
fn scope(claims: &Claims) -> Result<Option<Arc<[String]>>, Refusal> {
    match claims.get("scope") {
        None => Ok(None),
        Some(Value::String(text)) => {
            Ok(Some(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()))
        }
        Some(_) => Err(wrong("scope", "is not a text")),
    }
}
