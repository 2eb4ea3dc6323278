//! The JUnit report, which continuous-integration servers read.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::pretty::explain;
use crate::testing::{Summary, TestResult, Verdict};

/// The report's XML; each run becomes a test suite for every package and fixture file in it. `whole` says that
/// explanations are not shortened.
///
/// # Errors
/// When the XML cannot be written.
pub fn render<'a>(runs: impl Iterator<Item = &'a Summary>, whole: bool) -> Result<String, String> {
    let mut report = Report::new("verdict test");
    let mut total = std::time::Duration::ZERO;
    for run in runs {
        total += run.elapsed;
        for tests in run.tests.chunk_by(|a, b| a.suite == b.suite) {
            report.add_test_suite(suite(tests, whole));
        }
    }
    report.set_time(total);
    report.to_string().map_err(|error| format!("cannot write the JUnit report: {error}"))
}

fn suite(tests: &[TestResult], whole: bool) -> TestSuite {
    let mut suite = TestSuite::new(tests.first().map_or("", |test| test.suite.as_str()));
    suite.set_time(tests.iter().map(|test| test.elapsed).sum());
    suite.add_test_cases(tests.iter().map(|test| case(test, whole)));
    suite
}

fn case(test: &TestResult, whole: bool) -> TestCase {
    let status = match &test.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Skipped => TestCaseStatus::skipped(),
        Verdict::Failed(_) => failing(NonSuccessKind::Failure, test, whole),
        Verdict::Errored(_) => failing(NonSuccessKind::Error, test, whole),
    };
    let mut case = TestCase::new(test.name.as_str(), status);
    case.set_classname(test.suite.as_str()).set_time(test.elapsed);
    if !test.output.is_empty() {
        case.set_system_out(test.output.as_str());
    }
    if let Some(location) = &test.location {
        case.extra.insert("file".into(), location.file.as_str().into());
        case.extra.insert("line".into(), location.row.to_string().into());
    }
    case
}

fn failing(kind: NonSuccessKind, test: &TestResult, whole: bool) -> TestCaseStatus {
    let lines = explain(test, whole);
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(lines.first().map_or("", String::as_str)).set_description(lines.join("\n"));
    status
}
