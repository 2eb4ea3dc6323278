//! Terms: what they stand for, and the statements that find it.

use std::sync::Arc;

use super::{Lowering, Root, Stmts};
use crate::plan::ir::{Comprehension, NodeId, Slot};
use crate::plan::raw::{Base, Kind, Out, Term};
use crate::syntax::ast::{self, ExprKind, Op, RefPart, TemplatePart, TermKind};
use crate::syntax::source::Span;
use crate::value::{Number, Value};

impl Lowering<'_> {
    pub(in crate::plan) fn term(&mut self, term: &ast::Term, stmts: &mut Stmts) -> Term {
        match &term.kind {
            TermKind::Null => Term::Const(Value::Null),
            TermKind::Bool(value) => Term::Const(Value::Bool(*value)),
            TermKind::Number(text) => match Number::parse(text) {
                Some(number) => Term::Const(Value::Number(number)),
                None => {
                    self.found("rego_parse_error", term.span, "the number is too large");
                    Term::Const(Value::Null)
                }
            },
            TermKind::String { value, .. } => Term::Const(Value::String(Arc::clone(value))),
            TermKind::Template { parts, .. } => self.template(parts, term.span, stmts),
            TermKind::Var(name) => self.var(name, term.span, stmts),
            TermKind::Ref(reference) => self.reference(reference, term.span, stmts),
            TermKind::Call { function, args } => self.call(function, args, term.span, stmts),
            TermKind::Infix { op, left, right, .. } => {
                let args = vec![self.term(left, stmts), self.term(right, stmts)];
                self.builtin(infix_name(*op), args, term.span, stmts)
            }
            TermKind::In { key, value, collection } => {
                let mut args = Vec::new();
                if let Some(key) = key {
                    args.push(self.term(key, stmts));
                }
                args.push(self.term(value, stmts));
                args.push(self.term(collection, stmts));
                let name = if args.len() == 3 { "internal.member_3" } else { "internal.member_2" };
                self.builtin(name, args, term.span, stmts)
            }
            TermKind::Array(items) => Term::array(items.iter().map(|item| self.term(item, stmts)).collect()),
            TermKind::Set(items) => Term::set(items.iter().map(|item| self.term(item, stmts)).collect()),
            TermKind::Object(members) => Term::object(
                members.iter().map(|(key, value)| (self.term(key, stmts), self.term(value, stmts))).collect(),
            ),
            TermKind::ArrayComprehension(value, body) => {
                self.comprehension(Comprehension::Array, (None, value), body, term.span, stmts)
            }
            TermKind::SetComprehension(value, body) => {
                self.comprehension(Comprehension::Set, (None, value), body, term.span, stmts)
            }
            TermKind::ObjectComprehension(key, value, body) => {
                self.comprehension(Comprehension::Object, (Some(key), value), body, term.span, stmts)
            }
            TermKind::Parens(inner) => self.term(inner, stmts),
        }
    }

    pub(in crate::plan) fn comprehension(
        &mut self,
        kind: Comprehension,
        (key, value): (Option<&ast::Term>, &ast::Term),
        body: &ast::Body,
        span: Span,
        stmts: &mut Stmts,
    ) -> Term {
        let out = self.temp();
        let made = self.scoped(|this| {
            let mut block = Vec::new();
            this.body(body, &mut block);
            let key = key.map(|key| this.term(key, &mut block));
            let value = this.term(value, &mut block);
            Kind::Comprehend { kind, block, key, value, out: Out::Fits(Term::Var(out)) }
        });
        self.push(stmts, span, made);
        Term::Var(out)
    }

    pub(in crate::plan) fn template(
        &mut self,
        parts: &[TemplatePart],
        span: Span,
        stmts: &mut Stmts,
    ) -> Term {
        let mut args = Vec::new();
        for part in parts {
            match part {
                TemplatePart::Text(text) => args.push(Term::Const(Value::String(Arc::clone(text)))),
                TemplatePart::Expr(expr) => {
                    let out = self.temp();
                    let made = self.scoped(|this| {
                        let mut block = Vec::new();
                        let value = this.value_of(expr, &mut block);
                        let (kind, out) = (Comprehension::Set, Out::Fits(Term::Var(out)));
                        Kind::Comprehend { kind, block, key: None, value, out }
                    });
                    self.push(stmts, expr.span, made);
                    args.push(Term::Var(out));
                }
            }
        }
        self.builtin("internal.template_string", vec![Term::array(args)], span, stmts)
    }

    /// What an expression of a template comes to.
    pub(in crate::plan) fn value_of(&mut self, expr: &ast::Expr, stmts: &mut Stmts) -> Term {
        let ExprKind::Term(term) = &expr.kind else {
            self.found("rego_compile_error", expr.span, "a template takes terms, calls and comparisons only");
            return Term::Any;
        };
        if expr.with.is_empty() {
            return self.term(term, stmts);
        }
        let mut changes = Vec::new();
        for with in &expr.with {
            changes.extend(self.with(with, stmts));
        }
        let mut block = Vec::new();
        let value = self.term(term, &mut block);
        self.push(stmts, expr.span, Kind::With { changes, block });
        value
    }

    pub(in crate::plan) fn var(&mut self, name: &Arc<str>, span: Span, stmts: &mut Stmts) -> Term {
        if &**name == "_" {
            return Term::Wildcard(self.named(name));
        }
        if let Some(slot) = self.local(name) {
            return Term::Var(slot);
        }
        if let Some((base, path)) = self.global(name) {
            return self.walk(base, path.into_iter().map(Term::Const).collect(), span, stmts);
        }
        Term::Var(self.implicit_var(name))
    }

    pub(in crate::plan) fn implicit_var(&mut self, name: &Arc<str>) -> Slot {
        if let Some(slot) = self.implicit.get(name) {
            return *slot;
        }
        let slot = self.named(name);
        self.implicit.insert(Arc::clone(name), slot);
        slot
    }

    /// The document that a name stands for, where it is no variable: where it begins, and keys from there.
    pub(super) fn global(&self, name: &str) -> Option<(Root, Vec<Value>)> {
        let rule = || self.globals.rules.and_then(|rules| rules.get(name));
        if let Some(path) = self.globals.imports.get(name).or_else(rule) {
            let (root, path) = path.split_first()?;
            let root = if root.as_str() == Some("input") { Root::Input } else { Root::Data };
            return Some((root, path.to_vec()));
        }
        match name {
            "input" => Some((Root::Input, Vec::new())),
            "data" => Some((Root::Data, Vec::new())),
            _ => None,
        }
    }

    /// The document that the head of a reference stands for, where it is no other term.
    pub(super) fn document(&self, head: &ast::Term) -> Option<(Root, Vec<Term>)> {
        let TermKind::Var(name) = &head.kind else { return None };
        if self.local(name).is_some() {
            return None;
        }
        let (root, path) = self.global(name)?;
        Some((root, path.into_iter().map(Term::Const).collect()))
    }

    pub(in crate::plan) fn reference(&mut self, reference: &ast::Ref, span: Span, stmts: &mut Stmts) -> Term {
        let (root, mut path) = match self.document(&reference.head) {
            Some(document) => document,
            None => (Root::Term(self.term(&reference.head, stmts)), Vec::new()),
        };
        for part in &reference.parts {
            path.push(match part {
                RefPart::Dot(name) => Term::Const(Value::String(Arc::clone(&name.name))),
                RefPart::Bracket(term) => self.term(term, stmts),
            });
        }
        self.walk(root, path, span, stmts)
    }

    pub(super) fn walk(&mut self, root: Root, path: Vec<Term>, span: Span, stmts: &mut Stmts) -> Term {
        let (base, path) = match root {
            Root::Term(term) if path.is_empty() => return term,
            Root::Term(term) => (Base::Term(term), path),
            Root::Input => (Base::Input, path),
            Root::Data => self.in_tree(path),
        };
        let out = self.temp();
        self.push(stmts, span, Kind::Walk { base, path, out: Out::Fits(Term::Var(out)) });
        Term::Var(out)
    }

    /// Follows a path into the tree of packages and rules, as far as it is constant.
    pub(in crate::plan) fn in_tree(&self, path: Vec<Term>) -> (Base, Vec<Term>) {
        let mut node: NodeId = 0;
        let mut taken = 0;
        for term in &path {
            let Term::Const(Value::String(name)) = term else { break };
            let Some(child) = self.globals.tree.child(node, name) else {
                let keys: Option<Vec<Value>> =
                    path.get(..=taken).map(|keys| keys.iter().filter_map(Term::constant).collect());
                return (Base::Data(keys.unwrap_or_default()), path.into_iter().skip(taken + 1).collect());
            };
            node = child;
            taken += 1;
            if let Some(rule) = self.globals.tree.rule(node) {
                let rest: Vec<Term> = path.into_iter().skip(taken).collect();
                let rule = self.globals.parts.map_or(rule, |parts| parts.part(rule, &rest));
                return (Base::Rule(rule), rest);
            }
        }
        (Base::Node(node), path.into_iter().skip(taken).collect())
    }
}

/// What runs for an operator: below the top of an expression, `=` and `:=` compare.
pub(super) const fn infix_name(op: Op) -> &'static str {
    match op {
        Op::Unify | Op::Assign => "equal",
        other => other.function(),
    }
}
