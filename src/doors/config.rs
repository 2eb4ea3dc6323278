//! `doors:` in the configuration: a section for each door that has settings.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::pdp::input::About;

/// `doors:` in the configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Envoy's external authorization.
    pub ext_authz: super::ext_authz::Config,
    /// What HTTP requests mean, whichever gateway describes them.
    pub http: super::routing::HttpConfig,
    /// Gateways of the Model Context Protocol.
    pub mcp: super::mcp::config::Config,
    /// The role of callers that may ask about other subjects than themselves.
    pub pep_role: Option<String>,
    /// AuthZEN's Authorization API.
    pub authzen: super::authzen::Config,
    /// The webhooks of Kubernetes.
    pub kubernetes: super::kubernetes::Config,
    /// OPA's API.
    pub opa: super::opa::config::Config,
    /// Gateways that ask about each request.
    pub forward_auth: super::forward_auth::config::ForwardAuthConfig,
    /// Docker's authorization plugin.
    pub docker: super::docker::Config,
}

impl Config {
    /// Whom calls are about that name a subject.
    pub fn about(&self) -> About {
        About::Named { pep_role: self.pep_role.as_deref().map(Arc::from) }
    }
}
