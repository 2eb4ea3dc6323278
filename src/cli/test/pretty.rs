//! The human-readable report.

use std::fmt::Write as _;
use std::time::Duration;

use crate::cli::paint;
use crate::cli::print::Style;
use crate::cli::terminal::Terminal;
use crate::testing::{Measured, Mismatch, Summary, TestResult, Verdict};
use verdict_rego::observe::{Stopped, as_rego};

/// What a report shows besides failures.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// Tests that pass.
    pub verbose: bool,
    /// The variables of the conditions that tests stopped at.
    pub variables: bool,
    /// Explanations in full.
    pub whole: bool,
    /// Where it is shown.
    pub terminal: Terminal,
}

/// The lines of an explanation that is shown unasked: these from its begin, and these from its end.
const FIRST: usize = 14;
const LAST: usize = 5;

/// One run's report: a line for each file or package (for each test if `verbose`), what is wrong with the tests that
/// did not pass, and the sums.
pub fn render(name: &str, run: &Summary, shown: Shown) -> String {
    let Shown { verbose, terminal, .. } = shown;
    let mut out = String::new();
    for tests in run.tests.chunk_by(|a, b| a.suite == b.suite) {
        if !verbose {
            suite_line(&mut out, tests, terminal.style());
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
    terminal.wrapped(&out)
}

fn suite_line(out: &mut String, tests: &[TestResult], style: Style) {
    let bad = tests.iter().any(|test| matches!(test.verdict, Verdict::Failed(_) | Verdict::Errored(_)));
    let word = if bad { paint("FAIL", style.bad) } else { paint("PASS", style.good) };
    let took = tests.iter().map(|test| test.elapsed).sum();
    let suite = tests.first().map_or("", |test| test.suite.as_str());
    let number = match tests.len() {
        1 => "1 test".to_owned(),
        n => format!("{n} tests"),
    };
    let _ = writeln!(out, "{word}  {suite}  {number} ({})", duration(took));
}

fn test_lines(out: &mut String, test: &TestResult, shown: Shown) {
    let style = shown.terminal.style();
    let word = match test.verdict {
        Verdict::Passed => paint("PASS", style.good),
        Verdict::Failed(_) => paint("FAIL", style.bad),
        Verdict::Errored(_) => paint("ERROR", style.bad),
        Verdict::Skipped => paint("SKIPPED", style.warning),
    };
    let _ = writeln!(out, "  {word}  {} ({})", test.title(), duration(test.elapsed));
    if let Some(location) = test.location.as_ref().filter(|_| test.verdict != Verdict::Passed) {
        let _ = writeln!(out, "        at {}:{}", location.file, location.row);
    }
    for line in explain(test, shown.whole) {
        let line = match line.as_bytes().first() {
            Some(b'-') => paint(&line, style.good),
            Some(b'+') => paint(&line, style.bad),
            _ => paint::step(&line, style),
        };
        let _ = writeln!(out, "        {line}");
    }
    let variables = test.stopped.iter().flat_map(|stopped| &stopped.variables);
    for (name, value) in variables.filter(|_| shown.variables) {
        let _ = writeln!(out, "          {name} is {}", as_rego(value));
    }
    for line in test.output.lines() {
        let _ = writeln!(out, "        | {line}");
    }
    if let Some(Measured { iterations, ns_per_op }) = test.measured {
        let _ = writeln!(out, "        {iterations} evaluations, {ns_per_op:.0} ns/op");
    }
    for (keys, passed) in &test.cases {
        let word = if *passed { paint("PASS", style.good) } else { paint("FAIL", style.bad) };
        let _ = writeln!(out, "        {word}  {}", keys.join(", "));
    }
}

/// What is wrong with a test, and why, line by line; empty if nothing is. `-` is what was expected, `+` what there was
/// instead. Explanations are shortened unless they are wanted `whole`.
pub fn explain(test: &TestResult, whole: bool) -> Vec<String> {
    let mut lines = Vec::new();
    match &test.verdict {
        Verdict::Passed | Verdict::Skipped => {}
        Verdict::Errored(message) => lines.extend(message.lines().map(str::to_owned)),
        Verdict::Failed(mismatches) => {
            for Mismatch { what, expected, got } in mismatches {
                let differ = if what == "reasons" { "differ" } else { "differs" };
                lines.push(format!("{what} {differ} (- expected, + got)"));
                lines.extend(expected.lines().map(|line| format!("- {line}")));
                lines.extend(got.lines().map(|line| format!("+ {line}")));
            }
        }
    }
    let mut tried: Vec<&str> = test.explanation.iter().flat_map(|text| text.lines()).collect();
    if let Some(Stopped { text, location, .. }) = &test.stopped {
        let at = format!("{}:{}: ", location.file, location.row);
        // What was tried last is where it stopped: there it stands with the values.
        let last = tried.last().and_then(|line| line.strip_prefix("fails ")?.strip_prefix(at.as_str()));
        lines.push(format!("stopped at {at}{}", last.map_or_else(|| one_line(text), str::to_owned)));
        tried.truncate(tried.len() - usize::from(last.is_some()));
    }
    let left_out = tried.len().saturating_sub(FIRST + LAST);
    for (number, line) in tried.iter().enumerate() {
        if whole || left_out < 2 || number < FIRST || number >= FIRST + left_out {
            lines.push((*line).to_owned());
        } else if number == FIRST {
            lines.push(format!("… {left_out} more lines: `--explain fails` shows them …"));
        }
    }
    lines
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn paint(text: &str, style: anstyle::Style) -> String {
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
