//! From a delegation of the directory to what it grants.

use std::sync::Arc;

use serde_json::{Map, json};

use crate::identity::kind::{Accepted, Grant, Lasting, Statement, Validity};
use crate::identity::refusal::Refusal;
use crate::model::principal::{Actor, Delegated, Prepared, Principal, Proof};
use crate::model::revocation::RevocationFacts;
use crate::model::roles::{Roles, covers};
use crate::registry::{Agent, Delegation, ISSUER, Records, Standing};

/// Makes grants of delegations.
pub(super) struct Granting {
    /// The roles of the configuration.
    pub(super) roles: Arc<Roles>,
    /// Whether roles give permissions, those of the directory, too.
    pub(super) role_permissions: bool,
}

impl Granting {
    /// What a delegation grants, with the whole chain above it.
    ///
    /// # Errors
    /// It is unknown, revoked, or the chain longer than `max_depth`.
    pub(super) fn accept(&self, records: &Records, id: &str, max_depth: usize) -> Result<Accepted, Refusal> {
        let leaf = records.delegation(id).ok_or(Refusal::UnknownDelegation)?;
        match records.delegation_standing(leaf) {
            Standing::InForce => {}
            Standing::Disabled => {
                return Err(Refusal::Revoked("the delegation, or who granted it, is disabled"));
            }
            Standing::Revoked => {
                return Err(Refusal::Revoked("the delegation, or who granted it, was revoked"));
            }
        }
        let chain = chain(records, leaf, max_depth)?;
        let root = chain.last().copied().unwrap_or(leaf);
        let from = records.agent(&root.from).ok_or(Refusal::UnknownDelegation)?;
        let agents: Vec<&Arc<Agent>> = chain.iter().filter_map(|link| records.agent(&link.from)).collect();
        if chain
            .iter()
            .filter_map(|link| records.agent(&link.to))
            .any(|to| to.organisation != from.organisation)
        {
            return Err(Refusal::OtherOrganisation);
        }
        let until = chain.iter().map(|link| link.expires_at).min_by_key(|at| at.0);
        let grant = Grant {
            delegation: Arc::new(Delegated {
                id: leaf.id.clone(),
                from: leaf.from.clone(),
                to: leaf.to.clone(),
                scope: leaf.scope.clone(),
                expires_at: until.unwrap_or(leaf.expires_at),
            }),
            principal: Arc::new(self.principal(records, from, &chain)),
            limits: agents.iter().map(|agent| Arc::clone(&agent.limits)).collect(),
            scopes: chain.iter().map(|link| Arc::from(link.scope.as_slice())).collect(),
        };
        Ok(Accepted {
            says: Statement::Delegation(grant),
            validity: Validity { from: None, until: until.map(|at| at.0) },
            expires_at: until,
            basis: Box::new(Lasting),
            facts: facts(from, &chain),
            bound_to: None,
            proves: None,
            single_use: None,
            kept: false,
        })
    }

    /// The agent that delegates, with those who act for it, and no more permissions than all scopes allow.
    fn principal(&self, records: &Records, from: &Agent, chain: &[&Delegation]) -> Principal {
        let mut permissions = from.permissions.clone();
        if self.role_permissions {
            self.roles.grant(&from.roles, &mut permissions);
            records.grant(from.organisation.as_deref(), &from.roles, &mut permissions);
        }
        let within = |permission: &String| {
            chain.iter().all(|link| link.scope.iter().any(|allowed| covers(allowed, permission)))
        };
        permissions.retain(within);
        let leaf = chain.first();
        let ids: Vec<&str> = chain.iter().map(|link| link.id.as_str()).collect();
        Principal {
            id: from.id.clone(),
            kind: "agent".to_owned(),
            issuer: ISSUER.to_owned(),
            method: "delegation",
            roles: from.roles.clone(),
            scopes: leaf.map(|leaf| leaf.scope.clone()).unwrap_or_default(),
            permissions,
            tenant: from.organisation.clone(),
            agent: leaf.map(|leaf| leaf.to.clone()),
            actors: chain
                .iter()
                .map(|link| Actor { id: link.to.clone(), issuer: Some(ISSUER.to_owned()) })
                .collect(),
            attributes: from.attributes.clone(),
            claims: Map::from_iter([("delegations".to_owned(), json!(ids))]),
            proof: Proof::Bearer,
            prepared: Prepared::default(),
        }
    }
}

/// The delegation and those that it passes on, the nearest first.
fn chain<'r>(
    records: &'r Records,
    leaf: &'r Delegation,
    max_depth: usize,
) -> Result<Vec<&'r Delegation>, Refusal> {
    let mut chain = vec![leaf];
    let mut next = leaf.parent.as_deref();
    while let Some(parent) = next {
        let parent = records.delegation(parent).ok_or(Refusal::UnknownDelegation)?;
        if chain.len() == max_depth {
            return Err(Refusal::Delegation("the delegation is passed on more often than is allowed here"));
        }
        if chain.last().is_none_or(|child| child.from != parent.to) {
            return Err(Refusal::Delegation("the delegation passes on what was granted to another agent"));
        }
        chain.push(parent);
        next = parent.parent.as_deref();
    }
    Ok(chain)
}

/// Every agent in the chain can be revoked, and so can the delegation by its identifier.
fn facts(from: &Agent, chain: &[&Delegation]) -> RevocationFacts {
    let acting = chain.iter().map(|link| link.to.clone());
    RevocationFacts {
        jti: chain.first().map(|leaf| leaf.id.clone()),
        issuer: Some(ISSUER.to_owned()),
        subject: Some(from.id.clone()),
        agents: std::iter::once(from.id.clone()).chain(acting).collect(),
        organisation: from.organisation.clone(),
        ..RevocationFacts::default()
    }
}
