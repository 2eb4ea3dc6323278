//! The human-readable report.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::testing::{Measured, Mismatch, Summary, TestResult, Verdict};
use verdict_rego::observe::{Stopped, as_rego};

/// What a report shows besides failures.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// Tests that pass.
    pub verbose: bool,
    /// The variables of the conditions that tests stopped at.
    pub variables: bool,
    /// Colours.
    pub color: bool,
}

/// One run's report: a line for each file or package (for each test if `verbose`), what is wrong with the tests that
/// did not pass, and the sums.
pub fn render(name: &str, run: &Summary, shown: Shown) -> String {
    let Shown { verbose, color, .. } = shown;
    let mut out = String::new();
    for tests in run.tests.chunk_by(|a, b| a.suite == b.suite) {
        if !verbose {
            suite_line(&mut out, tests, color);
        }
        let wanted = |test: &&TestResult| {
            let more = test.measured.is_some() || test.explanation.is_some();
            verbose || test.verdict != Verdict::Passed || more
        };
        for test in tests.iter().filter(wanted) {
            test_lines(&mut out, test, shown);
        }
    }
    let counts = run.counts();
    let mut sums = format!("{}/{} passed", counts.passed, counts.total());
    for (count, what) in [(counts.failed, "failed"), (counts.errored, "errors"), (counts.skipped, "skipped")]
    {
        if count > 0 {
            let _ = write!(sums, ", {count} {what}");
        }
    }
    let _ = writeln!(out, "{name}: {sums} in {}", duration(run.elapsed));
    out
}

fn suite_line(out: &mut String, tests: &[TestResult], color: bool) {
    let bad = tests.iter().any(|test| matches!(test.verdict, Verdict::Failed(_) | Verdict::Errored(_)));
    let word =
        if bad { paint("FAIL", AnsiColor::Red, color) } else { paint("PASS", AnsiColor::Green, color) };
    let took = tests.iter().map(|test| test.elapsed).sum();
    let suite = tests.first().map_or("", |test| test.suite.as_str());
    let number = match tests.len() {
        1 => "1 test".to_owned(),
        n => format!("{n} tests"),
    };
    let _ = writeln!(out, "{word}  {suite}  {number} ({})", duration(took));
}

fn test_lines(out: &mut String, test: &TestResult, shown: Shown) {
    let color = shown.color;
    let word = match test.verdict {
        Verdict::Passed => paint("PASS", AnsiColor::Green, color),
        Verdict::Failed(_) => paint("FAIL", AnsiColor::Red, color),
        Verdict::Errored(_) => paint("ERROR", AnsiColor::Red, color),
        Verdict::Skipped => paint("SKIPPED", AnsiColor::Yellow, color),
    };
    let _ = writeln!(out, "  {word}  {} ({})", test.title(), duration(test.elapsed));
    if let Some(location) = test.location.as_ref().filter(|_| test.verdict != Verdict::Passed) {
        let _ = writeln!(out, "        at {}:{}", location.file, location.row);
    }
    for line in explain(test) {
        let style = match line.as_bytes().first() {
            Some(b'-') => Some(AnsiColor::Green),
            Some(b'+') => Some(AnsiColor::Red),
            _ => None,
        };
        let line = style.map_or(line.clone(), |style| paint(&line, style, color));
        let _ = writeln!(out, "        {line}");
    }
    let variables = test.stopped.iter().flat_map(|stopped| &stopped.variables);
    for (name, value) in variables.filter(|_| shown.variables) {
        let _ = writeln!(out, "          {name} is {}", as_rego(value));
    }
    for line in test.explanation.iter().flat_map(|text| text.lines()) {
        let _ = writeln!(out, "        {line}");
    }
    for line in test.output.lines() {
        let _ = writeln!(out, "        | {line}");
    }
    if let Some(Measured { iterations, ns_per_op }) = test.measured {
        let _ = writeln!(out, "        {iterations} evaluations, {ns_per_op:.0} ns/op");
    }
    for (keys, passed) in &test.cases {
        let note = keys.join(", ");
        let word = if *passed {
            paint("PASS", AnsiColor::Green, color)
        } else {
            paint("FAIL", AnsiColor::Red, color)
        };
        let _ = writeln!(out, "        {word}  {note}");
    }
}

/// What is wrong with a test, line by line; empty if nothing is. `-` is what was expected, `+` what there was instead.
pub fn explain(test: &TestResult) -> Vec<String> {
    let mut lines = Vec::new();
    match &test.verdict {
        Verdict::Passed | Verdict::Skipped => {}
        Verdict::Errored(message) => lines.extend(message.lines().map(str::to_owned)),
        Verdict::Failed(mismatches) => {
            for Mismatch { what, expected, got } in mismatches {
                lines.push(format!("{what} differs (- expected, + got)"));
                lines.extend(expected.lines().map(|line| format!("- {line}")));
                lines.extend(got.lines().map(|line| format!("+ {line}")));
            }
        }
    }
    if let Some(Stopped { text, location, .. }) = &test.stopped {
        lines.push(format!("stopped at {}:{}: {}", location.file, location.row, one_line(text)));
    }
    lines
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn paint(text: &str, color: AnsiColor, on: bool) -> String {
    let style = if on { Style::new().fg_color(Some(color.into())) } else { Style::new() };
    format!("{style}{text}{style:#}")
}

fn duration(took: Duration) -> String {
    let micros = took.as_micros();
    match micros {
        0..1_000 => format!("{micros}us"),
        1_000..1_000_000 => format!("{:.1}ms", took.as_secs_f64() * 1e3),
        _ => format!("{:.2}s", took.as_secs_f64()),
    }
}
