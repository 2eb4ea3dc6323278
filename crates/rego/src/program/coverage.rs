//! Coverage: the lines of policy that were evaluated, counted as OPA counts them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use super::Program;
use crate::plan::Watch;
use crate::plan::ir::{Block, Branch, Place, RuleBody};

/// Watches any number of evaluations of one program.
pub struct Coverage<'p> {
    program: &'p Program,
    hits: BTreeSet<(u32, u32)>,
    /// The statements that have been seen; many run often.
    seen: HashSet<(usize, usize)>,
    /// The bodies that run: where the head is, and which branch is the first.
    bodies: Vec<(Place, usize)>,
}

/// A coverage report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// By the name of the file.
    pub files: BTreeMap<String, FileReport>,
    /// Of all files.
    pub covered_lines: u32,
    /// Of all files.
    pub not_covered_lines: u32,
    /// Of all files, in percent; 0 where there is no line that could be covered.
    pub coverage: f64,
}

/// Coverage of one file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FileReport {
    /// The covered lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<Range>,
    /// The lines that are not covered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_covered: Vec<Range>,
    /// The number of covered lines.
    #[serde(skip_serializing_if = "is_zero")]
    pub covered_lines: u32,
    /// The number of lines not covered.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_covered_lines: u32,
    /// In percent.
    #[serde(skip_serializing_if = "is_nothing")]
    pub coverage: f64,
}

/// A range of lines, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Range {
    /// The first.
    pub start: Line,
    /// The last.
    pub end: Line,
}

/// A line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Line {
    /// From 1.
    pub row: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_nothing(percent: &f64) -> bool {
    *percent == 0.0
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { start, end } = self;
        if start == end { write!(f, "{}", start.row) } else { write!(f, "{}-{}", start.row, end.row) }
    }
}

impl<'p> Coverage<'p> {
    /// Watches `program`.
    pub fn of(program: &'p Program) -> Self {
        Self { program, hits: BTreeSet::new(), seen: HashSet::new(), bodies: Vec::new() }
    }

    fn hit(&mut self, file: u32, at: u32) {
        if let Some(source) = self.program.sources.get(file as usize) {
            self.hits.insert((file, source.line_of(at)));
        }
    }

    /// Merges the coverage of the same program from another watcher.
    pub fn add(&mut self, other: &Self) {
        self.hits.extend(&other.hits);
    }

    /// The report so far.
    pub fn report(&self) -> Report {
        let mut files = BTreeMap::new();
        for (number, (source, outline)) in (0..).zip(self.program.outlines()) {
            let covered: BTreeSet<u32> =
                self.hits.range((number, 0)..=(number, u32::MAX)).map(|(_, row)| *row).collect();
            let is_declaration = |text: &str| {
                text.strip_prefix("some").is_some_and(|rest| rest.starts_with(char::is_whitespace))
            };
            let conditions = outline.expressions.iter().filter(|span| !is_declaration(source.slice(**span)));
            let all = conditions.chain(&outline.heads).chain(&outline.elses);
            let missed: BTreeSet<u32> =
                all.map(|span| source.line_of(span.start)).filter(|row| !covered.contains(row)).collect();
            files.insert(source.name.to_string(), FileReport::new(&covered, &missed));
        }
        Report::of(files)
    }
}

impl Report {
    /// Totals for files.
    pub fn of(files: BTreeMap<String, FileReport>) -> Self {
        let covered_lines = files.values().map(|file| file.covered_lines).sum();
        let not_covered_lines = files.values().map(|file| file.not_covered_lines).sum();
        let coverage = percent(covered_lines, not_covered_lines);
        Self { files, covered_lines, not_covered_lines, coverage }
    }
}

impl FileReport {
    fn new(covered: &BTreeSet<u32>, missed: &BTreeSet<u32>) -> Self {
        let (covered_lines, not_covered_lines) = (covered.len() as u32, missed.len() as u32);
        Self {
            covered: ranges(covered),
            not_covered: ranges(missed),
            covered_lines,
            not_covered_lines,
            coverage: percent(covered_lines, not_covered_lines),
        }
    }
}

fn percent(covered: u32, missed: u32) -> f64 {
    let all = covered + missed;
    if all == 0 { 0.0 } else { 100.0 * f64::from(covered) / f64::from(all) }
}

fn ranges(rows: &BTreeSet<u32>) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for &row in rows {
        match ranges.last_mut() {
            Some(last) if last.end.row + 1 == row => last.end.row = row,
            _ => ranges.push(Range { start: Line { row }, end: Line { row } }),
        }
    }
    ranges
}

impl Watch for Coverage<'_> {
    fn enter(&mut self, body: &RuleBody) {
        self.bodies.push((body.place, body.branches.first().map_or(0, address)));
    }

    fn statement(&mut self, block: &Block, at: usize) {
        if !self.seen.insert((address(block), at)) {
            return;
        }
        let program = self.program;
        let Some((_, place)) = block.stmts.get(at) else { return };
        let outline = program.outlines.get(place.file as usize);
        if let Some(span) = outline.and_then(|outline| outline.expression(place.span)) {
            self.hit(place.file, span.start);
        }
    }

    fn holds(&mut self, branch: &Branch) {
        // The first branch is the rule itself, whose place is the head; others stand at their `else`.
        let place = match self.bodies.last() {
            Some((head, first)) if *first == address(branch) => *head,
            _ => branch.place,
        };
        self.hit(place.file, place.span.start);
    }

    fn leave(&mut self) {
        self.bodies.pop();
    }
}

/// Plans do not move while they run.
pub(super) fn address<T>(part: &T) -> usize {
    std::ptr::from_ref(part).addr()
}
