//! A syntax tree as a document, in the shape of `opa parse --format json` and `rego.parse_module`.
//!
//! Here are files with their packages, imports, annotations and comments; `rules` and `terms` have what is below them,
//! `pretty` has the same as an indented text.

mod pretty;
mod rules;
mod terms;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::annotations::{Annotation, SchemaSource, annotations};
use super::ast::{Import, Module, Version};
use super::error::Error;
use super::lexer::lex;
use super::parser::{Options, parse_module, parse_query};
use super::source::{Source, Span};
use super::token::Kind;
use crate::value::{Object, Value};

pub use pretty::pretty;

/// What a document has beyond what was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Include {
    /// The place of everything, with its text.
    pub locations: bool,
    /// Comments, with their places.
    pub comments: bool,
    /// Annotations, where they belong; what is wrong with them is an error.
    pub annotations: bool,
    /// How many levels the document may have.
    pub max_depth: usize,
}

/// Reads a module and gives `finish` its document. Both run on a stack that is large enough for the deepest module.
///
/// # Errors
/// What the text gets wrong; what its annotations get wrong, where they are asked for; a document of too many levels.
pub fn parse<T>(
    source: &Source,
    version: Version,
    options: Options,
    include: Include,
    finish: impl FnOnce(Value) -> T,
) -> Result<T, Vec<Error>> {
    super::on_large_stack(|| {
        let module = parse_module(source, version, options)?;
        let found = if include.annotations { annotations(&module)? } else { Vec::new() };
        document(&module, &found, include).map(finish)
    })
}

/// Reads a query and gives `finish` the document of its conditions.
///
/// # Errors
/// What the text gets wrong; a document of too many levels.
pub fn parse_conditions<T>(
    source: &Source,
    include: Include,
    finish: impl FnOnce(Value) -> T,
) -> Result<T, Vec<Error>> {
    super::on_large_stack(|| {
        let body = parse_query(source, Version::V1)?;
        let mut writer = Writer { source, include, wildcards: 0, depth: 0, error: None };
        let conditions = writer.body(&body);
        writer.error.map_or(Ok(conditions), |error| Err(vec![*error])).map(finish)
    })
}

fn document(module: &Module, annotations: &[Annotation], include: Include) -> Result<Value, Vec<Error>> {
    let mut writer = Writer { source: &module.source, include, wildcards: 0, depth: 0, error: None };
    let mut out = Object::new();
    put(&mut out, "package", writer.package(module));
    let imports: Vec<Value> = module.imports.iter().map(|import| writer.import(import)).collect();
    put_some(&mut out, "imports", imports);
    let said = annotations.iter().map(|annotation| writer.annotation(annotation)).collect();
    put_some(&mut out, "annotations", said);
    let rules = writer.rules(module, annotations);
    put_some(&mut out, "rules", rules);
    if include.comments {
        let comments = module.comments.iter().map(|comment| writer.comment(comment.span)).collect();
        put_some(&mut out, "comments", comments);
    }
    writer.error.map_or(Ok(Value::from(out)), |error| Err(vec![*error]))
}

/// A place as OPA gives it: where something begins, and the text that belongs to it, which may begin elsewhere.
#[derive(Clone, Copy)]
struct Place {
    at: u32,
    text: Span,
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        Self { at: span.start, text: span }
    }
}

struct Writer<'m> {
    source: &'m Source,
    include: Include,
    /// How many `_` there were: each has a name of its own.
    wildcards: usize,
    depth: usize,
    /// The first thing that cannot be written.
    error: Option<Box<Error>>,
}

fn put(object: &mut Object, key: &str, value: impl Into<Value>) {
    object.insert(Value::from(key), value.into());
}

fn put_some(object: &mut Object, key: &str, values: Vec<Value>) {
    if !values.is_empty() {
        put(object, key, values);
    }
}

impl Writer<'_> {
    fn fail(&mut self, span: Span, message: impl Into<String>) {
        self.error.get_or_insert_with(|| Box::new(Error::new(span, message)));
    }

    fn location(&self, place: Place) -> Object {
        let (row, col) = self.source.position(place.at);
        let mut out = Object::new();
        put(&mut out, "file", &*self.source.name);
        put(&mut out, "row", i64::from(row));
        put(&mut out, "col", i64::from(col));
        let text = self.source.slice(place.text);
        if self.include.locations && !text.is_empty() {
            put(&mut out, "text", STANDARD.encode(text));
        }
        out
    }

    fn locate(&self, object: &mut Object, place: impl Into<Place>) {
        if self.include.locations {
            put(object, "location", self.location(place.into()));
        }
    }

    fn typed(&self, name: &str, value: impl Into<Value>, place: impl Into<Place>) -> Value {
        let mut out = Object::new();
        put(&mut out, "type", name);
        put(&mut out, "value", value.into());
        self.locate(&mut out, place);
        Value::from(out)
    }

    /// The places of the parts of a path after `package` or `import`.
    fn parts(&self, span: Span, count: usize) -> Vec<Span> {
        let punctuation =
            |kind: Kind| matches!(kind, Kind::Dot | Kind::LeftBracket | Kind::RightBracket | Kind::Eof);
        let moved = |part: Span| Span { start: span.start + part.start, end: span.start + part.end };
        let tokens = lex(self.source.slice(span)).tokens;
        let names = tokens.iter().skip(1).filter(|token| !punctuation(token.kind));
        names.take(count).map(|token| moved(token.span)).collect()
    }

    fn package(&self, module: &Module) -> Object {
        let package = &module.package;
        let parts = self.parts(package.span, package.path.len());
        let place = |at: usize| parts.get(at).copied().unwrap_or(package.span);
        let mut path = vec![self.typed("var", "data", place(0))];
        let names = package.path.iter().enumerate();
        path.extend(names.map(|(at, name)| self.typed("string", Value::String(Arc::clone(name)), place(at))));
        let mut out = Object::new();
        put(&mut out, "path", path);
        self.locate(&mut out, keyword(package.span, "package"));
        out
    }

    fn import(&self, import: &Import) -> Value {
        let parts = self.parts(import.span, import.path.len());
        let place = |at: usize| parts.get(at).copied().unwrap_or(import.span);
        let path = import.path.iter().enumerate().map(|(at, name)| {
            let kind = if at == 0 { "var" } else { "string" };
            self.typed(kind, Value::String(Arc::clone(name)), place(at))
        });
        let whole = place(0).to(parts.last().copied().unwrap_or(import.span));
        let mut out = Object::new();
        put(&mut out, "path", self.typed("ref", path.collect::<Vec<_>>(), whole));
        if let Some(alias) = &import.alias {
            put(&mut out, "alias", &*alias.name);
        }
        self.locate(&mut out, keyword(import.span, "import"));
        Value::from(out)
    }

    /// OPA has always written these two names in capitals, and the place in any case.
    fn comment(&self, span: Span) -> Value {
        let text = self.source.slice(span).get(1..).filter(|text| !text.is_empty());
        let mut out = Object::new();
        put(&mut out, "Text", text.map_or(Value::Null, |text| Value::from(STANDARD.encode(text))));
        put(&mut out, "Location", self.location(span.into()));
        Value::from(out)
    }

    fn annotation(&mut self, annotation: &Annotation) -> Value {
        let schemas = annotation.content.schemas.iter().map(|schema| {
            let mut out = Object::new();
            put(&mut out, "path", path_terms(&schema.path));
            match &schema.schema {
                SchemaSource::Reference(path) => put(&mut out, "schema", path_terms(path)),
                SchemaSource::Definition(value) => {
                    put(&mut out, "definition", Value::from_serialize(value).unwrap_or(Value::Null));
                }
            }
            Value::from(out)
        });
        let schemas: Vec<Value> = schemas.collect();
        match Value::from_serialize(&annotation.to_json()) {
            Ok(Value::Object(said)) => {
                let mut said =
                    said.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Object>();
                put_some(&mut said, "schemas", schemas);
                self.locate(&mut said, annotation.span);
                Value::from(said)
            }
            Ok(other) => other,
            Err(error) => {
                self.fail(annotation.span, format!("invalid custom annotation: {error}"));
                Value::Null
            }
        }
    }
}

/// A place where something begins with a word, which alone is its text.
fn keyword(span: Span, word: &str) -> Span {
    Span { start: span.start, end: span.start + word.len() as u32 }
}

/// Terms without places.
fn path_terms(path: &[Arc<str>]) -> Vec<Value> {
    let term = |(at, name): (usize, &Arc<str>)| {
        let mut out = Object::new();
        put(&mut out, "type", if at == 0 { "var" } else { "string" });
        put(&mut out, "value", Value::String(Arc::clone(name)));
        Value::from(out)
    };
    path.iter().enumerate().map(term).collect()
}
