//! The part of the pipeline that decides and records, on whatever thread.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::call::{Call, Form};
use super::schedule::Schedule;
use super::tool_calls::settled;
use crate::decision_log::{DecisionLog, Unrecorded};
use crate::model::decision::{Decision, Outcome, Recorded};
use crate::model::failure::{Failure, FailureKind};
use crate::model::request::EntryPath;
use crate::pdp::{self, Answer};
use crate::telemetry::metrics::Metrics;
use verdict_rego::{Effects, EvalLimits, UndefinedCause, Value};

/// Decides and records.
pub(super) struct Decider {
    log: Arc<DecisionLog>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) schedule: Schedule,
}

impl Decider {
    pub(super) fn new(log: Arc<DecisionLog>, metrics: Arc<Metrics>) -> Self {
        Self { log, metrics, schedule: Schedule::default() }
    }

    /// Writes the record of a decision; only then can it be answered with.
    pub(super) async fn record(&self, decision: Decision) -> Result<Recorded<Decision>, Unrecorded> {
        self.metrics.decisions.observe(decision.path.as_ref(), decision.outcome, &decision.timings);
        self.log.record(decision).await
    }

    /// Assembles the input, evaluates the document, and explains it where that is asked for and allowed.
    pub(super) fn decide(&self, mut call: Call) -> Decision {
        let Some(path) = call.path.clone() else {
            return call.refuse(Failure::new(FailureKind::Internal, "no path"));
        };
        let input = match call.assemble_input() {
            Ok(input) => input,
            Err(failure) => return call.refuse(failure),
        };
        if let Err(failure) = check_gate(&call, &path, input.as_ref()) {
            call.question.input = input;
            return call.refuse(failure);
        }
        if call.question.passes {
            return passed(call, input);
        }
        let (limits, settings) = (call.limits(), Arc::clone(&call.in_force.settings));
        let policy = Arc::clone(call.policy());
        let mut effects = Effects::new(&settings.surroundings).apart(policy.organisation.clone());
        let left = EvalLimits { deadline: limits.deadline.saturating_sub(call.waited), ..limits };
        let mut answer = match call.question.filter.as_deref() {
            None => pdp::decide_in(&policy.program, &path, input.clone(), call.at, &left, &mut effects),
            Some(wanted) => {
                let (wanted, at) = ((wanted, call.auth()), (call.at, &left));
                pdp::filter::decide(&policy.program, &path, wanted, input.as_ref(), at, &mut effects)
            }
        };
        self.schedule.rate(&policy, &path, &answer);
        if let Some(form) = call.question.form {
            answer = formed(answer, form);
        }
        if answer.is_too_late() && !call.waited.is_zero() {
            answer = Answer { eval: answer.eval, ..Answer::too_late(&limits, "waiting included") };
        }
        // Before an explanation evaluates rules that the decision did not need.
        let rule_labels = effects.rule_labels();
        let nd_builtin_cache = if settings.nd_builtin_cache { effects.record() } else { None };
        let (id, eval, tool_call) = (Uuid::new_v4(), answer.eval, call.question.tool_call);
        let explained = call.is_explained() || settings.records_explanation(id, answer.outcome);
        // A document that something was left out of has been evaluated, too.
        let evaluated =
            (answer.failure.is_none() || answer.result.is_some()) && call.question.filter.is_none();
        let explanation = (explained && evaluated).then(|| {
            let left = EvalLimits { deadline: left.deadline.saturating_sub(eval), ..left };
            pdp::explain(&policy.program, &path, input.as_ref(), call.at, &left, false, &mut effects)
        });
        if call.question.strict_path && answer.undefined == Some(UndefinedCause::NoSuchPath) {
            answer = undeclared(answer, &path);
        }
        let decision = call.into_decision(id, answer.outcome, eval);
        let decided = Decision {
            nd_builtin_cache,
            rule_labels,
            explanation: explanation.flatten(),
            ..answered(decision, answer, input)
        };
        if tool_call { settled(decided) } else { decided }
    }

    /// The decision on a call for whose evaluation there was no time.
    pub(super) fn too_late(&self, mut call: Call, why: &str) -> Decision {
        let answer = Answer::too_late(&call.limits(), why);
        match call.assemble_input() {
            Ok(input) => {
                answered(call.into_decision(Uuid::new_v4(), answer.outcome, Duration::ZERO), answer, input)
            }
            Err(failure) => call.refuse(failure),
        }
    }
}

/// What no policy can allow; of a manifest, first what it says of its sender.
fn check_gate(call: &Call, path: &EntryPath, input: Option<&Value>) -> Result<(), Failure> {
    let gate = &call.in_force.settings.gate;
    if let Some(input) = input.filter(|_| call.question.manifest) {
        gate.check_manifest(call.auth(), input)?;
    }
    gate.check(call.auth(), path, input)
}

/// What policy is not asked about, as a protocol says.
fn passed(call: Call, input: Option<Value>) -> Decision {
    let reason = Some("passes without a question to policy".to_owned());
    Decision { reason, input, ..call.into_decision(Uuid::new_v4(), Outcome::Allow, Duration::ZERO) }
}

fn answered(decision: Decision, answer: Answer, input: Option<Value>) -> Decision {
    let Answer { outcome, result, reason, undefined: _, failure, eval: _ } = answer;
    Decision { outcome, result, reason, failure, input, ..decision }
}

/// Where the caller wants to know: a path that nothing declares is an error.
fn undeclared(answer: Answer, path: &EntryPath) -> Answer {
    let failure = Failure::new(FailureKind::UnknownPath, format!("nothing is declared at `{path}`"));
    Answer { outcome: Outcome::Error, failure: Some(failure), ..answer }
}

/// INVARIANT (never half): a result that the door cannot tell as a whole allows nothing, whatever its verdict is.
fn formed(answer: Answer, form: Form) -> Answer {
    let Some(why) = answer.result.as_ref().and_then(|result| form(result).err()) else { return answer };
    let reason = format!("the result of the policy cannot be answered with: {why}");
    let failure = Failure::new(FailureKind::EvaluationFailed, reason.clone());
    Answer { outcome: Outcome::Error, reason: Some(reason), failure: Some(failure), ..answer }
}
