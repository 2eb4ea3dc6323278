//! The variables of a rule while it is read: what is declared where, what was used before, and what never is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::flat::{Var, Variable};
use crate::syntax::ast::{Body, Expr, ExprKind, Op, TemplatePart, Term, TermKind};
use crate::syntax::source::Span;

/// How a name came into a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occurrence {
    /// A parameter.
    Arg,
    /// Used, without having been declared.
    Seen,
    /// `:=`
    Assigned,
    /// `some`, `every`
    Declared,
}

#[derive(Debug, Default)]
struct Frame {
    names: HashMap<Arc<str>, (Var, Occurrence, Span)>,
    /// What the body declares anywhere: such a name is no rule and no import, not even before.
    to_come: HashSet<Arc<str>>,
}

/// The scopes of a rule, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    frames: Vec<Frame>,
    /// Variables that are not declared: one name is one variable in all of the rule.
    implicit: HashMap<Arc<str>, Var>,
    pub(super) vars: Vec<Variable>,
}

impl Scopes {
    pub(super) fn open(&mut self, to_come: HashSet<Arc<str>>) {
        self.frames.push(Frame { names: HashMap::new(), to_come });
    }

    pub(super) fn close(&mut self) {
        self.frames.pop();
    }

    /// Adds to what the scope in force declares later on.
    pub(super) fn expect(&mut self, names: HashSet<Arc<str>>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.to_come.extend(names);
        }
    }

    pub(super) fn fresh(&mut self, name: Option<&Arc<str>>) -> Var {
        self.vars.push(Variable { name: name.cloned(), uses: 0 });
        (self.vars.len() - 1) as Var
    }

    /// Whether the name is a variable even where a rule or an import has it.
    pub(super) fn is_local(&self, name: &str) -> bool {
        self.frames.iter().rev().any(|frame| frame.to_come.contains(name) || frame.names.contains_key(name))
    }

    /// Whether the name was declared, so that no function can be meant by it.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        let found = self.frames.iter().rev().find_map(|frame| frame.names.get(name));
        found.is_some_and(|(_, occurrence, _)| *occurrence != Occurrence::Seen)
    }

    /// The variable of a name that is nowhere declared, if it was used.
    pub(super) fn implicit(&self, name: &str) -> Option<Var> {
        self.implicit.get(name).copied()
    }

    /// A use of a name.
    pub(super) fn see(&mut self, name: &Arc<str>, span: Span) -> Var {
        let known = self.frames.iter().rev().find_map(|frame| frame.names.get(name));
        let var = match known {
            Some((var, ..)) => *var,
            None => {
                let var = match self.implicit.get(name) {
                    Some(var) => *var,
                    None => {
                        let var = self.fresh(Some(name));
                        self.implicit.insert(Arc::clone(name), var);
                        var
                    }
                };
                if let Some(frame) = self.frames.last_mut() {
                    frame.names.insert(Arc::clone(name), (var, Occurrence::Seen, span));
                }
                var
            }
        };
        if let Some(variable) = self.vars.get_mut(var as usize) {
            variable.uses += 1;
        }
        var
    }

    /// A declaration; what is wrong with it, if anything is.
    pub(super) fn declare(&mut self, name: &Arc<str>, span: Span, how: Occurrence) -> (Var, Option<String>) {
        let before = self.frames.last().and_then(|frame| frame.names.get(name));
        let wrong = before.map(|(_, occurrence, _)| match occurrence {
            Occurrence::Arg => format!("arg {name} redeclared"),
            Occurrence::Seen => format!("var {name} referenced above"),
            Occurrence::Assigned => format!("var {name} assigned above"),
            Occurrence::Declared => format!("var {name} declared above"),
        });
        let var = self.fresh(Some(name));
        if let Some(frame) = self.frames.last_mut() {
            frame.names.insert(Arc::clone(name), (var, how, span));
        }
        (var, wrong)
    }

    /// A parameter, which may stand there twice.
    pub(super) fn parameter(&mut self, name: &Arc<str>, span: Span) -> Var {
        let known = self.frames.last().and_then(|frame| frame.names.get(name)).map(|(var, ..)| *var);
        match known {
            Some(var) => {
                if let Some(variable) = self.vars.get_mut(var as usize) {
                    variable.uses += 1;
                }
                var
            }
            None => self.declare(name, span, Occurrence::Arg).0,
        }
    }

    /// The names of the scope in force that came into it so, and that nothing uses.
    pub(super) fn unused(&self, how: Occurrence) -> Vec<(Arc<str>, Span)> {
        let names = self.frames.last().into_iter().flat_map(|frame| &frame.names);
        let unused = names.filter(|(_, (var, occurrence, _))| {
            *occurrence == how && self.vars.get(*var as usize).is_some_and(|variable| variable.uses == 0)
        });
        let mut unused: Vec<_> = unused.map(|(name, (_, _, span))| (Arc::clone(name), *span)).collect();
        unused.sort_by_key(|(_, span)| *span);
        unused
    }
}

/// The names that a body declares, without those of closures in it.
pub(super) fn declared(body: &Body) -> HashSet<Arc<str>> {
    let mut names = HashSet::new();
    for expr in &body.exprs {
        match &expr.kind {
            ExprKind::Assign(target, _) => targets(target, &mut names),
            ExprKind::Some(vars) => names.extend(vars.iter().map(|var| Arc::clone(&var.name))),
            ExprKind::SomeIn { key, value, .. } => {
                key.iter().chain([value]).for_each(|term| targets(term, &mut names));
            }
            ExprKind::Term(term) => {
                if let TermKind::Infix { op: Op::Assign, left, .. } = &term.peeled().kind {
                    targets(left, &mut names);
                }
            }
            ExprKind::Unify(..) | ExprKind::Every { .. } | ExprKind::Not(_) | ExprKind::Logical { .. } => {}
        }
    }
    names
}

/// The names in what is assigned to; `input` and `data` only where they are assigned to themselves.
fn targets(term: &Term, names: &mut HashSet<Arc<str>>) {
    let mut found = HashSet::new();
    variables(term, &mut found);
    let alone = matches!(term.peeled().kind, TermKind::Var(_));
    names.extend(found.into_iter().filter(|name| alone || !matches!(&**name, "input" | "data")));
}

/// All names in a term, those within closures too.
pub(super) fn variables(term: &Term, names: &mut HashSet<Arc<str>>) {
    use crate::syntax::ast::RefPart;
    let mut each = |term: &Term| variables(term, names);
    match &term.kind {
        TermKind::Var(name) => {
            if &**name != "_" {
                names.insert(Arc::clone(name));
            }
        }
        TermKind::Ref(reference) => {
            each(&reference.head);
            for part in &reference.parts {
                if let RefPart::Bracket(term) = part {
                    each(term);
                }
            }
        }
        TermKind::Call { args, .. } => args.iter().for_each(each),
        TermKind::Infix { left, right, .. } => {
            each(left);
            each(right);
        }
        TermKind::In { key, value, collection } => {
            key.iter().chain([value, collection]).for_each(|term| each(term));
        }
        TermKind::Array(items) | TermKind::Set(items) => items.iter().for_each(each),
        TermKind::Object(members) => members.iter().for_each(|(key, value)| {
            each(key);
            each(value);
        }),
        TermKind::Parens(inner) => each(inner),
        TermKind::ArrayComprehension(value, body) | TermKind::SetComprehension(value, body) => {
            each(value);
            in_body(body, names);
        }
        TermKind::ObjectComprehension(key, value, body) => {
            each(key);
            each(value);
            in_body(body, names);
        }
        TermKind::Template { parts, .. } => {
            for part in parts {
                if let TemplatePart::Expr(expr) = part {
                    in_expr(expr, names);
                }
            }
        }
        TermKind::Null | TermKind::Bool(_) | TermKind::Number(_) | TermKind::String { .. } => {}
    }
}

fn in_body(body: &Body, names: &mut HashSet<Arc<str>>) {
    body.exprs.iter().for_each(|expr| in_expr(expr, names));
}

fn in_expr(expr: &Expr, names: &mut HashSet<Arc<str>>) {
    match &expr.kind {
        ExprKind::Term(term) => variables(term, names),
        ExprKind::Assign(a, b) | ExprKind::Unify(a, b) => {
            variables(a, names);
            variables(b, names);
        }
        ExprKind::Some(_) => {}
        ExprKind::SomeIn { key, value, collection } => {
            key.iter().chain([value, collection]).for_each(|term| variables(term, names));
        }
        ExprKind::Every { domain, body, .. } => {
            variables(domain, names);
            in_body(body, names);
        }
        ExprKind::Not(body) => in_body(body, names),
        ExprKind::Logical { left, right, .. } => {
            in_body(left, names);
            in_body(right, names);
        }
    }
    expr.with.iter().for_each(|with| variables(&with.value, names));
}
