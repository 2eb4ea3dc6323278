//! Parts of an object that rules gather: those of its rules that a reference can mean.
//!
//! `p[x].price` and `p[x].tax := p[x].price * 0.2` are one object, `p`. As a whole it would depend on itself; what `p[x].price` asks
//! for does not. So where rules are recursive, each reference is held against what is constant in the names of the rules.

use std::cell::RefCell;

use super::ir::RuleId;
use super::raw::Term;
use super::tree::{Group, Source};
use crate::budget;
use crate::number::Number;
use crate::syntax::ast::{RefPart, TermKind};
use crate::value::Value;

/// The keys of a rule below the path of its document; none where they vary.
type Keys = Vec<Option<Value>>;

/// The objects of a program, and the parts of them that references mean.
pub(super) struct Parts {
    /// By document and rule.
    keys: Vec<Vec<Keys>>,
    made: RefCell<Vec<(RuleId, Vec<usize>)>>,
}

impl Parts {
    pub(super) fn of(groups: &[Group<'_>]) -> Self {
        let keys = groups.iter().map(|group| group.sources.iter().map(keys).collect()).collect();
        Self { keys, made: RefCell::default() }
    }

    /// What a reference to a document means, with the keys that follow: all of it, or a part, whose number comes after
    /// those of all documents.
    pub(super) fn part(&self, rule: RuleId, path: &[Term]) -> RuleId {
        let Some(rules) = self.keys.get(rule as usize) else { return rule };
        let can_be = |keys: &Keys| {
            keys.iter().zip(path).all(|(key, step)| match (key, step) {
                (Some(key), Term::Const(step)) => key == step,
                _ => true,
            })
        };
        let meant: Vec<usize> = (0..).zip(rules).filter(|(_, keys)| can_be(keys)).map(|(at, _)| at).collect();
        if meant.len() == rules.len() {
            return rule;
        }
        let mut made = self.made.borrow_mut();
        // Both are looked through for every reference.
        budget::work(rules.len() + made.len());
        let part = (rule, meant);
        let at = made.iter().position(|known| *known == part).unwrap_or_else(|| {
            made.push(part);
            made.len() - 1
        });
        (self.keys.len() + at) as RuleId
    }

    /// The rules of the part that was made at a position.
    pub(super) fn made<'m>(&self, at: usize, groups: &[Group<'m>]) -> Option<Group<'m>> {
        let (rule, meant) = self.made.borrow().get(at)?.clone();
        let group = groups.get(rule as usize)?;
        let sources = meant.iter().filter_map(|at| group.sources.get(*at).cloned()).collect();
        Some(Group { path: group.path.clone(), kind: group.kind, sources, default: None })
    }
}

fn keys(source: &Source<'_>) -> Keys {
    if source.rule.head.element {
        return Vec::new();
    }
    let below = source.below.iter().map(|name| Some(Value::String(name.clone())));
    let rest = source.rule.head.name.parts.iter().skip(source.fixed).map(|part| match part {
        RefPart::Dot(name) => Some(Value::String(name.name.clone())),
        RefPart::Bracket(term) => match &term.peeled().kind {
            TermKind::String { value, .. } => Some(Value::String(value.clone())),
            TermKind::Number(text) => Number::parse(text).map(Value::Number),
            TermKind::Bool(value) => Some(Value::Bool(*value)),
            _ => None,
        },
    });
    below.chain(rest).collect()
}
