//! A workload, as policy sees it.

use super::id::SpiffeId;
use crate::identity::jwt::claims::Claims;
use crate::model::principal::{Prepared, Principal, Proof};

/// The workload as policy sees it. Its trust domain vouches for it, whatever `iss` says.
///
/// INVARIANT (an ID and no more): an SVID says who its subject is. Roles, scopes, permissions, a tenant or an actor in it are the
/// word of whoever asked for the token, and stay claims.
pub(super) fn workload(id: &SpiffeId, method: &'static str, claims: Claims, proof: Proof) -> Principal {
    let domain = id.trust_domain();
    let attributes = [("trust_domain", domain.name()), ("path", id.path())];
    Principal {
        id: id.as_str().to_owned(),
        kind: id.kind().to_owned(),
        issuer: domain.id(),
        method,
        roles: Vec::new(),
        scopes: Vec::new(),
        permissions: Vec::new(),
        tenant: None,
        agent: None,
        actors: Vec::new(),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect(),
        claims,
        proof,
        prepared: Prepared::default(),
    }
}
