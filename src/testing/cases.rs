//! Runs the cases of fixture files, deciding them as the server decides calls.

use std::time::{Duration, Instant};

use super::caller::Callers;
use super::fixture::Case;
use super::fixture_document::Document;
use super::fixture_value::Expectation;
use super::rules::describe;
use super::suite::{Options, compile_for};
use super::summary::{Mismatch, TestKind, TestResult, Verdict};
use super::watched;
use crate::model::clock::Timestamp;
use crate::model::decision::Outcome;
use crate::model::failure::Failure;
use crate::model::principal::AuthContext;
use crate::model::request::EntryPath;
use crate::pdp::{Answer, decide_in, explain, input};
use verdict_rego::coverage::Coverage;
use verdict_rego::diagnostic::{SHOWN, listed};
use verdict_rego::{Diagnostic, Program, Value};

pub(super) fn run<'p>(
    program: &'p Program,
    cases: &[Case],
    options: &Options,
    now: Timestamp,
    coverage: &mut Option<Coverage<'p>>,
) -> Vec<TestResult> {
    let mut runner = Runner { base: program, options, now, callers: Callers::default(), coverage };
    let wanted = cases.iter().filter(|case| options.wants(&case.title()));
    wanted
        .map(|case| {
            let started = Instant::now();
            let (verdict, told) = runner.run(case);
            let Told { output, explanation } = told;
            TestResult { output, explanation, ..result(case, verdict, started.elapsed()) }
        })
        .collect()
}

/// What the cases of a run share.
struct Runner<'r, 'p> {
    base: &'p Program,
    options: &'r Options,
    now: Timestamp,
    callers: Callers,
    coverage: &'r mut Option<Coverage<'p>>,
}

fn result(case: &Case, verdict: Verdict, elapsed: Duration) -> TestResult {
    TestResult {
        suite: case.location.file.clone(),
        name: case.name.clone(),
        kind: TestKind::Fixture,
        location: Some(case.location.clone()),
        verdict,
        cases: Vec::new(),
        output: String::new(),
        stopped: None,
        explanation: None,
        measured: None,
        elapsed,
    }
}

/// What a case says besides its verdict.
#[derive(Default)]
struct Told {
    output: String,
    explanation: Option<String>,
}

impl Runner<'_, '_> {
    /// The verdict on one case, and what else there is to say of it.
    fn run(&mut self, case: &Case) -> (Verdict, Told) {
        let mut told = Told::default();
        let verdict = self.judged(case, &mut told);
        (verdict.unwrap_or_else(Verdict::Errored), told)
    }

    /// # Errors
    /// Why the case cannot be run.
    fn judged(&mut self, case: &Case, told: &mut Told) -> Result<Verdict, String> {
        let at = case.now.unwrap_or(self.now);
        let changed = with_data(self.base, case, self.options.debug).transpose();
        let changed = changed.map_err(|errors| lines(&errors))?;
        let caller = self.callers.know(&case.caller, &case.permissions.roles, at)?;
        let request = case.request.as_ref().map(Value::from_serialize).transpose();
        let request = request.map_err(|error| format!("`request`: {error}"))?;
        let input = match caller.and_then(|auth| admitted(&auth, case, request)) {
            Ok(input) => input,
            Err(failure) => return Ok(judge(&case.expect, &Got::refused(failure))),
        };
        let (limits, mut effects) = (self.options.limits(), self.options.effects());
        // Output and coverage come from a separate evaluation, so that the decision is made as in the server.
        if self.options.debug {
            let (path, input, options) = (&case.entrypoint, input.clone(), self.options);
            let seen = match &changed {
                None => watched::evaluate(self.base, path, input, at.0, options, self.coverage),
                Some(own) => watched::evaluate(own, path, input, at.0, options, &mut None),
            };
            told.output = seen.output;
        }
        let program = changed.as_ref().unwrap_or(self.base);
        let answer = decide_in(program, &case.entrypoint, input.clone(), at, &limits, &mut effects);
        let reasons = case.expect.reasons.is_some().then(|| {
            let reasons = decide_in(program, &case.reasons_at, input.clone(), at, &limits, &mut effects);
            reasons_of(&case.reasons_at, reasons)
        });
        let verdict = judge(&case.expect, &Got::answered(answer, reasons));
        if self.options.explain.wants(&verdict) {
            let path = if is_of_reasons(&verdict) { &case.reasons_at } else { &case.entrypoint };
            let why = explain(program, path, input.as_ref(), at, &limits, true, &mut effects);
            told.explanation = why.map(|why| why.to_string());
        }
        Ok(verdict)
    }
}

/// The input, if the caller may ask at all: in the order in which the server finds out.
fn admitted(auth: &AuthContext, case: &Case, request: Option<Value>) -> Result<Option<Value>, Failure> {
    let input = input::assemble(auth, request)?;
    case.permissions.gate.check(auth, &case.entrypoint, input.as_ref())?;
    Ok(input)
}

/// The program with the case's own documents in data; `None` if it has none.
fn with_data(base: &Program, case: &Case, debug: bool) -> Option<Result<Program, Vec<Diagnostic>>> {
    if case.data.is_empty() {
        return None;
    }
    let mut data = base.data().clone();
    for (path, document) in &case.data {
        let document = match Value::from_serialize(document) {
            Ok(document) => document,
            Err(error) => {
                return Some(Err(vec![Diagnostic::new("rego_compile_error", format!("`data`: {error}"))]));
            }
        };
        data = replaced(&data, path.segments(), document);
    }
    Some(compile_for(base.modules(), &data, debug))
}

/// `value` with the document at `path` replaced, as `with data.… as …` does; a value in between that is not an object becomes one.
fn replaced(value: &Value, path: &[String], document: Value) -> Value {
    let Some((first, rest)) = path.split_first() else { return document };
    let mut object = if value.is_object() { value.clone() } else { Value::object() };
    let below = object.get(first).cloned().unwrap_or_else(Value::object);
    object.insert(first, replaced(&below, rest, document));
    object
}

/// The actual result of a case.
struct Got {
    outcome: Outcome,
    result: Option<serde_json::Value>,
    reason: Option<String>,
    failure: Option<Failure>,
    reasons: Option<Result<Vec<String>, String>>,
}

impl Got {
    fn refused(failure: Failure) -> Self {
        let reason = Some(failure.message.clone());
        Self { outcome: Outcome::Refused, result: None, reason, failure: Some(failure), reasons: None }
    }

    fn answered(answer: Answer, reasons: Option<Result<Vec<String>, String>>) -> Self {
        let result = answer.result.as_ref().and_then(|value| serde_json::to_value(value).ok());
        Self { outcome: answer.outcome, result, reason: answer.reason, failure: answer.failure, reasons }
    }

    /// The outcome, with its reason if there is one.
    fn outcome(&self) -> String {
        let name = self.outcome.name();
        match (&self.failure, &self.reason) {
            (Some(failure), _) => format!(
                "{name} ({}): {}",
                failure.kind.name(),
                describe(&failure.message, failure.policy.as_deref())
            ),
            (None, Some(reason)) => format!("{name}: {reason}"),
            (None, None) => name.to_owned(),
        }
    }
}

/// The strings at the path of reasons, or why there are none.
fn reasons_of(path: &EntryPath, answer: Answer) -> Result<Vec<String>, String> {
    if let Some(failure) = &answer.failure {
        return Err(format!("`{path}` failed: {}", describe(&failure.message, failure.policy.as_deref())));
    }
    let Some(value) = &answer.result else {
        return Err(format!(
            "`{path}` is undefined; set `reasons_at` if the policy keeps its reasons elsewhere"
        ));
    };
    serde_json::to_value(value)
        .and_then(serde_json::from_value)
        .map_err(|_| format!("`{path}` is not a set of strings: {value}"))
}

fn judge(expect: &Expectation, got: &Got) -> Verdict {
    let mut mismatches = Vec::new();
    let mut differs = |what: &str, expected: String, got: String| {
        mismatches.push(Mismatch { what: what.to_owned(), expected, got });
    };
    if let Some(decision) = expect.decision.filter(|decision| *decision != got.outcome) {
        differs("decision", decision.name().to_owned(), got.outcome());
    }
    if let Some(kind) = expect.failure.filter(|kind| Some(*kind) != got.failure.as_ref().map(|f| f.kind)) {
        let actual = got.failure.as_ref().map_or("none", |failure| failure.kind.name());
        differs("failure", kind.name().to_owned(), actual.to_owned());
    }
    if let Some(text) = &expect.reason {
        let reason = got.reason.clone().unwrap_or_default();
        if !reason.contains(text.as_str()) {
            differs(
                "reason",
                format!("… {text} …"),
                if reason.is_empty() { "none".to_owned() } else { reason },
            );
        }
    }
    if let Some(Document(result)) = &expect.result
        && got.result.as_ref() != Some(result)
    {
        differs("result", pretty(Some(result)), pretty(got.result.as_ref()));
    }
    if let Some(wanted) = &expect.reasons {
        let sorted = |texts: &[String]| {
            let mut texts = texts.to_vec();
            texts.sort();
            if texts.is_empty() { "none".to_owned() } else { texts.join("\n") }
        };
        match &got.reasons {
            Some(Ok(reasons)) if sorted(reasons) == sorted(wanted) => {}
            Some(Ok(reasons)) => differs("reasons", sorted(wanted), sorted(reasons)),
            Some(Err(message)) => differs("reasons", sorted(wanted), message.clone()),
            None => differs("reasons", sorted(wanted), "policy was not evaluated".to_owned()),
        }
    }
    if mismatches.is_empty() { Verdict::Passed } else { Verdict::Failed(mismatches) }
}

/// Whether nothing differs but the reasons.
fn is_of_reasons(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Failed(mismatches) if mismatches.iter().all(|mismatch| mismatch.what == "reasons"))
}

fn pretty(value: Option<&serde_json::Value>) -> String {
    match value {
        Some(value) => serde_json::to_string_pretty(value).unwrap_or_default(),
        None => "no result".to_owned(),
    }
}

fn lines(errors: &[Diagnostic]) -> String {
    listed(errors, SHOWN)
}
