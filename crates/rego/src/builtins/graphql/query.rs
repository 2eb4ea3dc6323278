//! Validation of queries against a schema.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Check, MAX_DEPTH, Query, Selection, Stop, selection_kind, wrong};
use super::schema::{
    Definition, Schema, Wrong, is, is_required, list, member, named, text, type_name, type_text,
};
use super::{overlap, values, variables};
use crate::builtins::context::Context;
use crate::builtins::error::Error;
use crate::value::Value;

/// Checks a query.
///
/// # Errors
/// What is wrong first; rule by rule, so not always what the library tells first.
pub fn check<'a>(context: &'a Context, schema: &'a Schema<'a>, document: &'a Value) -> Check {
    let mut query =
        Query { schema, fragments: BTreeMap::new(), operations: list(document, "Operations"), context };
    let mut names = BTreeSet::new();
    for operation in query.operations {
        let name = text(operation, "Name");
        if name.is_empty() && query.operations.len() > 1 {
            return wrong(
                operation,
                "This anonymous operation must be the only defined operation.".to_string(),
            );
        }
        if !names.insert(name) {
            return wrong(operation, format!("There can be only one operation named {name:?}."));
        }
    }
    for fragment in list(document, "Fragments") {
        let name = text(fragment, "Name");
        if query.fragments.insert(name, fragment).is_some() {
            return wrong(fragment, format!("There can be only one fragment named {name:?}."));
        }
    }
    for operation in query.operations {
        query.operation(operation)?;
    }
    for fragment in query.fragments.values() {
        query.fragment(fragment)?;
    }
    query.check_cycles()?;
    let mut used = BTreeSet::new();
    for operation in query.operations {
        query.reach(operation, &mut used);
    }
    if let Some((name, fragment)) = query.fragments.iter().find(|(name, _)| !used.contains(*name)) {
        return wrong(fragment, format!("Fragment {name:?} is never used."));
    }
    for operation in query.operations {
        variables::check(&query, operation)?;
    }
    overlap::check(&query)
}

impl<'a> Query<'a> {
    fn root(&self, operation: &Value) -> Option<&'a Definition<'a>> {
        let kind = Some(text(operation, "Operation")).filter(|kind| !kind.is_empty()).unwrap_or("query");
        self.schema.get(self.schema.roots.get(kind)?)
    }

    /// The type that a selection set of an operation or a fragment is of.
    pub fn start(&self, node: &Value) -> Option<&'a Definition<'a>> {
        match text(node, "TypeCondition") {
            "" => self.root(node),
            name => self.schema.get(name),
        }
    }

    fn operation(&self, operation: &'a Value) -> Check {
        let kind = text(operation, "Operation");
        let Some(root) = self.root(operation) else {
            return wrong(operation, format!("Schema does not support operation type {kind:?}"));
        };
        let selections = list(operation, "SelectionSet");
        if kind == "subscription" {
            let mut names = BTreeSet::new();
            overlap::response_names(self, selections, &mut names, 0)?;
            if names.len() > 1 {
                let name = text(operation, "Name");
                let who = if name.is_empty() {
                    "Anonymous Subscription".to_string()
                } else {
                    format!("Subscription {name:?}")
                };
                return wrong(operation, format!("{who} must select only one top level field."));
            }
        }
        self.directives(operation, &kind.to_uppercase())?;
        for variable in list(operation, "VariableDefinitions") {
            self.directives(variable, "VARIABLE_DEFINITION")?;
            let of = member(variable, "Type");
            if let (default @ Value::Object(_), Some(definition)) =
                (member(variable, "DefaultValue"), self.schema.get(type_name(of)))
            {
                values::check(self.schema, default, definition, of, 0)?;
            }
        }
        self.selections(selections, Some(root), 0)
    }

    fn fragment(&self, fragment: &'a Value) -> Check {
        let (name, condition) = (text(fragment, "Name"), text(fragment, "TypeCondition"));
        let definition = self.condition(fragment, condition)?;
        if !definition.is_composite() {
            let message = format!("Fragment {name:?} cannot condition on non composite type {condition:?}.");
            return wrong(fragment, message);
        }
        self.directives(fragment, "FRAGMENT_DEFINITION")?;
        self.selections(list(fragment, "SelectionSet"), Some(definition), 0)
    }

    fn condition(&self, node: &Value, name: &str) -> Result<&'a Definition<'a>, Stop> {
        let unknown = || Stop::Wrong(Wrong::at(node, format!("Unknown type {name:?}.")));
        self.schema.get(name).ok_or_else(unknown)
    }

    fn selections(&self, selections: &'a [Value], parent: Option<&'a Definition<'a>>, depth: usize) -> Check {
        self.context.check_deadline()?;
        if depth > MAX_DEPTH {
            return Err(Stop::Error(Error::failed("the query is too deep")));
        }
        for selection in selections {
            match selection_kind(selection) {
                Selection::Field => self.field(selection, parent, depth)?,
                Selection::Inline => {
                    self.directives(selection, "INLINE_FRAGMENT")?;
                    let condition = text(selection, "TypeCondition");
                    let inner = if condition.is_empty() {
                        parent
                    } else {
                        let definition = self.condition(selection, condition)?;
                        if !definition.is_composite() {
                            let message =
                                format!("Fragment cannot condition on non composite type {condition:?}.");
                            return wrong(selection, message);
                        }
                        if let Some(parent) = parent.filter(|parent| !self.may_be_both(parent, definition)) {
                            let parent = parent.name;
                            let message = format!(
                                "Fragment cannot be spread here as objects of type {parent:?} can never be of type {condition:?}."
                            );
                            return wrong(selection, message);
                        }
                        Some(definition)
                    };
                    self.selections(list(selection, "SelectionSet"), inner, depth + 1)?;
                }
                Selection::Spread => {
                    self.directives(selection, "FRAGMENT_SPREAD")?;
                    let name = text(selection, "Name");
                    let Some(fragment) = self.fragments.get(name) else {
                        return wrong(selection, format!("Unknown fragment {name:?}."));
                    };
                    let condition = text(fragment, "TypeCondition");
                    if let (Some(parent), Some(definition)) = (parent, self.schema.get(condition))
                        && definition.is_composite()
                        && !self.may_be_both(parent, definition)
                    {
                        let parent = parent.name;
                        let message = format!(
                            "Fragment {name:?} cannot be spread here as objects of type {parent:?} can never be of type {condition:?}."
                        );
                        return wrong(selection, message);
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&self, field: &'a Value, parent: Option<&'a Definition<'a>>, depth: usize) -> Check {
        let name = text(field, "Name");
        let found = match parent {
            Some(parent) => {
                let found = self.schema.field(parent, name);
                if found.is_none() {
                    return wrong(field, format!("Cannot query field {name:?} on type {:?}.", parent.name));
                }
                found
            }
            None => None,
        };
        self.directives(field, "FIELD")?;
        let Some(found) = found else { return Ok(()) };
        let parent = parent.map_or("", |parent| parent.name);
        self.arguments(field, found, &format!("field \"{parent}.{name}\""), &format!("Field {name:?}"))?;
        let of = member(found, "Type");
        let inner = self.schema.get(type_name(of));
        let selections = list(field, "SelectionSet");
        match inner {
            Some(inner) if inner.is_composite() && selections.is_empty() => {
                let of = type_text(of);
                let message = format!(
                    "Field {name:?} of type {of:?} must have a selection of subfields. Did you mean \"{name} {{ ... }}\"?"
                );
                return wrong(field, message);
            }
            Some(inner) if !inner.is_composite() && !selections.is_empty() => {
                let (of, message) = (type_text(of), "must not have a selection since type");
                return wrong(field, format!("Field {name:?} {message} {of:?} has no subfields."));
            }
            _ => {}
        }
        self.selections(selections, inner, depth + 1)
    }

    fn arguments(&self, node: &'a Value, definition: &'a Value, place: &str, whose: &str) -> Check {
        let known: Vec<&Value> = list(definition, "Arguments").iter().collect();
        let given: Vec<&Value> = list(node, "Arguments").iter().collect();
        let mut names = BTreeSet::new();
        for argument in &given {
            let name = text(argument, "Name");
            if !names.insert(name) {
                return wrong(argument, format!("There can be only one argument named {name:?}."));
            }
            let Some(definition) = named(&known, name) else {
                return wrong(argument, format!("Unknown argument {name:?} on {place}."));
            };
            let of = member(definition, "Type");
            if let Some(definition) = self.schema.get(type_name(of)) {
                values::check(self.schema, member(argument, "Value"), definition, of, 0)?;
            }
        }
        for argument in known.into_iter().filter(|argument| is_required(argument)) {
            let name = text(argument, "Name");
            if !names.contains(name) {
                let of = type_text(member(argument, "Type"));
                let message =
                    format!("{whose} argument {name:?} of type {of:?} is required, but it was not provided.");
                return wrong(node, message);
            }
        }
        Ok(())
    }

    fn directives(&self, node: &'a Value, location: &str) -> Check {
        let mut seen = BTreeSet::new();
        for directive in list(node, "Directives") {
            let name = text(directive, "Name");
            let Some(definition) = self.schema.directives.get(name) else {
                return wrong(directive, format!("Unknown directive \"@{name}\"."));
            };
            if !list(definition, "Locations").iter().any(|there| there.as_str() == Some(location)) {
                return wrong(directive, format!("Directive \"@{name}\" may not be used on {location}."));
            }
            if !seen.insert(name) && !is(definition, "IsRepeatable") {
                let message = format!("The directive \"@{name}\" can only be used once at this location.");
                return wrong(directive, message);
            }
            let who = format!("directive \"@{name}\"");
            self.arguments(directive, definition, &who, &format!("Directive \"@{name}\""))?;
        }
        Ok(())
    }

    fn may_be_both(&self, a: &Definition<'a>, b: &Definition<'a>) -> bool {
        if !a.is_composite() {
            return true;
        }
        let possible = |definition: &Definition<'a>| self.schema.possible.get(definition.name);
        match (possible(a), possible(b)) {
            (Some(a), Some(b)) => {
                let b: BTreeSet<_> = b.iter().collect();
                a.iter().any(|name| b.contains(name))
            }
            _ => false,
        }
    }

    /// The fragments that a selection set spreads, at any level.
    pub fn spreads(node: &'a Value) -> Vec<&'a Value> {
        let (mut found, mut open) = (Vec::new(), vec![node]);
        while let Some(node) = open.pop() {
            for selection in list(node, "SelectionSet") {
                match selection_kind(selection) {
                    Selection::Spread => found.push(selection),
                    _ => open.push(selection),
                }
            }
        }
        found
    }

    /// Adds the names of all fragments that are needed for an operation.
    pub fn reach(&self, node: &'a Value, names: &mut BTreeSet<&'a str>) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            for spread in Self::spreads(node) {
                let name = text(spread, "Name");
                if let Some(fragment) = self.fragments.get(name)
                    && names.insert(name)
                {
                    open.push(fragment);
                }
            }
        }
    }

    fn check_cycles(&self) -> Check {
        // Fragments that need none but those found to be free of cycles are so, too.
        let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, fragment) in &self.fragments {
            let names = Self::spreads(fragment).into_iter().map(|spread| text(spread, "Name"));
            needs.insert(name, names.filter(|name| self.fragments.contains_key(name)).collect());
        }
        while !needs.is_empty() {
            let free: Vec<&str> =
                needs.iter().filter(|(_, names)| names.is_empty()).map(|(name, _)| *name).collect();
            if free.is_empty() {
                let Some((name, fragment)) =
                    needs.keys().find_map(|name| Some((*name, *self.fragments.get(name)?)))
                else {
                    break;
                };
                return wrong(fragment, format!("Cannot spread fragment {name:?} within itself."));
            }
            for name in &free {
                needs.remove(name);
            }
            for names in needs.values_mut() {
                names.retain(|name| !free.contains(name));
            }
            self.context.check_deadline()?;
        }
        Ok(())
    }
}
