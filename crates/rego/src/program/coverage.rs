//! Coverage: the parts of policy that were evaluated, as OPA counts them.
//!
//! Every head and every condition is a range. What did not run says why, as far as further passes over the same question
//! can tell: they run what the index or the first rule that decides leaves out.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use super::Program;
use crate::plan::ir::{Block, Branch, Place, RuleBody};
use crate::plan::{Outline, Pass, Watch};
use crate::syntax::Source;
use crate::syntax::source::Span;

/// Why something did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The index of rules passes over it.
    IndexExcluded,
    /// An earlier rule had decided.
    EarlyExit,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::IndexExcluded, Self::EarlyExit];

    /// The pass in which it is no reason.
    const fn pass(self) -> Pass {
        match self {
            Self::IndexExcluded => Pass::WithoutIndex,
            Self::EarlyExit => Pass::WithoutEarlyExit,
        }
    }
}

/// What has run, by file.
type Hits = BTreeSet<(u32, Span)>;

/// Watches any number of evaluations of one program.
pub struct Coverage<'p> {
    program: &'p Program,
    /// The reason that the evaluations leave aside.
    without: Option<Kind>,
    /// By the reason that was left aside.
    hits: BTreeMap<Option<Kind>, Hits>,
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
    /// What is covered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<Range>,
    /// What is not covered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_covered: Vec<Range>,
    /// The number of lines with something that is covered.
    #[serde(skip_serializing_if = "is_zero")]
    pub covered_lines: u32,
    /// The number of lines with something that is not.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_covered_lines: u32,
    /// In percent.
    #[serde(skip_serializing_if = "is_nothing")]
    pub coverage: f64,
}

/// A head or a condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Range {
    /// Where it begins.
    pub start: Position,
    /// Where it ends: the column is the one after it.
    pub end: Position,
    /// Why it is not covered, where that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The line, from 1.
    pub row: u32,
    /// The column, from 1.
    pub col: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_nothing(percent: &f64) -> bool {
    *percent == 0.0
}

impl<'p> Coverage<'p> {
    /// Watches `program`.
    pub fn of(program: &'p Program) -> Self {
        let (hits, seen, bodies) = (BTreeMap::new(), HashSet::new(), Vec::new());
        Self { program, without: None, hits, seen, bodies }
    }

    /// Watches what would run if this were no reason not to.
    pub fn without(program: &'p Program, kind: Kind) -> Self {
        Self { without: Some(kind), ..Self::of(program) }
    }

    fn hit(&mut self, file: u32, span: Span) {
        self.hits.entry(self.without).or_default().insert((file, span));
    }

    /// Merges the coverage of the same program from another watcher.
    pub fn add(&mut self, other: &Self) {
        for (without, hits) in &other.hits {
            self.hits.entry(*without).or_default().extend(hits);
        }
    }

    /// The report so far.
    pub fn report(&self) -> Report {
        let files = (0..).zip(self.program.outlines());
        Report::of(files.map(|(number, (source, outline))| self.file(number, source, outline)).collect())
    }

    fn file(&self, number: u32, source: &Source, outline: &Outline) -> (String, FileReport) {
        let ran = |without: Option<Kind>| -> Vec<Span> {
            let all = (number, Span::default())..=(number, Span { start: u32::MAX, end: u32::MAX });
            self.hits
                .get(&without)
                .into_iter()
                .flat_map(|hits| hits.range(all.clone()).map(|hit| hit.1))
                .collect()
        };
        let covered = ran(None);
        let otherwise = Kind::ALL.map(|kind| (kind, ran(Some(kind))));
        let conditions = outline.expressions.iter().filter(|span| !outline.declarations.contains(*span));
        let all = conditions.chain(&outline.heads).chain(&outline.elses).chain(outline.values.values());
        let missed: BTreeSet<Span> = all.filter(|span| !contains(&covered, **span)).copied().collect();
        let why = |span: Span| {
            let kinds = otherwise.iter().filter(|(_, ran)| contains(ran, span));
            Range { kinds: kinds.map(|(kind, _)| *kind).collect(), ..Range::of(source, span) }
        };
        let covered = covered.into_iter().map(|span| Range::of(source, span)).collect();
        let not_covered = missed.into_iter().map(why).collect();
        (source.name.to_string(), FileReport::new(covered, not_covered))
    }
}

/// Whether one of the spans, which are sorted, contains another.
fn contains(spans: &[Span], span: Span) -> bool {
    let before = spans.partition_point(|other| other.start <= span.start);
    spans.iter().take(before).any(|other| other.end >= span.end)
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

impl Range {
    fn of(source: &Source, span: Span) -> Self {
        let position = |at: u32| {
            let (row, col) = source.position(at);
            Position { row, col }
        };
        Self { start: position(span.start), end: position(span.end), kinds: Vec::new() }
    }
}

impl FileReport {
    fn new(mut covered: Vec<Range>, mut not_covered: Vec<Range>) -> Self {
        covered.sort();
        not_covered.sort();
        let (covered_lines, not_covered_lines) =
            (rows(&covered).len() as u32, rows(&not_covered).len() as u32);
        let coverage = percent(covered_lines, not_covered_lines);
        Self { covered, not_covered, covered_lines, not_covered_lines, coverage }
    }

    /// The lines with something that is not covered, first and last of each stretch.
    pub fn lines_not_covered(&self) -> Vec<(u32, u32)> {
        let mut stretches: Vec<(u32, u32)> = Vec::new();
        for row in rows(&self.not_covered) {
            match stretches.last_mut() {
                Some((_, last)) if *last + 1 == row => *last = row,
                _ => stretches.push((row, row)),
            }
        }
        stretches
    }
}

fn rows(ranges: &[Range]) -> BTreeSet<u32> {
    ranges.iter().flat_map(|range| range.start.row..=range.end.row).collect()
}

fn percent(covered: u32, missed: u32) -> f64 {
    let all = covered + missed;
    if all == 0 { 0.0 } else { 100.0 * f64::from(covered) / f64::from(all) }
}

impl Watch for Coverage<'_> {
    fn pass(&self) -> Pass {
        self.without.map_or(Pass::Indexed, Kind::pass)
    }

    fn enter(&mut self, body: &RuleBody) {
        self.bodies.push((body.place, body.branches.first().map_or(0, address)));
    }

    /// A condition is several statements, each of a part of it; the last of them is the whole.
    fn statement(&mut self, block: &Block, at: usize) {
        if !self.seen.insert((address(block), at)) {
            return;
        }
        let program = self.program;
        let Some((_, place)) = block.stmts.get(at) else { return };
        let Some(outline) = program.outlines.get(place.file as usize) else { return };
        let Some(whole) = outline.expression(place.span) else { return };
        let rest = block.stmts.get(at + 1..).unwrap_or_default();
        let goes_on = rest.iter().any(|(_, later)| outline.expression(later.span) == Some(whole));
        self.hit(place.file, if goes_on { place.span } else { whole });
    }

    fn holds(&mut self, branch: &Branch) {
        // The first branch is the rule itself, whose place is the head; others stand at their `else`.
        let (place, is_first) = match self.bodies.last() {
            Some((head, first)) if *first == address(branch) => (*head, true),
            _ => (branch.place, false),
        };
        let Some(outline) = self.program.outlines.get(place.file as usize) else { return };
        let begins = |span: &&Span| span.start == place.span.start;
        let of_else = outline.elses.iter().find(begins).filter(|_| !is_first);
        self.hit(place.file, of_else.copied().unwrap_or(place.span));
        if let Some(value) = outline.values.get(&place.span.start).filter(|_| is_first) {
            self.hit(place.file, *value);
        }
    }

    fn leave(&mut self) {
        self.bodies.pop();
    }
}

/// Plans do not move while they run.
pub(super) fn address<T>(part: &T) -> usize {
    std::ptr::from_ref(part).addr()
}
