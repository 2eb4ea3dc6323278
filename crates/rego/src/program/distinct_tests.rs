//! Tests of the same name, told apart.

use std::collections::HashMap;
use std::sync::Arc;

use crate::syntax::ast::{Module, RefPart, Rule, TermKind};

/// Gives the second test of a name, and those after it, names of their own, as OPA does: otherwise one that holds would
/// hide another that does not.
pub(super) fn make_distinct(modules: &mut [Module]) {
    let mut seen: HashMap<Vec<Arc<str>>, usize> = HashMap::new();
    for module in modules {
        let package = module.package.path.clone();
        for rule in &mut module.rules {
            let Some(name) = test_name(rule) else { continue };
            let Some(last) = name.last().cloned() else { continue };
            let count = seen.entry([package.clone(), name.clone()].concat()).or_default();
            if *count > 0 {
                rename(rule, name.len() - 1, format!("{last}#{count:02}").into());
            }
            *count += 1;
        }
    }
}

/// The constant parts of a rule's name up to the one that makes it a test that runs.
fn test_name(rule: &Rule) -> Option<Vec<Arc<str>>> {
    // The clauses of a function belong together.
    let (TermKind::Var(head), None) = (&rule.head.name.head.kind, &rule.head.args) else { return None };
    let mut name = vec![Arc::clone(head)];
    let mut parts = rule.head.name.parts.iter();
    while !name.last()?.starts_with("test_") {
        name.push(match parts.next()? {
            RefPart::Dot(part) => Arc::clone(&part.name),
            RefPart::Bracket(term) => match &term.kind {
                TermKind::String { value, .. } => Arc::clone(value),
                _ => return None,
            },
        });
    }
    Some(name)
}

fn rename(rule: &mut Rule, at: usize, new: Arc<str>) {
    let part = match at.checked_sub(1) {
        None => {
            if let TermKind::Var(name) = &mut rule.head.name.head.kind {
                *name = new;
            }
            return;
        }
        Some(at) => rule.head.name.parts.get_mut(at),
    };
    match part {
        Some(RefPart::Dot(name)) => name.name = new,
        Some(RefPart::Bracket(term)) => {
            if let TermKind::String { value, .. } = &mut term.kind {
                *value = new;
            }
        }
        None => {}
    }
}
