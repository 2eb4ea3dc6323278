//! Warns where the `not` of before and that of `future.keywords.not` come to something else: where a part of the negated
//! expression that is evaluated before it may be undefined.
//!
//! What is evaluated before, `plan/lower/negation.rs` says. Of that, references and calls of the policy's functions may be
//! undefined; what a built-in is made of may be, but not the built-in, whose errors are errors.

use super::Flatten;
use crate::check::flat::Callee;
use crate::check::found::{Found, WARNING};
use crate::check::names::Root;
use crate::syntax::ast::{Expr, ExprKind, Op, Ref, RefPart, Term, TermKind};
use crate::value::Value;

impl Flatten<'_> {
    /// Warns of a condition with `not`, if there is something to warn of.
    pub(super) fn warn_of_not(&mut self, expr: &Expr) {
        if !self.warns || !expr.negated {
            return;
        }
        let before = match &expr.kind {
            ExprKind::Term(term) => self.before_condition(term),
            ExprKind::Unify(left, right) => self.before_side(left).or_else(|| self.before_side(right)),
            _ => None,
        };
        let Some(part) = before else { return };
        let text = self.source.slice(part.span);
        let message =
            format!("`{text}` is evaluated before the `not`: where it is undefined, the `not` does not hold");
        let hint = format!(
            "with `import future.keywords.not` it would hold there; import it, or keep the meaning and ask for `{text}` before the `not`"
        );
        self.found.push(Found::new(WARNING, self.file as usize, part.span, message).hint(&hint));
    }

    fn before_condition<'t>(&mut self, term: &'t Term) -> Option<&'t Term> {
        let term = term.peeled();
        match &term.kind {
            TermKind::Infix { op: Op::Assign, .. } => None,
            TermKind::Infix { op: Op::Unify | Op::Equal, left, right, .. } => {
                self.before_side(left).or_else(|| self.before_side(right))
            }
            TermKind::Call { function, args } => match (function.dotted().as_deref(), args.as_slice()) {
                (Some([name]), [left, right]) if matches!(&**name, "eq" | "equal") => {
                    self.before_side(left).or_else(|| self.before_side(right))
                }
                (Some([name]), _) if &**name == "print" => None,
                _ => args.iter().find_map(|arg| self.before_argument(arg)),
            },
            TermKind::Infix { .. } | TermKind::In { .. } => self.before_operands(term),
            _ => self.before_side(term),
        }
    }

    /// Of a side of an equality, or of the whole expression, which belong to what is negated.
    fn before_side<'t>(&mut self, term: &'t Term) -> Option<&'t Term> {
        match &term.peeled().kind {
            TermKind::Var(_) => None,
            TermKind::Ref(reference) => self.before_reference(reference),
            _ => self.before_argument(term),
        }
    }

    /// Of an argument, an operand, a key, or a part of a literal, which are evaluated before.
    fn before_argument<'t>(&mut self, term: &'t Term) -> Option<&'t Term> {
        let term = term.peeled();
        match &term.kind {
            TermKind::Var(name) if self.scopes.is_local(name) || self.names.find(name).is_none() => None,
            TermKind::Var(_) | TermKind::Ref(_) => (!self.is_always_defined(term)).then_some(term),
            TermKind::Call { function, args } => {
                let own = matches!(self.function(function, true), Some((Callee::Rule(_), _)));
                if own { Some(term) } else { args.iter().find_map(|arg| self.before_argument(arg)) }
            }
            TermKind::Array(items) | TermKind::Set(items) => {
                items.iter().find_map(|item| self.before_argument(item))
            }
            TermKind::Object(members) => members
                .iter()
                .find_map(|(key, value)| self.before_argument(key).or_else(|| self.before_argument(value))),
            TermKind::Infix { .. } | TermKind::In { .. } => self.before_operands(term),
            _ => None,
        }
    }

    /// Whether it is a document that always has a value.
    fn is_always_defined(&mut self, document: &Term) -> bool {
        let Some(parts) = document.dotted() else { return false };
        let Some((first, rest)) = parts.split_first() else { return false };
        if self.scopes.is_local(first) {
            return false;
        }
        let Some((Root::Data, path)) = self.names.find(first) else { return false };
        let path: Vec<Value> = path.into_iter().chain(rest.iter().cloned()).map(Value::String).collect();
        self.arities.is_always_defined(&path)
    }

    fn before_operands<'t>(&mut self, term: &'t Term) -> Option<&'t Term> {
        match &term.kind {
            TermKind::Infix { left, right, .. } => {
                self.before_argument(left).or_else(|| self.before_argument(right))
            }
            TermKind::In { key, value, collection } => {
                let mut parts = key.iter().chain([value, collection]);
                parts.find_map(|part| self.before_argument(part))
            }
            _ => None,
        }
    }

    /// Of a reference that belongs to what is negated: what it goes into, and its keys.
    fn before_reference<'t>(&mut self, reference: &'t Ref) -> Option<&'t Term> {
        let head = match &reference.head.peeled().kind {
            TermKind::Var(_) => None,
            _ => self.before_argument(&reference.head),
        };
        let mut keys = reference.parts.iter().filter_map(|part| match part {
            RefPart::Dot(_) => None,
            RefPart::Bracket(key) => Some(key),
        });
        head.or_else(|| keys.find_map(|key| self.before_argument(key)))
    }
}
