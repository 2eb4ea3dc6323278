//! Which bodies of a rule can hold at all: those that compare a part of the input with a constant are found by it.

use std::collections::HashMap;

use super::ir::{Base, Index, Operand, Out, Pattern, RuleBody, Step, Stmt};
use crate::value::Value;

/// From how many bodies on an index is made.
const WORTH: usize = 4;

impl Index {
    /// An index over the part of the input that most bodies compare with a constant, where it is worth it.
    pub(super) fn of(bodies: &[RuleBody]) -> Option<Self> {
        if bodies.len() < WORTH {
            return None;
        }
        let wanted: Vec<Vec<(Vec<Value>, Value)>> = bodies.iter().map(comparisons).collect();
        let mut counts: HashMap<&[Value], usize> = HashMap::new();
        for (path, _) in wanted.iter().flatten() {
            *counts.entry(path).or_default() += 1;
        }
        // The path itself decides between equals, so that every compilation chooses alike.
        let (path, count) = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)))?;
        if count < WORTH {
            return None;
        }
        let (mut by_value, mut rest): (HashMap<Value, Vec<u32>>, Vec<u32>) = (HashMap::new(), Vec::new());
        for (at, wanted) in (0_u32..).zip(&wanted) {
            match wanted.iter().find(|(other, _)| other == path) {
                Some((_, value)) => by_value.entry(value.clone()).or_default().push(at),
                None => rest.push(at),
            }
        }
        Some(Self { path: path.to_vec(), by_value, rest })
    }

    /// The bodies that may hold where the part of the input is this, in their order.
    pub(super) fn candidates(&self, part: Option<&Value>) -> Candidates<'_> {
        let by_value = part.and_then(|part| self.by_value.get(part)).map_or(&[][..], Vec::as_slice);
        Candidates { a: by_value, b: &self.rest }
    }
}

/// Two rows of positions, as one in order.
pub(super) struct Candidates<'i> {
    a: &'i [u32],
    b: &'i [u32],
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let row = match (self.a.first(), self.b.first()) {
            (Some(a), Some(b)) if a > b => &mut self.b,
            (Some(_), _) => &mut self.a,
            _ => &mut self.b,
        };
        let (first, rest) = row.split_first()?;
        *row = rest;
        Some(*first as usize)
    }
}

/// The comparisons of parts of the input with constants that a body cannot hold without.
fn comparisons(body: &RuleBody) -> Vec<(Vec<Value>, Value)> {
    let [branch] = body.branches.as_slice() else { return Vec::new() };
    branch
        .block
        .stmts
        .iter()
        .filter_map(|(stmt, _)| match stmt {
            Stmt::Walk { base: Base::Input, path, out: Out::Fits(Pattern::Is(Operand::Const(value))) } => {
                let key = |step: &Step| match step {
                    Step::Key(Operand::Const(key)) => Some(key.clone()),
                    _ => None,
                };
                Some((path.iter().map(key).collect::<Option<Vec<_>>>()?, value.clone()))
            }
            _ => None,
        })
        .collect()
}
