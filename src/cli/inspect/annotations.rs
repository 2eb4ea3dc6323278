//! Annotations as `verdict inspect` lists them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::shortened;
use verdict_rego::Diagnostic;
use verdict_rego::dependencies::reference_text;
use verdict_rego::syntax::annotations::{Annotation, SchemaSource, Scope, Target, annotations};
use verdict_rego::syntax::ast::{Module, RefPart, Rule, TermKind};

/// The longest line of a list.
const MAX_LINE: usize = 80;

/// Names, each with what is said of it.
type Entries = Vec<(String, String)>;

/// An annotation, and what it stands before.
pub(super) struct Found<'m> {
    module: &'m Module,
    rule: Option<&'m Rule>,
    annotation: Annotation,
    /// The document that it is about, without `data`.
    path: Vec<String>,
}

/// All annotations, in order of what they are about.
pub(super) fn of(modules: &[Module]) -> Result<Vec<Found<'_>>, String> {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for module in modules {
        match annotations(module) {
            Ok(found) => all.extend(found.into_iter().map(|annotation| Found::new(module, annotation))),
            Err(found) => errors.extend(
                found
                    .into_iter()
                    .map(|e| Diagnostic::at(e.code, &module.source, e.span, e.message).to_string()),
            ),
        }
    }
    let mut taken: BTreeMap<(&str, &[String]), &Found<'_>> = BTreeMap::new();
    for found in all.iter().filter(|found| found.annotation.scope != Scope::Rule) {
        if let Some(other) = taken.insert((found.annotation.scope.name(), &found.path), found) {
            let (scope, place) = (found.annotation.scope.name(), other.written());
            let message = format!("{scope} annotation redeclared: {place}");
            let span = found.annotation.span;
            errors.push(Diagnostic::at("rego_type_error", &found.module.source, span, message).to_string());
        }
    }
    if !errors.is_empty() {
        return Err(errors.join("\n"));
    }
    all.sort_by(|a, b| {
        let place = |found: &Found<'_>| (found.module.source.name.clone(), found.annotation.span);
        a.path.cmp(&b.path).then_with(|| place(a).cmp(&place(b)))
    });
    Ok(all)
}

impl<'m> Found<'m> {
    fn new(module: &'m Module, annotation: Annotation) -> Self {
        let rule = match annotation.target {
            Target::Package => None,
            Target::Rule(index) => module.rules.get(index),
        };
        let mut path: Vec<String> = module.package.path.iter().map(|part| part.to_string()).collect();
        if let Some(rule) = rule {
            path.push(module.source.slice(rule.head.name.head.span).to_owned());
            path.extend(rule.head.name.parts.iter().map_while(|part| match part {
                RefPart::Dot(name) => Some(name.name.to_string()),
                RefPart::Bracket(term) => match &term.kind {
                    TermKind::String { value, .. } => Some(value.to_string()),
                    _ => None,
                },
            }));
        }
        Self { module, rule, annotation, path }
    }

    /// Where what it stands before is.
    fn place(&self) -> (&str, u32, u32) {
        let start = self.rule.map_or(self.module.package.span, |rule| rule.span).start;
        let (row, col) = self.module.source.position(start);
        (&self.module.source.name, row, col)
    }

    /// Where it is itself.
    fn written(&self) -> String {
        let source = &self.module.source;
        format!("{}:{}", source.name, source.line_of(self.annotation.span.start))
    }

    /// In the shape of `opa inspect`.
    pub(super) fn to_json(&self) -> Value {
        let mut said = self.annotation.to_json();
        if let (Value::Object(said), false) = (&mut said, self.annotation.content.schemas.is_empty()) {
            said.insert("schemas".to_owned(), self.schemas());
        }
        let path: Vec<&str> = std::iter::once("data").chain(self.path.iter().map(String::as_str)).collect();
        let (file, row, col) = self.place();
        json!({
            "annotations": said,
            "location": {"file": file, "row": row, "col": col},
            "path": terms(&path),
        })
    }

    fn schemas(&self) -> Value {
        let one = |schema: &verdict_rego::syntax::annotations::Schema| {
            let parts =
                |path: &[std::sync::Arc<str>]| terms(&path.iter().map(|part| &**part).collect::<Vec<_>>());
            let mut out = Map::new();
            out.insert("path".to_owned(), parts(&schema.path));
            match &schema.schema {
                SchemaSource::Reference(path) => out.insert("schema".to_owned(), parts(path)),
                SchemaSource::Definition(value) => out.insert("definition".to_owned(), value.clone()),
            };
            Value::Object(out)
        };
        self.annotation.content.schemas.iter().map(one).collect()
    }

    /// For a person.
    pub(super) fn to_text(&self) -> String {
        let content = &self.annotation.content;
        let title = content.title.trim();
        let title =
            if title.is_empty() { text_of(self.path.iter().map(String::as_str)) } else { title.to_owned() };
        let mut out = format!("{title}\n{}\n\n", "=".repeat(title.chars().count().min(MAX_LINE)));
        let mut line = |text: String| {
            // Writing to a String does not fail.
            let _ = writeln!(out, "{text}");
        };
        if !content.description.is_empty() {
            line(format!("{}\n", content.description));
        }
        let package = text_of(self.module.package.path.iter().map(|part| &**part));
        line(format!("Package:  {package}"));
        if let Some(rule) = self.rule {
            line(format!("Rule:     {}", self.module.source.slice(rule.head.name.span)));
        }
        let (file, row, _) = self.place();
        line(format!("Location: {file}:{row}"));
        line(format!("Scope: {}", self.annotation.scope.name()));
        if content.entrypoint {
            line("Entrypoint: true".to_owned());
        }
        line(String::new());
        let lists = self.lists();
        for (name, entries, separator) in lists.into_iter().filter(|(_, entries, _)| !entries.is_empty()) {
            line(format!("{name}:"));
            let width = entries.iter().map(|(key, _)| key.chars().count()).max().unwrap_or_default();
            for (key, value) in entries {
                let pad = " ".repeat(width.saturating_sub(key.chars().count()));
                let text = if value.is_empty() { key } else { format!("{key}{separator}{pad}{value}") };
                line(shortened(&format!(" {text}"), MAX_LINE));
            }
            line(String::new());
        }
        out
    }

    /// What there may be several of: the name, the entries, and what stands between the parts of an entry.
    fn lists(&self) -> [(&'static str, Entries, &'static str); 6] {
        let content = &self.annotation.content;
        let bare = |text: &str| (text.replace('\n', " "), String::new());
        let organizations = content.organizations.iter().map(|name| bare(name)).collect();
        let authors = content.authors.iter().map(|author| match (&*author.name, &*author.email) {
            (name, "") => bare(name),
            ("", email) => bare(&format!("<{email}>")),
            (name, email) => bare(&format!("{name} <{email}>")),
        });
        let schemas = content.schemas.iter().map(|schema| {
            let parts = |path: &[std::sync::Arc<str>]| text_of(path.iter().map(|part| &**part));
            match &schema.schema {
                SchemaSource::Reference(path) => (parts(&schema.path), parts(path)),
                SchemaSource::Definition(value) => (parts(&schema.path), value.to_string()),
            }
        });
        let resources = &content.related_resources;
        let resources =
            resources.iter().map(|one| (one.reference.replace('\n', " "), one.description.clone()));
        let pairs = |map: &Map<String, Value>| -> Entries {
            map.iter().map(|(key, value)| (key.clone(), value.to_string())).collect()
        };
        [
            ("Organizations", organizations, ""),
            ("Authors", authors.collect(), ""),
            ("Schemas", schemas.collect(), ": "),
            ("Related Resources", resources.collect(), " "),
            ("Custom", pairs(&content.custom), ": "),
            ("Labels", pairs(&content.labels), ": "),
        ]
    }
}

/// Terms as syntax trees have them.
fn terms(path: &[&str]) -> Value {
    let kind = |at: usize| if at == 0 { "var" } else { "string" };
    path.iter().enumerate().map(|(at, part)| json!({"type": kind(at), "value": part})).collect()
}

/// A reference as it is written.
pub(super) fn text_of<'p>(path: impl IntoIterator<Item = &'p str>) -> String {
    reference_text(&path.into_iter().map(verdict_rego::Value::from).collect::<Vec<_>>())
}
