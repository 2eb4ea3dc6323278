//! The number of arguments of every rule, and whether it always has a value.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::syntax::ast::{HeadValue, Module, RefPart, Rule, Term, TermKind};
use crate::value::Value;

/// Arguments by path below `data`; none for documents.
#[derive(Debug, Default)]
pub(super) struct Arities {
    by_path: HashMap<Vec<Value>, usize>,
    /// Documents that are never undefined, whatever the input.
    always: HashSet<Vec<Value>>,
}

impl Arities {
    pub(super) fn new(modules: &[Module]) -> Self {
        let (mut by_path, mut always) = (HashMap::new(), HashSet::new());
        for module in modules {
            for rule in &module.rules {
                let mut path: Vec<Value> = module.package.path.iter().map(text).collect();
                if let TermKind::Var(name) = &rule.head.name.head.kind {
                    path.push(text(name));
                }
                for part in &rule.head.name.parts {
                    match part {
                        RefPart::Dot(name) => path.push(text(&name.name)),
                        RefPart::Bracket(Term { kind: TermKind::String { value, .. }, .. }) => {
                            path.push(text(value));
                        }
                        RefPart::Bracket(_) => break,
                    }
                }
                if rule.head.args.is_none() && always_holds(rule) {
                    always.insert(path.clone());
                }
                by_path.entry(path).or_insert_with(|| rule.head.args.as_ref().map_or(0, Vec::len));
            }
        }
        Self { by_path, always }
    }

    pub(super) fn of(&self, path: &[Value]) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// Whether the document has a value, whatever the input.
    pub(super) fn is_always_defined(&self, path: &[Value]) -> bool {
        self.always.contains(path)
    }

    /// The functions in the same package.
    pub(super) fn beside<'a>(&'a self, package: &'a [Value]) -> impl Iterator<Item = &'a str> {
        let near = self.by_path.iter().filter(move |(path, arity)| {
            **arity > 0 && path.split_last().is_some_and(|(_, above)| above == package)
        });
        near.filter_map(|(path, _)| path.last().and_then(Value::as_str))
    }
}

fn text(part: &Arc<str>) -> Value {
    Value::String(Arc::clone(part))
}

/// A default, a set or object that grows, or a constant without conditions.
fn always_holds(rule: &Rule) -> bool {
    let grows = |part: &RefPart| matches!(part, RefPart::Bracket(key) if !is_constant(key));
    match &rule.head.value {
        _ if rule.default || rule.head.name.parts.iter().any(grows) => true,
        HeadValue::Contains(_) => true,
        HeadValue::Value { value, .. } => rule.body.is_none() && is_constant(value),
        HeadValue::Implied => false,
    }
}

fn is_constant(term: &Term) -> bool {
    match &term.peeled().kind {
        TermKind::Null
        | TermKind::Bool(_)
        | TermKind::Number(_)
        | TermKind::String { .. }
        | TermKind::Template { .. }
        | TermKind::ArrayComprehension(..)
        | TermKind::SetComprehension(..)
        | TermKind::ObjectComprehension(..) => true,
        TermKind::Array(items) | TermKind::Set(items) => items.iter().all(is_constant),
        TermKind::Object(members) => {
            members.iter().all(|(key, value)| is_constant(key) && is_constant(value))
        }
        _ => false,
    }
}
