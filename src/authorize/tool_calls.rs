//! Tool calls: what the AgentPolicies in force say of them, beside Rego.
//!
//! INVARIANT (only narrower): a call that a policy blocks is refused before Rego is asked, and one that it allows is still Rego's to
//! deny.
//! INVARIANT (fail closed): where there are policies, every call is judged by one of them. One that none is for is blocked.

use std::sync::Arc;

use crate::aip::decide::no_policy;
use crate::aip::{Policies, Policy, SESSION, ToolCall, rpc};
use crate::model::clock::Timestamp;
use crate::model::decision::{Decision, Outcome};
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::{AuthContext, Verified};
use crate::model::request::EntryPath;
use crate::model::ruling::{Effect, Ruling};
use crate::stores::{Charge, Charges, Key, RateLimiter, Unavailable};

/// The policies in force, and where the calls of tools are counted.
#[derive(Debug)]
pub struct ToolCalls {
    /// The policies.
    pub policies: Arc<Policies>,
    /// The document that must allow a tool call, too.
    pub document: EntryPath,
    /// Counts.
    pub limiter: Arc<RateLimiter>,
}

/// What the policies say of a call by this caller, and why it is blocked, if it is.
pub(super) async fn judge(
    tool_calls: &ToolCalls,
    auth: &AuthContext,
    asked: &ToolCall<'_>,
    at: Timestamp,
) -> (Ruling, Result<(), Failure>) {
    let principal = match auth {
        AuthContext::Verified(Verified { principal, .. }) => Some(principal),
        AuthContext::Unchecked | AuthContext::Anonymous => None,
    };
    let agent = principal.and_then(|principal| principal.agent.as_deref());
    let Some(policy) = tool_calls.policies.of_caller(agent) else {
        return blocked(no_policy(asked));
    };
    let has_token = principal.is_some_and(|principal| principal.method == SESSION);
    if policy.identity.as_ref().is_some_and(|terms| terms.required) && !has_token {
        let ruling = policy.without_token(asked);
        let failure = Failure::new(FailureKind::CredentialMissing, said(&ruling));
        return (ruling, Err(failure));
    }
    if let Err(failure) = count(tool_calls, policy, asked, at).await {
        return (policy.too_often(asked), Err(failure));
    }
    let ruling = policy.decide(asked);
    if ruling.effect == Effect::Block { blocked(ruling) } else { (ruling, Ok(())) }
}

fn blocked(ruling: Ruling) -> (Ruling, Result<(), Failure>) {
    let failure = Failure::insufficient(said(&ruling));
    (ruling, Err(failure))
}

/// Which policy says what, for the record.
pub(super) fn said(ruling: &Ruling) -> String {
    match &ruling.policy {
        Some(policy) => format!("the AgentPolicy `{policy}`: {}", ruling.reason),
        None => ruling.reason.clone(),
    }
}

/// Counts the call against the limits of its tools, which all callers of the policy share.
async fn count(
    tool_calls: &ToolCalls,
    policy: &Policy,
    asked: &ToolCall<'_>,
    at: Timestamp,
) -> Result<(), Failure> {
    let mut charges = Charges::default();
    for (tool, quota) in policy.counted(asked) {
        let key = Key::new("aip:rate", &[policy.name.as_bytes(), tool.as_bytes()]);
        let charge = Charge { name: "tool", key, quota };
        charges
            .add(charge)
            .map_err(|_| Failure::insufficient("the call names more tools than are counted"))?;
    }
    match tool_calls.limiter.take(&charges, 1, at).await {
        Ok(taken) => match taken.filter(|taken| !taken.allowed) {
            None => Ok(()),
            Some(taken) => {
                let message = format!("the AgentPolicy `{}`: {}", policy.name, rpc::RATE_LIMITED.message);
                let failure = Failure::new(FailureKind::RateLimited, message);
                Err(failure.retry_after(taken.retry_after.unwrap_or_default()))
            }
        },
        Err(Unavailable::Denied) => {
            Err(Failure::new(FailureKind::Misconfigured, "tool calls cannot be counted"))
        }
        Err(_) => Err(Failure::new(FailureKind::VerifierUnavailable, "tool calls cannot be counted now")),
    }
}

/// What a tool call comes to once Rego has decided, too: what Rego does not allow is blocked, and what a person must approve is
/// not allowed yet.
pub(super) fn settled(mut decision: Decision) -> Decision {
    let Some(ruling) = decision.ruling.as_deref_mut() else { return decision };
    match (decision.outcome, ruling.effect) {
        (Outcome::Allow, Effect::Ask) => {
            decision.outcome = Outcome::Deny;
            decision.reason = Some(said(ruling));
        }
        (Outcome::Allow, _) | (_, Effect::Block) => {}
        _ => {
            ruling.effect = Effect::Block;
            ruling.error = Some(rpc::FORBIDDEN);
            "Policy does not allow the call".clone_into(&mut ruling.reason);
        }
    }
    decision
}
