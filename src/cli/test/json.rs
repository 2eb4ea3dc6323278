//! The JSON report: a list in the shape of `opa test --format json`, with what was expected added to each failure.

use serde::Serialize;

use crate::model::failure::Location;
use crate::testing::{Mismatch, TestKind, TestResult, Verdict};

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
    sub_results: Option<serde_json::Map<String, serde_json::Value>>,
    /// Nanoseconds.
    duration: u64,
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
pub fn render<'a>(tests: impl Iterator<Item = &'a TestResult>) -> String {
    let entries: Vec<Entry<'_>> = tests.map(entry).collect();
    let mut text = serde_json::to_string_pretty(&entries).unwrap_or_default();
    text.push('\n');
    text
}

fn entry(test: &TestResult) -> Entry<'_> {
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
        duration: u64::try_from(test.elapsed.as_nanos()).unwrap_or(u64::MAX),
    }
}

fn sub_results(cases: &[(String, bool)]) -> Option<serde_json::Map<String, serde_json::Value>> {
    if cases.is_empty() {
        return None;
    }
    let entry = |(name, passed): &(String, bool)| {
        (name.clone(), if *passed { serde_json::json!({}) } else { serde_json::json!({"fail": true}) })
    };
    Some(cases.iter().map(entry).collect())
}
