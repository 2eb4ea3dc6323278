//! What authors say of their rules and packages in comments that begin with `# METADATA`.

mod block;
#[cfg(test)]
mod tests;
mod yaml;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::ast::Module;
use super::error::{Error, MAX_ERRORS};
use super::source::Span;

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
    const ALL: [Self; 4] = [Self::Rule, Self::Document, Self::Package, Self::Subpackages];

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
        Value::Object(out)
    }
}

/// Every annotation of a module, in order.
pub fn annotations(module: &Module) -> Result<Vec<Annotation>, Vec<Error>> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for block in block::blocks(module) {
        match block
            .read(&module.source)
            .and_then(|(scope, content)| attach(module, block.span, scope, content))
        {
            Ok(annotation) => found.push(annotation),
            Err(error) => errors.push(error),
        }
    }
    errors.truncate(MAX_ERRORS);
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// What follows a block.
enum Follows {
    Package,
    Import,
    Rule(usize),
}

fn follows(module: &Module, line: u32) -> Option<Follows> {
    let below = |span: Span| module.source.line_of(span.start) > line;
    let package = below(module.package.span).then_some((module.package.span, Follows::Package));
    let import = module.imports.partition_point(|import| !below(import.span));
    let import = module.imports.get(import).map(|found| (found.span, Follows::Import));
    let rule = module.rules.partition_point(|rule| !below(rule.span));
    let rule = module.rules.get(rule).map(|found| (found.span, Follows::Rule(rule)));
    let first = [package, import, rule].into_iter().flatten().min_by_key(|(span, _)| *span);
    first.map(|(_, follows)| follows)
}

fn attach(module: &Module, span: Span, scope: String, content: Content) -> Result<Annotation, Error> {
    let follows = follows(module, module.source.line_of(span.start));
    let scope = match (&follows, scope.as_str()) {
        (Some(Follows::Rule(_)), "") if content.entrypoint => "document",
        (Some(Follows::Rule(_)), "") => "rule",
        (Some(Follows::Package), "") => "package",
        (Some(Follows::Import), "") => "import",
        (_, scope) => scope,
    };
    let Some(scope) = Scope::ALL.into_iter().find(|known| known.name() == scope) else {
        let message = format!(
            "invalid annotation scope '{scope}'. Use one of 'rule', 'document', 'package', or 'subpackages'"
        );
        return Err(Error::new(span, message));
    };
    let (target, wanted) = match (scope, &follows) {
        (Scope::Rule | Scope::Document, Some(Follows::Rule(index))) => (Some(Target::Rule(*index)), "rule"),
        (Scope::Rule | Scope::Document, _) => (None, "rule"),
        (_, Some(Follows::Package)) => (Some(Target::Package), "package"),
        (_, _) => (None, "package"),
    };
    let Some(target) = target else {
        let have = match follows {
            Some(Follows::Package) => " (have package)",
            Some(Follows::Import) => " (have import)",
            Some(Follows::Rule(_)) => " (have rule)",
            None => "",
        };
        let message = format!("annotation scope '{}' must be applied to {wanted}{have}", scope.name());
        return Err(Error::new(span, message));
    };
    if content.entrypoint && !matches!(scope, Scope::Document | Scope::Package) {
        let message =
            format!("annotation entrypoint applied to non-document or package scope '{}'", scope.name());
        return Err(Error::new(span, message));
    }
    Ok(Annotation { span, target, scope, content })
}
