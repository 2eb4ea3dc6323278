//! The JSON report: a list in the shape of `opa test --format json`, with what was expected added to each failure.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::testing::{Measured, Mismatch, TestKind, TestResult, Verdict};
use verdict_rego::Location;
use verdict_rego::observe::Stopped;

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a Location>,
    package: &'a str,
    name: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fail: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    skip: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mismatches: Vec<Difference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_results: Option<BTreeMap<&'a str, SubResult<'a>>>,
    /// What it printed, in base64 as in OPA.
    #[serde(skip_serializing_if = "String::is_empty")]
    output: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<StoppedAt<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    benchmark_result: Option<Benchmark>,
    /// Nanoseconds.
    duration: u64,
}

#[derive(Serialize)]
struct SubResult<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fail: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sub_results: BTreeMap<&'a str, SubResult<'a>>,
}

impl<'a> SubResult<'a> {
    const fn of(name: &'a str) -> Self {
        Self { name, fail: false, sub_results: BTreeMap::new() }
    }
}

#[derive(Serialize)]
struct StoppedAt<'a> {
    text: &'a str,
    location: &'a Location,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    variables: BTreeMap<&'a str, Box<RawValue>>,
}

/// By the names of Go's results: how often, and in how many nanoseconds altogether.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Benchmark {
    n: u64,
    t: u64,
}

#[derive(Serialize)]
struct Problem<'a> {
    message: &'a str,
}

#[derive(Serialize)]
struct Difference<'a> {
    what: &'a str,
    expected: &'a str,
    got: &'a str,
}

/// The report's text, with a line feed at its end.
pub fn render<'a>(tests: impl Iterator<Item = &'a TestResult>, variables: bool) -> String {
    let entries: Vec<Entry<'_>> = tests.map(|test| entry(test, variables)).collect();
    let mut text = serde_json::to_string_pretty(&entries).unwrap_or_default();
    text.push('\n');
    text
}

fn stopped_at(stopped: &Stopped, variables: bool) -> StoppedAt<'_> {
    let shown = stopped.variables.iter().filter(|_| variables);
    let variables = shown.map(|(name, value)| (name.as_str(), value.to_raw())).collect();
    StoppedAt { text: &stopped.text, location: &stopped.location, variables }
}

fn entry(test: &TestResult, variables: bool) -> Entry<'_> {
    let (mismatches, error) = match &test.verdict {
        Verdict::Failed(mismatches) => (mismatches.as_slice(), None),
        Verdict::Errored(message) => (&[][..], Some(Problem { message })),
        Verdict::Passed | Verdict::Skipped => (&[][..], None),
    };
    Entry {
        location: test.location.as_ref(),
        package: &test.suite,
        name: &test.name,
        kind: match test.kind {
            TestKind::Rule => "rule",
            TestKind::Fixture => "fixture",
        },
        fail: matches!(test.verdict, Verdict::Failed(_)),
        skip: test.verdict == Verdict::Skipped,
        error,
        mismatches: mismatches
            .iter()
            .map(|Mismatch { what, expected, got }| Difference { what, expected, got })
            .collect(),
        sub_results: sub_results(&test.cases),
        output: STANDARD.encode(&test.output),
        explanation: test.explanation.as_deref(),
        stopped_at: test.stopped.as_ref().map(|stopped| stopped_at(stopped, variables)),
        benchmark_result: test.measured.map(|Measured { iterations, ns_per_op }| Benchmark {
            n: iterations,
            t: (ns_per_op * iterations as f64) as u64,
        }),
        duration: u64::try_from(test.elapsed.as_nanos()).unwrap_or(u64::MAX),
    }
}

/// One below the other where there are several keys; a case has failed where one below it has.
fn sub_results(cases: &[(Vec<String>, bool)]) -> Option<BTreeMap<&str, SubResult<'_>>> {
    let mut all = BTreeMap::new();
    for (keys, passed) in cases {
        let mut here = &mut all;
        for key in keys {
            let entry = here.entry(key.as_str()).or_insert_with(|| SubResult::of(key));
            entry.fail |= !passed;
            here = &mut entry.sub_results;
        }
    }
    (!all.is_empty()).then_some(all)
}
