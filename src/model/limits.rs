//! What a caller may do at most, whatever policy says.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Hard limits of an agent or a key: checked before policy, and beyond the reach of every rule.
///
/// INVARIANT (absent is no limit, empty is nothing): a list that is absent limits nothing; an empty one allows nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HardLimits {
    /// The providers whose actions are allowed, e.g. `[stripe, aws]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_providers: Option<Vec<String>>,
    /// The operations that are allowed, e.g. `["stripe:create_payment"]`; `stripe:*` is every operation of a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_methods: Option<Vec<String>>,
    /// The largest amount that one action may move, in the unit of the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_amount: Option<serde_json::Number>,
}

impl HardLimits {
    /// Whether there is any.
    pub fn is_none(&self) -> bool {
        let Self { allowed_providers, allowed_methods, max_amount } = self;
        allowed_providers.is_none() && allowed_methods.is_none() && max_amount.is_none()
    }
}

/// All that narrows one call. Every part of it must allow what is asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Restrictions {
    /// The hard limits of everyone that the call is made by, or for.
    pub limits: Vec<Arc<HardLimits>>,
    /// The operations that a delegation or a capability allows; one list for each of them.
    pub scopes: Vec<Arc<[String]>>,
}

impl Restrictions {
    /// Adds hard limits, if there are any.
    pub fn limit(&mut self, limits: &Arc<HardLimits>) {
        if !limits.is_none() && !self.limits.contains(limits) {
            self.limits.push(Arc::clone(limits));
        }
    }

    /// Whether the call is for certain operations of policy only, so that nothing else can be asked with it.
    pub fn names_operations(&self) -> bool {
        let named =
            |limits: &Arc<HardLimits>| limits.allowed_providers.is_some() || limits.allowed_methods.is_some();
        !self.scopes.is_empty() || self.limits.iter().any(named)
    }

    /// Whether nothing is restricted.
    pub fn is_empty(&self) -> bool {
        self.limits.is_empty() && self.scopes.is_empty()
    }
}
