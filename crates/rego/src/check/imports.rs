//! Names that hide others: imports that shadow imports, rules and variables called `input` or `data`.

use std::collections::HashMap;

use super::Found;
use super::names::name_of;
use crate::syntax::ast::{Expr, ExprKind, Import, Module, Op, Term, TermKind};
use crate::syntax::visit::{Visitor, walk_expr, walk_module};

/// `import data.a as b`
pub(super) fn shown(import: &Import) -> String {
    let mut parts = import.path.iter();
    let root = parts.next().map_or("", |root| root);
    let path = parts.fold(root.to_owned(), |text, part| {
        text + &crate::shown::part(&crate::value::Value::String(part.clone()))
    });
    match &import.alias {
        Some(alias) => format!("import {path} as {}", alias.name),
        None => format!("import {path}"),
    }
}

/// What OPA refuses in Rego v1, and in v0 where it is strict.
pub(super) fn check(number: usize, module: &Module, found: &mut Vec<Found>) {
    let mut known: HashMap<&str, &Import> = HashMap::new();
    for import in &module.imports {
        let Some(name) = name_of(import) else { continue };
        match known.get(name) {
            Some(other) => {
                let message = format!("import must not shadow {}", shown(other));
                found.push(
                    Found::compile(number, import.span, message)
                        .hint("give one of them another name with `as`"),
                );
            }
            None => {
                known.insert(name, import);
            }
        }
    }
    for rule in &module.rules {
        if let Some(name) = root_name(&rule.head.name.head) {
            let message = format!("rules must not shadow {name} (use a different rule name)");
            found.push(Found::compile(number, rule.span, message));
        }
        for arg in rule.head.args.iter().flatten() {
            if let Some(name) = root_name(arg) {
                let message = format!("args must not shadow {name} (use a different variable name)");
                found.push(Found::compile(number, arg.span, message));
            }
        }
    }
    walk_module(&mut Assignments { number, found }, module);
}

fn root_name(term: &Term) -> Option<&str> {
    match &term.peeled().kind {
        TermKind::Var(name) if matches!(&**name, "input" | "data") => Some(name),
        _ => None,
    }
}

struct Assignments<'f> {
    number: usize,
    found: &'f mut Vec<Found>,
}

impl Visitor for Assignments<'_> {
    fn expr(&mut self, expr: &Expr) {
        let target = match &expr.kind {
            ExprKind::Assign(target, _) => Some(target),
            ExprKind::Term(term) => match &term.peeled().kind {
                TermKind::Infix { op: Op::Assign, left, .. } => Some(&**left),
                _ => None,
            },
            _ => None,
        };
        if let Some(name) = target.and_then(root_name) {
            let message = format!("variables must not shadow {name} (use a different variable name)");
            self.found.push(Found::compile(self.number, expr.span, message));
        }
        walk_expr(self, expr);
    }
}
