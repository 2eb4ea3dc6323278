//! Rules of one document, or of one function, that give different values.

use super::failure::Failure;
use super::ir::{Kind, Program, RuleBody, RuleSet};
use crate::shown;

/// How many rules are named.
const NAMED: usize = 10;

/// The bodies that gave a value, and whether these were different values.
#[derive(Debug, Default)]
pub(super) struct Givers {
    /// The first.
    first: usize,
    /// Those after it.
    others: Vec<usize>,
    /// Where a value differed from the first.
    differs: Option<usize>,
}

impl Givers {
    /// Notes that a body gave the first value.
    pub(super) const fn first(&mut self, at: usize) {
        self.first = at;
    }

    /// Notes that a body gave a further value.
    pub(super) fn further(&mut self, at: usize, same: bool) {
        if *self.others.last().unwrap_or(&self.first) != at {
            self.others.push(at);
        }
        if !same {
            self.differs.get_or_insert(at);
        }
    }

    /// Whether values differed.
    pub(super) const fn conflict(&self) -> bool {
        self.differs.is_some()
    }

    /// The error, in OPA's words: with the rules that gave values, if there are several.
    pub(super) fn failure(&self, program: &Program, rules: &RuleSet) -> Option<Failure> {
        let place = rules.bodies.get(self.differs?)?.place;
        let name = shown::names(&rules.path);
        let mut message = match rules.kind {
            Kind::Function(_) => format!("function {name} produced conflicting values for the same inputs"),
            Kind::Complete | Kind::Partial { .. } => format!("rule {name} produced conflicting values"),
        };
        if !self.others.is_empty() {
            message.push(':');
            let all = std::iter::once(&self.first).chain(&self.others);
            for body in all.clone().take(NAMED).filter_map(|at| rules.bodies.get(*at)) {
                message.push_str("\n  rule at ");
                message.push_str(&place_of(program, body));
            }
            if all.count() > NAMED {
                message.push_str("\n  ...");
            }
        }
        Some(Failure { code: "eval_conflict_error", message, place })
    }
}

fn place_of(program: &Program, body: &RuleBody) -> String {
    let file = program.files.get(body.place.file as usize).map_or("", |name| &**name);
    format!("{file}:{}", body.row)
}
