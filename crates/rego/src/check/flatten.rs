//! Converts the rules of a module to [`super::flat`], and checks variables and calls.

mod conditions;
mod old_not;
mod template;
mod terms;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::arities::Arities;
use super::flat::{Expr, Kind, Noted, Rule, Term, Variable};
use super::names::{Exports, Names};
use super::scope::{Occurrence, Scopes, declared, variables};
use super::{Checks, Found};
use crate::syntax::ast::{self, HeadValue, Module, RefPart, TermKind, Version};
use crate::syntax::source::{Source, Span};
use crate::value::Value;

/// Built-ins that Rego v1 no longer has.
pub(super) const DEPRECATED: &[&str] = &[
    "all",
    "any",
    "cast_array",
    "cast_boolean",
    "cast_null",
    "cast_object",
    "cast_set",
    "cast_string",
    "net.cidr_overlap",
    "re_match",
    "set_diff",
];

/// The rules of a module.
pub(super) fn flatten<'m>(
    number: usize,
    module: &'m Module,
    exports: &'m Exports<'m>,
    arities: &'m Arities,
    checks: &'m Checks,
    found: &mut Vec<Found>,
) -> Vec<Rule> {
    let strict = checks.strict;
    let mut rules = Vec::new();
    let mut names = Names::new(module, exports);
    for (at, rule) in module.rules.iter().enumerate() {
        let mut flatten = Flatten {
            file: number as u32,
            names,
            arities,
            source: &module.source,
            deprecated: if strict || module.version == Version::V1 { DEPRECATED } else { &[] },
            checks,
            scopes: Scopes::default(),
            uses: Vec::new(),
            noted: Vec::new(),
            unassignable: None,
            warns: checks.strict && !module.keywords.not,
            undeclared: Vec::new(),
            found: Vec::new(),
        };
        flatten.rule((number, at), module, rule, &mut rules);
        found.append(&mut flatten.found);
        names = flatten.names;
    }
    if strict {
        for import in names.unused() {
            let message = format!("{} unused", super::imports::shown(import));
            found.push(Found::compile(number, import.span, message).hint("remove it"));
        }
    }
    rules
}

struct Flatten<'m> {
    file: u32,
    names: Names<'m>,
    arities: &'m Arities,
    source: &'m Source,
    /// Built-ins that may not be called.
    deprecated: &'static [&'static str],
    checks: &'m Checks,
    scopes: Scopes,
    uses: Vec<Vec<Value>>,
    noted: Vec<Noted>,
    /// Whether to warn where another `not` would come to something else.
    warns: bool,
    /// Where nothing can be assigned, if that is so here.
    unassignable: Option<&'static str>,
    /// Names that were used in `print` and in templates and not known there.
    undeclared: Vec<(Arc<str>, Span)>,
    found: Vec<Found>,
}

type Exprs = Vec<Expr>;

/// One branch of a rule: a body, or an `else`, with its value.
struct Branch<'m> {
    from: (usize, usize),
    module: &'m Module,
    rule: &'m ast::Rule,
    body: Option<&'m ast::Body>,
    value: Option<&'m ast::Term>,
    span: Span,
}

/// The name of a rule: its constant beginning, the rest, and before Rego v1 the element of a set.
struct Name {
    path: Vec<Value>,
    tail: Vec<Term>,
    element: Option<Term>,
}

impl Flatten<'_> {
    fn wrong(&mut self, span: Span, message: impl Into<String>) {
        self.found.push(Found::compile(self.file as usize, span, message));
    }

    fn wrong_type(&mut self, span: Span, message: impl Into<String>) {
        self.found.push(Found::new("rego_type_error", self.file as usize, span, message));
    }

    fn rule(&mut self, from: (usize, usize), module: &Module, rule: &ast::Rule, rules: &mut Vec<Rule>) {
        let bodies = rule.body.iter().map(Some).chain(rule.chained.iter().map(Some));
        let bodies: Vec<_> = if rule.body.is_none() { vec![None] } else { bodies.collect() };
        let value = match &rule.head.value {
            HeadValue::Implied => None,
            HeadValue::Value { value, .. } | HeadValue::Contains(value) => Some(value),
        };
        for body in bodies {
            let mut unused =
                self.branch(&Branch { from, module, rule, body, value, span: rule.head.span }, rules);
            for other in &rule.elses {
                let value = other.value.as_ref().map(|value| &value.value);
                let others = self.branch(
                    &Branch { from, module, rule, body: other.body.as_ref(), value, span: other.span },
                    rules,
                );
                unused.retain(|arg| others.iter().any(|(name, _)| *name == arg.0));
            }
            if self.checks.strict && !rule.default {
                for (arg, span) in unused {
                    let message = format!("unused argument {arg}. (hint: use _ (wildcard variable) instead)");
                    self.wrong(span, message);
                }
            }
        }
    }

    /// One branch; the parameters that it does not use.
    fn branch(&mut self, branch: &Branch<'_>, rules: &mut Vec<Rule>) -> Vec<(Arc<str>, Span)> {
        let Branch { from, rule, body, value, span, .. } = *branch;
        self.scopes = Scopes::default();
        self.scopes.open(HashSet::new());
        let mut exprs = Vec::new();
        let args = rule.head.args.as_ref().map(|args| {
            let args: Vec<Term> = args.iter().map(|arg| self.parameter(arg, &mut exprs)).collect();
            args
        });
        if let Some(body) = body {
            self.scopes.expect(declared(body));
            self.body(body, &mut exprs);
        }
        let mut in_head = HashSet::new();
        let mut in_value = HashSet::new();
        value.iter().for_each(|value| variables(value, &mut in_value));
        for part in &rule.head.name.parts {
            if let RefPart::Bracket(term) = part {
                variables(term, &mut in_head);
            }
        }
        in_head.extend(in_value.iter().cloned());
        self.report_unused(&in_head);
        let unused: Vec<_> = self.scopes.unused(Occurrence::Arg);
        let unused = unused.into_iter().filter(|(name, _)| !in_value.contains(name)).collect();
        let Name { path, tail, element } = self.rule_name(branch, &mut exprs);
        let mut set = element.is_some();
        let value = match (element, value) {
            (Some(element), _) => element,
            (None, Some(value)) => self.operand(value, &mut exprs),
            (None, None) => Term::Scalar(Value::Bool(true)),
        };
        set |= matches!(rule.head.value, HeadValue::Contains(_));
        self.scopes.close();
        self.report_undeclared();
        let vars: Vec<Variable> = std::mem::take(&mut self.scopes.vars);
        let (uses, noted) = (std::mem::take(&mut self.uses), std::mem::take(&mut self.noted));
        let span = rule.head.span.to(Span { start: span.start, end: span.start.max(rule.head.span.end) });
        rules.push(Rule { from, span, path, tail, args, value, set, body: exprs, vars, uses, noted });
        unused
    }

    /// The path of a branch as far as it is constant, and what follows.
    fn rule_name(&mut self, branch: &Branch<'_>, exprs: &mut Exprs) -> Name {
        let mut path: Vec<Value> =
            branch.module.package.path.iter().map(|part| Value::String(Arc::clone(part))).collect();
        if let TermKind::Var(name) = &branch.rule.head.name.head.kind {
            path.push(Value::String(Arc::clone(name)));
        }
        let (mut tail, mut element) = (Vec::new(), None);
        for part in &branch.rule.head.name.parts {
            let term = match part {
                RefPart::Dot(name) => Term::Scalar(Value::String(Arc::clone(&name.name))),
                RefPart::Bracket(term) => self.operand(term, exprs),
            };
            match term {
                term if branch.rule.head.element => element = Some(term),
                Term::Scalar(key) if tail.is_empty() => path.push(key),
                term => tail.push(term),
            }
        }
        Name { path, tail, element }
    }

    /// A parameter: a pattern whose variables are all new.
    fn parameter(&mut self, term: &ast::Term, exprs: &mut Exprs) -> Term {
        match &term.kind {
            TermKind::Var(name) if &**name == "_" => Term::Var(self.scopes.fresh(None)),
            TermKind::Var(name) => Term::Var(self.scopes.parameter(name, term.span)),
            TermKind::Array(items) => {
                Term::Array(items.iter().map(|item| self.parameter(item, exprs)).collect())
            }
            TermKind::Object(members) => {
                let member = |(key, value): &(ast::Term, ast::Term)| {
                    (self.operand(key, exprs), self.parameter(value, exprs))
                };
                Term::Object(members.iter().map(member).collect())
            }
            TermKind::Parens(inner) => self.parameter(inner, exprs),
            TermKind::Call { .. } | TermKind::Infix { .. } | TermKind::In { .. } => {
                self.wrong(term.span, "rule arguments cannot contain calls");
                Term::Var(self.scopes.fresh(None))
            }
            _ => self.operand(term, exprs),
        }
    }

    /// What a body has declared and does not use; `later` is used after it.
    fn report_unused(&mut self, later: &HashSet<Arc<str>>) {
        let file = self.file as usize;
        if self.found.iter().any(|found| found.code == "rego_compile_error") {
            return;
        }
        let assigned = if self.checks.strict { self.scopes.unused(Occurrence::Assigned) } else { Vec::new() };
        for (how, names) in [("assigned", assigned), ("declared", self.scopes.unused(Occurrence::Declared))] {
            for (name, span) in names {
                if !later.contains(&name) {
                    let found = Found::compile(file, span, format!("{how} var {name} unused"));
                    self.found.push(found);
                }
            }
        }
    }

    /// Names in `print` and in templates that nothing else in the rule has.
    fn report_undeclared(&mut self) {
        let mut uses: BTreeMap<Arc<str>, Vec<Span>> = BTreeMap::new();
        for (name, span) in std::mem::take(&mut self.undeclared) {
            uses.entry(name).or_default().push(span);
        }
        for (name, spans) in uses {
            let var = self.scopes.implicit(&name).and_then(|var| self.scopes.vars.get(var as usize));
            let nowhere_else = var.is_some_and(|var| var.uses as usize <= spans.len());
            if let (true, Some(span)) = (nowhere_else, spans.first()) {
                self.wrong(*span, format!("var {name} is undeclared"));
            }
        }
    }

    fn generated(&mut self) -> Term {
        Term::Var(self.scopes.fresh(None))
    }

    /// Gives a term that is no simple one a variable.
    fn named(&mut self, term: Term, span: Span, exprs: &mut Exprs) -> Term {
        let var = self.scopes.fresh(None);
        exprs.push(Expr::new(Kind::Unify(Term::Var(var), term), span));
        Term::Var(var)
    }
}
