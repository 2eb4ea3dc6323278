//! From syntax to statements: names are resolved, nested terms become statements of their own.

mod calls;
mod logical;
mod negation;
mod terms;

use std::collections::HashMap;
use std::sync::Arc;

use super::finding::{Builtins, Finding};
use super::ir::{Comparison, Place, Slot};
use super::metadata::{Asker, Metadata};
use super::parts::Parts;
use super::raw::{Base, Kind, Out, Stmt, Term};
use super::tree::Tree;
use crate::syntax::ast::{self, ExprKind, Op, TermKind};
use crate::syntax::source::Span;
use crate::value::Value;

/// What a module's names mean outside of its rules.
pub(super) struct Globals<'a> {
    pub(super) tree: &'a Tree,
    /// Parts of objects, where documents as a whole would be recursive.
    pub(super) parts: Option<&'a Parts>,
    /// Names that are imported: the documents that they stand for, with `data` or `input` as the first part.
    pub(super) imports: HashMap<Arc<str>, Vec<Value>>,
    /// Likewise the rules of the module's package, shared by its files.
    pub(super) rules: Option<&'a HashMap<Arc<str>, Vec<Value>>>,
    pub(super) builtins: Builtins<'a>,
    pub(super) metadata: &'a Metadata<'a>,
    pub(super) file: u32,
    /// Whether calls of `print` and names of slots are kept.
    pub(super) debug: bool,
}

/// One rule while it is lowered.
pub(super) struct Lowering<'a> {
    globals: &'a Globals<'a>,
    /// The rule, where it is one.
    pub(super) asker: Option<Asker<'a>>,
    /// What the source calls each slot.
    pub(super) names: Vec<Option<Arc<str>>>,
    /// Declared names, the innermost last.
    scopes: Vec<HashMap<Arc<str>, Slot>>,
    /// Names that are variables without having been declared.
    pub(super) implicit: HashMap<Arc<str>, Slot>,
    pub(super) findings: Vec<Finding>,
}

type Stmts = Vec<Stmt>;

impl<'a> Lowering<'a> {
    pub(super) fn new(globals: &'a Globals<'a>) -> Self {
        Self {
            globals,
            asker: None,
            names: Vec::new(),
            scopes: vec![HashMap::new()],
            implicit: HashMap::new(),
            findings: Vec::new(),
        }
    }

    /// The labels of the body that is lowered.
    pub(super) fn labels(&self) -> Option<Value> {
        self.globals.metadata.labels(self.asker?)
    }

    pub(super) const fn place(&self, span: Span) -> Place {
        Place { file: self.globals.file, span }
    }

    fn found(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        let place = self.place(span);
        self.findings.push(Finding { code, message: message.into(), place });
    }

    fn temp(&mut self) -> Slot {
        self.names.push(None);
        (self.names.len() - 1) as Slot
    }

    fn named(&mut self, name: &Arc<str>) -> Slot {
        self.names.push(Some(Arc::clone(name)));
        (self.names.len() - 1) as Slot
    }

    /// Opens a scope for what `f` declares.
    pub(super) fn scoped<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(HashMap::new());
        let result = f(self);
        self.scopes.pop();
        result
    }

    /// Forgets the undeclared variables: those of one body mean nothing in the next.
    pub(super) fn fresh_body(&mut self) {
        self.implicit.clear();
    }

    fn local(&self, name: &str) -> Option<Slot> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).copied()
    }

    fn declare(&mut self, name: &Arc<str>, span: Span, how: &str) -> Slot {
        if self.scopes.last().is_some_and(|scope| scope.contains_key(name)) {
            self.found("rego_compile_error", span, format!("var {name} {how} above"));
        }
        let slot = self.named(name);
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(Arc::clone(name), slot);
        }
        slot
    }

    fn push(&self, stmts: &mut Stmts, span: Span, kind: Kind) {
        stmts.push(Stmt { kind, place: self.place(span) });
    }

    /// The names of slots, where they are wanted; a name may stand for several slots, the innermost last.
    pub(super) fn kept_names(&self) -> Vec<(Arc<str>, Slot)> {
        let all = self.names.iter().zip(0..).filter(|_| self.globals.debug);
        let named = |(name, slot): (&Option<Arc<str>>, Slot)| {
            name.as_ref().filter(|name| &***name != "_").map(|name| (Arc::clone(name), slot))
        };
        all.filter_map(named).collect()
    }

    /// The variables of the outermost scope, declared or not.
    pub(super) fn outer_names(&self) -> impl Iterator<Item = (Arc<str>, Slot)> + '_ {
        let all = self.scopes.first().into_iter().flatten().chain(&self.implicit);
        all.map(|(name, slot)| (Arc::clone(name), *slot))
    }

    /// A parameter of a function: a pattern whose variables are all new; one name twice is one value.
    pub(super) fn parameter(&mut self, term: &ast::Term, stmts: &mut Stmts) -> Term {
        match &term.kind {
            TermKind::Var(name) if &**name == "_" => Term::Any,
            TermKind::Var(name) => match self.local(name) {
                Some(slot) => Term::Var(slot),
                None => Term::Var(self.declare(name, term.span, "declared")),
            },
            TermKind::Array(items) => {
                Term::array(items.iter().map(|item| self.parameter(item, stmts)).collect())
            }
            TermKind::Object(members) => {
                let lower = |(key, value): &(ast::Term, ast::Term)| {
                    (self.term(key, stmts), self.parameter(value, stmts))
                };
                Term::object(members.iter().map(lower).collect())
            }
            TermKind::Parens(inner) => self.parameter(inner, stmts),
            _ => self.term(term, stmts),
        }
    }

    // Bodies and expressions

    pub(super) fn body(&mut self, body: &ast::Body, stmts: &mut Stmts) {
        for expr in &body.exprs {
            self.expr(expr, stmts);
        }
    }

    fn expr(&mut self, expr: &ast::Expr, stmts: &mut Stmts) {
        if !self.globals.debug && printed(expr).is_some() {
            return;
        }
        if expr.negated {
            return self.negated(expr, stmts);
        }
        let mut own = Vec::new();
        if expr.with.is_empty() {
            self.expr_kind(expr, &mut own);
        } else {
            let mut changes = Vec::new();
            for with in &expr.with {
                changes.extend(self.with(with, stmts));
            }
            let mut block = Vec::new();
            self.expr_kind(expr, &mut block);
            self.push(&mut own, expr.span, Kind::With { changes, block });
        }
        stmts.append(&mut own);
    }

    fn expr_kind(&mut self, expr: &ast::Expr, stmts: &mut Stmts) {
        if let Some(args) = printed(expr) {
            return self.print(args, expr.span, stmts);
        }
        match &expr.kind {
            ExprKind::Term(term) => self.condition(term, stmts),
            ExprKind::Unify(left, right) => self.unify_terms(left, right, expr.span, stmts),
            ExprKind::Assign(target, value) => self.assign(target, value, expr.span, stmts),
            ExprKind::Some(vars) => {
                for var in vars {
                    self.declare(&var.name, var.span, "declared");
                }
            }
            ExprKind::SomeIn { key, value, collection } => {
                let collection = self.term(collection, stmts);
                let key = match key {
                    Some(key) => self.declared_pattern(key, "declared", stmts),
                    None => Term::Any,
                };
                let value = self.declared_pattern(value, "declared", stmts);
                let kind =
                    Kind::Walk { base: Base::Term(collection), path: vec![key], out: Out::Fits(value) };
                self.push(stmts, expr.span, kind);
            }
            ExprKind::Every { key, value, domain, body } => {
                let domain = self.term(domain, stmts);
                let kind = self.scoped(|this| {
                    let key = key.as_ref().map_or(Term::Any, |key| this.declared_var(key));
                    let value = this.declared_var(value);
                    let mut block = Vec::new();
                    this.scoped(|this| this.body(body, &mut block));
                    Kind::Every { domain, key, value, block }
                });
                self.push(stmts, expr.span, kind);
            }
            ExprKind::Not(body) => self.not(body, expr.span, stmts),
            ExprKind::Logical { op, left, right } => {
                let kind = self.logical(*op, left, right);
                self.push(stmts, expr.span, kind);
            }
        }
    }

    fn declared_var(&mut self, var: &ast::Ident) -> Term {
        if &*var.name == "_" { Term::Any } else { Term::Var(self.declare(&var.name, var.span, "declared")) }
    }

    fn assign(&mut self, target: &ast::Term, value: &ast::Term, span: Span, stmts: &mut Stmts) {
        if let TermKind::Var(name) = &target.kind {
            let mut before = Vec::new();
            // The value first: what it names is not yet what is declared here.
            let value_term = self.pure(value, &mut before);
            let slot = if &**name == "_" { None } else { Some(self.declare(name, target.span, "assigned")) };
            let target = slot.map_or(Term::Any, Term::Var);
            match value_term {
                Some(term) => {
                    stmts.append(&mut before);
                    self.push(stmts, span, Kind::Assign(target, term));
                }
                None => self.retarget(before, target, stmts),
            }
            return;
        }
        let value = self.term(value, stmts);
        let target = self.declared_pattern(target, "assigned", stmts);
        self.join(target, value, Kind::Assign, span, stmts);
    }

    /// Lowers a term whose last statement yields it: `None`, and that statement's result is a fresh temporary.
    fn pure(&mut self, term: &ast::Term, stmts: &mut Stmts) -> Option<Term> {
        let before = stmts.len();
        let lowered = self.term(term, stmts);
        let last_yields = stmts.len() > before
            && matches!((&lowered, stmts.last()), (Term::Var(slot), Some(last)) if yields(last, *slot));
        if last_yields { None } else { Some(lowered) }
    }

    /// Appends statements, the last of which gives its result to `target` rather than to a temporary.
    fn retarget(&self, mut from: Stmts, target: Term, stmts: &mut Stmts) {
        if let Some(last) = from.last_mut() {
            match &mut last.kind {
                Kind::Walk { out, .. } | Kind::Call { out, .. } | Kind::Comprehend { out, .. } => {
                    *out = Out::Fits(target);
                }
                _ => {}
            }
        }
        stmts.append(&mut from);
    }

    /// A pattern whose variables are all new.
    fn declared_pattern(&mut self, term: &ast::Term, how: &'static str, stmts: &mut Stmts) -> Term {
        match &term.kind {
            TermKind::Var(name) if &**name == "_" => Term::Any,
            TermKind::Var(name) => Term::Var(self.declare(name, term.span, how)),
            TermKind::Array(items) => {
                Term::array(items.iter().map(|item| self.declared_pattern(item, how, stmts)).collect())
            }
            TermKind::Object(members) => {
                let lower = |(key, value): &(ast::Term, ast::Term)| {
                    (self.term(key, stmts), self.declared_pattern(value, how, stmts))
                };
                Term::object(members.iter().map(lower).collect())
            }
            TermKind::Parens(inner) => self.declared_pattern(inner, how, stmts),
            _ => self.term(term, stmts),
        }
    }

    /// A term that stands as a condition.
    fn condition(&mut self, term: &ast::Term, stmts: &mut Stmts) {
        match &term.kind {
            TermKind::Parens(inner) => self.condition(inner, stmts),
            TermKind::Infix { op, left, right, .. } => match op {
                Op::Assign => self.assign(left, right, term.span, stmts),
                Op::Unify => self.unify_terms(left, right, term.span, stmts),
                _ => match comparison(*op) {
                    Some(comparison) => {
                        let (left, right) = (self.term(left, stmts), self.term(right, stmts));
                        self.compare(comparison, left, right, term.span, stmts);
                    }
                    None => self.truthy(term, stmts),
                },
            },
            _ => self.truthy(term, stmts),
        }
    }

    /// A comparison. What was just found and has to equal a constant is held against it at once, where it is found.
    fn compare(&self, comparison: Comparison, left: Term, right: Term, span: Span, stmts: &mut Stmts) {
        let ends = match (&left, &right) {
            (Term::Var(slot), Term::Const(value)) | (Term::Const(value), Term::Var(slot)) => {
                Some((*slot, value))
            }
            _ => None,
        };
        if let (Comparison::Equal, Some((slot, value)), Some(last)) = (comparison, ends, stmts.last_mut())
            && yields(last, slot)
            && self.names.get(slot as usize).is_some_and(Option::is_none)
            && let Kind::Walk { out, .. } | Kind::Call { out, .. } = &mut last.kind
        {
            *out = Out::Fits(Term::Const(value.clone()));
            return;
        }
        self.push(stmts, span, Kind::Compare(comparison, left, right));
    }

    fn truthy(&mut self, term: &ast::Term, stmts: &mut Stmts) {
        let lowered = self.term(term, stmts);
        self.truth(lowered, term.span, stmts);
    }

    /// What was just lowered has to be neither false nor undefined.
    fn truth(&self, lowered: Term, span: Span, stmts: &mut Stmts) {
        if let (Term::Var(slot), Some(last)) = (&lowered, stmts.last_mut())
            && yields(last, *slot)
        {
            match &mut last.kind {
                Kind::Walk { out, .. } | Kind::Call { out, .. } | Kind::Comprehend { out, .. } => {
                    *out = Out::Truthy
                }
                _ => {}
            }
            return;
        }
        self.push(stmts, span, Kind::Check(lowered));
    }

    fn unify_terms(&mut self, left: &ast::Term, right: &ast::Term, span: Span, stmts: &mut Stmts) {
        let left = self.term(left, stmts);
        let right = self.term(right, stmts);
        self.unify(left, right, span, stmts);
    }

    fn unify(&self, left: Term, right: Term, span: Span, stmts: &mut Stmts) {
        self.join(left, right, Kind::Unify, span, stmts);
    }

    /// Unifies or assigns, part by part where both sides have parts.
    fn join(&self, left: Term, right: Term, kind: fn(Term, Term) -> Kind, span: Span, stmts: &mut Stmts) {
        match (left, right) {
            (Term::Array(a), Term::Array(b)) => {
                if a.len() != b.len() {
                    self.push(stmts, span, Kind::Check(Term::Const(Value::Bool(false))));
                }
                for (a, b) in a.into_iter().zip(b) {
                    self.join(a, b, kind, span, stmts);
                }
            }
            (Term::Array(a), Term::Const(Value::Array(b)))
            | (Term::Const(Value::Array(b)), Term::Array(a)) => {
                let b = b.iter().cloned().map(Term::Const).collect();
                self.unify(Term::Array(a), Term::Array(b), span, stmts);
            }
            (Term::Object(a), Term::Object(b)) if same_keys(&a, &b) => {
                for (key, value) in a {
                    let other = b.iter().find(|(other, _)| other.constant() == key.constant());
                    if let Some((_, other)) = other {
                        self.join(value, other.clone(), kind, span, stmts);
                    }
                }
            }
            (left, right) => {
                // What was just found goes where it has to, without a name of its own in between.
                let found = |term: &Term, stmts: &Stmts| matches!((term, stmts.last()), (Term::Var(slot), Some(last)) if self.is_temp(*slot) && yields(last, *slot));
                let other = match (found(&left, stmts), found(&right, stmts)) {
                    (true, _) => Some(&right),
                    (_, true) => Some(&left),
                    _ => None,
                };
                if let (Some(other), Some(last)) = (other, stmts.last_mut())
                    && let Kind::Walk { out, .. } | Kind::Call { out, .. } | Kind::Comprehend { out, .. } =
                        &mut last.kind
                {
                    *out = Out::Fits(other.clone());
                    return;
                }
                self.push(stmts, span, kind(left, right));
            }
        }
    }

    /// Whether a slot is the compiler's own, and has no name in the source.
    fn is_temp(&self, slot: Slot) -> bool {
        self.names.get(slot as usize).is_some_and(Option::is_none)
    }
}

enum Root {
    Input,
    Data,
    Term(Term),
}

/// Whether a statement gives its result to this temporary.
fn yields(stmt: &Stmt, slot: Slot) -> bool {
    match &stmt.kind {
        Kind::Walk { out, .. } | Kind::Call { out, .. } | Kind::Comprehend { out, .. } => {
            matches!(out, Out::Fits(Term::Var(to)) if *to == slot)
        }
        _ => false,
    }
}

/// What a call of `print` is to print.
fn printed(expr: &ast::Expr) -> Option<&[ast::Term]> {
    let ExprKind::Term(ast::Term { kind: TermKind::Call { function, args }, .. }) = &expr.kind else {
        return None;
    };
    matches!(&function.kind, TermKind::Var(name) if &**name == "print").then_some(args)
}

fn same_keys(a: &[(Term, Term)], b: &[(Term, Term)]) -> bool {
    let keys = |members: &[(Term, Term)]| {
        let mut keys = members.iter().map(|(key, _)| key.constant()).collect::<Option<Vec<_>>>()?;
        keys.sort();
        keys.windows(2).all(|pair| matches!(pair, [a, b] if a != b)).then_some(keys)
    };
    matches!((keys(a), keys(b)), (Some(a), Some(b)) if a == b)
}

const fn comparison(op: Op) -> Option<Comparison> {
    Some(match op {
        Op::Equal => Comparison::Equal,
        Op::NotEqual => Comparison::NotEqual,
        Op::Less => Comparison::Less,
        Op::LessEqual => Comparison::LessEqual,
        Op::Greater => Comparison::Greater,
        Op::GreaterEqual => Comparison::GreaterEqual,
        _ => return None,
    })
}
