//! Which rules are tests: those of a name that begins with `test_`, or with `todo_test_` while they are not to run.

use std::collections::HashMap;
use std::sync::Arc;

use super::Program;
use crate::error::Location;
use crate::plan::ir::Kind;
use crate::syntax::ast::{Module, RefPart, Rule, TermKind};

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRule {
    /// Its document.
    pub path: Vec<String>,
    /// The package that it is in.
    pub package: Vec<String>,
    /// The path from there, e.g. `test_x`; the second rule of that name is `test_x#01`.
    pub name: String,
    /// Where its head is.
    pub location: Location,
    /// Whether it is an object with a member for each case.
    pub has_cases: bool,
}

impl Program {
    /// All tests, in the order of packages, files and lines.
    pub fn test_rules(&self) -> Vec<TestRule> {
        let mut tests: Vec<TestRule> =
            self.plan.rules.iter().filter_map(|rules| self.test_rule(rules)).collect();
        let key = |test: &TestRule| {
            let Location { file, row, col } = &test.location;
            (test.package.to_vec(), file.clone(), *row, *col)
        };
        tests.sort_by_key(key);
        tests
    }

    fn test_rule(&self, rules: &crate::plan::ir::RuleSet) -> Option<TestRule> {
        let first = rules.bodies.first().or(rules.default.as_ref())?;
        let (source, package) =
            (self.sources.get(first.place.file as usize)?, self.packages.get(first.place.file as usize)?);
        let own = rules.path.get(package.len()..)?;
        if matches!(rules.kind, Kind::Function(_)) || !own.iter().any(|part| is_test(part)) {
            return None;
        }
        let (row, col) = source.position(first.place.span.start);
        Some(TestRule {
            path: super::entry_path(&rules.path),
            package: package.clone(),
            name: own.join("."),
            location: Location { file: source.name.to_string(), row, col },
            has_cases: rules.bodies.iter().any(|body| !body.tail.is_empty()),
        })
    }
}

fn is_test(name: &str) -> bool {
    name.starts_with("test_") || name.starts_with("todo_test_")
}

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
