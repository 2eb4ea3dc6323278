//! Who calls with a key.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::config::{PrefixConfig, VariableConfig};
use crate::model::limits::HardLimits;
use crate::model::principal::{Prepared, Principal, Proof};
use crate::model::revocation::RevocationFacts;
use crate::model::roles::Roles;
use crate::registry::{self, Agent, Key};

/// How callers with keys are verified, in records and `input.subject.method`.
pub(in crate::identity) const METHOD: &str = "api_key";
/// The issuer of keys that environment variables hold.
pub(super) const ENVIRONMENT: &str = "environment";

/// Who calls with a key: made once for each version of its record.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) principal: Arc<Principal>,
    pub(super) limits: Option<Arc<HardLimits>>,
    pub(super) facts: RevocationFacts,
}

impl Caller {
    /// The caller with a key of the directory: its agent, else the key itself.
    pub(super) fn of(
        key: &Key,
        agent: Option<&Agent>,
        grant: impl FnOnce(&[String], &mut Vec<String>),
    ) -> Self {
        let mut roles = agent.map(|agent| agent.roles.clone()).unwrap_or_default();
        let mut permissions = agent.map(|agent| agent.permissions.clone()).unwrap_or_default();
        add(&mut roles, &key.roles);
        add(&mut permissions, &key.permissions);
        grant(&roles, &mut permissions);
        let mut attributes = key.metadata.clone();
        attributes.extend(agent.map(|agent| agent.attributes.clone()).unwrap_or_default());
        let limits = agent.map_or(&key.limits, |agent| &agent.limits);
        let principal = Principal {
            id: agent.map_or_else(|| key.id.clone(), |agent| agent.id.clone()),
            kind: if agent.is_some() { "agent" } else { "service" }.to_owned(),
            issuer: registry::ISSUER.to_owned(),
            method: METHOD,
            roles,
            scopes: Vec::new(),
            permissions,
            tenant: key.organisation.clone(),
            agent: agent.map(|agent| agent.id.clone()),
            actors: Vec::new(),
            attributes,
            claims: Map::from_iter([("key".to_owned(), json!({ "id": key.id, "kind": key.kind.name() }))]),
            proof: Proof::Bearer,
            prepared: Prepared::default(),
        };
        Self {
            principal: Arc::new(principal),
            limits: (!limits.is_none()).then(|| Arc::clone(limits)),
            facts: key.facts(),
        }
    }

    /// The caller with the key of a variable.
    pub(super) fn of_variable(entry: &VariableConfig, id: &str, grants: &Roles) -> Self {
        let VariableConfig { variable: _, id: _, kind, roles, scopes, permissions, tenant, metadata } = entry;
        let lists = [roles, scopes, permissions].map(Vec::clone);
        Self::of_environment(id, kind, lists, tenant.as_ref(), metadata).granted(grants)
    }

    /// The caller with the key of one of the variables with a prefix.
    pub(super) fn of_prefix(entry: &PrefixConfig, id: &str, grants: &Roles) -> Self {
        let PrefixConfig { prefix: _, kind, roles, scopes, permissions, tenant, metadata } = entry;
        let lists = [roles, scopes, permissions].map(Vec::clone);
        Self::of_environment(id, kind, lists, tenant.as_ref(), metadata).granted(grants)
    }

    fn granted(mut self, grants: &Roles) -> Self {
        let principal = Arc::make_mut(&mut self.principal);
        grants.grant(&principal.roles, &mut principal.permissions);
        self
    }

    fn of_environment(
        id: &str,
        kind: &str,
        [roles, scopes, permissions]: [Vec<String>; 3],
        tenant: Option<&String>,
        metadata: &BTreeMap<String, String>,
    ) -> Self {
        let principal = Principal {
            id: id.to_owned(),
            kind: kind.to_owned(),
            issuer: ENVIRONMENT.to_owned(),
            method: METHOD,
            roles,
            scopes,
            permissions,
            tenant: tenant.cloned(),
            agent: None,
            actors: Vec::new(),
            attributes: metadata
                .iter()
                .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
                .collect(),
            claims: Map::new(),
            proof: Proof::Bearer,
            prepared: Prepared::default(),
        };
        let facts = RevocationFacts {
            key: Some(id.to_owned()),
            issuer: Some(ENVIRONMENT.to_owned()),
            subject: Some(id.to_owned()),
            organisation: tenant.cloned(),
            ..RevocationFacts::default()
        };
        Self { principal: Arc::new(principal), limits: None, facts }
    }
}

fn add(list: &mut Vec<String>, more: &[String]) {
    for one in more {
        if !list.contains(one) {
            list.push(one.clone());
        }
    }
}
