//! Tool calls: what the AgentPolicies in force say of them, beside Rego.
//!
//! INVARIANT (only narrower): a call that a policy blocks is refused before Rego is asked, and one that it allows is still Rego's to
//! deny.
//! INVARIANT (fail closed): where there are policies, every call is judged by one of them. One that none is for is blocked.

use std::sync::Arc;

use super::call::Call;
use super::{Authorizer, Settings};
use crate::aip::decide::no_policy;
use crate::aip::{Policies, Policy, SESSION, ToolCall, rpc};
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

/// What is about the server itself: no tool call.
const OWN: &str = "system";

impl Authorizer {
    /// Judges a call by the policy that is for its caller.
    ///
    /// # Errors
    /// It is blocked, or a person would have to be asked, and the door cannot say so.
    pub(super) async fn rule(&self, call: &mut Call) -> Result<(), Failure> {
        let in_force = Arc::clone(&call.in_force);
        let settings = &in_force.settings;
        let own =
            call.path.as_ref().is_some_and(|path| path.segments().first().is_some_and(|first| first == OWN));
        if !call.question.tool_call && (settings.tool_calls.policies.is_empty() || own) {
            return Ok(());
        }
        let empty = verdict_rego::Value::object();
        let (ruling, judged) = {
            let input = call.question.input.as_ref().unwrap_or(&empty);
            let asked = ToolCall::of(input).answered(call.question.approval);
            judge(settings, call, &asked).await
        };
        self.decider.metrics.aip.judged(&ruling);
        let ask = ruling.effect == Effect::Ask && !call.question.tool_call;
        let approval = || Failure::insufficient(said(&ruling));
        let judged = judged.and_then(|()| if ask { Err(approval()) } else { Ok(()) });
        if judged.is_ok() && call.question.tool_call {
            self.begin_session(call, ruling.policy.as_deref());
        }
        call.ruling = Some(Box::new(ruling));
        judged
    }

    /// The first token of a session, for a caller who may open one and has none (section 5.4.1).
    fn begin_session(&self, call: &mut Call, policy: Option<&str>) {
        let in_force = Arc::clone(&call.in_force);
        let policy = policy.and_then(|name| in_force.settings.tool_calls.policies.named(name));
        let Some(policy) = policy.filter(|policy| policy.identity.is_some()) else { return };
        if let AuthContext::Verified(verified) = call.auth()
            && let Ok(opened) = in_force.authenticator.open_session(verified, policy)
        {
            call.next_token(opened.token);
        }
    }
}

async fn judge(settings: &Settings, call: &Call, asked: &ToolCall<'_>) -> (Ruling, Result<(), Failure>) {
    let tool_calls = &settings.tool_calls;
    let principal = match call.auth() {
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
    if let Err(failure) = count(tool_calls, policy, asked, call).await {
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
fn said(ruling: &Ruling) -> String {
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
    call: &Call,
) -> Result<(), Failure> {
    let mut charges = Charges::default();
    for (tool, quota) in policy.counted(asked) {
        let key = Key::new("aip:rate", &[policy.name.as_bytes(), tool.as_bytes()]);
        let charge = Charge { name: "tool", key, quota };
        charges
            .add(charge)
            .map_err(|_| Failure::insufficient("the call names more tools than are counted"))?;
    }
    match tool_calls.limiter.take(&charges, 1, call.at).await {
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
