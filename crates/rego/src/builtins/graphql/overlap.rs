//! Field selection merging: fields with the same response name must be identical, or never occur in the same response.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Check, MAX_DEPTH, Query, Selection, Stop, selection_kind, wrong};
use super::schema::{Definition, is, list, member, text, type_name};
use super::values::kind;
use crate::builtins::error::Error;
use crate::value::Value;

/// The most pairs that are compared.
const MOST_PAIRS: u32 = 1_000_000;

/// A field, its definition, and the type that it is asked of.
type Field<'a> = (&'a Value, Option<&'a Value>, Option<&'a Definition<'a>>);

/// Adds the names that selections have in the answer.
pub fn response_names<'a>(
    query: &Query<'a>,
    selections: &'a [Value],
    names: &mut BTreeSet<&'a str>,
    depth: usize,
) -> Check {
    let mut fields = BTreeMap::new();
    let mut seen = BTreeSet::new();
    collect(query, selections, None, &mut fields, &mut seen, depth)?;
    names.extend(fields.into_keys());
    Ok(())
}

/// Checks all operations.
pub fn check(query: &Query<'_>) -> Check {
    let mut pairs = 0;
    for node in query.operations.iter().chain(query.fragments.values().copied()) {
        let mut fields = BTreeMap::new();
        collect(query, list(node, "SelectionSet"), query.start(node), &mut fields, &mut BTreeSet::new(), 0)?;
        compare(query, &fields, false, &mut pairs, 0)?;
    }
    Ok(())
}

type Fields<'a> = BTreeMap<&'a str, Vec<Field<'a>>>;

fn collect<'a>(
    query: &Query<'a>,
    selections: &'a [Value],
    parent: Option<&'a Definition<'a>>,
    fields: &mut Fields<'a>,
    seen: &mut BTreeSet<&'a str>,
    depth: usize,
) -> Check {
    if depth > MAX_DEPTH {
        return Err(Stop::Error(Error::failed("the query is too deep")));
    }
    for selection in selections {
        match selection_kind(selection) {
            Selection::Field => {
                let definition =
                    parent.and_then(|parent| query.schema.field(parent, text(selection, "Name")));
                fields.entry(text(selection, "Alias")).or_default().push((selection, definition, parent));
            }
            Selection::Inline => {
                let inner = match text(selection, "TypeCondition") {
                    "" => parent,
                    name => query.schema.get(name),
                };
                collect(query, list(selection, "SelectionSet"), inner, fields, seen, depth + 1)?;
            }
            Selection::Spread => {
                let name = text(selection, "Name");
                if let Some(fragment) = query.fragments.get(name)
                    && seen.insert(name)
                {
                    let inner = query.start(fragment);
                    collect(query, list(fragment, "SelectionSet"), inner, fields, seen, depth + 1)?;
                }
            }
        }
    }
    Ok(())
}

/// Compares the fields of each name; `apart` says that what they are asked of is never the same.
fn compare<'a>(query: &Query<'a>, fields: &Fields<'a>, apart: bool, pairs: &mut u32, depth: usize) -> Check {
    if depth > MAX_DEPTH {
        return Err(Stop::Error(Error::failed("the query is too deep")));
    }
    for (name, fields) in fields {
        let mut below = Fields::new();
        let mut seen = BTreeSet::new();
        for (at, a) in fields.iter().enumerate() {
            for b in fields.iter().skip(at + 1) {
                step(query, pairs)?;
                if let Some(reason) = conflict(query, a, b, apart) {
                    let message = format!(
                        "Fields {name:?} conflict because {reason}. Use different aliases on the fields to fetch both if this was intentional."
                    );
                    return wrong(a.0, message);
                }
            }
            // Fragments within fragments may be as many as two to the power of their number.
            step(query, pairs)?;
            let inner = a.1.and_then(|definition| query.schema.get(type_name(member(definition, "Type"))));
            collect(query, list(a.0, "SelectionSet"), inner, &mut below, &mut seen, depth)?;
        }
        if !below.is_empty() {
            let apart = apart
                || fields.len() > 1
                    && fields
                        .iter()
                        .enumerate()
                        .all(|(at, a)| fields.iter().skip(at + 1).all(|b| never_same(a, b)));
            compare(query, &below, apart, pairs, depth + 1)?;
        }
    }
    Ok(())
}

fn step(query: &Query<'_>, steps: &mut u32) -> Check {
    *steps += 1;
    if *steps > MOST_PAIRS {
        return Err(Stop::Error(Error::failed("the query has too many fields to be compared")));
    }
    if steps.is_multiple_of(1024) {
        query.context.check_deadline()?;
    }
    Ok(())
}

fn never_same(a: &Field<'_>, b: &Field<'_>) -> bool {
    match (a.2, b.2) {
        (Some(a), Some(b)) => a.name != b.name && a.kind == "OBJECT" && b.kind == "OBJECT",
        _ => false,
    }
}

fn conflict(query: &Query<'_>, a: &Field<'_>, b: &Field<'_>, apart: bool) -> Option<String> {
    if !apart && !never_same(a, b) {
        let (name_a, name_b) = (text(a.0, "Name"), text(b.0, "Name"));
        if name_a != name_b {
            return Some(format!("{name_a:?} and {name_b:?} are different fields"));
        }
        if !same_arguments(a.0, b.0) {
            return Some("they have differing arguments".to_string());
        }
    }
    let (type_a, type_b) = (member(a.1?, "Type"), member(b.1?, "Type"));
    types_conflict(query, type_a, type_b).then(|| {
        let (a, b) = (super::schema::type_text(type_a), super::schema::type_text(type_b));
        format!("they return conflicting types {a:?} and {b:?}")
    })
}

fn types_conflict(query: &Query<'_>, a: &Value, b: &Value) -> bool {
    if is(a, "NonNull") != is(b, "NonNull") {
        return true;
    }
    match (member(a, "Elem"), member(b, "Elem")) {
        (Value::Null, Value::Null) => {
            let (a, b) = (type_name(a), type_name(b));
            let is_leaf = |name: &str| query.schema.get(name).is_none_or(|of| !of.is_composite());
            a != b && (is_leaf(a) || is_leaf(b))
        }
        (Value::Null, _) | (_, Value::Null) => true,
        (a, b) => types_conflict(query, a, b),
    }
}

fn same_arguments(a: &Value, b: &Value) -> bool {
    let (a, b) = (list(a, "Arguments"), list(b, "Arguments"));
    a.len() == b.len()
        && a.iter().all(|argument| {
            let other = b.iter().find(|other| text(other, "Name") == text(argument, "Name"));
            other.is_some_and(|other| same_value(member(argument, "Value"), member(other, "Value")))
        })
}

fn same_value(a: &Value, b: &Value) -> bool {
    let (children_a, children_b) = (list(a, "Children"), list(b, "Children"));
    kind(a) == kind(b)
        && text(a, "Raw") == text(b, "Raw")
        && children_a.len() == children_b.len()
        && children_a.iter().zip(children_b).all(|(a, b)| {
            text(a, "Name") == text(b, "Name") && same_value(member(a, "Value"), member(b, "Value"))
        })
}
