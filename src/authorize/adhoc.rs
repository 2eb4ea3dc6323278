//! Ad-hoc queries of those who manage the server, over the policy that would decide for them.
//!
//! INVARIANT (as bounded as a decision): a query has the limits of the root document, and runs on the separate pool, so that it
//! delays no decision. What policy could call out for, a query cannot.

use std::sync::Arc;
use std::time::Instant;

use super::call::{Arrival, Call};
use super::{Attempt, Authorizer};
use crate::decision_log::Unrecorded;
use crate::model::decision::{Decision, Recorded};
use crate::model::failure::{Failure, FailureKind};
use verdict_rego::query::{Asking, Row, Scope};
use verdict_rego::{Effects, EvalLimits, Host, PolicyError, Responses, Value};

/// A query, and what it is asked about.
#[derive(Debug)]
pub struct AdHoc {
    /// Its text.
    pub text: String,
    /// Its input, as it was sent.
    pub input: Option<Value>,
}

/// What came of a query.
#[derive(Debug)]
pub struct Answered {
    /// The record of what was asked, or why it was refused.
    pub decision: Recorded<Decision>,
    /// Every result; none where the call was refused.
    pub rows: Option<Result<Vec<Row>, NotAnswered>>,
}

/// Why a query has no answer.
#[derive(Debug)]
pub enum NotAnswered {
    /// It is wrong.
    Wrong(Vec<PolicyError>),
    /// It failed, or took too long.
    Failed(Failure),
}

impl Authorizer {
    /// Answers a query of whoever may manage this server, once it is recorded.
    ///
    /// # Errors
    /// [`Unrecorded`] when the log did not take the record.
    pub async fn query(
        &self,
        arrival: Arrival<'_>,
        ask: impl AsyncFnOnce() -> Result<AdHoc, Failure>,
    ) -> Result<Answered, Unrecorded> {
        let ask = async || {
            let query = ask().await?;
            let mut recorded = Value::object();
            recorded.insert("query", Value::from(query.text.as_str()));
            if let Some(input) = &query.input {
                recorded.insert("input", input.clone());
            }
            Ok(Attempt { what: query, recorded: Some(recorded) })
        };
        let (decision, attempt) = self.attempted(arrival, None, ask).await?;
        let Some((query, call)) = attempt else { return Ok(Answered { decision, rows: None }) };
        let (begun, limits) = (Instant::now(), call.limits());
        let work = move |(mut call, query): (Call, AdHoc)| {
            call.waited = begun.elapsed();
            answer(&call, &query)
        };
        let failed = |kind, message| Err(NotAnswered::Failed(Failure::new(kind, message)));
        let rows = match self.pool.run((call, query), limits.deadline, work).await {
            Ok(Some(rows)) => rows,
            Ok(None) => failed(FailureKind::Internal, "the query panicked".to_owned()),
            Err(_) => {
                let message =
                    format!("no thread came to the query within {} ms", limits.deadline.as_millis());
                failed(FailureKind::DeadlineExceeded, message)
            }
        };
        Ok(Answered { decision, rows: Some(rows) })
    }
}

fn answer(call: &Call, query: &AdHoc) -> Result<Vec<Row>, NotAnswered> {
    let policy = call.policy();
    let prepared = policy.program.prepare(&query.text, &Scope::default()).map_err(|found| {
        NotAnswered::Wrong(found.iter().map(verdict_rego::Diagnostic::to_policy_error).collect())
    })?;
    let unsafe_call = |name: &str| PolicyError {
        code: "rego_type_error",
        message: format!("unsafe built-in function calls in expression: {name}"),
        location: None,
    };
    let calls: Vec<PolicyError> = prepared.blocking_calls().map(unsafe_call).collect();
    if !calls.is_empty() {
        return Err(NotAnswered::Wrong(calls));
    }
    let (surroundings, limits) = (&call.in_force.settings.surroundings, call.limits());
    // Rules that the query refers to may call others; not for a query.
    let alone = Arc::new(Host {
        client: None,
        version: surroundings.version.clone(),
        commit: surroundings.commit.clone(),
        env: surroundings.env.clone(),
        config: surroundings.config.clone(),
        responses: Responses::default(),
    });
    let asking = Asking {
        input: query.input.as_ref(),
        now_ns: call.at.0,
        limits: EvalLimits { deadline: limits.deadline.saturating_sub(call.waited), ..limits },
        strict: limits.strict,
        effects: Effects::new(&alone).apart(policy.organisation.clone()),
        watch: None,
    };
    policy.program.ask(&prepared, asking).map_err(|error| NotAnswered::Failed(Failure::from(error)))
}
