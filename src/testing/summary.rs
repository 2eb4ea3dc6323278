//! What came of a test run.

use std::time::Duration;

use verdict_rego::Location;
use verdict_rego::coverage::Report;
use verdict_rego::observe::Stopped;

/// One run over one set of bundles.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Every test, in the order of their files.
    pub tests: Vec<TestResult>,
    /// Which lines of policy ran, where that was asked for.
    pub coverage: Option<Report>,
    /// How long the run took, loading and compiling included.
    pub elapsed: Duration,
}

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Did what they should.
    pub passed: usize,
    /// Did not.
    pub failed: usize,
    /// Could not be evaluated.
    pub errored: usize,
    /// Marked `todo_`.
    pub skipped: usize,
}

impl Counts {
    /// All of them.
    pub const fn total(self) -> usize {
        self.passed + self.failed + self.errored + self.skipped
    }
}

impl Summary {
    /// How many tests ended how.
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

    /// Whether nothing failed. A run without tests has not passed: it has shown nothing.
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
    /// Where it stands, where that is known.
    pub location: Option<Location>,
    /// How it ended.
    pub verdict: Verdict,
    /// The sub-cases of `test_x[note]`, by their keys, and whether each passed.
    pub cases: Vec<(Vec<String>, bool)>,
    /// What it printed.
    pub output: String,
    /// The condition that it came to last, where it failed.
    pub stopped: Option<Stopped>,
    /// How long it takes, where that was measured.
    pub measured: Option<Measured>,
    /// How long it took to evaluate.
    pub elapsed: Duration,
}

/// How long a test takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// How often it was evaluated.
    pub iterations: u64,
    /// The mean time of an evaluation.
    pub ns_per_op: f64,
}

impl TestResult {
    /// The test's whole name: `data.app_test.test_x`, or `file: case`.
    pub fn title(&self) -> String {
        match self.kind {
            TestKind::Rule => format!("{}.{}", self.suite, self.name),
            TestKind::Fixture => format!("{}: {}", self.suite, self.name),
        }
    }
}

/// Where a test comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestKind {
    /// A `test_` rule.
    Rule,
    /// A case of a fixture file.
    Fixture,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Passed,
    /// Otherwise: each thing that differs.
    Failed(Vec<Mismatch>),
    /// It could not be evaluated.
    Errored(String),
    /// Marked `todo_`.
    Skipped,
}

/// One thing that differs from what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What differs: `decision`, `result`, `reasons`, …
    pub what: String,
    /// What was expected, for a person.
    pub expected: String,
    /// What there was instead.
    pub got: String,
}
