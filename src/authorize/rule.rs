//! The step of the pipeline that asks the AgentPolicies.

use std::sync::Arc;

use super::Authorizer;
use super::call::Call;
use super::tool_calls::{judge, said};
use crate::aip::ToolCall;
use crate::model::failure::Failure;
use crate::model::principal::AuthContext;
use crate::model::ruling::Effect;

/// What is about the health of the server itself: no tool call.
const OWN: [&str; 2] = ["system", "health"];

impl Authorizer {
    /// Judges a call by the policy that is for its caller.
    ///
    /// # Errors
    /// It is blocked, or a person would have to be asked, and the door cannot say so.
    pub(super) async fn rule(&self, call: &mut Call) -> Result<(), Failure> {
        let in_force = Arc::clone(&call.in_force);
        let settings = &in_force.settings;
        let own = call.path.as_ref().is_some_and(|path| path.segments().starts_with(&OWN.map(str::to_owned)));
        if !call.question.tool_call && (settings.tool_calls.policies.is_empty() || own) {
            return Ok(());
        }
        let empty = verdict_rego::Value::object();
        let (ruling, judged) = {
            let input = call.question.input.as_ref().unwrap_or(&empty);
            let asked = ToolCall::of(input).answered(call.question.approval);
            judge(&settings.tool_calls, call.auth(), &asked, call.at).await
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
