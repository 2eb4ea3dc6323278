//! `not` without `future.keywords.not`: only the outermost expression is negated; what stands below it is evaluated before
//! it.
//!
//! As in OPA:
//!
//! - calls in arguments, operands, keys and literals, and calls and literals that a reference goes into, are expressions of
//!   their own. They may bind variables, as expressions that are not negated do;
//! - references in arguments, keys and literals are looked up directly before the expression, and bind nothing;
//! - references and comprehensions that are a side of `==` or `=`, or the whole expression, belong to it.
//!
//! So `not input.a == 1` holds where `input.a` is undefined, and `not input.a > 1` is undefined.

use std::sync::Arc;

use super::terms::infix_name;
use super::{Lowering, Root, Stmts, comparison, printed};
use crate::plan::ir::Comparison;
use crate::plan::raw::{Closure, Kind, Stmt, Term};
use crate::syntax::ast::{self, ExprKind, Op, RefPart, TermKind};
use crate::syntax::source::Span;
use crate::value::Value;

/// What a negated expression consists of.
#[derive(Default)]
struct Negated {
    /// Expressions of their own.
    expressions: Stmts,
    /// What is looked up before it.
    operands: Stmts,
    /// What is negated.
    block: Stmts,
}

impl Lowering<'_> {
    pub(super) fn negated(&mut self, expr: &ast::Expr, stmts: &mut Stmts) {
        let mut changes = Vec::new();
        for with in &expr.with {
            changes.extend(self.with(with, stmts));
        }
        let mut parts = Negated::default();
        match &expr.kind {
            ExprKind::Unify(left, right) => self.negated_unify(left, right, expr.span, &mut parts),
            ExprKind::Term(term) if printed(expr).is_none() => self.negated_condition(term, &mut parts),
            _ => self.expr_kind(expr, &mut parts.block),
        }
        let place = self.place(expr.span);
        let within = |block: Stmts| {
            if expr.with.is_empty() || block.is_empty() {
                return block;
            }
            vec![Stmt { kind: Kind::With { changes: changes.clone(), block }, place }]
        };
        stmts.append(&mut within(parts.expressions));
        let block = Closure { stmts: within(parts.block), binds: false };
        let kind = Kind::Not { operands: within(parts.operands), block };
        self.push(stmts, expr.span, kind);
    }

    fn negated_condition(&mut self, term: &ast::Term, parts: &mut Negated) {
        let (term, span) = (term.peeled(), term.peeled().span);
        let holds = match &term.kind {
            TermKind::Infix { op: Op::Assign, .. } => return self.condition(term, &mut parts.block),
            TermKind::Infix { op: Op::Unify, left, right, .. } => {
                return self.negated_unify(left, right, span, parts);
            }
            TermKind::Infix { op: Op::Equal, left, right, .. } => {
                return self.negated_equal(left, right, span, parts);
            }
            TermKind::Infix { op, left, right, .. } => {
                let (left, right) = (self.argument(left, parts), self.argument(right, parts));
                match comparison(*op) {
                    Some(op) => return self.compare(op, left, right, span, &mut parts.block),
                    None => self.builtin(infix_name(*op), vec![left, right], span, &mut parts.block),
                }
            }
            TermKind::In { key, value, collection } => {
                let mut args: Vec<Term> = key.iter().map(|key| self.argument(key, parts)).collect();
                args.push(self.argument(value, parts));
                args.push(self.argument(collection, parts));
                let name = if args.len() == 3 { "internal.member_3" } else { "internal.member_2" };
                self.builtin(name, args, span, &mut parts.block)
            }
            TermKind::Call { function, args } => match args.as_slice() {
                [left, right] if self.is_equality(function) => {
                    return self.negated_equal(left, right, span, parts);
                }
                _ if self.asks_for_metadata(function, args) => {
                    self.call(function, args, span, &mut parts.block)
                }
                _ => {
                    let args = args.iter().map(|arg| self.argument(arg, parts)).collect();
                    self.called(function, args, span, &mut parts.block)
                }
            },
            _ => self.side(term, parts),
        };
        self.truth(holds, span, &mut parts.block);
    }

    fn negated_unify(&mut self, left: &ast::Term, right: &ast::Term, span: Span, parts: &mut Negated) {
        let (left, right) = (self.side(left, parts), self.side(right, parts));
        self.unify(left, right, span, &mut parts.block);
    }

    fn negated_equal(&mut self, left: &ast::Term, right: &ast::Term, span: Span, parts: &mut Negated) {
        let (left, right) = (self.side(left, parts), self.side(right, parts));
        self.compare(Comparison::Equal, left, right, span, &mut parts.block);
    }

    /// Whether a function is `==` or `=` by name.
    fn is_equality(&self, function: &ast::Term) -> bool {
        let TermKind::Var(name) = &function.peeled().kind else { return false };
        matches!(&**name, "equal" | "eq") && self.local(name).is_none() && self.global(name).is_none()
    }

    /// A side of an equality, or the whole expression.
    fn side(&mut self, term: &ast::Term, parts: &mut Negated) -> Term {
        let term = term.peeled();
        match &term.kind {
            TermKind::Var(name) => self.var(name, term.span, &mut parts.block),
            TermKind::Ref(reference) => {
                let (root, path) = self.path(reference, parts);
                self.walk(root, path, term.span, &mut parts.block)
            }
            TermKind::ArrayComprehension(..)
            | TermKind::SetComprehension(..)
            | TermKind::ObjectComprehension(..) => self.term(term, &mut parts.block),
            _ => self.argument(term, parts),
        }
    }

    /// An argument, an operand, a key, or a part of a literal.
    fn argument(&mut self, term: &ast::Term, parts: &mut Negated) -> Term {
        let term = term.peeled();
        match &term.kind {
            TermKind::Var(name) => self.var(name, term.span, &mut parts.operands),
            TermKind::Ref(reference) => {
                let (root, path) = self.path(reference, parts);
                self.walk(root, path, term.span, &mut parts.operands)
            }
            TermKind::Array(items) => {
                Term::array(items.iter().map(|item| self.argument(item, parts)).collect())
            }
            TermKind::Set(items) => Term::set(items.iter().map(|item| self.argument(item, parts)).collect()),
            TermKind::Object(members) => {
                let member = |(key, value): &(ast::Term, ast::Term)| {
                    (self.argument(key, parts), self.argument(value, parts))
                };
                Term::object(members.iter().map(member).collect())
            }
            TermKind::Call { .. }
            | TermKind::Infix { .. }
            | TermKind::In { .. }
            | TermKind::Template { .. } => self.expression(term, parts),
            _ => self.term(term, &mut parts.operands),
        }
    }

    /// What becomes an expression of its own, which is not negated.
    fn expression(&mut self, term: &ast::Term, parts: &mut Negated) -> Term {
        self.term(term, &mut parts.expressions)
    }

    /// Where a reference begins, and its keys.
    fn path(&mut self, reference: &ast::Ref, parts: &mut Negated) -> (Root, Vec<Term>) {
        let head = &reference.head;
        let (root, mut path) = match self.document(head) {
            Some(document) => document,
            None => match &head.peeled().kind {
                TermKind::Var(_) | TermKind::Ref(_) => (Root::Term(self.argument(head, parts)), Vec::new()),
                _ => (Root::Term(self.expression(head, parts)), Vec::new()),
            },
        };
        for part in &reference.parts {
            path.push(match part {
                RefPart::Dot(name) => Term::Const(Value::String(Arc::clone(&name.name))),
                RefPart::Bracket(key) => self.argument(key, parts),
            });
        }
        (root, path)
    }
}
