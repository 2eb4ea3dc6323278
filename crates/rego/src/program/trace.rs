//! What an evaluation tried, for authors: the conditions that failed, within each other as the rules are, also where
//! `with` has changed something, which explanations leave aside.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::Program;
use crate::plan::ir::{Block, Branch, Place, RuleBody};
use crate::plan::watch::Found;
use crate::plan::{Pass, Watch};

/// The most steps that are kept.
const MAX_STEPS: usize = 200;

/// Records the steps of one evaluation.
pub struct Trace<'p> {
    program: &'p Program,
    /// Whether rules that hold are steps, too.
    holding: bool,
    /// The heads of the bodies that run.
    bodies: Vec<Place>,
    steps: Vec<Step>,
    /// What has been told; a condition fails often, and in the same way.
    seen: HashSet<(Place, bool, Found)>,
    left_out: usize,
}

struct Step {
    depth: usize,
    place: Place,
    holds: bool,
    found: Found,
}

impl<'p> Trace<'p> {
    /// Records what fails, and with `holding` the rules that hold.
    pub fn of(program: &'p Program, holding: bool) -> Self {
        let (bodies, steps, seen) = (Vec::new(), Vec::new(), HashSet::new());
        Self { program, holding, bodies, steps, seen, left_out: 0 }
    }

    fn step(&mut self, place: Place, holds: bool, found: Found) {
        if !self.seen.insert((place, holds, found.clone())) {
            return;
        }
        if self.steps.len() >= MAX_STEPS {
            self.left_out += 1;
            return;
        }
        let depth = self.bodies.len().saturating_sub(1);
        self.steps.push(Step { depth, place, holds, found });
    }

    /// A line for each step.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for Step { depth, place, holds, found } in &self.steps {
            let Some(condition) = self.program.condition(*place, found, true) else { continue };
            let word = if *holds { "holds" } else { "fails" };
            let at = format!("{}:{}", condition.location.file, condition.location.row);
            let found = condition.found.map(|found| format!(" ({found})")).unwrap_or_default();
            // Writing to a String does not fail.
            let _ = writeln!(out, "{}{word} {at}: {}{found}", "  ".repeat(*depth), condition.text);
        }
        if self.left_out > 0 {
            let _ = writeln!(out, "… and {} more", self.left_out);
        }
        out
    }
}

impl Watch for Trace<'_> {
    /// What an index passes over fails, too.
    fn pass(&self) -> Pass {
        Pass::WithoutIndex
    }

    fn enter(&mut self, body: &RuleBody) {
        self.bodies.push(body.place);
    }

    fn fails(&mut self, block: &Block, at: usize, found: Found) {
        if let Some((_, place)) = block.stmts.get(at) {
            self.step(*place, false, found);
        }
    }

    fn holds(&mut self, _branch: &Branch) {
        if let Some(head) = self.bodies.last().filter(|_| self.holding) {
            self.step(*head, true, Found::default());
        }
    }

    fn leave(&mut self) {
        self.bodies.pop();
    }
}
