//! The content of annotations.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::syntax::source::Span;

/// What an annotation holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The rule that follows.
    Rule,
    /// All rules of the name of the rule that follows.
    Document,
    /// The package.
    Package,
    /// The package and those below it.
    Subpackages,
}

impl Scope {
    pub(super) const ALL: [Self; 4] = [Self::Rule, Self::Document, Self::Package, Self::Subpackages];

    /// As written in annotations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Document => "document",
            Self::Package => "package",
            Self::Subpackages => "subpackages",
        }
    }
}

/// The part of a module that an annotation stands before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Its package.
    Package,
    /// A rule, by its index.
    Rule(usize),
}

/// One block of metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// The comments, from `# METADATA` to the last one.
    pub span: Span,
    /// What it stands before.
    pub target: Target,
    /// What it holds for.
    pub scope: Scope,
    /// What it says.
    pub content: Content,
}

/// What a block of metadata says; what is not written is empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Content {
    /// A name for people.
    pub title: String,
    /// A longer text.
    pub description: String,
    /// Who stands behind it.
    pub organizations: Vec<String>,
    /// Where more is to be read.
    pub related_resources: Vec<RelatedResource>,
    /// Who wrote it.
    pub authors: Vec<Author>,
    /// What documents look like.
    pub schemas: Vec<Schema>,
    /// Whether it is meant to be asked for.
    pub entrypoint: bool,
    /// Whatever else.
    pub custom: Map<String, Value>,
    /// What is said of every decision in which the rule has succeeded.
    pub labels: Map<String, Value>,
    /// For partial evaluation.
    pub compile: Option<Compile>,
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelatedResource {
    /// Its address.
    pub reference: String,
    /// What it is; may be empty.
    pub description: String,
}

/// A person; one of the two is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
}

/// What a document looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// The document: `input`, `user`.
    pub path: Vec<Arc<str>>,
    /// Its schema.
    pub schema: SchemaSource,
}

/// Where a schema is.
#[derive(Debug, Clone, PartialEq)]
pub enum SchemaSource {
    /// Among those that are loaded: `schema`, `user`.
    Reference(Vec<Arc<str>>),
    /// In the annotation.
    Definition(Value),
}

/// For partial evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compile {
    /// References that are unknown.
    pub unknowns: Vec<Vec<Arc<str>>>,
    /// The rule that says what to mask; may be empty.
    pub mask_rule: Vec<Arc<str>>,
}

impl Annotation {
    /// As `rego.metadata.rule()` gives it.
    pub fn to_json(&self) -> Value {
        let content = &self.content;
        let mut out = Map::new();
        let mut put = |name: &str, value: Value, present: bool| {
            if present {
                out.insert(name.into(), value);
            }
        };
        put("scope", self.scope.name().into(), true);
        put("title", content.title.as_str().into(), !content.title.is_empty());
        put("description", content.description.as_str().into(), !content.description.is_empty());
        put("entrypoint", true.into(), content.entrypoint);
        put("organizations", json!(content.organizations), !content.organizations.is_empty());
        let two = |a: (&str, &str), b: (&str, &str)| -> Value {
            [a, b].into_iter().filter(|(_, value)| !value.is_empty()).collect()
        };
        let resources = content
            .related_resources
            .iter()
            .map(|r| two(("ref", &r.reference), ("description", &r.description)));
        put("related_resources", resources.collect(), !content.related_resources.is_empty());
        let authors = content.authors.iter().map(|a| two(("name", &a.name), ("email", &a.email)));
        put("authors", authors.collect(), !content.authors.is_empty());
        let path = |path: &[Arc<str>]| path.iter().map(|part| Value::from(&**part)).collect::<Value>();
        let schemas = content.schemas.iter().map(|schema| match &schema.schema {
            SchemaSource::Reference(reference) => {
                json!({"path": path(&schema.path), "schema": path(reference)})
            }
            SchemaSource::Definition(value) => json!({"path": path(&schema.path), "definition": value}),
        });
        put("schemas", schemas.collect(), !content.schemas.is_empty());
        put("custom", content.custom.clone().into(), !content.custom.is_empty());
        put("labels", content.labels.clone().into(), !content.labels.is_empty());
        Value::Object(out)
    }
}
