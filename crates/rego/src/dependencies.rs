//! What a query depends on: base documents, and virtual ones, which rules define; in the shape of `opa deps`.
//!
//! A reference counts as far as it is constant. A variable that stands for a document and only leads further into it is
//! the document that it leads to: of `u := input.user` and `u.id == "a"`, it is `input.user.id`. Unlike in OPA, what stands
//! in an `else` counts.

mod paths;
mod references;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::syntax::ast::{Body, ExprKind, HeadValue, Module, RefPart, Rule, Term, TermKind};
use super::syntax::token::Kind;
use super::syntax::visit::{Visitor, walk_body, walk_term};
use super::value::Value;
use paths::Names;
use references::{Collector, Part, constant};

pub use paths::Path;
pub use references::used_functions;

/// Documents, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// Those that are given.
    pub base: BTreeSet<Path>,
    /// Those that rules define.
    pub defined: BTreeSet<Path>,
}

/// What `query` depends on, with all that the rules it leads to depend on.
pub fn dependencies(modules: &[Module], query: &Body) -> Dependencies {
    let mut found = Dependencies::default();
    let imports: Vec<Names> = modules.iter().map(imports_of).collect();
    let packages = rule_names(modules);
    let none = Names::new();
    let mut rules: BTreeMap<Path, Vec<([&Names; 2], &Rule)>> = BTreeMap::new();
    for (module, imports) in modules.iter().zip(&imports) {
        let package = packages.get(module.package.path.as_slice()).unwrap_or(&none);
        for rule in &module.rules {
            rules.entry(rule_path(module, rule)).or_default().push(([imports, package], rule));
        }
    }
    let mut waiting = minimal(of_query(query));
    let mut seen: HashSet<Path> = waiting.iter().cloned().collect();
    while let Some(path) = waiting.pop() {
        let above = (1..path.len()).filter_map(|length| rules.get_key_value(path.get(..length)?));
        let below = rules.range(path.clone()..).take_while(|(rule, _)| rule.starts_with(&path));
        let mut defined = false;
        for (rule, bodies) in above.chain(below) {
            defined = true;
            if !found.defined.insert(rule.clone()) {
                continue;
            }
            for (names, rule) in bodies {
                let leads_to = minimal(of_rule(*names, rule));
                waiting.extend(leads_to.into_iter().filter(|path| seen.insert(path.clone())));
            }
        }
        if !defined {
            found.base.insert(path);
        }
    }
    found
}

/// A document as it is written: `data.a["b c"]`.
pub fn reference_text(path: &[Value]) -> String {
    let mut out = String::new();
    for (at, part) in path.iter().enumerate() {
        match part.as_str() {
            Some(text) if at == 0 => out.push_str(text),
            Some(text) if is_name(text) => {
                // Writing to a String does not fail.
                let _ = write!(out, ".{text}");
            }
            _ => {
                let _ = write!(out, "[{part}]");
            }
        }
    }
    out
}

fn is_name(text: &str) -> bool {
    let letters = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    letters
        && !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && !Kind::is_v1_keyword(text)
}

/// The document that a rule is for, as far as its name is constant.
pub fn rule_path(module: &Module, rule: &Rule) -> Path {
    let mut path = vec![Value::from("data")];
    path.extend(module.package.path.iter().map(|part| Value::String(Arc::clone(part))));
    if let TermKind::Var(name) = &rule.head.name.head.kind {
        path.push(Value::String(Arc::clone(name)));
    }
    // Before Rego v1, `p["x"] { … }` is an element of a set.
    let parts = rule.head.name.parts.as_slice();
    let parts = if rule.head.element { &[] } else { parts };
    path.extend(parts.iter().map_while(|part| match part {
        RefPart::Dot(name) => Some(Value::String(Arc::clone(&name.name))),
        RefPart::Bracket(term) => constant(term),
    }));
    path
}

/// The constant beginnings of references, without those that go on from another one.
fn minimal(references: BTreeSet<Vec<Part>>) -> Vec<Path> {
    let mut kept: Vec<Vec<Part>> = Vec::new();
    for reference in references {
        // In order: what begins another one stands before it.
        if kept.last().is_none_or(|last| !reference.starts_with(last)) {
            kept.push(reference);
        }
    }
    let path = |reference: Vec<Part>| {
        let constants = reference.into_iter().map_while(|part| match part {
            Part::Constant(value) => Some(value),
            Part::Variable(_) | Part::Other(_) => None,
        });
        constants.collect::<Path>()
    };
    kept.into_iter().map(path).collect()
}

fn of_query(query: &Body) -> BTreeSet<Vec<Part>> {
    let (names, declared) = (Names::new(), HashSet::new());
    let mut collector = Collector::new([&names; 2], &declared);
    collector.all_used = true;
    collector.top(query);
    collector.finish()
}

fn of_rule(names: [&Names; 2], rule: &Rule) -> BTreeSet<Vec<Part>> {
    let mut declared = Declared::default();
    rule.head.args.iter().flatten().for_each(|arg| declared.pattern(arg));
    let bodies =
        || rule.body.iter().chain(&rule.chained).chain(rule.elses.iter().filter_map(|e| e.body.as_ref()));
    bodies().for_each(|body| declared.body(body));
    let mut all = BTreeSet::new();
    let mut one = |body: Option<&Body>, value: Option<&Term>, head: bool| {
        let mut collector = Collector::new(names, &declared.0);
        value.iter().for_each(|value| collector.term(value));
        if head {
            let parts = rule.head.name.parts.iter();
            let keys = parts.filter_map(|part| match part {
                RefPart::Dot(_) => None,
                RefPart::Bracket(term) => Some(term),
            });
            keys.for_each(|key| collector.term(key));
        }
        rule.head.args.iter().flatten().for_each(|arg| collector.term(arg));
        body.iter().for_each(|body| collector.top(body));
        all.extend(collector.finish());
    };
    let value = match &rule.head.value {
        HeadValue::Implied => None,
        HeadValue::Value { value, .. } | HeadValue::Contains(value) => Some(value),
    };
    one(rule.body.as_ref(), value, true);
    rule.chained.iter().for_each(|body| one(Some(body), value, true));
    rule.elses
        .iter()
        .for_each(|other| one(other.body.as_ref(), other.value.as_ref().map(|v| &v.value), false));
    all
}

fn path_of(parts: &[Arc<str>]) -> Path {
    parts.iter().map(|part| Value::String(Arc::clone(part))).collect()
}

/// What the names of rules stand for, package by package.
fn rule_names(modules: &[Module]) -> HashMap<&[Arc<str>], Names> {
    let mut packages: HashMap<&[Arc<str>], Names> = HashMap::new();
    for module in modules {
        let package = module.package.path.as_slice();
        let names = packages.entry(package).or_default();
        for rule in &module.rules {
            if let TermKind::Var(name) = &rule.head.name.head.kind
                && !names.contains_key(name)
            {
                let mut whole = vec![Value::from("data")];
                whole.extend(path_of(package));
                whole.push(Value::String(Arc::clone(name)));
                names.insert(Arc::clone(name), whole);
            }
        }
    }
    packages
}

fn imports_of(module: &Module) -> Names {
    let mut names = Names::new();
    for import in &module.imports {
        let name = import.alias.as_ref().map(|alias| &alias.name).or(import.path.last());
        let known = import.path.first().is_some_and(|root| matches!(&**root, "data" | "input"));
        if let (Some(name), true) = (name, known) {
            names.insert(Arc::clone(name), path_of(&import.path));
        }
    }
    names
}

/// Names that a rule gives a meaning of its own.
#[derive(Default)]
struct Declared(HashSet<Arc<str>>);

impl Declared {
    fn pattern(&mut self, term: &Term) {
        match &term.kind {
            TermKind::Var(name) => {
                self.0.insert(Arc::clone(name));
            }
            TermKind::Array(items) => items.iter().for_each(|item| self.pattern(item)),
            TermKind::Object(members) => members.iter().for_each(|(_, value)| self.pattern(value)),
            TermKind::Parens(inner) => self.pattern(inner),
            _ => {}
        }
    }
}

impl Visitor for Declared {
    fn body(&mut self, body: &Body) {
        for expr in &body.exprs {
            match &expr.kind {
                ExprKind::Assign(target, _) => self.pattern(target),
                ExprKind::Some(names) => self.0.extend(names.iter().map(|name| Arc::clone(&name.name))),
                ExprKind::SomeIn { key, value, .. } => {
                    key.iter().for_each(|key| self.pattern(key));
                    self.pattern(value);
                }
                ExprKind::Every { key, value, .. } => {
                    self.0.extend(key.iter().chain([value]).map(|name| Arc::clone(&name.name)));
                }
                ExprKind::Term(_) | ExprKind::Unify(..) | ExprKind::Not(_) | ExprKind::Logical { .. } => {}
            }
        }
        walk_body(self, body);
    }

    fn term(&mut self, term: &Term) {
        walk_term(self, term);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::ast::Version;
    use crate::syntax::parser::{Options, parse_module, parse_query};
    use crate::syntax::source::Source;

    fn of(modules: &[&str], query: &str) -> String {
        let module = |text: &&str| {
            parse_module(&Source::new("x.rego", *text), Version::V1, Options::default())
                .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
        };
        let modules: Vec<Module> = modules.iter().map(module).collect();
        let query = parse_query(&Source::new("query", query), Version::V1).unwrap();
        let found = dependencies(&modules, &query);
        let list = |paths: &BTreeSet<Path>| {
            paths.iter().map(|path| reference_text(path)).collect::<Vec<_>>().join(" ")
        };
        format!("{} | {}", list(&found.base), list(&found.defined))
    }

    #[test]
    fn rules_lead_on() {
        let policy =
            "package policy\nallow if is_admin\nis_admin if \"admin\" in input.user.roles\nother := data.x";
        assert_eq!(
            of(&[policy], "data.policy.allow"),
            "input.user.roles | data.policy.allow data.policy.is_admin"
        );
        let all = "data.x input.user.roles | data.policy.allow data.policy.is_admin data.policy.other";
        assert_eq!(of(&[policy], "data.policy"), all);
        assert_eq!(
            of(&[policy], "data.policy.allow.x == input.y"),
            format!("{} input.y | data.policy.allow data.policy.is_admin", "input.user.roles")
        );
        let one = "package x\ny := \"foo\"\nz[x] := w if {\n\tw = x\n\tx = \"bar\"\n\ty = x\n}";
        let two =
            "package a\nb := {\"buz\": \"bar\"}\nc[a] := e if {\n\te = data.d[_]\n\tdata.x.z[a] = e[2]\n}";
        assert_eq!(of(&[one, two], "x = data.a.c[y]"), "data.d | data.a.c data.x.y data.x.z");
        let recursive = "package r\np if q\nq if p\np if input.a[\"b c\"][1].d";
        assert_eq!(of(&[recursive], "data.r.p"), "input.a[\"b c\"][1].d | data.r.p data.r.q");
    }

    #[test]
    fn references_count_as_far_as_they_are_constant() {
        let import = "import data.a.x\nimport data.a.y\nimport input.req as r\n";
        for (body, want) in [
            ("x", "data.a.x"),
            ("a := x; b := a.y; b.z == 1", "data.a.x.y.z"),
            ("a := x; a == 1; a.y", "data.a.x"),
            ("a := x; b := a.y; count(b) > 1", "data.a.x.y"),
            ("a = x; a = y; a.z", "data.a.x data.a.y"),
            ("x[i].a; y[input.k[0]].b; i == r.path", "data.a.x data.a.y input.k[0] input.req.path"),
            ("some i; x.y[i]; x.y.z", "data.a.x.y data.a.x.y.z"),
            ("some k, v in x; v.z == k", "data.a.x"),
            ("every v in x.y { v.z == r.q }", "data.a.x.y input.req.q"),
            ("[z | z := x.a; z.b]; {k: 1 | k := y[_]}", "data.a.x.a data.a.y"),
            ("not x.a with input.b as y.c", "data.a.x.a data.a.y.c input.b"),
            ("some x in input.list; x.a", "input.list"),
            ("x := input.own; x.a == 1", "input.own.a"),
            ("object.get(input, \"a\", 1)", "input"),
            ("$\"{input.t} {x.u}\"", "data.a.x.u input.t"),
        ] {
            let policy = format!("package p\n{import}q if {{ {body} }}");
            assert_eq!(of(&[&policy], "data.p.q"), format!("{want} | data.p.q"), "{body}");
        }
        for (rule, want) in [
            ("q := {\"a\": input.v}", "input.v | data.p.q"),
            ("q contains input.v if x.a", "data.a.x.a input.v | data.p.q"),
            ("q[input.k] := 1 if x.a", "data.a.x.a input.k | data.p.q"),
            ("q := a.b if a := x", "data.a.x.b | data.p.q"),
            ("q := 1 if x.a else := input.v if y.b", "data.a.x.a data.a.y.b input.v | data.p.q"),
            ("q := f(input.v)\nf(x) := x.a + y.b", "data.a.y.b input.v | data.p.f data.p.q"),
            ("default q := 1", " | data.p.q"),
        ] {
            let policy = format!("package p\n{import}{rule}");
            assert_eq!(of(&[&policy], "data.p.q"), want, "{rule}");
        }
    }

    #[test]
    fn too_many_variables_stand_for_the_whole_documents() {
        let twice = |n: usize| format!("a{} = a{n}.x; a{} = a{n}.y; ", n + 1, n + 1);
        let body: String = (0..20).map(twice).collect();
        let policy = format!("package p\nq if {{ a0 = input.r; a0 = data.s; {body} count(a20) > 1 }}");
        let found = of(&[&policy], "data.p.q");
        assert!(found.contains("data.s") && found.contains("input.r"), "{found}");
        let backwards: String = (0..300).rev().map(|n| format!("b{} = b{n}.x; ", n + 1)).collect();
        let policy = format!("package p\nq if {{ {backwards} b0 = input.r; count(b300) > 1 }}");
        assert!(of(&[&policy], "data.p.q").contains("input.r"));
    }
}
