//! Delegations: one agent lets another act for it, for some operations and for some time.
//!
//! A call presents the identifier of a delegation beside the credential of the agent that it was granted to. The grant
//! itself is in the directory. It says nothing of who is calling, so it is of no use to anybody else.
//!
//! INVARIANT (chains only narrow): what an agent acts for another with is what every delegation in the chain allows, until
//! the first of them expires, within the hard limits of every agent in it.
//!
//! Reading order: [`config`] → this file → `grant`.

pub(super) mod config;
mod grant;

use std::sync::Arc;

use http::HeaderName;

use self::config::{Config, MAX_DEPTH};
use super::candidate::{Candidate, Place};
use super::config_error::ConfigError;
use super::kind::{Accepted, CredentialKind, Verifying};
use super::refusal::Refusal;
use super::setup::Setup;
use crate::model::clock::Timestamp;
use crate::registry::Directory;

/// Delegations of the directory.
pub(super) struct Delegations {
    headers: Vec<HeaderName>,
    max_depth: usize,
    directory: Option<Arc<dyn Directory>>,
    granting: grant::Granting,
}

impl Delegations {
    /// # Errors
    /// What is wrong with the configuration.
    pub(super) fn new(config: &Config, setup: &Setup<'_>) -> Result<Self, ConfigError> {
        let Config { headers, max_depth } = config;
        if !(1..=MAX_DEPTH).contains(max_depth) {
            let hint = "1 allows no chains, 2 allows one agent to pass a delegation on";
            let message = format!("must be from 1 to {MAX_DEPTH}");
            return Err(ConfigError::new("identity.delegations.max_depth", message, hint));
        }
        let name = |(index, text): (usize, &String)| {
            let at = format!("identity.delegations.headers[{index}]");
            HeaderName::from_bytes(text.as_bytes()).map_err(|_| {
                ConfigError::new(at, "is no name of a header", "write e.g. `x-agentpack-delegation`")
            })
        };
        Ok(Self {
            headers: headers.iter().enumerate().map(name).collect::<Result<_, _>>()?,
            max_depth: *max_depth,
            directory: setup.directory.clone(),
            granting: grant::Granting {
                roles: Arc::clone(&setup.roles),
                role_permissions: setup.role_permissions,
            },
        })
    }

    /// Where delegations are named.
    pub(super) fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    fn accept(&self, id: &str) -> Result<Accepted, Refusal> {
        let directory = self.directory.as_ref().ok_or(Refusal::UnknownDelegation)?;
        self.granting.accept(&*directory.records()?, id, self.max_depth)
    }
}

impl CredentialKind for Delegations {
    fn name(&self) -> &'static str {
        "delegation"
    }

    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        matches!(candidate.place, Place::Header(name) if self.headers.contains(name))
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(async move {
            let accepted = self.accept(candidate.text)?;
            accepted.validity.check(now).map(|()| accepted)
        })
    }
}
