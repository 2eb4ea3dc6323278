//! Conflicts between rules.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use super::Found;
use crate::shown;
use crate::syntax::ast::{self, HeadValue, Module, RefPart, TermKind};
use crate::value::{Number, Value};

/// How many rules a message names.
const SHOWN: usize = 10;

struct Entry<'m> {
    module: usize,
    rule: &'m ast::Rule,
    /// Whether all of its name is constant.
    ground: bool,
    set: bool,
    arity: usize,
}

/// Finds rules of one name and different kinds, rules within the documents of others, and several defaults.
pub(super) fn check(modules: &[Module], found: &mut Vec<Found>) {
    let mut by_path: BTreeMap<Vec<Value>, Vec<Entry<'_>>> = BTreeMap::new();
    for (number, module) in modules.iter().enumerate() {
        for rule in &module.rules {
            let (path, entry) = entry(number, module, rule);
            by_path.entry(path).or_default().push(entry);
        }
    }
    for (path, entries) in &by_path {
        let name = shown::path(path);
        let conflict = below(modules, &by_path, path, entries).or_else(|| differs(modules, &name, entries));
        if let Some(conflict) = conflict {
            found.push(conflict);
            continue;
        }
        let defaults: Vec<&Entry<'_>> = entries.iter().filter(|entry| entry.rule.default).collect();
        if let [first, _, ..] = defaults.as_slice() {
            let mut places: Vec<String> =
                defaults.iter().take(SHOWN).map(|entry| location(modules, entry)).collect();
            if defaults.len() > SHOWN {
                places.push("…".to_owned());
            }
            let message = format!("multiple default rules {name} found at {}", places.join(", "));
            found.push(Found::new("rego_type_error", first.module, first.rule.head.span, message));
        }
    }
    packages(modules, &by_path, found);
}

/// Rules below one whose document is whole, and functions below one that gathers an object.
fn below(
    modules: &[Module],
    by_path: &BTreeMap<Vec<Value>, Vec<Entry<'_>>>,
    path: &[Value],
    entries: &[Entry<'_>],
) -> Option<Found> {
    let whole = entries.iter().any(|entry| entry.ground);
    let from = (std::ops::Bound::Excluded(path), std::ops::Bound::Unbounded);
    let all = by_path.range::<[Value], _>(from).take_while(|(below, _)| below.starts_with(path));
    let below: Vec<(&Vec<Value>, &Entry<'_>)> = all
        .flat_map(|(path, entries)| entries.iter().map(move |entry| (path, entry)))
        .filter(|(_, entry)| whole || entry.arity > 0)
        .take(SHOWN + 1)
        .collect();
    let first = entries.first().filter(|_| !below.is_empty())?;
    let name = shown::path(path);
    let sets = entries.iter().chain(below.iter().map(|(_, entry)| *entry)).all(|entry| entry.set);
    let mut message =
        if sets { format!("conflicting rules {name} found") } else { format!("rule {name} conflicts with:") };
    for (path, entry) in below.iter().take(SHOWN).filter(|_| !sets) {
        let _ = write!(message, "\n  rule {} at {}", shown::path(*path), location(modules, entry));
    }
    if below.len() > SHOWN && !sets {
        message.push_str("\n  ...");
    }
    Some(Found::new("rego_type_error", first.module, first.rule.head.span, message))
}

/// Rules of one name that are of different kinds, or take different numbers of arguments.
fn differs(modules: &[Module], name: &str, entries: &[Entry<'_>]) -> Option<Found> {
    let first = entries.first()?;
    let complete = entries.iter().any(|entry| !entry.set && entry.ground);
    let partial = entries.iter().any(|entry| entry.set || !entry.ground);
    // A set, and an object of sets, are two kinds.
    let kinds =
        entries.iter().any(|entry| entry.set != first.set || entry.set && entry.ground != first.ground);
    let arities = entries.iter().any(|entry| entry.arity != first.arity);
    if kinds || arities || (complete && partial) {
        // OPA names the first; the one that differs from it is where to look.
        let other = entries.iter().find(|entry| {
            entry.set != first.set || entry.arity != first.arity || entry.ground != first.ground
        });
        let (file, span) = (first.module, first.rule.head.span);
        let mut conflict =
            Found::new("rego_type_error", file, span, format!("conflicting rules {name} found"));
        if let Some(other) = other {
            conflict.hint = Some(format!(
                "it is {} here, and {} at {}",
                kind(first),
                kind(other),
                location(modules, other)
            ));
        }
        return Some(conflict);
    }
    None
}

/// A rule where there is a package.
fn packages(modules: &[Module], rules: &BTreeMap<Vec<Value>, Vec<Entry<'_>>>, found: &mut Vec<Found>) {
    let mut packages: HashMap<Vec<Value>, usize> = HashMap::new();
    for (number, module) in modules.iter().enumerate() {
        packages.entry(module.package.path.iter().map(text).collect()).or_insert(number);
    }
    for (path, number) in packages {
        let Some(package) = modules.get(number).map(|module| module.package.span) else { continue };
        for entry in rules.get(&path).into_iter().flatten().filter(|entry| entry.ground) {
            let name = modules.get(entry.module).map(|module| module.source.slice(entry.rule.head.name.span));
            let message = format!(
                "package {} conflicts with rule {} defined at {}",
                shown::path(&path).strip_prefix("data.").unwrap_or_default(),
                name.unwrap_or_default(),
                location(modules, entry)
            );
            found.push(Found::new("rego_type_error", number, package, message));
        }
    }
}

fn kind(entry: &Entry<'_>) -> String {
    match entry.arity {
        0 if entry.set => "a set".to_owned(),
        0 if entry.ground => "a single value".to_owned(),
        0 => "an object".to_owned(),
        1 => "a function of 1 argument".to_owned(),
        arity => format!("a function of {arity} arguments"),
    }
}

fn location(modules: &[Module], entry: &Entry<'_>) -> String {
    modules.get(entry.module).map_or_else(String::new, |module| {
        format!("{}:{}", module.source.name, module.source.line_of(entry.rule.span.start))
    })
}

fn text(part: &Arc<str>) -> Value {
    Value::String(Arc::clone(part))
}

fn entry<'m>(number: usize, module: &'m Module, rule: &'m ast::Rule) -> (Vec<Value>, Entry<'m>) {
    let mut path: Vec<Value> = module.package.path.iter().map(text).collect();
    if let TermKind::Var(name) = &rule.head.name.head.kind {
        path.push(text(name));
    }
    let parts = rule.head.name.parts.as_slice();
    let mut ground = true;
    for part in if rule.head.element { &[] } else { parts } {
        match part {
            RefPart::Dot(name) => path.push(text(&name.name)),
            RefPart::Bracket(term) => match scalar(term) {
                Some(key) => path.push(key),
                None => {
                    ground = false;
                    break;
                }
            },
        }
    }
    let set = rule.head.element || matches!(rule.head.value, HeadValue::Contains(_));
    let arity = rule.head.args.as_ref().map_or(0, Vec::len);
    (path, Entry { module: number, rule, ground, set, arity })
}

fn scalar(term: &ast::Term) -> Option<Value> {
    Some(match &term.kind {
        TermKind::Null => Value::Null,
        TermKind::Bool(value) => Value::Bool(*value),
        TermKind::Number(text) => Value::Number(Number::parse(text)?),
        TermKind::String { value, .. } => Value::String(Arc::clone(value)),
        TermKind::Parens(inner) => return scalar(inner),
        _ => return None,
    })
}
