//! What a caller may do at most, whatever policy says.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::roles::covers;

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

impl HardLimits {
    /// What both allow.
    fn within(self, other: &Self) -> Self {
        let same = |one: &String, other: &String| (one == other).then(|| one.clone());
        // Of two that overlap, one covers the other.
        let narrower = |one: &String, other: &String| match (covers(one, other), covers(other, one)) {
            (true, _) => Some(other.clone()),
            (false, true) => Some(one.clone()),
            (false, false) => None,
        };
        Self {
            allowed_providers: both(
                self.allowed_providers,
                other.allowed_providers.as_ref(),
                |one, other| overlap(&one, other, same),
            ),
            allowed_methods: both(self.allowed_methods, other.allowed_methods.as_ref(), |one, other| {
                overlap(&one, other, narrower)
            }),
            max_amount: both(self.max_amount, other.max_amount.as_ref(), |one, other| {
                if is_less(other, &one) { other.clone() } else { one }
            }),
        }
    }
}

/// What limits, where one or both of two do.
fn both<T: Clone>(one: Option<T>, other: Option<&T>, of_both: impl FnOnce(T, &T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(of_both(one, other)),
        (one, other) => one.or_else(|| other.cloned()),
    }
}

/// What is in both lists, each once.
fn overlap(
    one: &[String],
    other: &[String],
    shared: impl Fn(&String, &String) -> Option<String>,
) -> Vec<String> {
    let mut all = Vec::new();
    for found in one.iter().flat_map(|one| other.iter().filter_map(|other| shared(one, other))) {
        if !all.contains(&found) {
            all.push(found);
        }
    }
    all
}

/// Whether a number is less than another; whole ones are compared exactly.
fn is_less(one: &serde_json::Number, other: &serde_json::Number) -> bool {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => one < other,
        _ => one.as_f64() < other.as_f64(),
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

    /// One hard limit that allows what all of them allow; none where there are none.
    pub fn hard_limits(&self) -> Option<HardLimits> {
        let mut all = self.limits.iter();
        let first = HardLimits::clone(all.next()?);
        Some(all.fold(first, |narrow, limits| narrow.within(limits)))
    }

    /// Whether nothing is restricted.
    pub fn is_empty(&self) -> bool {
        self.limits.is_empty() && self.scopes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(json: &str) -> Arc<HardLimits> {
        Arc::new(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn what_all_limits_allow_is_one_limit() {
        for (all, expected) in [
            (&[][..], "null"),
            (&[r#"{"max_amount": 5}"#], r#"{"max_amount":5}"#),
            (&[r#"{"max_amount": 5}"#, r#"{"max_amount": 2.5}"#], r#"{"max_amount":2.5}"#),
            (
                &[r#"{"max_amount": 9007199254740993}"#, r#"{"max_amount": 9007199254740992}"#],
                r#"{"max_amount":9007199254740992}"#,
            ),
            (
                &[r#"{"allowed_providers": ["aws", "stripe"]}"#, r#"{"max_amount": 1}"#],
                r#"{"allowed_providers":["aws","stripe"],"max_amount":1}"#,
            ),
            (
                &[r#"{"allowed_providers": ["aws", "stripe"]}"#, r#"{"allowed_providers": ["gcp", "aws"]}"#],
                r#"{"allowed_providers":["aws"]}"#,
            ),
            (
                &[
                    r#"{"allowed_methods": ["stripe:*", "aws:start", "gcp:stop"]}"#,
                    r#"{"allowed_methods": ["stripe:refund", "stripe:refund", "aws:*"]}"#,
                ],
                r#"{"allowed_methods":["stripe:refund","aws:start"]}"#,
            ),
            (&[r#"{"allowed_methods": ["*"]}"#, r#"{"allowed_methods": []}"#], r#"{"allowed_methods":[]}"#),
        ] {
            let mut restrictions = Restrictions::default();
            all.iter().for_each(|json| restrictions.limit(&limits(json)));
            assert_eq!(serde_json::to_string(&restrictions.hard_limits()).unwrap(), expected, "{all:?}");
        }
    }
}
