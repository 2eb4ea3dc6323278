//! Verified credentials for unit tests.

use std::sync::Arc;

use serde_json::Map;

use super::kind::{Accepted, Lasting, Statement, Subject, Validity};
use crate::model::principal::{Prepared, Principal, Proof};
use crate::model::revocation::RevocationFacts;

/// A service of that name.
pub(super) fn principal(id: &str) -> Principal {
    Principal {
        id: id.to_owned(),
        kind: "service".to_owned(),
        issuer: "registry".to_owned(),
        method: "api_key",
        roles: Vec::new(),
        scopes: Vec::new(),
        permissions: Vec::new(),
        tenant: None,
        agent: None,
        actors: Vec::new(),
        attributes: Map::new(),
        claims: Map::new(),
        proof: Proof::Bearer,
        prepared: Prepared::default(),
    }
}

/// A credential of a subject, valid for ever.
pub(super) fn accepted(principal: Principal) -> Accepted {
    Accepted {
        says: Statement::Subject(Subject { principal: Arc::new(principal), limits: None, scope: None }),
        validity: Validity { from: None, until: None },
        expires_at: None,
        basis: Box::new(Lasting),
        facts: RevocationFacts::default(),
        bound_to: None,
        proves: None,
        single_use: None,
        kept: true,
    }
}
