//! Template strings: what their expressions may be.

use std::sync::Arc;

use super::super::flat::{Callee, Term};
use super::{Exprs, Flatten};
use crate::syntax::ast::{self, TemplatePart, TermKind};
use crate::syntax::source::Span;
use crate::syntax::visit::{Visitor, walk_term};
use crate::value::Value;

impl Flatten<'_> {
    /// Each part is found as if in a comprehension, so that nothing is undefined.
    pub(super) fn template(&mut self, parts: &[TemplatePart], span: Span, exprs: &mut Exprs) -> Term {
        let mut args = Vec::new();
        for part in parts {
            match part {
                TemplatePart::Text(text) => args.push(Term::Scalar(Value::String(Arc::clone(text)))),
                TemplatePart::Expr(expr) => {
                    let ast::ExprKind::Term(term) = &expr.kind else { continue };
                    let open = Open::of(term);
                    let unknown = |(name, _): &(Arc<str>, Span)| {
                        !self.scopes.is_local(name) && self.names.find(name).is_none()
                    };
                    self.undeclared.extend(open.names.into_iter().filter(unknown));
                    for function in &open.functions {
                        if let Some((Callee::Builtin(entry), _)) = self.function(function, true)
                            && entry.relation
                        {
                            let name = entry.name;
                            let message = format!(
                                "illegal call to relation built-in '{name}' that may cause multiple outputs"
                            );
                            self.wrong(function.span, message);
                        }
                    }
                    let made = self.captured(term, &expr.with, expr.span);
                    args.push(self.named(made, expr.span, exprs));
                }
            }
        }
        self.builtin("internal.template_string", vec![Term::Array(args)], span, exprs)
    }
}

/// Variables and functions in a term, those of comprehensions and of other templates apart.
#[derive(Default)]
struct Open {
    names: Vec<(Arc<str>, Span)>,
    functions: Vec<ast::Term>,
}

impl Open {
    fn of(term: &ast::Term) -> Self {
        let mut open = Self::default();
        open.term(term);
        open
    }
}

impl Visitor for Open {
    fn term(&mut self, term: &ast::Term) {
        match &term.kind {
            TermKind::ArrayComprehension(..)
            | TermKind::SetComprehension(..)
            | TermKind::ObjectComprehension(..)
            | TermKind::Template { .. } => {}
            TermKind::Var(name) if &**name != "_" => self.names.push((Arc::clone(name), term.span)),
            TermKind::Call { function, args } => {
                self.functions.push((**function).clone());
                args.iter().for_each(|arg| self.term(arg));
            }
            _ => walk_term(self, term),
        }
    }
}
