//! Terms and conditions.

use std::cmp::Ordering;
use std::sync::Arc;

use super::super::ast::{Body, Expr, ExprKind, Ident, Ref, RefPart, TemplatePart, Term, TermKind};
use super::super::source::Span;
use super::{Place, Writer, keyword, put, put_some};
use crate::number::Number;
use crate::value::{Object, Value};

impl Writer<'_> {
    pub(super) fn term(&mut self, term: &Term) -> Value {
        let inner = term.peeled();
        let place = Place { at: start_of(inner), text: term.span };
        self.depth += 1;
        // A term is an object, and what is in it mostly an array.
        let value = if self.depth.saturating_mul(2) > self.include.max_depth {
            self.fail(term.span, format!("the module nests deeper than {} levels", self.include.max_depth));
            Value::Null
        } else {
            self.term_at(inner, place)
        };
        self.depth -= 1;
        value
    }

    fn terms(&mut self, terms: &[Term]) -> Vec<Value> {
        terms.iter().map(|term| self.term(term)).collect()
    }

    fn term_at(&mut self, term: &Term, place: Place) -> Value {
        match &term.kind {
            TermKind::Null => self.typed("null", Object::new(), place),
            TermKind::Bool(value) => self.typed("boolean", *value, place),
            TermKind::Number(text) => match Number::parse(text) {
                Some(number) => self.typed("number", number, place),
                None => {
                    self.fail(term.span, "the number is too large");
                    Value::Null
                }
            },
            TermKind::String { value, .. } => self.typed("string", Value::String(Arc::clone(value)), place),
            TermKind::Template { raw, parts } => {
                let parts: Vec<Value> = parts.iter().map(|part| self.part(part, place)).collect();
                let mut value = Object::new();
                put(&mut value, "parts", if parts.is_empty() { Value::Null } else { Value::from(parts) });
                put(&mut value, "multi_line", *raw);
                self.typed("templatestring", value, place)
            }
            TermKind::Var(name) if matches!(&**name, "input" | "data") => {
                let var = self.var(name, place);
                self.typed("ref", vec![var], place)
            }
            TermKind::Var(name) => self.var(name, place),
            TermKind::Ref(reference) => {
                let parts = self.reference(reference);
                self.typed("ref", parts, place)
            }
            TermKind::Call { .. } | TermKind::Infix { .. } | TermKind::In { .. } => {
                let call = self.call(term).unwrap_or_default();
                self.typed("call", call, place)
            }
            TermKind::Array(items) => {
                let items = self.terms(items);
                self.typed("array", items, place)
            }
            TermKind::Set(items) => {
                let mut items = self.terms(items);
                items.sort_by(order);
                items.dedup_by(|a, b| order(a, b) == Ordering::Equal);
                self.typed("set", items, place)
            }
            TermKind::Object(members) => self.object(members, place),
            TermKind::ArrayComprehension(value, body) => {
                self.comprehension("arraycomprehension", &[("term", value)], body, place)
            }
            TermKind::SetComprehension(value, body) => {
                self.comprehension("setcomprehension", &[("term", value)], body, place)
            }
            TermKind::ObjectComprehension(key, value, body) => {
                self.comprehension("objectcomprehension", &[("key", key), ("value", value)], body, place)
            }
            TermKind::Parens(inner) => self.term(inner),
        }
    }

    fn object(&mut self, members: &[(Term, Term)], place: Place) -> Value {
        let members = members.iter().map(|(key, value)| (self.term(key), self.term(value)));
        let mut members: Vec<(Value, Value)> = members.collect();
        // Of several values for one key, the last one counts.
        members.reverse();
        members.sort_by(|a, b| order(&a.0, &b.0));
        members.dedup_by(|a, b| order(&a.0, &b.0) == Ordering::Equal);
        let pairs = members.into_iter().map(|(key, value)| Value::from(vec![key, value]));
        self.typed("object", pairs.collect::<Vec<_>>(), place)
    }

    fn comprehension(&mut self, name: &str, terms: &[(&str, &Term)], body: &Body, place: Place) -> Value {
        let mut value = Object::new();
        for (key, term) in terms {
            let term = self.term(term);
            put(&mut value, key, term);
        }
        let body = self.body(body);
        put(&mut value, "body", body);
        self.typed(name, value, place)
    }

    fn part(&mut self, part: &TemplatePart, place: Place) -> Value {
        match part {
            TemplatePart::Text(text) => self.typed("string", Value::String(Arc::clone(text)), place),
            TemplatePart::Expr(expr) => match &expr.kind {
                ExprKind::Term(term)
                    if expr.with.is_empty()
                        && matches!(
                            term.peeled().kind,
                            TermKind::Null
                                | TermKind::Bool(_)
                                | TermKind::Number(_)
                                | TermKind::String { .. }
                        ) =>
                {
                    self.term(term)
                }
                _ => self.expr(expr, 0),
            },
        }
    }

    /// A variable as such, even if it is `input` or `data`.
    pub(super) fn var(&mut self, name: &str, place: impl Into<Place>) -> Value {
        if name == "_" {
            let name = self.wildcard();
            return self.typed("var", name, place);
        }
        self.typed("var", name, place)
    }

    /// A name that nothing else has.
    pub(super) fn wildcard(&mut self) -> String {
        self.wildcards += 1;
        format!("${}", self.wildcards - 1)
    }

    pub(super) fn reference(&mut self, reference: &Ref) -> Vec<Value> {
        let head = match &reference.head.kind {
            TermKind::Var(name) => self.var(name, reference.head.span),
            _ => self.term(&reference.head),
        };
        let mut all = vec![head];
        for part in &reference.parts {
            all.push(match part {
                RefPart::Dot(name) => self.typed("string", Value::String(Arc::clone(&name.name)), name.span),
                RefPart::Bracket(term) => self.term(term),
            });
        }
        all
    }

    /// What is called, and its arguments; `None` for what is no call.
    fn call(&mut self, term: &Term) -> Option<Vec<Value>> {
        Some(match &term.kind {
            TermKind::Call { function, args } => {
                let operator = match &function.kind {
                    TermKind::Var(name) => {
                        let var = self.var(name, function.span);
                        self.typed("ref", vec![var], function.span)
                    }
                    _ => self.term(function),
                };
                let mut call = vec![operator];
                call.extend(self.terms(args));
                call
            }
            TermKind::Infix { op, op_span, left, right } => {
                vec![self.operator(op.function(), *op_span), self.term(left), self.term(right)]
            }
            TermKind::In { key, value, collection } => self.member(key.as_deref(), value, collection),
            _ => return None,
        })
    }

    fn member(&mut self, key: Option<&Term>, value: &Term, collection: &Term) -> Vec<Value> {
        let place = self.next_token(value.span.end, 2);
        let name = if key.is_some() { "member_3" } else { "member_2" };
        let path = vec![self.typed("var", "internal", place), self.typed("string", name, place)];
        let mut call = vec![self.typed("ref", path, place)];
        call.extend(key.map(|key| self.term(key)));
        call.push(self.term(value));
        call.push(self.term(collection));
        call
    }

    fn operator(&self, name: &str, span: Span) -> Value {
        self.typed("ref", vec![self.typed("var", name, span)], span)
    }

    /// Where something of this length stands after a term: beyond white space and comments.
    fn next_token(&self, from: u32, length: u32) -> Span {
        let text = self.source.text.get(from as usize..).unwrap_or_default();
        let mut rest = text;
        loop {
            rest = rest.trim_start();
            match rest.strip_prefix('#') {
                Some(comment) => rest = comment.split_once('\n').map_or("", |(_, after)| after),
                None => break,
            }
        }
        let start = from + (text.len() - rest.len()) as u32;
        Span { start, end: start + length }
    }

    // Conditions

    pub(super) fn body(&mut self, body: &Body) -> Value {
        let exprs = body.exprs.iter().enumerate().map(|(index, expr)| self.expr(expr, index));
        Value::from(exprs.collect::<Vec<_>>())
    }

    fn expr(&mut self, expr: &Expr, index: usize) -> Value {
        let mut out = Object::new();
        let terms = self.expr_terms(expr);
        put(&mut out, "terms", terms);
        put(&mut out, "index", index as i64);
        if expr.negated {
            put(&mut out, "negated", true);
        }
        let with = expr.with.iter().map(|with| {
            let mut out = Object::new();
            let (target, value) = (self.term(&with.target), self.term(&with.value));
            put(&mut out, "target", target);
            put(&mut out, "value", value);
            self.locate(&mut out, with.span);
            Value::from(out)
        });
        let with = with.collect();
        put_some(&mut out, "with", with);
        self.locate(&mut out, expr.span);
        Value::from(out)
    }

    fn expr_terms(&mut self, expr: &Expr) -> Value {
        match &expr.kind {
            ExprKind::Term(term) => match self.call(term.peeled()) {
                Some(call) => Value::from(call),
                None => self.term(term),
            },
            ExprKind::Assign(left, right) => self.equation("assign", left, right),
            ExprKind::Unify(left, right) => self.equation("eq", left, right),
            ExprKind::Some(names) => {
                let symbols = names.iter().map(|name| self.var(&name.name, name.span)).collect();
                self.declaration(expr, symbols)
            }
            ExprKind::SomeIn { key, value, collection } => {
                let first = key.as_ref().unwrap_or(value);
                let place = Place { at: start_of(first), text: first.span.to(collection.span) };
                let call = self.member(key.as_ref(), value, collection);
                let symbol = self.typed("call", call, place);
                self.declaration(expr, vec![symbol])
            }
            ExprKind::Every { key, value, domain, body } => {
                let mut out = Object::new();
                let mut name = |name: &Ident| self.var(&name.name, name.span);
                put(&mut out, "key", key.as_ref().map_or(Value::Null, &mut name));
                put(&mut out, "value", name(value));
                let domain = self.term(domain);
                put(&mut out, "domain", domain);
                let body = self.body(body);
                put(&mut out, "body", body);
                self.locate(&mut out, keyword(expr.span, "every"));
                Value::from(out)
            }
            ExprKind::Not(negated) => {
                let mut out = Object::new();
                put(&mut out, "type", "not");
                let body = self.body(negated);
                put(&mut out, "body", body);
                put(&mut out, "explicit_body", negated.braces);
                self.locate(&mut out, expr.span.to(negated.span));
                Value::from(out)
            }
            ExprKind::Logical { op, left, right } => {
                let mut out = Object::new();
                put(&mut out, "type", op.name());
                for (key, explicit, operand) in
                    [("lhs", "explicit_lhs", left), ("rhs", "explicit_rhs", right)]
                {
                    let body = self.body(operand);
                    put(&mut out, key, body);
                    if operand.braces {
                        put(&mut out, explicit, true);
                    }
                }
                self.locate(&mut out, left.span.to(right.span));
                Value::from(out)
            }
        }
    }

    fn equation(&mut self, name: &str, left: &Term, right: &Term) -> Value {
        let place = self.next_token(left.span.end, if name == "assign" { 2 } else { 1 });
        Value::from(vec![self.operator(name, place), self.term(left), self.term(right)])
    }

    fn declaration(&self, expr: &Expr, symbols: Vec<Value>) -> Value {
        let mut out = Object::new();
        put(&mut out, "symbols", symbols);
        self.locate(&mut out, keyword(expr.span, "some"));
        Value::from(out)
    }
}

/// Where OPA says that a term begins: at its first part, without parentheses.
pub(super) fn start_of(mut term: &Term) -> u32 {
    loop {
        term = match &term.kind {
            TermKind::Parens(inner) => inner,
            TermKind::Infix { left, .. } => left,
            TermKind::In { key, value, .. } => key.as_ref().unwrap_or(value),
            TermKind::Ref(reference) => &reference.head,
            TermKind::Call { function, .. } => function,
            _ => return term.span.start,
        }
    }
}

/// The order of terms in sets and objects: by kind, then by what they hold; places do not count.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            let unequal = a.iter().zip(b.iter()).map(|(a, b)| order(a, b)).find(|order| order.is_ne());
            unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Object(left), Value::Object(right)) => {
            let kinds = rank(a).cmp(&rank(b));
            let parts = ["terms", "symbols", "key", "term", "target", "value", "domain", "body", "with"];
            let unequal = parts.iter().map(|key| match (left.get_str(key), right.get_str(key)) {
                (Some(a), Some(b)) => order(a, b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            });
            kinds.then_with(|| unequal.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
        }
        _ => a.cmp(b),
    }
}

fn rank(term: &Value) -> usize {
    const KINDS: [&str; 14] = [
        "null",
        "boolean",
        "number",
        "string",
        "var",
        "ref",
        "array",
        "object",
        "set",
        "arraycomprehension",
        "objectcomprehension",
        "setcomprehension",
        "call",
        "templatestring",
    ];
    let name = term.get("type").and_then(|name| name.as_str().map(str::to_owned));
    KINDS.iter().position(|kind| name.as_deref() == Some(kind)).unwrap_or(KINDS.len())
}
