//! What keeps a module of Rego v0 from being rewritten as v1: OPA's formatter asks for this before it writes anything.

use super::flatten::DEPRECATED;
use super::{Found, hints, imports};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{Expr, ExprKind, Module, TermKind};
use crate::syntax::visit::{Visitor, walk_expr, walk_module};

/// Imports that hide imports, rules and variables called `input` or `data`, and conditions that are calls of built-ins which v1
/// does not have. What is a matter of layout, such as `if`, is none of it.
pub fn refusals_of_v1(module: &Module) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    imports::check(0, module, &mut found);
    walk_module(&mut Deprecated { found: &mut found }, module);
    let sources = [module.source.clone()];
    found.into_iter().map(|found| found.diagnostic(&sources)).collect()
}

struct Deprecated<'f> {
    found: &'f mut Vec<Found>,
}

impl Visitor for Deprecated<'_> {
    fn expr(&mut self, expr: &Expr) {
        if let ExprKind::Term(term) = &expr.kind
            && let TermKind::Call { function, .. } = &term.peeled().kind
            && let Some(name) = function.dotted().map(|parts| parts.join("."))
            && DEPRECATED.contains(&name.as_str())
        {
            let message = format!("deprecated built-in function calls in expression: {name}");
            let found = Found::new("rego_type_error", 0, expr.span, message);
            self.found.push(match hints::functions::instead(&name) {
                Some(instead) => found.hint(instead),
                None => found,
            });
        }
        walk_expr(self, expr);
    }
}
