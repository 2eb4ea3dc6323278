//! Replaces `rego.metadata.chain()` and `rego.metadata.rule()` with constants made from the annotations of all modules, and
//! gives rules their labels.
//!
//! The annotations are read when the first rule asks for them, or where some have labels. What is wrong with them is an error only
//! for those who ask.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::finding::Finding;
use super::ir::Place;
use crate::number::Number;
use crate::syntax::annotations::{Annotation, Scope, Target, annotations};
use crate::syntax::ast::{Module, RefPart, Rule, Term, TermKind};
use crate::value::{Object, Set, Value};

/// What the annotations of a set of modules say, once somebody asks.
pub(super) struct Metadata<'m> {
    modules: &'m [Module],
    found: OnceCell<Found>,
    /// Whether any annotation may have labels.
    labelled: OnceCell<bool>,
}

/// The rule that asks.
#[derive(Clone, Copy)]
pub(super) struct Asker<'m> {
    /// The module that it is in.
    pub(super) module: usize,
    /// The rule.
    pub(super) rule: &'m Rule,
    /// Whether it asks in its first body. An annotation belongs to that one alone: not to what is chained to it, and not
    /// to an `else`.
    pub(super) own: bool,
}

/// Both functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Everything that holds for the rule, from the rule up to its packages.
    Chain,
    /// What is said of the rule itself.
    Rule,
}

impl Asked {
    /// The function of this name.
    pub(super) fn of(name: &[Arc<str>]) -> Option<Self> {
        match name {
            [rego, metadata, last] if &**rego == "rego" && &**metadata == "metadata" => match &**last {
                "chain" => Some(Self::Chain),
                "rule" => Some(Self::Rule),
                _ => None,
            },
            _ => None,
        }
    }
}

type Path = Vec<Value>;

#[derive(Default)]
struct Found {
    /// By module and where the rule begins; those that stand closest to the rule come first.
    rules: HashMap<(usize, u32), Vec<Value>>,
    /// Packages, which several modules may share.
    packages: HashMap<Path, (Value, Place)>,
    /// Documents, and packages with all that is below them.
    documents: HashMap<Path, (Value, Place)>,
    findings: Vec<Finding>,
}

impl<'m> Metadata<'m> {
    pub(super) const fn new(modules: &'m [Module]) -> Self {
        Self { modules, found: OnceCell::new(), labelled: OnceCell::new() }
    }

    /// The answer.
    ///
    /// # Errors
    /// Everything that is wrong with any annotation.
    pub(super) fn answer(&self, asked: Asked, asker: Asker<'_>) -> Result<Value, Vec<Finding>> {
        let found = self.found.get_or_init(|| Found::of(self.modules));
        let Some(module) = self.modules.get(asker.module).filter(|_| found.findings.is_empty()) else {
            return Err(found.findings.clone());
        };
        let own = found.rules.get(&(asker.module, asker.rule.span.start)).filter(|_| asker.own);
        let own = own.map(Vec::as_slice).unwrap_or_default();
        Ok(match asked {
            Asked::Rule => own.first().cloned().unwrap_or_else(Value::object),
            Asked::Chain => found.chain(module, asker.rule, own),
        })
    }

    /// The labels of a rule: its own over those of the document, of the package, and of what is above. `None` where there are none.
    pub(super) fn labels(&self, asker: Asker<'_>) -> Option<Value> {
        if !*self.labelled.get_or_init(|| self.modules.iter().any(may_have_labels)) {
            return None;
        }
        let found = self.found.get_or_init(|| Found::of(self.modules));
        let module = self.modules.get(asker.module)?;
        let own = found.rules.get(&(asker.module, asker.rule.span.start)).filter(|_| asker.own);
        let mut labels = Object::new();
        for annotation in found.above(module, asker.rule).chain(own.into_iter().flatten().rev()) {
            if let Some(Value::Object(more)) = annotation.get("labels") {
                more.iter().for_each(|(key, value)| {
                    labels.insert(key.clone(), value.clone());
                });
            }
        }
        (!labels.is_empty()).then(|| Value::from(labels))
    }
}

impl Found {
    fn of(modules: &[Module]) -> Self {
        let mut found = Self::default();
        for (number, module) in modules.iter().enumerate() {
            let place = |span| Place { file: number as u32, span };
            match annotations(module) {
                Ok(all) => all.iter().for_each(|one| found.add(modules, number, one)),
                Err(errors) => found.findings.extend(errors.into_iter().map(|error| Finding {
                    code: error.code,
                    message: error.message,
                    place: place(error.span),
                })),
            }
        }
        found
    }

    fn add(&mut self, modules: &[Module], number: usize, annotation: &Annotation) {
        let Some(module) = modules.get(number) else { return };
        let place = Place { file: number as u32, span: annotation.span };
        let value = match Value::from_serialize(&annotation.to_json()) {
            Ok(value) => value,
            Err(error) => {
                let message = format!("invalid custom annotation {error}");
                return self.findings.push(Finding { code: "rego_compile_error", message, place });
            }
        };
        let rule = match annotation.target {
            Target::Package => None,
            Target::Rule(index) => module.rules.get(index),
        };
        let path = rule.map_or_else(|| package_path(module), |rule| rule_path(module, rule));
        let (map, scope) = match (annotation.scope, rule) {
            (Scope::Rule, Some(rule)) => {
                let all = self.rules.entry((number, rule.span.start)).or_default();
                return all.insert(0, value);
            }
            (Scope::Package, _) => (&mut self.packages, "package"),
            (scope, _) => (&mut self.documents, scope.name()),
        };
        match map.entry(path) {
            Entry::Vacant(entry) => {
                entry.insert((value, place));
            }
            Entry::Occupied(entry) => {
                let (_, first) = entry.get();
                let first = modules.get(first.file as usize).map(|module| {
                    format!("{}:{}", module.source.name, module.source.line_of(first.span.start))
                });
                let message = format!("{scope} annotation redeclared: {}", first.unwrap_or_default());
                self.findings.push(Finding { code: "rego_type_error", message, place });
            }
        }
    }

    /// What is said of all rules of a document, from the outermost package to the document.
    fn above(&self, module: &Module, rule: &Rule) -> impl Iterator<Item = &Value> {
        let package = package_path(module);
        let packages: Vec<&Value> = (1..=package.len())
            .filter_map(|length| Some(&self.documents.get(package.get(..length)?)?.0))
            .chain(self.packages.get(&package).map(|(value, _)| value))
            .collect();
        let document = self.documents.get(&rule_path(module, rule)).map(|(value, _)| value);
        packages.into_iter().chain(document)
    }

    fn chain(&self, module: &Module, rule: &Rule, own: &[Value]) -> Value {
        let path = rule_path(module, rule);
        let mut links: Vec<Value> = own.iter().map(|value| link(&path, Some(value))).collect();
        if links.is_empty() {
            links.push(link(&path, None));
        }
        links.extend(self.documents.get(&path).map(|(value, _)| link(&path, Some(value))));
        let package = package_path(module);
        links.extend(self.packages.get(&package).map(|(value, _)| link(&package, Some(value))));
        for length in (1..=package.len()).rev() {
            let above = package.get(..length).unwrap_or_default();
            links.extend(self.documents.get(above).map(|(value, _)| link(above, Some(value))));
        }
        Value::from(links)
    }
}

/// Whether a comment of a module says so, so that most modules are not read for it.
fn may_have_labels(module: &Module) -> bool {
    module.comments.iter().any(|comment| module.source.slice(comment.span).contains("labels"))
}

fn link(path: &[Value], annotations: Option<&Value>) -> Value {
    let mut link = Object::new();
    link.insert(Value::from("path"), Value::from(path.to_vec()));
    if let Some(annotations) = annotations {
        link.insert(Value::from("annotations"), annotations.clone());
    }
    Value::from(link)
}

fn package_path(module: &Module) -> Path {
    module.package.path.iter().map(|part| Value::String(Arc::clone(part))).collect()
}

/// The document that a rule is for, as far as its name is constant.
fn rule_path(module: &Module, rule: &Rule) -> Path {
    let mut path = package_path(module);
    if let TermKind::Var(name) = &rule.head.name.head.kind {
        path.push(Value::String(Arc::clone(name)));
    }
    let parts = if rule.head.element { &[] } else { rule.head.name.parts.as_slice() };
    path.extend(parts.iter().map_while(|part| match part {
        RefPart::Dot(name) => Some(Value::String(Arc::clone(&name.name))),
        RefPart::Bracket(term) => constant(term),
    }));
    path
}

/// The value of a term that holds no variable.
fn constant(term: &Term) -> Option<Value> {
    match &term.kind {
        TermKind::Null => Some(Value::Null),
        TermKind::Bool(value) => Some(Value::Bool(*value)),
        TermKind::Number(text) => Number::parse(text).map(Value::Number),
        TermKind::String { value, .. } => Some(Value::String(Arc::clone(value))),
        TermKind::Array(items) => items.iter().map(constant).collect::<Option<Vec<_>>>().map(Value::from),
        TermKind::Set(items) => items.iter().map(constant).collect::<Option<Set>>().map(Value::from),
        TermKind::Object(members) => {
            let pair = |(key, value): &(Term, Term)| Some((constant(key)?, constant(value)?));
            members.iter().map(pair).collect::<Option<Object>>().map(Value::from)
        }
        TermKind::Parens(inner) => constant(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::ast::Version;
    use crate::syntax::parser::{Options, parse_module};
    use crate::syntax::source::Source;

    fn modules(texts: &[&str]) -> Vec<Module> {
        let one = |(number, text): (usize, &&str)| {
            let source = Source::new(format!("{number}.rego"), *text);
            parse_module(&source, Version::V1, Options::default()).unwrap()
        };
        texts.iter().enumerate().map(one).collect()
    }

    fn ask(modules: &[Module], asked: Asked, module: usize, rule: usize, own: bool) -> String {
        let metadata = Metadata::new(modules);
        let asker = Asker { module, rule: &modules[module].rules[rule], own };
        match metadata.answer(asked, asker) {
            Ok(value) => value.to_string(),
            Err(findings) => {
                let texts = findings.iter().map(|found| format!("{}: {}", found.code, found.message));
                texts.collect::<Vec<_>>().join("\n")
            }
        }
    }

    const SCOPES: &str = "# METADATA\n# scope: subpackages\n# title: all\n\n# METADATA\n# title: pkg\npackage a.b\n\n\
        # METADATA\n# scope: document\n# title: doc\n\n# METADATA\n# title: far\n\n# METADATA\n# title: near\np.q[1][x] := 1 if x := 2\n\n\
        r := 3";

    #[test]
    fn the_chain_leads_from_the_rule_to_the_packages() {
        let above = "# METADATA\n# scope: subpackages\n# title: top\npackage a";
        let modules = modules(&[SCOPES, above]);
        let entry = |path: &str, scope: &str, title: &str| {
            format!(r#"{{"annotations":{{"scope":"{scope}","title":"{title}"}},"path":{path}}}"#)
        };
        let p = r#"["a","b","p","q",1]"#;
        let packages = [
            entry(r#"["a","b"]"#, "package", "pkg"),
            entry(r#"["a","b"]"#, "subpackages", "all"),
            entry(r#"["a"]"#, "subpackages", "top"),
        ]
        .join(",");
        let [near, far, doc] =
            [("rule", "near"), ("rule", "far"), ("document", "doc")].map(|(s, t)| entry(p, s, t));
        let got = ask(&modules, Asked::Chain, 0, 0, true);
        assert_eq!(got, format!("[{near},{far},{doc},{packages}]"));
        // An `else`, or what is chained.
        let got = ask(&modules, Asked::Chain, 0, 0, false);
        assert_eq!(got, format!("[{{\"path\":{p}}},{doc},{packages}]"));
        let got = ask(&modules, Asked::Chain, 0, 1, true);
        assert_eq!(got, format!("[{{\"path\":[\"a\",\"b\",\"r\"]}},{packages}]"));
    }

    #[test]
    fn the_rule_is_the_annotation_closest_to_it() {
        let modules = modules(&[SCOPES]);
        assert_eq!(ask(&modules, Asked::Rule, 0, 0, true), r#"{"scope":"rule","title":"near"}"#);
        assert_eq!(ask(&modules, Asked::Rule, 0, 0, false), "{}");
        assert_eq!(ask(&modules, Asked::Rule, 0, 1, true), "{}");
    }

    #[test]
    fn what_is_wrong_with_annotations_is_found() {
        let twice = "package a.b\n\n# METADATA\n# scope: document\n# title: again\np.q[1].s := 4";
        let got = ask(&modules(&[SCOPES, SCOPES]), Asked::Rule, 0, 0, true);
        let kinds = [("subpackages", 1), ("package", 5), ("document", 9)];
        let lines =
            kinds.map(|(kind, line)| format!("rego_type_error: {kind} annotation redeclared: 0.rego:{line}"));
        assert_eq!(got.lines().count(), 3, "{got}");
        got.lines().zip(lines).for_each(|(line, want)| assert_eq!(line, want));
        assert_eq!(ask(&modules(&[SCOPES, twice]), Asked::Rule, 0, 1, true), "{}");
        let bad = "package c\n\n# METADATA\n# scope: nowhere\nx := 1";
        let got = ask(&modules(&[SCOPES, bad]), Asked::Rule, 0, 1, true);
        assert!(got.starts_with("rego_parse_error: invalid annotation scope 'nowhere'"), "{got}");
    }

    #[test]
    fn every_form_of_a_call_is_replaced() {
        let text = "# METADATA\n# title: pkg\npackage a\n\n# METADATA\n# title: t\np := rego.metadata.rule().title\n\n\
            # METADATA\n# title: q\nq := x if {\n\tfalse\n\tx := 1\n} else := rego.metadata.rule()\n\n\
            # METADATA\n# custom: {n: 2}\nr contains x if {\n\trego.metadata.rule(m)\n\tx := m.custom.n + 1\n}\n\n\
            s := [x.annotations.title | some x in rego.metadata.chain()]\n\n# METADATA\n# title: f\nf(rego) := rego.metadata.rule\n\n\
            t := f({\"metadata\": {\"rule\": 7}})\n";
        let module = crate::Module { id: "p.rego".to_owned(), source: text.into(), version: Version::V1 };
        let program = crate::compile(vec![module], Value::object()).unwrap();
        let path = ["a".to_owned()];
        let limits = crate::EvalLimits::within(std::time::Duration::from_secs(10));
        let answer = program.evaluate(&path, None, 0, &limits);
        let crate::Evaluation::Defined { value, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(value.to_string(), r#"{"p":"t","q":{},"r":[3],"s":["pkg"],"t":7}"#);
    }
}
