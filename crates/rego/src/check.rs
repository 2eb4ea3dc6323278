//! What OPA refuses at load beyond the grammar: rules that conflict, names that hide others, variables that are never
//! used, and types that cannot fit.
//!
//! INVARIANT (sound): what OPA accepts is accepted. Where the types of OPA's checker are not certain, a term is `any`.
//!
//! Reading order: `flat` (rules as they are checked) → `scope`, `names`, `flatten` → `types`, `tree`, `order`,
//! `sorted`, `infer` → `schema`, `annotated`; `dead`, `conflicts`, `imports` and
//! `rewritten` stand for themselves.

mod annotated;
mod arities;
mod conflicts;
mod dead;
mod flat;
mod flatten;
mod found;
mod hints;
mod imports;
mod infer;
mod names;
mod order;
mod report;
mod rewritten;
mod schema;
mod scope;
mod sorted;
#[cfg(test)]
mod tests;
mod tree;
mod types;

use std::collections::HashSet;

pub use found::{Checks, Found, Given};
pub use hints::advise;
pub use rewritten::refusals_of_v1;
pub use schema::Schemas;

use annotated::Annotated;
use arities::Arities;
use flat::Rule;
use found::{WARNING, rule_of};
use tree::Tree;
use types::Type;

use super::syntax::ast::{Module, Version};
use super::syntax::source::Span;
use super::value::Value;

/// Modules whose names, variables and calls have been checked.
pub struct Checked {
    rules: Vec<Rule>,
    annotated: Annotated,
    /// What was wrong so far.
    pub found: Vec<Found>,
    /// What is not wrong, but may not be what was meant.
    pub warnings: Vec<Found>,
    /// Whether rules conflict, so that there is no telling what a name stands for.
    pub conflicts: bool,
}

/// Checks names, variables, calls and conflicts.
pub fn names(modules: &[Module], checks: &Checks) -> Checked {
    let mut found = Vec::new();
    conflicts::check(modules, &mut found);
    let conflicts = !found.is_empty();
    let (exports, arities) = (names::exports(modules), Arities::new(modules));
    let mut rules = Vec::new();
    for (number, module) in modules.iter().enumerate() {
        if checks.strict || module.version == Version::V1 {
            imports::check(number, module, &mut found);
        }
        rules.extend(flatten::flatten(number, module, &exports, &arities, checks, &mut found));
    }
    let annotated =
        if checks.annotations { Annotated::read(modules, &mut found) } else { Annotated::default() };
    let (warnings, found) = found.into_iter().partition(|found| found.code == WARNING);
    Checked { rules, annotated, found, warnings, conflicts }
}

/// References that lead nowhere: no errors, as a document may come there at run time.
pub fn dead_references(checked: &Checked, data: &Value, given: &Given) -> Vec<Found> {
    dead::warnings(&checked.rules, data, given)
}

/// Checks types, except in the rules that something else is wrong with: module and rule by their numbers.
pub fn types(
    modules: &[Module],
    checked: &Checked,
    checks: &Checks,
    wrong: &HashSet<(usize, usize)>,
) -> Vec<Found> {
    let mut found = Vec::new();
    let mut tree = Tree::new();
    let schemas = checks.schemas.as_ref();
    if let Some(schema) = schemas.and_then(|schemas| schemas.input.as_ref()) {
        match schema::type_of(schema) {
            Ok(of) => tree.put(&[Value::from("input")], of),
            Err(message) => {
                found.push(Found::new("rego_type_error", usize::MAX, Span::default(), message));
                return found;
            }
        }
    }
    let mut signatures = infer::Signatures::new();
    for number in sorted::sorted(&checked.rules) {
        let Some(rule) = checked.rules.get(number) else { continue };
        let mut path = vec![Value::from("data")];
        path.extend(rule.path.iter().cloned());
        if wrong.contains(&rule.from) {
            tree.put(&path, Type::Any);
            continue;
        }
        let module = modules.get(rule.from.0).filter(|_| !checked.annotated.is_empty());
        let own = module.and_then(|module| checked.annotated.tree(rule, module, schemas, &tree, &mut found));
        match infer::infer(rule, own.as_ref(), &tree, &mut signatures) {
            Ok(Type::Unknown) => {}
            Ok(of) => tree.insert(&path, &of),
            Err(mut wrong) => {
                found.append(&mut wrong);
                tree.put(&path, Type::Any);
            }
        }
    }
    found
}

/// What can be said of some modules where others cannot be read: nothing that these might define.
pub fn partial(modules: &[Module], checks: &Checks) -> Vec<Found> {
    let mut found = names(modules, checks).found;
    found.retain(|found| !found.message.starts_with("undefined function"));
    advise(modules, &mut found);
    found
}

/// The rules that something is wrong with.
pub fn rules_of<'f>(modules: &[Module], found: impl Iterator<Item = &'f Found>) -> HashSet<(usize, usize)> {
    found.filter_map(|found| rule_of(modules, found)).collect()
}

/// Whether something is wrong in another rule than those.
pub fn is_elsewhere(modules: &[Module], found: &Found, rules: &HashSet<(usize, usize)>) -> bool {
    rule_of(modules, found).is_none_or(|rule| !rules.contains(&rule))
}
