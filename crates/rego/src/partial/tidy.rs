//! Conjunctions without what says nothing, and those that can never hold.

use std::sync::Arc;

use super::term::{Condition, Head, Kind, Term};
use crate::plan::ir::Comparison;
use crate::value::Value;

/// A conjunction without conditions that others imply; `None` where it can never hold.
pub(super) fn tidy(conditions: &[Condition]) -> Option<Vec<Condition>> {
    let mut kept: Vec<Condition> = Vec::with_capacity(conditions.len());
    for (at, condition) in conditions.iter().enumerate() {
        if let Kind::Defined(term) = &condition.kind {
            let others = conditions.iter().enumerate().filter(|(other, _)| *other != at);
            let stronger = |(other, condition): (usize, &Condition)| match &condition.kind {
                // Of two that say the same the first stays.
                Kind::Defined(same) if same == term => other < at,
                _ => implies(condition, term),
            };
            if others.into_iter().any(stronger) {
                continue;
            }
        }
        if !kept.contains(condition) {
            kept.push(condition.clone());
        }
    }
    let equalities = || kept.iter().filter_map(equality);
    let impossible = equalities().enumerate().any(|(at, (term, value))| {
        equalities().skip(at + 1).any(|(other, another)| term == other && value != another)
    });
    if impossible { None } else { Some(kept) }
}

/// Whether two conjunctions can never hold together, as far as that is evident.
pub(super) fn exclude(a: &[Condition], b: &[Condition]) -> bool {
    let differ = a.iter().filter_map(equality).any(|(term, value)| {
        b.iter().filter_map(equality).any(|(other, another)| term == other && value != another)
    });
    let denies = |a: &[Condition], b: &[Condition]| {
        a.iter().any(|condition| match &condition.kind {
            Kind::Not(ways) => ways.iter().any(|way| way.iter().all(|denied| b.contains(denied))),
            _ => false,
        })
    };
    differ || denies(a, b) || denies(b, a)
}

/// What a condition says to be equal to a value.
fn equality(condition: &Condition) -> Option<(&Term, &Value)> {
    match &condition.kind {
        Kind::Compare(Comparison::Equal, term, Term::Const(value))
        | Kind::Compare(Comparison::Equal, Term::Const(value), term) => Some((term, value)),
        _ => None,
    }
}

/// Whether a condition needs a term to be defined.
pub(super) fn implies(condition: &Condition, term: &Term) -> bool {
    let mut found = false;
    condition.needs(&mut |needed| found |= needed == term || is_within(term, needed));
    found
}

/// Whether a term is what a reference begins with.
fn is_within(term: &Term, needed: &Term) -> bool {
    match (term, needed) {
        (Term::Ref(a), Term::Ref(b)) if !Arc::ptr_eq(a, b) => {
            a.head == b.head && a.path.len() < b.path.len() && b.path.starts_with(&a.path)
                || matches!(&b.head, Head::Term(head) if head == term)
        }
        _ => false,
    }
}
