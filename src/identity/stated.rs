//! A subject that is stated instead of verified: for the fixtures of policies, whose cases say who is calling.
//!
//! INVARIANT (for tests of policy alone): nothing that answers calls may state a subject; `tests/it/architecture.rs` holds the
//! code to it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::jwt::principal::actors;
use crate::model::limits::{HardLimits, Restrictions};
use crate::model::principal::{Prepared, Principal, Proof, Verified};
use crate::model::roles::Roles;
use crate::model::subject;

/// What verification would have found out.
#[derive(Debug, Clone)]
pub struct Stated {
    /// The subject's id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Who vouches for it.
    pub issuer: String,
    /// The kind of credential.
    pub method: &'static str,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Its permissions, besides those that its roles give.
    pub permissions: Vec<String>,
    /// Its tenant.
    pub tenant: Option<String>,
    /// The agent that calls.
    pub agent: Option<String>,
    /// Who acts for it (RFC 8693 section 4.1).
    pub act: Option<Value>,
    /// Its attributes.
    pub attributes: Map<String, Value>,
    /// Its claims.
    pub claims: Map<String, Value>,
    /// What proves that the credential is its own.
    pub proof: Proof,
    /// The hard limits.
    pub limits: Arc<HardLimits>,
    /// The operations that the credential is for; none where it is for all.
    pub operations: Option<Arc<[String]>>,
}

impl Stated {
    /// The subject, as if it had been verified.
    ///
    /// # Errors
    /// Why no credential could name it, to follow the name of what states it: `the id is empty`.
    pub fn verified(self, roles: &Roles) -> Result<Verified, String> {
        let wrong = |what: &'static str| move |problem| format!("the {what} {problem}");
        subject::check_id(&self.id).map_err(wrong("id"))?;
        subject::check_kind(&self.kind).map_err(wrong("type"))?;
        self.tenant.as_deref().map_or(Ok(()), subject::check_tenant).map_err(wrong("tenant"))?;
        self.agent.as_deref().map_or(Ok(()), subject::check_id).map_err(wrong("agent"))?;
        let act: Map<String, Value> = self.act.into_iter().map(|act| ("act".to_owned(), act)).collect();
        let mut permissions = self.permissions;
        roles.grant(&self.roles, &mut permissions);
        let mut restrictions = Restrictions::default();
        restrictions.limit(&self.limits);
        restrictions.scopes.extend(self.operations);
        let principal = Principal {
            id: self.id,
            kind: self.kind,
            issuer: self.issuer,
            method: self.method,
            roles: self.roles,
            scopes: self.scopes,
            permissions,
            tenant: self.tenant,
            agent: self.agent,
            actors: actors(&act).map_err(|error| error.to_string())?,
            attributes: self.attributes,
            claims: self.claims,
            proof: self.proof,
            prepared: Prepared::default(),
        };
        Ok(Verified {
            principal: Arc::new(principal),
            expires_at: None,
            key: None,
            transaction: None,
            delegation: None,
            restrictions,
            next_token: None,
        })
    }
}
