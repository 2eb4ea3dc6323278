//! From a document's value to a decision.

use std::time::{Duration, Instant};

use crate::model::clock::Timestamp;
use crate::model::decision::Outcome;
use crate::model::failure::{Failure, FailureKind};
use crate::model::request::EntryPath;
use verdict_rego::{Effects, EvalLimits, Evaluation, PolicyError, Program, UndefinedCause, Value};

/// What policy answers.
#[derive(Debug)]
pub struct Answer {
    /// What it means. Only [`Outcome::Allow`] allows.
    pub outcome: Outcome,
    /// The document, if it is defined; with [`Outcome::Error`], what is left of it.
    pub result: Option<Value>,
    /// Why it is undefined, or what is missing from it.
    pub reason: Option<String>,
    /// Why there is no document to speak of.
    pub undefined: Option<UndefinedCause>,
    /// What failed.
    pub failure: Option<Failure>,
    /// How long the evaluation took.
    pub eval: Duration,
}

impl Answer {
    /// There was no time to evaluate; `why` goes after what the limit is.
    pub fn too_late(limits: &EvalLimits, why: &str) -> Self {
        let reason = format!("the policy did not finish within {} ms, {why}", limits.deadline.as_millis());
        Self {
            outcome: Outcome::Error,
            result: None,
            reason: Some(reason.clone()),
            undefined: None,
            failure: Some(Failure::new(FailureKind::DeadlineExceeded, reason)),
            eval: Duration::ZERO,
        }
    }

    /// Whether the deadline ended the evaluation.
    pub fn is_too_late(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::DeadlineExceeded)
    }
}

/// Evaluates the document at `path`, with nothing around it, and says what it means.
pub fn decide(
    program: &Program,
    path: &EntryPath,
    input: Option<Value>,
    at: Timestamp,
    limits: &EvalLimits,
) -> Answer {
    decide_in(program, path, input, at, limits, &mut Effects::default())
}

/// Decides as [`decide`] does, with what `effects` has around it; what is learned there is in it afterwards.
pub fn decide_in(
    program: &Program,
    path: &EntryPath,
    input: Option<Value>,
    at: Timestamp,
    limits: &EvalLimits,
    effects: &mut Effects,
) -> Answer {
    let started = Instant::now();
    let evaluation = program.evaluate_in(path, input, at.0, limits, effects);
    let eval = started.elapsed();
    match evaluation {
        Evaluation::Defined { value, left_out: None } => Answer {
            outcome: outcome(&value),
            result: Some(value),
            reason: None,
            undefined: None,
            failure: None,
            eval,
        },
        Evaluation::Defined { value, left_out: Some(error) } => incomplete(value, error, eval),
        Evaluation::Undefined(cause) => Answer {
            outcome: Outcome::Undefined,
            result: None,
            reason: Some(cause.reason().to_owned()),
            undefined: Some(cause),
            failure: None,
            eval,
        },
        Evaluation::Error(error) => Answer {
            outcome: Outcome::Error,
            result: None,
            reason: Some(error.message.clone()),
            undefined: None,
            failure: Some(error.into()),
            eval,
        },
    }
}

/// INVARIANT (whole or error): what is missing may be what denies, so a document that a rule was left out of has no
/// verdict, whatever else is in it.
fn incomplete(value: Value, error: PolicyError, eval: Duration) -> Answer {
    let reason = format!("a rule was left out: {}", error.message);
    let kind = FailureKind::EvaluationFailed;
    let failure = Failure { policy: Some(Box::new(error)), ..Failure::new(kind, reason.clone()) };
    Answer {
        outcome: Outcome::Error,
        result: Some(value),
        reason: Some(reason),
        undefined: None,
        failure: Some(failure),
        eval,
    }
}

/// The names that gateways look for a truth value under, in this order.
pub(super) const VERDICTS: [&str; 3] = ["allow", "allowed", "decision"];

/// What a document means: a truth value, or an object that has one under a name that gateways know.
fn outcome(value: &Value) -> Outcome {
    let verdict = VERDICTS.into_iter().find_map(|key| value.get(key));
    match verdict.unwrap_or(value).as_bool() {
        Some(true) => Outcome::Allow,
        Some(false) => Outcome::Deny,
        None if verdict.is_some() => Outcome::Deny,
        None => Outcome::Value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_true_allows() {
        for (document, expected) in [
            ("true", Outcome::Allow),
            ("false", Outcome::Deny),
            (r#"{"allow": true}"#, Outcome::Allow),
            (r#"{"allowed": true, "reason": "x"}"#, Outcome::Allow),
            (r#"{"decision": false}"#, Outcome::Deny),
            (r#"{"allow": "yes"}"#, Outcome::Deny),
            (r#"{"allow": false, "allowed": true}"#, Outcome::Deny),
            ("1", Outcome::Value),
            ("\"true\"", Outcome::Value),
            ("[true]", Outcome::Value),
            ("{}", Outcome::Value),
            ("null", Outcome::Value),
        ] {
            assert_eq!(outcome(&Value::from_json(document.as_bytes()).unwrap()), expected, "{document}");
        }
    }
}
