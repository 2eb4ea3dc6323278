//! A visitor for syntax trees, in source order.

use super::ast::{Body, Expr, ExprKind, HeadValue, Module, Ref, RefPart, Rule, TemplatePart, Term, TermKind};

/// Sees the parts of a tree. What a method does not pass on to its `walk_` function is not gone into.
pub trait Visitor {
    /// A rule.
    fn rule(&mut self, rule: &Rule) {
        walk_rule(self, rule);
    }

    /// A body, of a rule, `else`, `every`, `not` or comprehension, or an operand of `and` or `or`.
    fn body(&mut self, body: &Body) {
        walk_body(self, body);
    }

    /// A condition, also that of a template.
    fn expr(&mut self, expr: &Expr) {
        walk_expr(self, expr);
    }

    /// A term.
    fn term(&mut self, term: &Term) {
        walk_term(self, term);
    }

    /// A reference, also the name of a rule.
    fn reference(&mut self, reference: &Ref) {
        walk_reference(self, reference);
    }
}

/// Goes through all rules.
pub fn walk_module<V: Visitor + ?Sized>(visitor: &mut V, module: &Module) {
    module.rules.iter().for_each(|rule| visitor.rule(rule));
}

/// Goes through the parts of a rule.
pub fn walk_rule<V: Visitor + ?Sized>(visitor: &mut V, rule: &Rule) {
    visitor.reference(&rule.head.name);
    rule.head.args.iter().flatten().for_each(|arg| visitor.term(arg));
    match &rule.head.value {
        HeadValue::Implied => {}
        HeadValue::Value { value, .. } | HeadValue::Contains(value) => visitor.term(value),
    }
    rule.body.iter().for_each(|body| visitor.body(body));
    for other in &rule.elses {
        other.value.iter().for_each(|value| visitor.term(&value.value));
        other.body.iter().for_each(|body| visitor.body(body));
    }
    rule.chained.iter().for_each(|body| visitor.body(body));
}

/// Goes through the conditions of a body.
pub fn walk_body<V: Visitor + ?Sized>(visitor: &mut V, body: &Body) {
    body.exprs.iter().for_each(|expr| visitor.expr(expr));
}

/// Goes through the parts of a condition. Names that `some` and `every` declare are no terms.
pub fn walk_expr<V: Visitor + ?Sized>(visitor: &mut V, expr: &Expr) {
    match &expr.kind {
        ExprKind::Term(term) => visitor.term(term),
        ExprKind::Assign(left, right) | ExprKind::Unify(left, right) => {
            visitor.term(left);
            visitor.term(right);
        }
        ExprKind::Some(_) => {}
        ExprKind::SomeIn { key, value, collection } => {
            key.iter().for_each(|key| visitor.term(key));
            visitor.term(value);
            visitor.term(collection);
        }
        ExprKind::Every { domain, body, .. } => {
            visitor.term(domain);
            visitor.body(body);
        }
        ExprKind::Not(body) => visitor.body(body),
        ExprKind::Logical { left, right, .. } => {
            visitor.body(left);
            visitor.body(right);
        }
    }
    for with in &expr.with {
        visitor.term(&with.target);
        visitor.term(&with.value);
    }
}

/// Goes through the parts of a term.
pub fn walk_term<V: Visitor + ?Sized>(visitor: &mut V, term: &Term) {
    match &term.kind {
        TermKind::Null
        | TermKind::Bool(_)
        | TermKind::Number(_)
        | TermKind::String { .. }
        | TermKind::Var(_) => {}
        TermKind::Template { parts, .. } => {
            for part in parts {
                match part {
                    TemplatePart::Text(_) => {}
                    TemplatePart::Expr(expr) => visitor.expr(expr),
                }
            }
        }
        TermKind::Ref(reference) => visitor.reference(reference),
        TermKind::Call { function, args } => {
            visitor.term(function);
            args.iter().for_each(|arg| visitor.term(arg));
        }
        TermKind::Infix { left, right, .. } => {
            visitor.term(left);
            visitor.term(right);
        }
        TermKind::In { key, value, collection } => {
            key.iter().for_each(|key| visitor.term(key));
            visitor.term(value);
            visitor.term(collection);
        }
        TermKind::Array(terms) | TermKind::Set(terms) => terms.iter().for_each(|term| visitor.term(term)),
        TermKind::Object(pairs) => {
            for (key, value) in pairs {
                visitor.term(key);
                visitor.term(value);
            }
        }
        TermKind::ArrayComprehension(term, body) | TermKind::SetComprehension(term, body) => {
            visitor.term(term);
            visitor.body(body);
        }
        TermKind::ObjectComprehension(key, value, body) => {
            visitor.term(key);
            visitor.term(value);
            visitor.body(body);
        }
        TermKind::Parens(inner) => visitor.term(inner),
    }
}

/// Goes through the parts of a reference.
pub fn walk_reference<V: Visitor + ?Sized>(visitor: &mut V, reference: &Ref) {
    visitor.term(&reference.head);
    for part in &reference.parts {
        match part {
            RefPart::Dot(_) => {}
            RefPart::Bracket(term) => visitor.term(term),
        }
    }
}
