//! Schemas read: references are followed within the document only, nothing is ever fetched.

use std::collections::HashMap;
use std::sync::Arc;

use super::decimal::Decimal;
use super::node::{Additional, Dependency, Items, MAX_DEPTH, Node, Schema, normal};
use crate::builtins::pattern::compiled;
use crate::value::{Object, Value};

type Compiled<T> = Result<T, String>;

/// The most schemas, however they come about.
const MOST_NODES: usize = 100_000;

/// Which draft holds. Without a known `$schema` it is a mixture of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Draft {
    Four,
    Six,
    Seven,
    Hybrid,
}

const TYPES: [&str; 7] = ["array", "boolean", "integer", "number", "null", "object", "string"];

/// Reads a schema.
///
/// # Errors
/// When it is none; the words are those of OPA's library.
pub fn compile(document: &Value) -> Compiled<Schema> {
    let draft = match document {
        Value::Bool(_) => Draft::Hybrid,
        Value::Object(members) => match members.get_str("$schema") {
            None => Draft::Hybrid,
            Some(Value::String(name)) => match name.trim_end_matches('#') {
                "http://json-schema.org/draft-04/schema" => Draft::Four,
                "http://json-schema.org/draft-06/schema" => Draft::Six,
                "http://json-schema.org/draft-07/schema" => Draft::Seven,
                _ => Draft::Hybrid,
            },
            Some(_) => return Err("$schema must be of type string".to_string()),
        },
        _ => return Err("schema is invalid".to_string()),
    };
    let mut compiler = Compiler {
        root: document,
        draft,
        schema: Schema::default(),
        references: HashMap::new(),
        ids: HashMap::new(),
    };
    compiler.find_ids(document, "", 0);
    compiler.node(document, "", 0)?;
    Ok(compiler.schema)
}

struct Compiler<'a> {
    root: &'a Value,
    draft: Draft,
    schema: Schema,
    /// Schemas that references have led to.
    references: HashMap<String, usize>,
    /// Schemas with an identifier of their own.
    ids: HashMap<String, &'a Value>,
}

fn invalid_type(expected: &str, given: &str) -> String {
    format!("Invalid type. Expected: {expected}, given: {given}")
}

fn text<'a>(members: &'a Object, key: &str) -> Compiled<Option<&'a str>> {
    match members.get_str(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid_type("string", key)),
    }
}

fn list<'a>(members: &'a Object, key: &str) -> Compiled<&'a [Value]> {
    match members.get_str(key) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("{key} must be of an array")),
    }
}

fn count(members: &Object, key: &str) -> Compiled<Option<i64>> {
    let Some(value) = members.get_str(key) else { return Ok(None) };
    let wrong = || format!("{key} must be of an integer");
    let Value::Number(number) = value else { return Err(wrong()) };
    // `1.0` is whole, but no integer to the library.
    let count: i64 = number.to_string().parse().map_err(|_| wrong())?;
    if count < 0 { Err(format!("{key} must be greater than or equal to 0")) } else { Ok(Some(count)) }
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::new(number),
        _ => None,
    }
}

impl<'a> Compiler<'a> {
    /// Notes what has an identifier, so that references to it are found.
    fn find_ids(&mut self, value: &'a Value, base: &str, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.find_ids(item, base, depth + 1)),
            Value::Object(members) => {
                let key = if members.get_str("id").is_some() { "id" } else { "$id" };
                let base = match members.get_str(key) {
                    Some(Value::String(id)) => {
                        let id = resolve(base, id);
                        self.ids.entry(id.clone()).or_insert(value);
                        id
                    }
                    _ => base.to_string(),
                };
                for (key, value) in members.iter() {
                    match (key.as_str(), value) {
                        (Some("const" | "enum"), _) => {}
                        (
                            Some("properties" | "dependencies" | "patternProperties"),
                            Value::Object(members),
                        ) => {
                            members.values().for_each(|value| self.find_ids(value, &base, depth + 2));
                        }
                        _ => self.find_ids(value, &base, depth + 1),
                    }
                }
            }
            _ => {}
        }
    }

    fn node(&mut self, value: &'a Value, base: &str, depth: usize) -> Compiled<usize> {
        let at = self.schema.nodes.len();
        self.schema.nodes.push(Node::default());
        self.fill(at, value, base, depth)?;
        Ok(at)
    }

    fn fill(&mut self, at: usize, value: &'a Value, base: &str, depth: usize) -> Compiled<()> {
        if depth > MAX_DEPTH || at > MOST_NODES {
            return Err("the schema is too deep or too large".to_string());
        }
        let node = match value {
            Value::Bool(pass) if self.draft >= Draft::Six => Node { pass: Some(*pass), ..Node::default() },
            Value::Object(members) => self.keywords(members, base, depth)?,
            _ => return Err("Expected: schema, given: Invalid JSON".to_string()),
        };
        if let Some(place) = self.schema.nodes.get_mut(at) {
            *place = node;
        }
        Ok(())
    }

    fn keywords(&mut self, members: &'a Object, base: &str, depth: usize) -> Compiled<Node> {
        let mut node = Node::default();
        let id_key = match self.draft {
            Draft::Four => "id",
            Draft::Hybrid if members.get_str("id").is_some() => "id",
            _ => "$id",
        };
        let base = text(members, id_key)?.map_or_else(|| base.to_string(), |id| resolve(base, id));
        let base = base.as_str();
        if let Some(definitions) = members.get_str("definitions") {
            let wrong = || invalid_type("array of schemas", "definitions");
            let Value::Object(definitions) = definitions else { return Err(wrong()) };
            for definition in definitions.values() {
                let (Value::Bool(_) | Value::Object(_)) = definition else { return Err(wrong()) };
                self.node(definition, base, depth + 1)?;
            }
        }
        text(members, "title")?;
        text(members, "description")?;
        if let Some(reference) = text(members, "$ref")? {
            node.reference = Some(self.reference(&resolve(base, reference), depth)?);
            return Ok(node);
        }
        self.types(members, &mut node)?;
        self.object_keywords(members, &mut node, base, depth)?;
        self.array_keywords(members, &mut node, base, depth)?;
        self.number_keywords(members, &mut node)?;
        bounds(members, &mut node)?;
        if self.draft >= Draft::Six {
            node.contains =
                members.get_str("contains").map(|value| self.node(value, base, depth + 1)).transpose()?;
            node.constant = members.get_str("const").map(normal);
        }
        enumeration(members, &mut node)?;
        node.one_of = self.nodes(list(members, "oneOf")?, base, depth)?;
        node.any_of = self.nodes(list(members, "anyOf")?, base, depth)?;
        node.all_of = self.nodes(list(members, "allOf")?, base, depth)?;
        node.not = self.object_or_bool(members, "not", base, depth)?;
        if self.draft >= Draft::Seven {
            node.condition = self.object_or_bool(members, "if", base, depth)?;
            node.then = self.object_or_bool(members, "then", base, depth)?;
            node.otherwise = self.object_or_bool(members, "else", base, depth)?;
        }
        Ok(node)
    }

    fn nodes(&mut self, values: &'a [Value], base: &str, depth: usize) -> Compiled<Vec<usize>> {
        values.iter().map(|value| self.node(value, base, depth + 1)).collect()
    }

    fn object_or_bool(
        &mut self,
        members: &'a Object,
        key: &str,
        base: &str,
        depth: usize,
    ) -> Compiled<Option<usize>> {
        match members.get_str(key) {
            None => Ok(None),
            Some(value @ (Value::Bool(_) | Value::Object(_))) => self.node(value, base, depth + 1).map(Some),
            Some(_) => Err(format!("{key} must be of an object")),
        }
    }

    fn types(&self, members: &Object, node: &mut Node) -> Compiled<()> {
        let wrong = || invalid_type("type", "string/array of strings");
        let names: Vec<&str> = match members.get_str("type") {
            None => Vec::new(),
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => {
                names.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(wrong)?
            }
            Some(_) => return Err(wrong()),
        };
        for name in names {
            if !TYPES.contains(&name) {
                let valid = TYPES.join(" ");
                return Err(format!(
                    "has a primitive type that is NOT VALID -- given: /{name}/ Expected valid values are:[{valid}]"
                ));
            }
            if node.types.iter().any(|there| there == name) {
                return Err(format!("{name} type is duplicated"));
            }
            node.types.push(name.to_string());
        }
        Ok(())
    }

    fn object_keywords(
        &mut self,
        members: &'a Object,
        node: &mut Node,
        base: &str,
        depth: usize,
    ) -> Compiled<()> {
        if let Some(properties) = members.get_str("properties") {
            let wrong = || "Properties must be of type object".to_string();
            let Value::Object(properties) = properties else { return Err(wrong()) };
            for (name, value) in properties.iter() {
                let name = name.as_str().unwrap_or_default().to_string();
                node.properties.push((name, self.node(value, base, depth + 1)?));
            }
        }
        node.additional_properties = self.additional(members, "additionalProperties", base, depth)?;
        if let Some(patterns) = members.get_str("patternProperties") {
            let Value::Object(patterns) = patterns else {
                return Err(invalid_type("schema", "patternProperties"));
            };
            for (pattern, value) in patterns.iter() {
                let pattern = pattern.as_str().unwrap_or_default();
                let compiled = compiled::prepare(pattern);
                let compiled = compiled.map_err(|_| format!("Invalid regex pattern '{pattern}'"))?;
                node.pattern_properties.push((compiled, self.node(value, base, depth + 1)?));
            }
        }
        if self.draft >= Draft::Six
            && let Some(names) = members.get_str("propertyNames")
        {
            let wrong = || invalid_type("schema", "patternProperties");
            let (Value::Bool(_) | Value::Object(_)) = names else { return Err(wrong()) };
            node.property_names = Some(self.node(names, base, depth + 1)?);
        }
        let Some(dependencies) = members.get_str("dependencies") else { return Ok(()) };
        let Value::Object(dependencies) = dependencies else {
            return Err("dependencies must be of type object".to_string());
        };
        for (name, dependency) in dependencies.iter() {
            let wrong = || "dependency must be of type schema or array of strings".to_string();
            let name = name.as_str().unwrap_or_default().to_string();
            let dependency = match dependency {
                Value::Array(names) => {
                    let names =
                        names.iter().map(|name| name.as_str().map(String::from)).collect::<Option<_>>();
                    Dependency::Members(names.ok_or_else(wrong)?)
                }
                Value::Bool(_) | Value::Object(_) => {
                    Dependency::Schema(self.node(dependency, base, depth + 1)?)
                }
                _ => return Err(wrong()),
            };
            node.dependencies.push((name, dependency));
        }
        Ok(())
    }

    fn additional(
        &mut self,
        members: &'a Object,
        key: &str,
        base: &str,
        depth: usize,
    ) -> Compiled<Option<Additional>> {
        match members.get_str(key) {
            None => Ok(None),
            Some(Value::Bool(allowed)) => Ok(Some(Additional::Allowed(*allowed))),
            Some(value @ Value::Object(_)) => {
                Ok(Some(Additional::Schema(self.node(value, base, depth + 1)?)))
            }
            Some(_) => Err(invalid_type("boolean/schema", key)),
        }
    }

    fn array_keywords(
        &mut self,
        members: &'a Object,
        node: &mut Node,
        base: &str,
        depth: usize,
    ) -> Compiled<()> {
        let wrong = || invalid_type("schema/array of schemas", "items");
        node.items = match members.get_str("items") {
            None => None,
            Some(Value::Array(items)) => {
                if items.iter().any(|item| !matches!(item, Value::Bool(_) | Value::Object(_))) {
                    return Err(wrong());
                }
                Some(Items::Each(self.nodes(items, base, depth)?))
            }
            Some(value @ (Value::Bool(_) | Value::Object(_))) => {
                Some(Items::All(self.node(value, base, depth + 1)?))
            }
            Some(_) => return Err(wrong()),
        };
        node.additional_items = self.additional(members, "additionalItems", base, depth)?;
        Ok(())
    }

    fn number_keywords(&self, members: &Object, node: &mut Node) -> Compiled<()> {
        if let Some(value) = members.get_str("multipleOf") {
            let number = decimal(value).ok_or_else(|| invalid_type("number", "multipleOf"))?;
            if !number.is_positive() {
                return Err("multipleOf must be strictly greater than 0".to_string());
            }
            node.multiple_of = Some(number);
        }
        (node.minimum, node.exclusive_minimum) = self.bound(members, "minimum", "exclusiveMinimum")?;
        (node.maximum, node.exclusive_maximum) = self.bound(members, "maximum", "exclusiveMaximum")?;
        Ok(())
    }

    /// A bound, and one that is not within. Draft 4 has a mark for that, later ones have a number.
    fn bound(
        &self,
        members: &Object,
        key: &str,
        exclusive: &str,
    ) -> Compiled<(Option<Decimal>, Option<Decimal>)> {
        let bound = match members.get_str(key) {
            None => None,
            Some(value) => Some(decimal(value).ok_or_else(|| format!("{key} must be of a number"))?),
        };
        match members.get_str(exclusive) {
            None => Ok((bound, None)),
            Some(Value::Bool(mark)) if matches!(self.draft, Draft::Four | Draft::Hybrid) => match bound {
                None => Err(format!("{exclusive} cannot be used without {key}")),
                bound if *mark => Ok((None, bound)),
                bound => Ok((bound, None)),
            },
            Some(value @ Value::Number(_)) if self.draft != Draft::Four => Ok((bound, decimal(value))),
            Some(_) => Err(invalid_type(
                match self.draft {
                    Draft::Four => "boolean",
                    Draft::Hybrid => "boolean/number",
                    _ => "number",
                },
                exclusive,
            )),
        }
    }

    fn reference(&mut self, reference: &str, depth: usize) -> Compiled<usize> {
        if let Some(at) = self.references.get(reference) {
            return Ok(*at);
        }
        let (value, base) = self.find(reference)?;
        let (Value::Bool(_) | Value::Object(_)) = value else {
            return Err("schema must be of type object".to_string());
        };
        let at = self.schema.nodes.len();
        self.schema.nodes.push(Node::default());
        // Noted before it is read: it may refer to itself.
        self.references.insert(reference.to_string(), at);
        self.fill(at, value, &base, depth + 1)?;
        Ok(at)
    }

    /// What a reference is to, and where it stands.
    fn find(&self, reference: &str) -> Compiled<(&'a Value, String)> {
        if let Some(value) = self.ids.get(reference) {
            return Ok((value, reference.to_string()));
        }
        let (document, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let start = match self.ids.get(document) {
            Some(value) => *value,
            None if document.is_empty() => self.root,
            None if !document.contains("://") => {
                return Err(format!("Reference {reference} must be canonical"));
            }
            None => {
                let host =
                    document.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
                return Err(format!("remote reference loading disabled: {host}"));
            }
        };
        let mut found = start;
        for part in pointer.split('/').skip(1) {
            let part = super::format::percent_decoded(part).replace("~1", "/").replace("~0", "~");
            let next = match found {
                Value::Object(members) => members.get_str(&part),
                Value::Array(items) => part.parse::<usize>().ok().and_then(|at| items.get(at)),
                _ => None,
            };
            found = next.ok_or_else(|| format!("Object has no key '{part}'"))?;
        }
        Ok((found, document.to_string()))
    }
}

/// A reference relative to another one: what identifiers need, no more.
fn resolve(base: &str, reference: &str) -> String {
    let clean = |text: &str| text.strip_suffix('#').unwrap_or(text).to_string();
    if reference.contains("://") || reference.starts_with("urn:") || base.is_empty() {
        return clean(reference);
    }
    let document = base.split('#').next().unwrap_or_default();
    if reference.is_empty() || reference.starts_with('#') {
        return clean(&format!("{document}{reference}"));
    }
    let root = document.find("://").map_or(0, |at| at + 3);
    let host_end =
        document.get(root..).and_then(|rest| rest.find('/')).map_or(document.len(), |at| at + root);
    let kept = if reference.starts_with('/') {
        document.get(..host_end)
    } else {
        document.rfind('/').filter(|at| *at >= host_end).and_then(|at| document.get(..=at))
    };
    clean(&format!("{}{reference}", kept.unwrap_or_default()))
}

/// How long texts are, and how many members and items there are.
fn bounds(members: &Object, node: &mut Node) -> Compiled<()> {
    node.min_length = count(members, "minLength")?;
    node.max_length = count(members, "maxLength")?;
    if node.min_length.zip(node.max_length).is_some_and(|(min, max)| min > max) {
        return Err("minLength cannot be greater than maxLength".to_string());
    }
    node.pattern = text(members, "pattern")?.map(pattern).transpose()?;
    node.format = text(members, "format")?.map(String::from);
    node.min_properties = count(members, "minProperties")?;
    node.max_properties = count(members, "maxProperties")?;
    if node.min_properties.zip(node.max_properties).is_some_and(|(min, max)| min > max) {
        return Err("minProperties cannot be greater than maxProperties".to_string());
    }
    for required in list(members, "required")? {
        let name = required.as_str().ok_or_else(|| invalid_type("string", "required"))?;
        if node.required.iter().any(|there| there == name) {
            return Err("required items must be unique".to_string());
        }
        node.required.push(name.to_string());
    }
    node.min_items = count(members, "minItems")?;
    node.max_items = count(members, "maxItems")?;
    node.unique_items = match members.get_str("uniqueItems") {
        None => false,
        Some(Value::Bool(unique)) => *unique,
        Some(_) => return Err("uniqueItems must be of a boolean".to_string()),
    };
    Ok(())
}

fn pattern(text: &str) -> Compiled<(Arc<compiled::Compiled>, String)> {
    match compiled::prepare(text) {
        Ok(compiled) => Ok((compiled, text.to_owned())),
        Err(_) => Err("pattern must be a valid regex".to_owned()),
    }
}

fn enumeration(members: &Object, node: &mut Node) -> Compiled<()> {
    let mut values = Vec::new();
    for value in list(members, "enum")? {
        let value = normal(value);
        if values.contains(&value) {
            return Err("enum items must be unique".to_string());
        }
        values.push(value);
    }
    node.enumeration = members.get_str("enum").map(|_| values);
    Ok(())
}
