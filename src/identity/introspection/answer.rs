//! What an introspection endpoint answered, judged (RFC 7662 section 2.2).

use std::sync::Arc;

use serde_json::Value;

use super::METHOD;
use super::config::IntrospectionConfig;
use crate::identity::jwt::claim_path::ClaimPath;
use crate::identity::jwt::claims::{Claims, check_audience, expires_at, numeric_date, wrong};
use crate::identity::jwt::issuer::nanos;
use crate::identity::jwt::mapping::Mapping;
use crate::identity::jwt::{facts, principal, strict_json};
use crate::identity::kind::{Accepted, Basis, Statement, Subject, Validity};
use crate::identity::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::roles::Roles;
use crate::net::Endpoint;

/// What names the client of a token that has no other subject (RFC 7662 section 2.2).
const CLIENT: &str = "client_id";

/// How answers are read.
pub(super) struct Reading {
    issuer: String,
    /// Whether answers may name no other issuer.
    checks_issuer: bool,
    audience: Vec<String>,
    required_scopes: Vec<String>,
    mapping: Mapping,
    leeway_nanos: i64,
    pub(super) cache_nanos: i64,
    roles: Arc<Roles>,
}

impl Reading {
    pub(super) fn new(
        config: &IntrospectionConfig,
        endpoint: &Endpoint,
        roles: &Arc<Roles>,
    ) -> Result<Self, &'static str> {
        Ok(Self {
            issuer: config.issuer.clone().unwrap_or_else(|| endpoint.origin()),
            checks_issuer: config.issuer.is_some(),
            audience: config.audience.clone(),
            required_scopes: config.required_scopes.clone(),
            mapping: Mapping::new(&config.claims)?,
            leeway_nanos: nanos(config.leeway),
            cache_nanos: nanos(config.cache_ttl),
            roles: Arc::clone(roles),
        })
    }

    /// What the body says of the token.
    ///
    /// # Errors
    /// [`Refusal::Inactive`], or what about an active token keeps it from being accepted; [`Refusal::IntrospectionUnavailable`]
    /// where the body is no answer.
    pub(super) fn judge(&self, body: &[u8], now: Timestamp) -> Result<Accepted, Refusal> {
        let claims: Claims = strict_json::object(body).map_err(|_| Refusal::IntrospectionUnavailable)?;
        match claims.get("active") {
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => return Err(Refusal::Inactive),
            _ => return Err(Refusal::IntrospectionUnavailable),
        }
        match claims.get("iss") {
            None => {}
            Some(Value::String(issuer)) if !self.checks_issuer || *issuer == self.issuer => {}
            Some(Value::String(_)) => return Err(Refusal::UnknownIssuer),
            Some(_) => return Err(wrong("iss", "is not a text")),
        }
        let from = numeric_date(&claims, "nbf")?;
        let until = expires_at(&claims)?;
        let validity = Validity {
            from: from.map(|from| from.saturating_sub(self.leeway_nanos)),
            until: until.map(|until| until.0.saturating_add(self.leeway_nanos)),
        };
        validity.check(now)?;
        if !self.audience.is_empty() {
            check_audience(&claims, &self.audience)?;
        }
        self.accept(claims, validity, until, now)
    }

    fn accept(
        &self,
        claims: Claims,
        validity: Validity,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Accepted, Refusal> {
        let bound_to = facts::binding(&claims)?;
        let mut who = match self.of_client(&claims)? {
            Some(mapping) => principal::principal(claims, &self.issuer, &mapping, false)?,
            None => principal::principal(claims, &self.issuer, &self.mapping, false)?,
        };
        who.method = METHOD;
        if let Some(missing) = self.required_scopes.iter().find(|scope| !who.scopes.contains(scope)) {
            return Err(Refusal::Scope(missing.clone()));
        }
        let facts = facts::revocation(&who, &self.mapping, None)?;
        self.roles.grant(&who.roles, &mut who.permissions);
        Ok(Accepted {
            says: Statement::Subject(Subject { principal: Arc::new(who), limits: None, scope: None }),
            validity,
            expires_at,
            basis: Box::new(Said { at: now, until: Timestamp(now.0.saturating_add(self.cache_nanos)) }),
            facts,
            bound_to,
            proves: None,
            single_use: None,
            kept: self.cache_nanos > 0,
        })
    }

    /// The mapping for a token that a client got for itself, which need not name a subject: the client is it, and a service.
    fn of_client(&self, claims: &Claims) -> Result<Option<Mapping>, Refusal> {
        if claims.contains_key("sub") || self.mapping.id.is_some() || !claims.contains_key(CLIENT) {
            return Ok(None);
        }
        let path = ClaimPath::parse(CLIENT).map_err(|_| Refusal::IntrospectionUnavailable)?;
        Ok(Some(Mapping { id: Some(path), usual_kind: "service", ..self.mapping.clone() }))
    }
}

/// An answer, which is relied on for a while.
struct Said {
    at: Timestamp,
    until: Timestamp,
}

impl Basis for Said {
    /// Also not before it was given: a clock that was set back would make it last.
    fn holds(&self, now: Timestamp) -> bool {
        self.at <= now && now < self.until
    }
}
