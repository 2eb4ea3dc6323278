//! Schemas from annotations, by scope: rule, document, package or subpackages.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Found;
use super::flat::Rule;
use super::schema::{Schemas, type_of};
use super::tree::Tree;
use super::types::{Kind, Type};
use crate::json;
use crate::syntax::annotations::{Schema, SchemaSource, Scope, Target, annotations};
use crate::syntax::ast::{Module, RefPart, Term, TermKind};
use crate::value::Value;

/// All schemas of annotations, by what they hold for.
#[derive(Debug, Default)]
pub(super) struct Annotated {
    by_rule: HashMap<(usize, usize), Vec<Schema>>,
    by_document: HashMap<Vec<Value>, Vec<Schema>>,
    by_package: HashMap<Vec<Value>, Vec<Schema>>,
    below: BTreeMap<Vec<Value>, Vec<Schema>>,
}

fn text(part: &Arc<str>) -> Value {
    Value::String(Arc::clone(part))
}

impl Annotated {
    /// Reads the annotations of all modules.
    pub(super) fn read(modules: &[Module], found: &mut Vec<Found>) -> Self {
        let mut all = Self::default();
        for (number, module) in modules.iter().enumerate() {
            if !module.source.text.contains("METADATA") {
                continue;
            }
            let read = match annotations(module) {
                Ok(read) => read,
                Err(errors) => {
                    found.extend(errors.into_iter().map(|error| {
                        let found = Found::new(error.code, number, error.span, error.message);
                        Found { hint: error.hint, ..found }
                    }));
                    continue;
                }
            };
            let package: Vec<Value> = module.package.path.iter().map(text).collect();
            for annotation in read.into_iter().filter(|annotation| !annotation.content.schemas.is_empty()) {
                let schemas = annotation.content.schemas;
                match (annotation.scope, annotation.target) {
                    (Scope::Rule, Target::Rule(rule)) => {
                        all.by_rule.entry((number, rule)).or_default().extend(schemas);
                    }
                    (Scope::Document, Target::Rule(rule)) => {
                        let path = document(module, rule, &package);
                        all.by_document.entry(path).or_default().extend(schemas);
                    }
                    (Scope::Subpackages, _) => all.below.entry(package.clone()).or_default().extend(schemas),
                    _ => all.by_package.entry(package.clone()).or_default().extend(schemas),
                }
            }
        }
        all
    }

    /// Those of a rule of a package, from the widest to the narrowest.
    fn of(&self, rule: &Rule, package: &[Value]) -> Vec<&Schema> {
        let above =
            (0..=package.len()).filter_map(|end| package.get(..end)).filter_map(|path| self.below.get(path));
        above
            .chain(self.by_package.get(package))
            .chain(self.by_document.get(&rule.path))
            .chain(self.by_rule.get(&rule.from))
            .flatten()
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_rule.is_empty()
            && self.by_document.is_empty()
            && self.by_package.is_empty()
            && self.below.is_empty()
    }

    /// What a rule's annotations say of documents, before all else that is known of them.
    pub(super) fn tree(
        &self,
        rule: &Rule,
        module: &Module,
        schemas: Option<&Schemas>,
        global: &Tree,
        found: &mut Vec<Found>,
    ) -> Option<Tree> {
        let package: Vec<Value> = module.package.path.iter().map(text).collect();
        let mut tree: Option<Tree> = None;
        for schema in self.of(rule, &package) {
            let wrong = |message: String| Found::new("rego_type_error", rule.from.0, rule.span, message);
            let source = match &schema.schema {
                SchemaSource::Definition(value) => json::read(value.to_string().as_bytes()).ok(),
                SchemaSource::Reference(path) => {
                    let Some(schemas) = schemas else { continue };
                    let known = schemas
                        .by_path
                        .get(path.as_slice())
                        .or_else(|| schemas.input.as_ref().filter(|_| path.len() == 1));
                    if known.is_none() {
                        let name = path.join(".");
                        found.push(wrong(format!("undefined schema: {name}")));
                        continue;
                    }
                    known.cloned()
                }
            };
            let of = match source.as_ref().map(type_of) {
                Some(Ok(of)) => of,
                Some(Err(message)) => {
                    found.push(wrong(message));
                    continue;
                }
                None => continue,
            };
            let path: Vec<Value> = schema.path.iter().map(text).collect();
            let Some((root, rest)) = path.split_first() else { continue };
            let tree = tree.get_or_insert_with(Tree::new);
            let known = |tree: &Tree| tree.child(0, root).map(|node| tree.extent(node));
            let whole = known(tree).or_else(|| known(global)).unwrap_or(Type::Any);
            let whole = replaced(&whole, rest, of);
            tree.put(std::slice::from_ref(root), whole);
        }
        tree
    }
}

/// A type with another at a path in it.
fn replaced(whole: &Type, path: &[Value], of: Type) -> Type {
    let Some((key, rest)) = path.split_first() else { return of };
    let (mut members, others) = match whole.kind() {
        Some(Kind::Object(members, others)) => (members.clone(), others.clone()),
        _ => (Vec::new(), Some((Type::Any, Type::Any))),
    };
    let before = members.iter().find(|(name, _)| name == key).map_or(Type::Any, |(_, of)| of.clone());
    members.retain(|(name, _)| name != key);
    members.push((key.clone(), replaced(&before, rest, of)));
    Type::object(members, others)
}

/// What a rule defines, as far as its name is constant.
fn document(module: &Module, rule: usize, package: &[Value]) -> Vec<Value> {
    let mut path = package.to_vec();
    let Some(rule) = module.rules.get(rule) else { return path };
    if let TermKind::Var(name) = &rule.head.name.head.kind {
        path.push(text(name));
    }
    for part in &rule.head.name.parts {
        match part {
            RefPart::Dot(name) => path.push(text(&name.name)),
            RefPart::Bracket(Term { kind: TermKind::String { value, .. }, .. }) => path.push(text(value)),
            RefPart::Bracket(_) => break,
        }
    }
    path
}
