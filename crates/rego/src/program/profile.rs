//! Profiles: how often each line was evaluated, and how long that took, in OPA's terms.
//!
//! Time is that of the condition itself, without the rules it evaluates. `num_eval` counts how often a line's
//! conditions were evaluated, `num_redo` how often they held; `num_gen_expr` is the number of statements compiled from the line.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Program;
use super::coverage::address;
use super::query::Query;
use crate::error::Location;
use crate::plan::Watch;
use crate::plan::compile::QUERY;
use crate::plan::ir::{Block, Place};
use crate::syntax::source::Span;

/// Watches one evaluation.
pub struct Profile<'p> {
    program: &'p Program,
    query: Option<&'p Query>,
    lines: Vec<Entry>,
    by_line: HashMap<(u32, u32), usize>,
    steps: HashMap<(usize, usize), Step>,
    /// The line that time is counted for, and since when.
    now: Option<(usize, Instant)>,
}

/// The profile of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stat {
    /// Its first condition.
    pub location: Location,
    /// How long it took, in nanoseconds.
    pub total_time_ns: u64,
    /// How often its conditions were begun.
    pub num_eval: u64,
    /// How often they held.
    pub num_redo: u64,
    /// How many statements it became.
    pub num_gen_expr: usize,
}

/// Sort keys; in descending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Time
    TotalTimeNs,
    /// Begun conditions
    NumEval,
    /// Conditions that held
    NumRedo,
    /// Statements
    NumGenExpr,
    /// The name of the file
    File,
    /// The line
    Line,
}

impl FromStr for By {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = [
            ("total_time_ns", Self::TotalTimeNs),
            ("num_eval", Self::NumEval),
            ("num_redo", Self::NumRedo),
            ("num_gen_expr", Self::NumGenExpr),
            ("file", Self::File),
            ("line", Self::Line),
        ];
        names.into_iter().find(|(known, _)| *known == name).map(|(_, by)| by).ok_or_else(|| {
            let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            format!("`{name}` is none of {}", names.join(", "))
        })
    }
}

struct Entry {
    location: Location,
    time: Duration,
    evals: u64,
    redos: u64,
    steps: HashSet<(usize, usize)>,
}

/// A statement: the line that it belongs to, and whether it is the first of its condition.
#[derive(Clone, Copy)]
struct Step {
    line: usize,
    first: bool,
}

impl<'p> Profile<'p> {
    /// Watches an evaluation of `program`, for the query where one is asked.
    pub fn of(program: &'p Program, query: Option<&'p Query>) -> Self {
        let (by_line, steps) = (HashMap::new(), HashMap::new());
        Self { program, query, lines: Vec::new(), by_line, steps, now: None }
    }

    /// The lines in the order asked for, then in that of [`By`].
    pub fn report(&mut self, sort: &[By], limit: Option<usize>) -> Vec<Stat> {
        self.charge();
        let mut stats: Vec<Stat> = self.lines.iter().map(Entry::stat).collect();
        let rest = [By::TotalTimeNs, By::NumEval, By::NumRedo, By::File, By::Line];
        stats.sort_by(|a, b| {
            let orders = sort.iter().chain(&rest).map(|by| by.compare(b, a));
            orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        stats.truncate(limit.unwrap_or(usize::MAX));
        stats
    }

    /// Counts the time up to now for the line that ran.
    fn charge(&mut self) {
        if let Some((line, since)) = self.now.take()
            && let Some(entry) = self.lines.get_mut(line)
        {
            entry.time += since.elapsed();
        }
    }

    fn step(&mut self, block: &Block, at: usize) -> Option<Step> {
        let key = (address(block), at);
        if let Some(step) = self.steps.get(&key) {
            return Some(*step);
        }
        let condition = self.condition(block.stmts.get(at)?.1)?;
        let before = at.checked_sub(1).and_then(|before| block.stmts.get(before));
        let first = before.and_then(|(_, place)| self.condition(*place)) != Some(condition);
        let line = self.line(condition)?;
        self.lines.get_mut(line)?.steps.insert(key);
        let step = Step { line, first };
        self.steps.insert(key, step);
        Some(step)
    }

    fn condition(&self, place: Place) -> Option<(u32, Span)> {
        let outline = match place.file {
            QUERY => &self.query?.outline,
            file => self.program.outlines.get(file as usize)?,
        };
        Some((place.file, outline.expression(place.span).unwrap_or(place.span)))
    }

    fn line(&mut self, (file, span): (u32, Span)) -> Option<usize> {
        let source = match file {
            QUERY => &self.query?.source,
            file => self.program.sources.get(file as usize)?,
        };
        let (row, col) = source.position(span.start);
        let next = self.lines.len();
        let line = *self.by_line.entry((file, row)).or_insert(next);
        if line == next {
            let location = Location { file: source.name.to_string(), row, col };
            let (time, steps) = (Duration::ZERO, HashSet::new());
            self.lines.push(Entry { location, time, evals: 0, redos: 0, steps });
        }
        Some(line)
    }

    /// The condition before this place of a block has held.
    fn redo(&mut self, block: &Block, at: usize) {
        if let Some(held) = at.checked_sub(1).and_then(|before| self.step(block, before))
            && let Some(entry) = self.lines.get_mut(held.line)
        {
            entry.redos += 1;
        }
    }
}

impl Watch for Profile<'_> {
    fn statement(&mut self, block: &Block, at: usize) {
        self.charge();
        let Some(step) = self.step(block, at) else { return };
        if step.first {
            self.redo(block, at);
            if let Some(entry) = self.lines.get_mut(step.line) {
                entry.evals += 1;
            }
        }
        self.now = Some((step.line, Instant::now()));
    }

    fn ends(&mut self, block: &Block) {
        self.redo(block, block.stmts.len());
    }
}

impl Entry {
    fn stat(&self) -> Stat {
        Stat {
            location: self.location.clone(),
            total_time_ns: u64::try_from(self.time.as_nanos()).unwrap_or(u64::MAX),
            num_eval: self.evals,
            num_redo: self.redos,
            num_gen_expr: self.steps.len(),
        }
    }
}

impl By {
    fn compare(self, a: &Stat, b: &Stat) -> std::cmp::Ordering {
        match self {
            Self::TotalTimeNs => a.total_time_ns.cmp(&b.total_time_ns),
            Self::NumEval => a.num_eval.cmp(&b.num_eval),
            Self::NumRedo => a.num_redo.cmp(&b.num_redo),
            Self::NumGenExpr => a.num_gen_expr.cmp(&b.num_gen_expr),
            Self::File => a.location.file.cmp(&b.location.file),
            Self::Line => a.location.row.cmp(&b.location.row),
        }
    }
}
