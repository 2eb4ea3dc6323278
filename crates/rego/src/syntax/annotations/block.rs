//! Comment blocks and their content.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::ast::{Comment, Module, Ref, RefPart, Term, TermKind, Version};
use super::super::error::Error;
use super::super::parser::{parse_ref, parse_term};
use super::super::source::{Source, Span};
use super::{Author, Compile, Content, RelatedResource, Schema, SchemaSource};
use crate::yaml;

/// Comments on lines that follow each other, the first of which begins with `METADATA`; another such one begins a block of its own.
pub struct Block<'m> {
    /// From the first `#`.
    pub span: Span,
    /// Those after the first.
    lines: &'m [Comment],
}

/// The blocks of a module.
pub fn blocks(module: &Module) -> Vec<Block<'_>> {
    let source = &module.source;
    let mut blocks = Vec::new();
    let mut rest = module.comments.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if !begins_block(source, first) {
            continue;
        }
        let mut line = source.line_of(first.span.start);
        let length = after
            .iter()
            .take_while(|comment| {
                line += 1;
                source.position(comment.span.start) == (line, 1) && !begins_block(source, comment)
            })
            .count();
        let (lines, after) = after.split_at_checked(length).unwrap_or_default();
        rest = after;
        let end = lines.last().unwrap_or(first).span;
        blocks.push(Block { span: first.span.to(end), lines });
    }
    blocks
}

/// Whether a comment is the first of a block.
pub fn begins_block(source: &Source, comment: &Comment) -> bool {
    text(source, comment).trim().starts_with("METADATA")
}

fn text<'s>(source: &'s Source, comment: &Comment) -> &'s str {
    source.slice(comment.span).get(1..).unwrap_or_default()
}

type Read<T> = Result<T, String>;

impl Block<'_> {
    /// The scope, empty where none is given, and all else.
    pub fn read(&self, source: &Source) -> Result<(String, Content), Error> {
        let error = |message: String| Error::new(self.span, message);
        let mut document = String::new();
        for line in self.lines {
            let text = text(source, line);
            document.push_str(text.strip_prefix(' ').unwrap_or(text));
            document.push('\n');
        }
        if document.trim().is_empty() {
            return Err(error("expected METADATA block, found whitespace".into()));
        }
        let value = yaml::read_strictly(&document).map_err(|wrong| {
            let place = self.lines.get(wrong.line.saturating_sub(1));
            let span = place.map_or(self.span, |comment| comment.span);
            let error = Error::new(span, format!("yaml: {}", wrong.message));
            self.hint(source).map_or(error.clone(), |hint| error.with_hint(hint))
        })?;
        let value =
            serde_json::from_str(value.to_raw().get()).map_err(|wrong| error(format!("yaml: {wrong}")))?;
        match value {
            Value::Null => Ok((String::new(), Content::default())),
            Value::Object(fields) => content(fields).map_err(error),
            _ => Err(error("yaml: metadata must be a mapping".into())),
        }
    }

    /// `key:value` is no mapping, and YAML's own messages do not say so.
    fn hint(&self, source: &Source) -> Option<String> {
        self.lines.iter().find_map(|line| {
            let text = text(source, line);
            let (_, after) = text.split_once(':')?;
            let parts: Vec<_> = after.split(':').collect();
            let spaced = parts.iter().enumerate().any(|(at, part)| {
                part.starts_with([' ', '\t']) || (part.is_empty() && at + 1 == parts.len())
            });
            let number = source.line_of(line.span.start);
            (!spaced).then(|| format!("on line {number}, the ':' after a key must be followed by a space"))
        })
    }
}

fn content(mut fields: Map<String, Value>) -> Read<(String, Content)> {
    let mut take = |name: &str| fields.remove(name).unwrap_or_default();
    let scope = string(take("scope"), "scope")?;
    let content = Content {
        title: string(take("title"), "title")?,
        description: string(take("description"), "description")?,
        organizations: list(take("organizations"), "organizations", |value| string(value, "organizations"))?,
        related_resources: list(take("related_resources"), "related_resources", related_resource)?,
        authors: list(take("authors"), "authors", author)?,
        schemas: list(take("schemas"), "schemas", schema)?,
        entrypoint: boolean(take("entrypoint"))?,
        custom: mapping(take("custom"), "custom")?.unwrap_or_default(),
        labels: mapping(take("labels"), "labels")?.unwrap_or_default(),
        compile: mapping(take("compile"), "compile")?.map(compile).transpose()?,
    };
    Ok((scope, content))
}

fn string(value: Value, field: &str) -> Read<String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(format!("yaml: '{field}' must be a string")),
    }
}

fn boolean(value: Value) -> Read<bool> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(value) => Ok(value),
        // What YAML 1.1 had in addition.
        Value::String(text) => match text.as_str() {
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Ok(true),
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Ok(false),
            _ => Err("yaml: 'entrypoint' must be a boolean".into()),
        },
        _ => Err("yaml: 'entrypoint' must be a boolean".into()),
    }
}

fn list<T>(value: Value, field: &str, item: impl Fn(Value) -> Read<T>) -> Read<Vec<T>> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values.into_iter().map(item).collect(),
        _ => Err(format!("yaml: '{field}' must be a list")),
    }
}

fn mapping(value: Value, field: &str) -> Read<Option<Map<String, Value>>> {
    match value {
        Value::Null => Ok(None),
        Value::Object(map) => Ok(Some(map)),
        _ => Err(format!("yaml: '{field}' must be a mapping")),
    }
}

/// A field of a mapping, without space around it; what is no string is as good as absent.
fn trimmed(map: &Map<String, Value>, field: &str) -> String {
    map.get(field).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

fn related_resource(value: Value) -> Read<RelatedResource> {
    let (reference, description) = match &value {
        Value::String(text) => (text.clone(), String::new()),
        Value::Object(map) => (trimmed(map, "ref"), trimmed(map, "description")),
        _ => (String::new(), String::new()),
    };
    let wrong = match &value {
        Value::String(_) if reference.is_empty() => "ref URL may not be empty string",
        Value::Object(_) if reference.is_empty() => "'ref' value required in object",
        Value::String(_) | Value::Object(_) if reference.contains(|c: char| c.is_ascii_control()) => {
            "invalid control character in URL"
        }
        Value::String(_) | Value::Object(_) => return Ok(RelatedResource { reference, description }),
        _ => "invalid value type, must be string or map",
    };
    Err(format!("invalid related-resource definition {}: {wrong}", shown(&value)))
}

fn author(value: Value) -> Read<Author> {
    let author = match &value {
        Value::String(text) => {
            let mut words: Vec<_> = text.split_whitespace().collect();
            let last = words.last().copied().unwrap_or_default();
            let email = last.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
            if email.is_some() {
                words.pop();
            }
            let wrong = if last.is_empty() { Some("author is an empty string") } else { None };
            let name = words.join(" ");
            wrong.map_or(Ok(Author { name, email: email.unwrap_or_default().to_owned() }), Err)
        }
        Value::Object(map) => {
            let author = Author { name: trimmed(map, "name"), email: trimmed(map, "email") };
            let nobody = author.name.is_empty() && author.email.is_empty();
            if nobody { Err("'name' and/or 'email' values required in object") } else { Ok(author) }
        }
        _ => Err("invalid value type, must be string or map"),
    };
    author.map_err(|wrong| format!("invalid author definition {}: {wrong}", shown(&value)))
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn schema(value: Value) -> Read<Schema> {
    let pair = mapping(value, "schemas")?.and_then(|map| map.into_iter().next());
    let (key, value) = pair.unwrap_or_default();
    let path = reference(&key).ok_or("invalid document reference")?;
    let schema = match value {
        Value::String(text) => {
            let found = path_of(&text).filter(|path| path.first().is_some_and(|root| &**root == "schema"));
            SchemaSource::Reference(found.ok_or("invalid schema reference")?)
        }
        Value::Object(_) => SchemaSource::Definition(value),
        _ => return Err(format!("invalid schema declaration for path {key:?}")),
    };
    Ok(Schema { path, schema })
}

fn compile(map: Map<String, Value>) -> Read<Compile> {
    let texts = map.get("unknowns").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let unknowns =
        texts.map(|text| reference(text).ok_or_else(|| format!("invalid unknowns element {text:?}")));
    let mask = map.get("mask_rule").and_then(Value::as_str);
    let mask = mask.map(|text| path_of(text).ok_or_else(|| format!("invalid mask_rule annotation {text:?}")));
    Ok(Compile { unknowns: unknowns.collect::<Read<_>>()?, mask_rule: mask.transpose()?.unwrap_or_default() })
}

/// The parts of a reference.
fn reference(text: &str) -> Option<Vec<Arc<str>>> {
    let source = Source::new("", text);
    parse_ref(&source, Version::V1).ok().map(|reference| parts(&source, &reference))
}

/// The parts of a reference, or a single name or string.
fn path_of(text: &str) -> Option<Vec<Arc<str>>> {
    let source = Source::new("", text);
    match parse_term(&source, Version::V1).ok()?.kind {
        TermKind::Ref(reference) => Some(parts(&source, &reference)),
        TermKind::Var(name) | TermKind::String { value: name, .. } => Some(vec![name]),
        _ => None,
    }
}

fn parts(source: &Source, reference: &Ref) -> Vec<Arc<str>> {
    let term = |term: &Term| match &term.kind {
        TermKind::String { value, .. } => value.clone(),
        _ => source.slice(term.span).into(),
    };
    let rest = reference.parts.iter().map(|part| match part {
        RefPart::Dot(name) => name.name.clone(),
        RefPart::Bracket(inner) => term(inner),
    });
    std::iter::once(term(&reference.head)).chain(rest).collect()
}
