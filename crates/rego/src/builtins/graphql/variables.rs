//! Validation of variables in queries: defined, used, and of a compatible type.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Check, Query, Selection, selection_kind, wrong};
use super::schema::{Definition, is_compatible, list, member, named, text, type_name, type_text};
use super::values::kind;
use crate::value::Value;

/// Where a variable stands: itself, the type wanted there, and whether a default takes its place.
type Use<'a> = (&'a Value, Option<&'a Value>, bool);

/// Checks the variables of an operation, also where fragments have them.
pub fn check<'a>(query: &Query<'a>, operation: &'a Value) -> Check {
    let mut defined = BTreeMap::new();
    for variable in list(operation, "VariableDefinitions") {
        let name = text(variable, "Variable");
        if defined.insert(name, variable).is_some() {
            return wrong(variable, format!("There can be only one variable named \"${name}\"."));
        }
        let of = member(variable, "Type");
        match query.schema.get(type_name(of)) {
            None => return wrong(variable, format!("Unknown type {:?}.", type_name(of))),
            Some(definition) if !definition.is_input() => {
                return wrong(
                    variable,
                    format!("Variable \"${name}\" cannot be non-input type {:?}.", type_text(of)),
                );
            }
            Some(_) => {}
        }
    }
    let mut reached = BTreeSet::new();
    query.reach(operation, &mut reached);
    let mut uses = Vec::new();
    collect(query, operation, &mut uses);
    for name in reached {
        if let Some(fragment) = query.fragments.get(name) {
            collect(query, fragment, &mut uses);
        }
    }
    let who = match text(operation, "Name") {
        "" => String::new(),
        name => format!(" by operation {name:?}"),
    };
    let mut used = BTreeSet::new();
    for (value, wanted, has_default) in uses {
        let name = text(value, "Raw");
        let Some(variable) = defined.get(name) else {
            return wrong(value, format!("Variable \"${name}\" is not defined{who}."));
        };
        used.insert(name);
        let of = member(variable, "Type");
        let default = kind(member(variable, "DefaultValue"));
        let filled = has_default || default >= 0 && default != 6;
        // With a default the variable is never null.
        let fits = wanted.is_none_or(|wanted| is_compatible(of, wanted) || filled && fits_filled(of, wanted));
        if let (false, Some(wanted)) = (fits, wanted) {
            let (of, wanted) = (type_text(of), type_text(wanted));
            let message =
                format!("Variable \"${name}\" of type {of:?} used in position expecting type {wanted:?}.");
            return wrong(value, message);
        }
    }
    match defined.iter().find(|(name, _)| !used.contains(*name)) {
        Some((name, variable)) => {
            let who = who.replace(" by operation", " in operation");
            wrong(variable, format!("Variable \"${name}\" is never used{who}."))
        }
        None => Ok(()),
    }
}

/// Whether a type fits when null does not count.
fn fits_filled(of: &Value, wanted: &Value) -> bool {
    match (member(of, "Elem"), member(wanted, "Elem")) {
        (Value::Null, Value::Null) => text(of, "NamedType") == text(wanted, "NamedType"),
        (Value::Null, _) | (_, Value::Null) => false,
        (of, wanted) => is_compatible(of, wanted),
    }
}

/// Finds all variables within an operation or a fragment.
fn collect<'a>(query: &Query<'a>, node: &'a Value, uses: &mut Vec<Use<'a>>) {
    let mut open: Vec<(&Value, Option<&Definition<'a>>)> = vec![(node, query.start(node))];
    directives(query, node, uses);
    while let Some((node, parent)) = open.pop() {
        for selection in list(node, "SelectionSet") {
            directives(query, selection, uses);
            match selection_kind(selection) {
                Selection::Spread => {}
                Selection::Inline => {
                    let inner = match text(selection, "TypeCondition") {
                        "" => parent,
                        name => query.schema.get(name),
                    };
                    open.push((selection, inner));
                }
                Selection::Field => {
                    let field = parent.and_then(|parent| query.schema.field(parent, text(selection, "Name")));
                    arguments(query, selection, field, uses);
                    let inner = field.and_then(|field| query.schema.get(type_name(member(field, "Type"))));
                    open.push((selection, inner));
                }
            }
        }
    }
}

fn directives<'a>(query: &Query<'a>, node: &'a Value, uses: &mut Vec<Use<'a>>) {
    for directive in list(node, "Directives") {
        arguments(query, directive, query.schema.directives.get(text(directive, "Name")).copied(), uses);
    }
}

fn arguments<'a>(query: &Query<'a>, node: &'a Value, definition: Option<&'a Value>, uses: &mut Vec<Use<'a>>) {
    let known: Vec<&Value> =
        definition.map(|definition| list(definition, "Arguments").iter().collect()).unwrap_or_default();
    for argument in list(node, "Arguments") {
        let definition = named(&known, text(argument, "Name"));
        let default = definition.is_some_and(|definition| member(definition, "DefaultValue") != &Value::Null);
        let of = definition.map(|definition| member(definition, "Type"));
        let mut open = vec![(member(argument, "Value"), of, default)];
        while let Some((value, of, default)) = open.pop() {
            match kind(value) {
                0 => uses.push((value, of, default)),
                8 => {
                    let element = of.map(|of| member(of, "Elem")).filter(|of| **of != Value::Null);
                    open.extend(
                        list(value, "Children").iter().map(|child| (member(child, "Value"), element, false)),
                    );
                }
                9 => {
                    let fields =
                        of.and_then(|of| query.schema.get(type_name(of))).map(|of| of.fields.as_slice());
                    for child in list(value, "Children") {
                        let field = named(fields.unwrap_or_default(), text(child, "Name"));
                        let default =
                            field.is_some_and(|field| member(field, "DefaultValue") != &Value::Null);
                        open.push((
                            member(child, "Value"),
                            field.map(|field| member(field, "Type")),
                            default,
                        ));
                    }
                }
                _ => {}
            }
        }
    }
}
