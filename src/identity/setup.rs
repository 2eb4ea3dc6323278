//! What verifiers are made of besides their configuration.

use std::path::Path;
use std::sync::Arc;

use super::jwt::key_store::Pace;
use crate::aip::Policies;
use crate::model::clock::Clock;
use crate::model::roles::Roles;
use crate::model::variables::Variables;
use crate::net::Client;
use crate::registry::Directory;
use crate::stores::ReplayStore;

/// What an [`Authenticator`](super::Authenticator) needs besides its configuration.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// What relative paths of the configuration start from.
    pub base_dir: &'a Path,
    /// The time that tokens are judged by.
    pub clock: Clock,
    /// For JWKS URLs.
    pub client: Client,
    /// The environment variables that the configuration may name.
    pub variables: Variables,
    /// Accepts issuers without audience, and JWKS over plain http from elsewhere. For a loudly named flag alone.
    pub allow_insecure_issuers: bool,
    /// Which permissions the roles of subjects give.
    pub roles: Arc<Roles>,
    /// Remembers credentials that may be used once.
    pub replays: Arc<ReplayStore>,
    /// Whether the roles that the directory knows give theirs, too.
    pub role_permissions: bool,
    /// The AgentPolicies whose sessions have tokens.
    pub aip: Arc<Policies>,
    /// What is known of agents, keys, delegations and revocations.
    pub directory: Option<Arc<dyn Directory>>,
    /// How often keys are fetched; the default is for everything but tests.
    pub pace: Pace,
}

impl<'a> Setup<'a> {
    /// The usual setup: nothing insecure, the default pace, no environment, used credentials remembered in memory.
    pub fn new(base_dir: &'a Path, clock: Clock, client: Client) -> Self {
        Self {
            base_dir,
            clock,
            client,
            variables: Variables::default(),
            allow_insecure_issuers: false,
            roles: Arc::default(),
            replays: Arc::default(),
            role_permissions: true,
            aip: Arc::default(),
            directory: None,
            pace: Pace::default(),
        }
    }
}
