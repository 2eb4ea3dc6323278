//! Terms.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::flat::{Callee, Comprehension, Expr, Head, Kind, Made, Noted, Reference, Term};
use super::super::names::Root;
use super::super::scope::{declared, variables};
use super::{Exprs, Flatten};
use crate::builtins::table;
use crate::syntax::ast::{self, RefPart, TermKind};
use crate::syntax::source::Span;
use crate::value::{Number, Value};

impl Flatten<'_> {
    /// A term without calls, references and comprehensions: they are conditions of their own.
    pub(super) fn operand(&mut self, term: &ast::Term, exprs: &mut Exprs) -> Term {
        match self.side(term, exprs) {
            made @ (Term::Ref(_) | Term::Comprehension(_)) => self.named(made, term.span, exprs),
            simple => simple,
        }
    }

    fn operands(&mut self, terms: &[ast::Term], exprs: &mut Exprs) -> Vec<Term> {
        terms.iter().map(|term| self.operand(term, exprs)).collect()
    }

    /// A term as it may stand on one side of `=`, where references and comprehensions may.
    pub(super) fn side(&mut self, term: &ast::Term, exprs: &mut Exprs) -> Term {
        match &term.kind {
            TermKind::Null => Term::Scalar(Value::Null),
            TermKind::Bool(value) => Term::Scalar(Value::Bool(*value)),
            TermKind::Number(text) => Term::Scalar(Number::parse(text).map_or(Value::Null, Value::Number)),
            TermKind::String { value, .. } => Term::Scalar(Value::String(Arc::clone(value))),
            TermKind::Template { parts, .. } => self.template(parts, term.span, exprs),
            TermKind::Var(name) => self.name(name, term.span),
            TermKind::Ref(reference) => self.reference(reference, exprs),
            TermKind::Call { function, args } => {
                let Some((callee, arity)) = self.callee(function, term.span) else {
                    self.operands(args, exprs);
                    return self.generated();
                };
                let mut args = self.operands(args, exprs);
                if let Callee::Builtin(entry) = &callee
                    && entry.result.is_none()
                {
                    let text = self.source.slice(term.span).to_owned();
                    self.wrong_type(term.span, format!("{text} used as value"));
                    return self.generated();
                }
                if args.len() != arity {
                    self.wrong_arity(&callee, arity, args.len(), term.span);
                    return self.generated();
                }
                let out = self.scopes.fresh(None);
                args.push(Term::Var(out));
                exprs.push(Expr::new(Kind::Call { callee, args, arity }, term.span));
                Term::Var(out)
            }
            TermKind::Infix { op, left, right, .. } => {
                let args = vec![self.operand(left, exprs), self.operand(right, exprs)];
                self.builtin(op.function(), args, term.span, exprs)
            }
            TermKind::In { key, value, collection } => {
                let mut args: Vec<Term> = key.iter().map(|key| self.operand(key, exprs)).collect();
                args.push(self.operand(value, exprs));
                args.push(self.operand(collection, exprs));
                let name = if args.len() == 3 { "internal.member_3" } else { "internal.member_2" };
                self.builtin(name, args, term.span, exprs)
            }
            TermKind::Array(items) => Term::Array(self.operands(items, exprs)),
            TermKind::Set(items) => Term::Set(self.operands(items, exprs)),
            TermKind::Object(members) => {
                let member = |(key, value): &(ast::Term, ast::Term)| {
                    (self.operand(key, exprs), self.operand(value, exprs))
                };
                Term::Object(members.iter().map(member).collect())
            }
            TermKind::ArrayComprehension(value, body) => self.comprehension(Made::Array, None, value, body),
            TermKind::SetComprehension(value, body) => self.comprehension(Made::Set, None, value, body),
            TermKind::ObjectComprehension(key, value, body) => {
                self.comprehension(Made::Object, Some(key), value, body)
            }
            TermKind::Parens(inner) => self.side(inner, exprs),
        }
    }

    pub(super) fn builtin(&mut self, name: &str, mut args: Vec<Term>, span: Span, exprs: &mut Exprs) -> Term {
        let out = self.generated();
        if let (Some(entry), Term::Var(var)) = (table::find(name), &out) {
            let arity = args.len();
            args.push(Term::Var(*var));
            exprs.push(Expr::new(Kind::Call { callee: Callee::Builtin(entry), args, arity }, span));
        }
        out
    }

    /// `{x | x = term}`
    pub(super) fn captured(&mut self, term: &ast::Term, with: &[ast::With], span: Span) -> Term {
        let unassignable = self.unassignable.take();
        self.scopes.open(HashSet::new());
        let mut body = Vec::new();
        for with in with {
            let _types_apart = self.with(with, &mut body);
        }
        let value = self.operand(term, &mut body);
        self.scopes.close();
        self.unassignable = unassignable;
        if body.is_empty() {
            body.push(Expr::new(Kind::Term(Term::Scalar(Value::Bool(true))), span));
        }
        Term::Comprehension(Box::new(Comprehension { kind: Made::Set, key: None, value, body }))
    }

    fn comprehension(
        &mut self,
        kind: Made,
        key: Option<&ast::Term>,
        value: &ast::Term,
        body: &ast::Body,
    ) -> Term {
        let unassignable = self.unassignable.take();
        self.scopes.open(declared(body));
        let mut exprs = Vec::new();
        self.body(body, &mut exprs);
        let mut later = HashSet::new();
        key.iter().for_each(|key| variables(key, &mut later));
        variables(value, &mut later);
        self.report_unused(&later);
        let key = key.map(|key| self.operand(key, &mut exprs));
        let value = self.operand(value, &mut exprs);
        self.scopes.close();
        self.unassignable = unassignable;
        Term::Comprehension(Box::new(Comprehension { kind, key, value, body: exprs }))
    }

    /// A name alone: a variable, or the document that it stands for.
    fn name(&mut self, name: &Arc<str>, span: Span) -> Term {
        if &**name == "_" {
            return self.generated();
        }
        if !self.scopes.is_local(name)
            && let Some((root, path)) = self.names.find(name)
        {
            let parts = path.into_iter().map(|part| Term::Scalar(Value::String(part))).collect();
            return self.document(root, parts, span);
        }
        Term::Var(self.scopes.see(name, span))
    }

    fn document(&mut self, root: Root, parts: Vec<Term>, span: Span) -> Term {
        let constant = |part: &Term| match part {
            Term::Scalar(key) => Some(key.clone()),
            _ => None,
        };
        let path = || parts.iter().map_while(constant).collect();
        if self.checks.given.is_some() {
            self.noted.push(Noted { root, path: path(), span, given: false });
        }
        let head = match root {
            Root::Input => Head::Input,
            Root::Data => {
                self.uses.push(path());
                Head::Data
            }
        };
        Term::Ref(Box::new(Reference { head, parts, span }))
    }

    pub(super) fn reference(&mut self, reference: &ast::Ref, exprs: &mut Exprs) -> Term {
        let span = reference.span;
        let (head, mut parts) = match &reference.head.kind {
            TermKind::Var(_) => match self.side(&reference.head, exprs) {
                Term::Ref(document) => (Ok(document.head), document.parts),
                other => (Err(other), Vec::new()),
            },
            _ => {
                let subject = self.side(&reference.head, exprs);
                (Err(self.named(subject, reference.head.span, exprs)), Vec::new())
            }
        };
        // Noted once more, with what follows.
        if head.is_ok() {
            self.noted.pop();
        }
        if matches!(head, Ok(Head::Data)) {
            self.uses.pop();
        }
        for part in &reference.parts {
            parts.push(match part {
                RefPart::Dot(name) => Term::Scalar(Value::String(Arc::clone(&name.name))),
                RefPart::Bracket(term) => self.operand(term, exprs),
            });
        }
        match head {
            Ok(Head::Data) => self.document(Root::Data, parts, span),
            Ok(_) => self.document(Root::Input, parts, span),
            Err(Term::Var(var)) => Term::Ref(Box::new(Reference { head: Head::Var(var), parts, span })),
            Err(other) => other,
        }
    }

    /// The function of a name or path, if it is one, and how many arguments it takes. A rule that is called is as good as
    /// a function without arguments.
    pub(super) fn function(&mut self, function: &ast::Term, called: bool) -> Option<(Callee, usize)> {
        let parts = function.dotted()?;
        let (first, rest) = parts.split_first()?;
        if !self.scopes.is_local(first)
            && let Some((Root::Data, path)) = self.names.find(first)
        {
            let path: Vec<Value> =
                path.iter().chain(rest).map(|part| Value::String(Arc::clone(part))).collect();
            let arity = self.arities.of(&path).filter(|arity| called || *arity > 0)?;
            self.uses.push(path.clone());
            return Some((Callee::Rule(path), arity));
        }
        let entry = table::find(&parts.join("."))?;
        if self.checks.capabilities.as_ref().is_some_and(|known| !known.has_builtin(entry.name)) {
            return None;
        }
        Some((Callee::Builtin(entry), entry.args.len()))
    }

    /// The function that is called; reported where there is none.
    pub(super) fn callee(&mut self, function: &ast::Term, span: Span) -> Option<(Callee, usize)> {
        let parts = function.dotted();
        let name = parts.as_ref().map_or_else(|| "?".to_owned(), |parts| parts.join("."));
        let first = parts.as_ref().and_then(|parts| parts.first());
        if first.is_some_and(|first| self.scopes.is_declared(first)) {
            self.wrong(span, format!("called function {name} shadowed"));
            return None;
        }
        let found = self.function(function, true);
        if let Some((Callee::Builtin(entry), _)) = &found
            && self.deprecated.contains(&entry.name)
        {
            let message = format!("deprecated built-in function calls in expression: {}", entry.name);
            self.wrong_type(span, message);
            if let (Some(found), Some(instead)) =
                (self.found.last_mut(), super::super::hints::functions::instead(entry.name))
            {
                found.hint = Some(instead.to_owned());
            }
        }
        if found.is_none() {
            let path = match first.map(|first| (self.scopes.is_local(first), self.names.find(first))) {
                Some((false, Some((Root::Data, path)))) => {
                    let rest = parts.iter().flatten().skip(1);
                    ["data".into()]
                        .iter()
                        .chain(&path)
                        .chain(rest)
                        .cloned()
                        .collect::<Vec<Arc<str>>>()
                        .join(".")
                }
                _ => name.clone(),
            };
            let mut found = super::Found::new(
                "rego_type_error",
                self.file as usize,
                span,
                format!("undefined function {path}"),
            );
            found.hint = match table::find(&name).filter(|_| path == name) {
                Some(entry) => Some(super::super::hints::functions::beyond(entry.name)),
                None => super::super::hints::functions::missing(&name, &path, self.arities),
            };
            self.found.push(found);
        }
        found
    }

    pub(super) fn wrong_arity(&mut self, callee: &Callee, arity: usize, got: usize, span: Span) {
        let name = callee.shown();
        match callee {
            Callee::Builtin(entry) => {
                let mut found = super::Found::new(
                    "rego_type_error",
                    self.file as usize,
                    span,
                    format!("{name}: arity mismatch"),
                );
                let have = vec!["???"; got].join(", ");
                let want: Vec<String> = entry
                    .args
                    .iter()
                    .chain(&entry.result)
                    .map(|each| super::super::types::Type::declared(each).to_string())
                    .collect();
                found.details = vec![format!("have: ({have})"), format!("want: ({})", want.join(", "))];
                let takes = want.get(..arity).unwrap_or_default();
                found.hint = Some(super::super::hints::arguments::number(&name, takes, got));
                self.found.push(found);
            }
            Callee::Rule(_) => {
                let plural = if got == 1 { "" } else { "s" };
                let message = format!("function {name} has arity {arity}, got {got} argument{plural}");
                self.wrong_type(span, message);
            }
        }
    }
}
