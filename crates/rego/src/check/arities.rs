//! The number of arguments of every rule.

use std::collections::HashMap;
use std::sync::Arc;

use crate::syntax::ast::{Module, RefPart, Term, TermKind};
use crate::value::Value;

/// Arguments by path below `data`; none for documents.
#[derive(Debug, Default)]
pub(super) struct Arities(HashMap<Vec<Value>, usize>);

impl Arities {
    pub(super) fn new(modules: &[Module]) -> Self {
        let mut arities = HashMap::new();
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
                arities.entry(path).or_insert_with(|| rule.head.args.as_ref().map_or(0, Vec::len));
            }
        }
        Self(arities)
    }

    pub(super) fn of(&self, path: &[Value]) -> Option<usize> {
        self.0.get(path).copied()
    }

    /// The functions in the same package.
    pub(super) fn beside<'a>(&'a self, package: &'a [Value]) -> impl Iterator<Item = &'a str> {
        let near = self.0.iter().filter(move |(path, arity)| {
            **arity > 0 && path.split_last().is_some_and(|(_, above)| above == package)
        });
        near.filter_map(|(path, _)| path.last().and_then(Value::as_str))
    }
}

fn text(part: &Arc<str>) -> Value {
    Value::String(Arc::clone(part))
}
