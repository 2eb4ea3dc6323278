//! Coverage reports: as text, and as JSON in OPA's format.

use std::fmt::Write as _;

use crate::testing::Summary;
use verdict_rego::coverage::Report;

/// The report of all runs; `None` where none was asked for.
pub fn of<'a>(runs: impl Iterator<Item = &'a Summary>) -> Option<Report> {
    let mut reports = runs.filter_map(|run| run.coverage.clone()).peekable();
    reports.peek()?;
    Some(Report::of(reports.flat_map(|report| report.files).collect()))
}

/// A line for each file, and the sum.
pub fn pretty(report: &Report) -> String {
    let mut out = String::from("coverage:\n");
    let width = report.files.keys().map(|name| name.chars().count()).max().unwrap_or_default();
    for (name, file) in &report.files {
        let _ = write!(out, "  {name:<width$}  {:>6.2} %", file.coverage);
        if !file.not_covered.is_empty() {
            let lines: Vec<String> = file.lines_not_covered().into_iter().map(lines).collect();
            let _ = write!(out, "  not covered: {}", lines.join(", "));
        }
        out.push('\n');
    }
    let all = report.covered_lines + report.not_covered_lines;
    let _ = writeln!(out, "  {} of {all} lines ran: {:.2} %", report.covered_lines, report.coverage);
    out
}

fn lines((first, last): (u32, u32)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// In the shape of `opa test --coverage`.
pub fn json(report: &Report) -> String {
    serde_json::to_string_pretty(report).unwrap_or_default() + "\n"
}

/// Why coverage is too low, if it is.
pub fn too_little(report: &Report, threshold: f64, verbose: bool) -> String {
    let mut out =
        format!("code coverage threshold not met: got {:.2} instead of {threshold:.2}", report.coverage);
    if verbose {
        out.push_str("\nlines not covered:");
        for (name, file) in &report.files {
            for stretch in file.lines_not_covered() {
                let _ = write!(out, "\n  {name}:{}", lines(stretch));
            }
        }
    }
    out
}
