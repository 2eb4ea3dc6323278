//! Which claims become which attribute of the subject.

use super::claim_path::ClaimPath;
use crate::identity::config::ClaimMapping;

/// Where the attributes of a subject stand in the claims: [`ClaimMapping`], checked.
#[derive(Clone)]
pub(in crate::identity) struct Mapping {
    pub(in crate::identity) id: Option<ClaimPath>,
    pub(in crate::identity) kind: ClaimPath,
    pub(in crate::identity) roles: ClaimPath,
    pub(in crate::identity) scopes: Option<ClaimPath>,
    pub(in crate::identity) permissions: Option<ClaimPath>,
    pub(in crate::identity) tenant: ClaimPath,
    pub(in crate::identity) agent: Option<ClaimPath>,
    pub(in crate::identity) session: ClaimPath,
    pub(in crate::identity) attributes: Vec<(String, ClaimPath)>,
    /// The type of a subject whose claims name none.
    pub(in crate::identity) usual_kind: &'static str,
}

impl Mapping {
    /// Reads the configured paths; attributes without one have the usual names.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(in crate::identity) fn new(configured: &ClaimMapping) -> Result<Self, &'static str> {
        let ClaimMapping { id, kind, roles, scopes, permissions, tenant, agent, session, attributes } =
            configured;
        let optional = |path: &Option<String>| path.as_deref().map(ClaimPath::parse).transpose();
        let named =
            |path: &Option<String>, usual: &'static str| ClaimPath::parse(path.as_deref().unwrap_or(usual));
        let attributes = attributes.iter().map(|(name, path)| Ok((name.clone(), ClaimPath::parse(path)?)));
        Ok(Self {
            id: optional(id)?,
            kind: named(kind, "type")?,
            roles: named(roles, "roles")?,
            scopes: optional(scopes)?,
            permissions: optional(permissions)?,
            tenant: named(tenant, "tenant")?,
            agent: optional(agent)?,
            session: named(session, "sid")?,
            attributes: attributes.collect::<Result<_, &'static str>>()?,
            usual_kind: "user",
        })
    }
}
