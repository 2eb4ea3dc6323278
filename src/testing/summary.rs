//! The results of a test run.

use std::time::Duration;

use super::fixture_error::FixtureError;
use verdict_rego::Location;
use verdict_rego::coverage::Report;
use verdict_rego::observe::Stopped;

/// One run over one set of bundles.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Every test, in the order of their files.
    pub tests: Vec<TestResult>,
    /// Coverage, if requested.
    pub coverage: Option<Report>,
    /// What in fixture files may not mean what it should.
    pub warnings: Vec<FixtureError>,
    /// Duration of the run, with loading and compiling.
    pub elapsed: Duration,
}

/// The number of tests by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Ended with an error.
    pub errored: usize,
    /// Skipped (`todo_`).
    pub skipped: usize,
}

impl Counts {
    /// The total.
    pub const fn total(self) -> usize {
        self.passed + self.failed + self.errored + self.skipped
    }
}

impl Summary {
    /// The number of tests by result.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for test in &self.tests {
            match test.verdict {
                Verdict::Passed => counts.passed += 1,
                Verdict::Failed(_) => counts.failed += 1,
                Verdict::Errored(_) => counts.errored += 1,
                Verdict::Skipped => counts.skipped += 1,
            }
        }
        counts
    }

    /// Whether the run passed: no test failed, and at least one passed.
    pub fn passed(&self) -> bool {
        let counts = self.counts();
        counts.passed > 0 && counts.failed == 0 && counts.errored == 0
    }
}

/// One test: a `test_` rule, or a case of a fixture file.
#[derive(Debug, Clone)]
pub struct TestResult {
    /// What it belongs to: the package, e.g. `data.app_test`, or the fixture file.
    pub suite: String,
    /// The rule's, or the case's name.
    pub name: String,
    /// Whether it is a rule or a case.
    pub kind: TestKind,
    /// Its location, if known.
    pub location: Option<Location>,
    /// Its result.
    pub verdict: Verdict,
    /// The sub-cases of `test_x[note]`, by their keys, and whether each passed.
    pub cases: Vec<(Vec<String>, bool)>,
    /// Its output.
    pub output: String,
    /// If it failed, the last condition that was evaluated.
    pub stopped: Option<Stopped>,
    /// Why it came out as it did, if requested: text in lines.
    pub explanation: Option<String>,
    /// The benchmark, if requested.
    pub measured: Option<Measured>,
    /// Duration of the evaluation.
    pub elapsed: Duration,
}

/// The benchmark of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Number of evaluations.
    pub iterations: u64,
    /// Mean duration of an evaluation.
    pub ns_per_op: f64,
}

impl TestResult {
    /// The test's full name: `data.app_test.test_x`, or `file: case`.
    pub fn title(&self) -> String {
        match self.kind {
            TestKind::Rule => format!("{}.{}", self.suite, self.name),
            TestKind::Fixture => format!("{}: {}", self.suite, self.name),
        }
    }
}

/// The kind of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestKind {
    /// A `test_` rule.
    Rule,
    /// A case of a fixture file.
    Fixture,
}

/// The result of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Passed.
    Passed,
    /// Failed, with each difference.
    Failed(Vec<Mismatch>),
    /// It could not be evaluated.
    Errored(String),
    /// Skipped (`todo_`).
    Skipped,
}

/// One difference from the expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What differs: `decision`, `result`, `reasons`, …
    pub what: String,
    /// The expected value, as text.
    pub expected: String,
    /// The actual value, as text.
    pub got: String,
}
