//! Conditions: bodies, `:=`, `some`, `every`, `with`.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::flat::{Callee, Closure, Expr, Head, Kind, Noted, Reference, Term};
use super::super::scope::{Occurrence, declared};
use super::{Exprs, Flatten};
use crate::syntax::ast::{self, Connective, ExprKind, Op, TermKind};
use crate::syntax::source::Span;
use crate::value::Value;

impl Flatten<'_> {
    pub(super) fn body(&mut self, body: &ast::Body, exprs: &mut Exprs) {
        body.exprs.iter().for_each(|expr| self.expr(expr, exprs));
    }

    fn expr(&mut self, expr: &ast::Expr, exprs: &mut Exprs) {
        let mocks: Vec<_> = expr.with.iter().filter_map(|with| self.with(with, exprs)).collect();
        self.warn_of_not(expr);
        let before = self.unassignable;
        if expr.negated {
            self.unassignable = Some("negated expression");
        }
        let from = exprs.len();
        self.expr_kind(expr, exprs);
        self.unassignable = before;
        if exprs.len() > from
            && let Some(last) = exprs.last_mut()
        {
            last.negated = expr.negated;
            last.mocks = mocks;
        }
    }

    fn expr_kind(&mut self, expr: &ast::Expr, exprs: &mut Exprs) {
        match &expr.kind {
            ExprKind::Term(term) => self.condition(term, exprs),
            ExprKind::Unify(left, right) => self.unify(left, right, expr.span, exprs),
            ExprKind::Assign(target, value) => self.assign(target, value, expr.span, exprs),
            ExprKind::Some(vars) => {
                for var in vars {
                    self.declare(&var.name, var.span, Occurrence::Declared);
                }
            }
            ExprKind::SomeIn { key, value, collection } => {
                self.some_in(key.as_ref(), value, collection, expr.span, exprs);
            }
            ExprKind::Every { key, value, domain, body } => {
                let domain = self.operand(domain, exprs);
                let unassignable = self.unassignable.take();
                self.scopes.open(HashSet::new());
                let mut var = |ident: &ast::Ident| {
                    (&*ident.name != "_").then(|| self.declare(&ident.name, ident.span, Occurrence::Declared))
                };
                let (key, value) = (key.as_ref().and_then(&mut var), var(value));
                self.scopes.expect(declared(body));
                let mut inner = Vec::new();
                self.body(body, &mut inner);
                self.report_unused(&HashSet::new());
                self.scopes.close();
                self.unassignable = unassignable;
                exprs.push(Expr::new(Kind::Every { domain, key, value, body: inner }, expr.span));
            }
            ExprKind::Not(body) => {
                let closure = self.closure(body, "negated expression");
                exprs.push(Expr::new(Kind::Closures(vec![closure]), expr.span));
            }
            ExprKind::Logical { op, left, right } => {
                let what = match op {
                    Connective::And => "implicit and operand",
                    Connective::Or => "implicit or operand",
                };
                let closures = [left, right].map(|body| self.closure(body, what));
                exprs.push(Expr::new(Kind::Closures(closures.into()), expr.span));
            }
        }
    }

    /// What is negated, or an operand; in braces it has a scope of its own.
    fn closure(&mut self, body: &ast::Body, what: &'static str) -> Closure {
        let within = (!body.braces).then_some(what);
        let unassignable = std::mem::replace(&mut self.unassignable, within);
        let mut exprs = Vec::new();
        if body.braces {
            self.scopes.open(declared(body));
            self.body(body, &mut exprs);
            self.report_unused(&HashSet::new());
            self.scopes.close();
        } else {
            self.body(body, &mut exprs);
        }
        self.unassignable = unassignable;
        Closure { body: exprs, binds: body.braces }
    }

    fn declare(&mut self, name: &Arc<str>, span: Span, how: Occurrence) -> u32 {
        let (var, wrong) = self.scopes.declare(name, span, how);
        if let Some(message) = wrong {
            self.wrong(span, message);
        }
        var
    }

    /// A term that stands as a condition.
    fn condition(&mut self, term: &ast::Term, exprs: &mut Exprs) {
        let span = term.span;
        match &term.kind {
            TermKind::Parens(inner) => self.condition(inner, exprs),
            TermKind::Infix { op: Op::Assign, left, right, .. } => self.assign(left, right, span, exprs),
            TermKind::Infix { op: Op::Unify | Op::Equal, left, right, .. } => {
                self.unify(left, right, span, exprs);
            }
            TermKind::Infix { .. } | TermKind::In { .. } => {
                // The result is not asked for: it only has to be true.
                self.side(term, exprs);
                if let Some(Expr { kind: Kind::Call { args, .. }, .. }) = exprs.last_mut() {
                    args.pop();
                }
            }
            TermKind::Call { function, args } if is_print(function) => {
                for arg in args {
                    let TermKind::Var(name) = &arg.peeled().kind else {
                        let made = self.captured(arg, &[], arg.span);
                        self.named(made, arg.span, exprs);
                        continue;
                    };
                    let known = self.scopes.is_local(name);
                    let made = self.captured(arg, &[], arg.span);
                    self.named(made, arg.span, exprs);
                    if !known && self.scopes.implicit(name).is_some() {
                        self.undeclared.push((Arc::clone(name), arg.span));
                    }
                }
            }
            TermKind::Call { function, args } => {
                let Some((callee, arity)) = self.callee(function, span) else {
                    args.iter().for_each(|arg| {
                        self.operand(arg, exprs);
                    });
                    return;
                };
                let mut args: Vec<Term> = args.iter().map(|arg| self.operand(arg, exprs)).collect();
                if let Callee::Builtin(entry) = &callee
                    && matches!(entry.name, "eq" | "equal")
                    && args.len() == 2
                    && let (Some(right), Some(left)) = (args.pop(), args.pop())
                {
                    exprs.push(Expr::new(Kind::Unify(left, right), span));
                    return;
                }
                if args.len() != arity && args.len() != arity + 1 {
                    self.wrong_arity(&callee, arity, args.len(), span);
                    return;
                }
                exprs.push(Expr::new(Kind::Call { callee, args, arity }, span));
            }
            _ => {
                let term = self.side(term, exprs);
                exprs.push(Expr::new(Kind::Term(term), span));
            }
        }
    }

    fn unify(&mut self, left: &ast::Term, right: &ast::Term, span: Span, exprs: &mut Exprs) {
        let (left, right) = (self.side(left, exprs), self.side(right, exprs));
        exprs.push(Expr::new(Kind::Unify(left, right), span));
    }

    fn assign(&mut self, target: &ast::Term, value: &ast::Term, span: Span, exprs: &mut Exprs) {
        if let Some(what) = self.unassignable {
            self.wrong(span, format!("cannot assign vars inside {what}"));
            return;
        }
        let value = self.side(value, exprs);
        let target = self.target(target, exprs);
        exprs.push(Expr::new(Kind::Unify(target, value), span));
    }

    /// What is assigned to.
    fn target(&mut self, term: &ast::Term, exprs: &mut Exprs) -> Term {
        match &term.kind {
            TermKind::Var(name) if &**name == "_" => self.generated(),
            TermKind::Var(name) => Term::Var(self.declare(name, term.span, Occurrence::Assigned)),
            TermKind::Array(items) => {
                Term::Array(items.iter().map(|item| self.target(item, exprs)).collect())
            }
            TermKind::Object(members) => {
                let member = |(key, value): &(ast::Term, ast::Term)| {
                    (self.operand(key, exprs), self.target(value, exprs))
                };
                Term::Object(members.iter().map(member).collect())
            }
            TermKind::Parens(inner) => self.target(inner, exprs),
            _ => {
                self.wrong(term.span, format!("cannot assign to {}", kind_name(term)));
                self.generated()
            }
        }
    }

    fn some_in(
        &mut self,
        key: Option<&ast::Term>,
        value: &ast::Term,
        collection: &ast::Term,
        span: Span,
        exprs: &mut Exprs,
    ) {
        let collection = self.side(collection, exprs);
        let key = match key {
            Some(key) => self.pattern(key, exprs),
            None => self.generated(),
        };
        let value = self.pattern(value, exprs);
        let (head, mut parts) = match collection {
            Term::Ref(reference) => (reference.head, reference.parts),
            Term::Var(var) => (Head::Var(var), Vec::new()),
            other => match self.named(other, span, exprs) {
                Term::Var(var) => (Head::Var(var), Vec::new()),
                _ => return,
            },
        };
        parts.push(key);
        let found = Term::Ref(Box::new(Reference { head, parts, span }));
        exprs.push(Expr::new(Kind::Unify(value, found), span));
    }

    /// What `some … in` declares; it counts as used.
    fn pattern(&mut self, term: &ast::Term, exprs: &mut Exprs) -> Term {
        match &term.kind {
            TermKind::Var(name) if &**name == "_" => self.generated(),
            TermKind::Var(name) => {
                let var = self.declare(name, term.span, Occurrence::Declared);
                if let Some(variable) = self.scopes.vars.get_mut(var as usize) {
                    variable.uses += 1;
                }
                Term::Var(var)
            }
            TermKind::Array(items) => {
                Term::Array(items.iter().map(|item| self.pattern(item, exprs)).collect())
            }
            TermKind::Object(members) => {
                let member = |(key, value): &(ast::Term, ast::Term)| {
                    (self.operand(key, exprs), self.pattern(value, exprs))
                };
                Term::Object(members.iter().map(member).collect())
            }
            TermKind::Parens(inner) => self.pattern(inner, exprs),
            _ => self.operand(term, exprs),
        }
    }

    /// A function that is replaced by another. What is put in place of documents is of no account for types.
    pub(super) fn with(&mut self, with: &ast::With, exprs: &mut Exprs) -> Option<(Span, Callee, Callee)> {
        let target = self.function(&with.target, false);
        if let Some((Callee::Builtin(entry), _)) = &target {
            let wrong = match entry.name {
                "eq" | "rego.metadata.chain" | "rego.metadata.rule" => {
                    Some(format!("replacement of \"{}\" invalid", entry.name))
                }
                name if name.starts_with("internal.") => {
                    Some(format!("replacement of internal function \"{name}\" invalid"))
                }
                "walk" => Some("target must not be a relation".to_owned()),
                _ if entry.result.is_none() => Some("target must not be a void function".to_owned()),
                _ => None,
            };
            if let Some(wrong) = wrong {
                self.wrong(with.target.span, format!("with keyword replacing built-in function: {wrong}"));
            }
        }
        if target.is_some()
            && let Some((value, _)) = self.function(&with.value, false)
        {
            return target.map(|(target, _)| (with.span, target, value));
        }
        self.operand(&with.value, exprs);
        if let TermKind::Ref(reference) = &with.target.kind {
            for part in &reference.parts {
                if let ast::RefPart::Bracket(term) = part {
                    self.operand(term, exprs);
                }
            }
        }
        // An import that is only replaced is used, too.
        let mut head = &with.target;
        while let TermKind::Ref(reference) = &head.kind {
            head = &reference.head;
        }
        if let TermKind::Var(name) = &head.kind {
            let document = self.names.find(name);
            if let (Some((root, mut path)), true, Some(parts)) =
                (document, self.checks.given.is_some(), with.target.dotted())
            {
                path.extend(parts.into_iter().skip(1));
                let path = path.into_iter().map(Value::String).collect();
                self.noted.push(Noted { root, path, span: with.span, given: true });
            }
        }
        None
    }
}

fn is_print(function: &ast::Term) -> bool {
    matches!(&function.kind, TermKind::Var(name) if &**name == "print")
}

/// What OPA calls a term that cannot be assigned to.
fn kind_name(term: &ast::Term) -> &'static str {
    match &term.kind {
        TermKind::Null => "null",
        TermKind::Bool(_) => "boolean",
        TermKind::Number(_) => "number",
        TermKind::String { .. } => "string",
        TermKind::Template { .. } => "templatestring",
        TermKind::Ref(_) | TermKind::Var(_) => "ref",
        TermKind::Set(_) => "set",
        TermKind::ArrayComprehension(..) => "arraycomprehension",
        TermKind::SetComprehension(..) => "setcomprehension",
        TermKind::ObjectComprehension(..) => "objectcomprehension",
        _ => "call",
    }
}
