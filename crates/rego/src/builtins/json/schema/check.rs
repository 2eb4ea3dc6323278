//! Documents checked against schemas. Of alternatives that all fail, the faults of the one that came closest are told.

use std::collections::HashMap;

use super::decimal::Decimal;
use super::format;
use super::node::{Additional, Dependency, Items, MAX_DEPTH, Node, Schema, normal};
use crate::builtins::context::Context;
use crate::builtins::error::{Error, Kind};
use crate::value::{Object, Value};

/// What is wrong with a document.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Where: names and positions with dots between them.
    pub field: String,
    /// What kind of fault.
    pub kind: &'static str,
    /// In words.
    pub description: String,
}

/// Faults, and how well the document fits.
#[derive(Debug, Default)]
struct Outcome {
    faults: Vec<Fault>,
    score: i64,
}

impl Outcome {
    const fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }

    fn merge(&mut self, other: Self) {
        self.score += other.score;
        self.faults.extend(other.faults);
    }
}

/// Where in the document the check is.
#[derive(Clone, Copy)]
struct Path<'a> {
    name: &'a str,
    above: Option<&'a Path<'a>>,
}

impl Path<'_> {
    fn field(&self) -> String {
        let mut names = Vec::new();
        let mut next = Some(self);
        while let Some(path) = next {
            names.push(path.name);
            next = path.above;
        }
        names.reverse();
        let text = names.join(".");
        text.strip_prefix("(Root).").map(String::from).unwrap_or(text)
    }
}

struct Checker<'a> {
    schema: &'a Schema,
    context: &'a Context,
    steps: u64,
    bytes: usize,
}

/// Checks a document.
///
/// # Errors
/// When that takes too long, or goes too deep.
pub fn check(context: &Context, schema: &Schema, document: &Value) -> Result<Vec<Fault>, Error> {
    let mut checker = Checker { schema, context, steps: 0, bytes: 0 };
    let mut outcome = Outcome::default();
    checker.node(0, document, &mut outcome, Path { name: "(Root)", above: None }, 0)?;
    Ok(outcome.faults)
}

type Checked = Result<(), Error>;

impl<'a> Checker<'a> {
    fn fault(
        &mut self,
        outcome: &mut Outcome,
        path: Path<'_>,
        kind: &'static str,
        description: String,
    ) -> Checked {
        let field = path.field();
        self.bytes = self.bytes.saturating_add(field.len() + description.len() + size_of::<Fault>());
        if self.bytes > self.context.max_bytes {
            return Err(Error::new(Kind::TooLarge, "the document has too many faults"));
        }
        outcome.faults.push(Fault { field, kind, description });
        outcome.score -= 2;
        Ok(())
    }

    fn alone(&mut self, at: usize, value: &Value, path: Path<'_>, depth: usize) -> Result<Outcome, Error> {
        let mut outcome = Outcome::default();
        self.node(at, value, &mut outcome, path, depth)?;
        Ok(outcome)
    }

    fn node(
        &mut self,
        at: usize,
        value: &Value,
        outcome: &mut Outcome,
        path: Path<'_>,
        depth: usize,
    ) -> Checked {
        self.steps += 1;
        if self.steps.is_multiple_of(256) {
            self.context.check_deadline()?;
        }
        if depth > MAX_DEPTH * 2 {
            return Err(Error::failed("the schema or the document is too deep"));
        }
        let Some(node) = self.schema.nodes.get(at) else { return Ok(()) };
        match (node.pass, node.reference) {
            (Some(true), _) => return Ok(()),
            (Some(false), _) => {
                return self.fault(outcome, path, "false", "False always fails validation".to_string());
            }
            (None, Some(to)) => return self.node(to, value, outcome, path, depth + 1),
            _ => {}
        }
        if let Some(text) = wrong_type(node, value) {
            return self.fault(outcome, path, "invalid_type", text);
        }
        self.combined(node, value, outcome, path, depth)?;
        match value {
            Value::Array(items) => self.array(node, items, outcome, path, depth)?,
            Value::Object(members) => self.object(node, members, outcome, path, depth)?,
            Value::Number(number) => self.number(node, Decimal::new(number), outcome, path)?,
            _ => {}
        }
        self.common(node, value, outcome, path)?;
        match value {
            Value::Object(members) => {
                for (name, schema) in &node.properties {
                    if let Some(member) = members.get_str(name) {
                        let path = Path { name, above: Some(&path) };
                        self.node(*schema, member, outcome, path, depth + 1)?;
                    }
                }
            }
            Value::String(text) => self.string(node, text, outcome, path)?,
            _ => {}
        }
        outcome.score += 1;
        Ok(())
    }

    fn combined(
        &mut self,
        node: &Node,
        value: &Value,
        outcome: &mut Outcome,
        path: Path<'_>,
        depth: usize,
    ) -> Checked {
        let depth = depth + 1;
        self.any_of(&node.any_of, value, outcome, path, depth)?;
        self.one_of(&node.one_of, value, outcome, path, depth)?;
        let mut all = true;
        for schema in &node.all_of {
            let tried = self.alone(*schema, value, path, depth)?;
            all &= tried.is_valid();
            outcome.merge(tried);
        }
        if !all {
            self.fault(outcome, path, "number_all_of", "Must validate all the schemas (allOf)".to_string())?;
        }
        if let Some(schema) = node.not
            && self.alone(schema, value, path, depth)?.is_valid()
        {
            self.fault(outcome, path, "number_not", "Must not validate the schema (not)".to_string())?;
        }
        self.dependencies(node, value, outcome, path, depth)?;
        self.condition(node, value, outcome, path, depth)?;
        outcome.score += 1;
        Ok(())
    }

    fn any_of(
        &mut self,
        schemas: &[usize],
        value: &Value,
        outcome: &mut Outcome,
        path: Path<'_>,
        depth: usize,
    ) -> Checked {
        if schemas.is_empty() {
            return Ok(());
        }
        let mut best: Option<Outcome> = None;
        for schema in schemas {
            let tried = self.alone(*schema, value, path, depth)?;
            if tried.is_valid() {
                return Ok(());
            }
            if best.as_ref().is_none_or(|best| tried.score > best.score) {
                best = Some(tried);
            }
        }
        let text = "Must validate at least one schema (anyOf)";
        self.fault(outcome, path, "number_any_of", text.to_string())?;
        outcome.merge(best.unwrap_or_default());
        Ok(())
    }

    fn one_of(
        &mut self,
        schemas: &[usize],
        value: &Value,
        outcome: &mut Outcome,
        path: Path<'_>,
        depth: usize,
    ) -> Checked {
        if schemas.is_empty() {
            return Ok(());
        }
        let mut best: Option<Outcome> = None;
        let mut valid = 0u32;
        for schema in schemas {
            let tried = self.alone(*schema, value, path, depth)?;
            if tried.is_valid() {
                valid += 1;
            } else if valid == 0 && best.as_ref().is_none_or(|best| tried.score > best.score) {
                best = Some(tried);
            }
        }
        if valid != 1 {
            let text = "Must validate one and only one schema (oneOf)";
            self.fault(outcome, path, "number_one_of", text.to_string())?;
            if valid == 0 {
                outcome.merge(best.unwrap_or_default());
            }
        }
        Ok(())
    }

    /// `if`, `then` and `else`.
    fn condition(
        &mut self,
        node: &Node,
        value: &Value,
        outcome: &mut Outcome,
        path: Path<'_>,
        depth: usize,
    ) -> Checked {
        let Some(condition) = node.condition else { return Ok(()) };
        let holds = self.alone(condition, value, path, depth)?.is_valid();
        let (schema, kind, text) = if holds {
            (node.then, "condition_then", "Must validate \"then\" as \"if\" was valid")
        } else {
            (node.otherwise, "condition_else", "Must validate \"else\" as \"if\" was not valid")
        };
        if let Some(schema) = schema {
            let tried = self.alone(schema, value, path, depth)?;
            if !tried.is_valid() {
                self.fault(outcome, path, kind, text.to_string())?;
                outcome.merge(tried);
            }
        }
        Ok(())
    }

    fn dependencies(
        &mut self,
        node: &Node,
        value: &Value,
        outcome: &mut Outcome,
        path: Path<'_>,
        depth: usize,
    ) -> Checked {
        let Value::Object(members) = value else { return Ok(()) };
        for (name, dependency) in &node.dependencies {
            if members.get_str(name).is_none() {
                continue;
            }
            match dependency {
                Dependency::Members(names) => {
                    for name in names.iter().filter(|name| members.get_str(name).is_none()) {
                        self.fault(
                            outcome,
                            path,
                            "missing_dependency",
                            format!("Has a dependency on {name}"),
                        )?;
                    }
                }
                Dependency::Schema(schema) => self.node(*schema, value, outcome, path, depth)?,
            }
        }
        Ok(())
    }

    fn common(&mut self, node: &Node, value: &Value, outcome: &mut Outcome, path: Path<'_>) -> Checked {
        if let Some(constant) = &node.constant
            && normal(value) != *constant
        {
            let text = format!("{} does not match: {constant}", path.field());
            self.fault(outcome, path, "const", text)?;
        }
        if let Some(allowed) = &node.enumeration
            && !allowed.contains(&normal(value))
        {
            let allowed = if allowed.is_empty() { "(none)".to_owned() } else { allowed.join(", ") };
            let text = format!("{} must be one of the following: {allowed}", path.field());
            self.fault(outcome, path, "enum", text)?;
        }
        if let (Some(format), Value::String(text)) = (&node.format, value)
            && !format::matches(format, text)
        {
            self.fault(outcome, path, "format", format!("Does not match format '{format}'"))?;
        }
        outcome.score += 1;
        Ok(())
    }

    fn array(
        &mut self,
        node: &Node,
        items: &[Value],
        outcome: &mut Outcome,
        path: Path<'_>,
        depth: usize,
    ) -> Checked {
        for (at, item) in items.iter().enumerate() {
            let schema = match (&node.items, &node.additional_items) {
                (Some(Items::All(schema)), _) => Some(*schema),
                (Some(Items::Each(schemas)), additional) => match (schemas.get(at), additional) {
                    (Some(schema), _) => Some(*schema),
                    (None, Some(Additional::Schema(schema))) if !schemas.is_empty() => Some(*schema),
                    _ => None,
                },
                (None, _) => None,
            };
            if let Some(schema) = schema {
                let name = at.to_string();
                let tried = self.alone(schema, item, Path { name: &name, above: Some(&path) }, depth + 1)?;
                outcome.merge(tried);
            }
        }
        if let (Some(Items::Each(schemas)), Some(Additional::Allowed(false))) =
            (&node.items, &node.additional_items)
            && !schemas.is_empty()
            && schemas.len() < items.len()
        {
            let text = "No additional items allowed on array".to_string();
            self.fault(outcome, path, "array_no_additional_items", text)?;
        }
        self.item_counts(node, items, outcome, path)?;
        self.contains(node, items, outcome, path, depth)?;
        outcome.score += 1;
        Ok(())
    }

    /// How many items there are, and whether they are distinct.
    fn item_counts(
        &mut self,
        node: &Node,
        items: &[Value],
        outcome: &mut Outcome,
        path: Path<'_>,
    ) -> Checked {
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if let Some(min) = node.min_items.filter(|min| count < *min) {
            self.fault(outcome, path, "array_min_items", format!("Array must have at least {min} items"))?;
        }
        if let Some(max) = node.max_items.filter(|max| count > *max) {
            self.fault(outcome, path, "array_max_items", format!("Array must have at most {max} items"))?;
        }
        if node.unique_items {
            let mut seen = HashMap::new();
            for (at, item) in items.iter().enumerate() {
                if let Some(before) = seen.insert(normal(item), at) {
                    self.fault(
                        outcome,
                        path,
                        "unique",
                        format!("array items[{before},{at}] must be unique"),
                    )?;
                }
            }
        }
        Ok(())
    }

    fn contains(
        &mut self,
        node: &Node,
        items: &[Value],
        outcome: &mut Outcome,
        path: Path<'_>,
        depth: usize,
    ) -> Checked {
        let Some(schema) = node.contains else { return Ok(()) };
        let mut best: Option<Outcome> = None;
        let mut found = false;
        for (at, item) in items.iter().enumerate() {
            let name = at.to_string();
            let tried = self.alone(schema, item, Path { name: &name, above: Some(&path) }, depth + 1)?;
            found = tried.is_valid();
            if found {
                break;
            }
            if best.as_ref().is_none_or(|best| tried.score > best.score) {
                best = Some(tried);
            }
        }
        if !found {
            self.fault(outcome, path, "contains", "At least one of the items must match".to_string())?;
            outcome.merge(best.unwrap_or_default());
        }
        Ok(())
    }

    fn object(
        &mut self,
        node: &Node,
        members: &Object,
        outcome: &mut Outcome,
        path: Path<'_>,
        depth: usize,
    ) -> Checked {
        self.required(node, members, outcome, path)?;
        for (name, value) in members.iter() {
            let name = name.as_str().unwrap_or_default();
            let below = Path { name, above: Some(&path) };
            // The names come from an object, so they are in order.
            let mut described =
                node.properties.binary_search_by(|(there, _)| there.as_str().cmp(name)).is_ok();
            let mut matched = false;
            for (pattern, schema) in &node.pattern_properties {
                if pattern.is_match(name)? {
                    matched = true;
                    let tried = self.alone(*schema, value, below, depth + 1)?;
                    outcome.merge(tried);
                }
            }
            if matched {
                outcome.score += 1;
                described = true;
            }
            match &node.additional_properties {
                Some(Additional::Allowed(false)) if !described => {
                    let text = format!("Additional property {name} is not allowed");
                    self.fault(outcome, path, "additional_property_not_allowed", text)?;
                }
                Some(Additional::Schema(schema)) if !described => {
                    let tried = self.alone(*schema, value, below, depth + 1)?;
                    outcome.merge(tried);
                }
                _ => {}
            }
        }
        if let Some(schema) = node.property_names {
            for name in members.keys() {
                let tried = self.alone(schema, name, path, depth + 1)?;
                if !tried.is_valid() {
                    let text =
                        format!("Property name of \"{}\" does not match", name.as_str().unwrap_or_default());
                    self.fault(outcome, path, "invalid_property_name", text)?;
                    outcome.merge(tried);
                }
            }
        }
        outcome.score += 1;
        Ok(())
    }

    /// How many members there are, and those that there must be.
    fn required(&mut self, node: &Node, members: &Object, outcome: &mut Outcome, path: Path<'_>) -> Checked {
        let count = i64::try_from(members.len()).unwrap_or(i64::MAX);
        if let Some(min) = node.min_properties.filter(|min| count < *min) {
            self.fault(
                outcome,
                path,
                "array_min_properties",
                format!("Must have at least {min} properties"),
            )?;
        }
        if let Some(max) = node.max_properties.filter(|max| count > *max) {
            self.fault(outcome, path, "array_max_properties", format!("Must have at most {max} properties"))?;
        }
        for name in &node.required {
            if members.get_str(name).is_some() {
                outcome.score += 1;
            } else {
                self.fault(outcome, path, "required", format!("{name} is required"))?;
            }
        }
        Ok(())
    }

    fn string(&mut self, node: &Node, text: &str, outcome: &mut Outcome, path: Path<'_>) -> Checked {
        let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if let Some(min) = node.min_length.filter(|min| count < *min) {
            let text = format!("String length must be greater than or equal to {min}");
            self.fault(outcome, path, "string_gte", text)?;
        }
        if let Some(max) = node.max_length.filter(|max| count > *max) {
            let text = format!("String length must be less than or equal to {max}");
            self.fault(outcome, path, "string_lte", text)?;
        }
        if let Some((pattern, written)) = &node.pattern
            && !pattern.is_match(text)?
        {
            self.fault(outcome, path, "pattern", format!("Does not match pattern '{written}'"))?;
        }
        outcome.score += 1;
        Ok(())
    }

    fn number(
        &mut self,
        node: &Node,
        number: Option<Decimal>,
        outcome: &mut Outcome,
        path: Path<'_>,
    ) -> Checked {
        let Some(number) = number else { return Ok(()) };
        if let Some(of) = node.multiple_of.as_ref().filter(|of| !number.is_multiple_of(of)) {
            self.fault(outcome, path, "multiple_of", format!("Must be a multiple of {of}"))?;
        }
        let bounds = [
            (&node.maximum, "number_lte", "less than or equal to"),
            (&node.exclusive_maximum, "number_lt", "less than"),
            (&node.minimum, "number_gte", "greater than or equal to"),
            (&node.exclusive_minimum, "number_gt", "greater than"),
        ];
        for (bound, kind, words) in bounds {
            let Some(bound) = bound else { continue };
            let order = number.compare(bound);
            let within = match kind {
                "number_lte" => order.is_le(),
                "number_lt" => order.is_lt(),
                "number_gte" => order.is_ge(),
                _ => order.is_gt(),
            };
            if !within {
                self.fault(outcome, path, kind, format!("Must be {words} {bound}"))?;
            }
        }
        outcome.score += 1;
        Ok(())
    }
}

/// What is said where a value is of none of the types that a schema names.
fn wrong_type(node: &Node, value: &Value) -> Option<String> {
    let given = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if Decimal::new(number).is_some_and(|number| number.is_whole()) => "integer",
        other => other.type_name(),
    };
    let allowed = |name: &str| node.types.iter().any(|there| there == name);
    if !(node.types.is_empty() || allowed(given) || given == "integer" && allowed("number")) {
        let expected = match node.types.as_slice() {
            [one] => one.clone(),
            all => format!("[{}]", all.join(",")),
        };
        let text = format!("Invalid type. Expected: {expected}, given: {given}");
        return Some(text);
    }
    None
}
