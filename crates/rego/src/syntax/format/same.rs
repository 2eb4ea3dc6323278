//! Whether two modules say the same: their trees as texts, without what the layout may change.
//!
//! That is: places, parentheses, comments; how a text is quoted and a part of a reference written; the order of imports,
//! and those that only switch keywords on; `=` or `:=` in a head; a value or body that is just `true`; a further body or
//! a rule of its own; `p[x] { … }` of v0 or `p contains x`; `plus(a, b)` or `a + b`; what stands in a set twice.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::super::ast::{
    Body, Else, Expr, ExprKind, HeadValue, Module, Op, Ref, RefPart, Rule, TemplatePart, Term, TermKind,
};
use super::names::{infix, operator_call, operator_named, quoted, symbol};

/// A tree as a text.
struct Shape {
    out: String,
    own: Vec<Arc<str>>,
    /// Whether each `_` is told apart from every other.
    places: bool,
}

/// The members of an object, each key once: where it stands first, with the value that stands last.
pub(super) fn distinct(pairs: &[(Term, Term)]) -> Vec<(&Term, &Term)> {
    let mut members: Vec<(&Term, &Term)> = Vec::with_capacity(pairs.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    for (key, value) in pairs {
        let place = if pairs.len() > 1 { *places.entry(shape(key)).or_insert(members.len()) } else { 0 };
        match members.get_mut(place) {
            Some((_, last)) => *last = value,
            None => members.push((key, value)),
        }
    }
    members
}

/// A term as a text; equal texts are equal terms, and no `_` is like another.
pub(super) fn shape(term: &Term) -> String {
    let mut shape = Shape { out: String::new(), own: Vec::new(), places: true };
    shape.term(term);
    shape.out
}

/// A module as a text: equal texts say the same.
pub(super) fn module_shape(module: &Module) -> String {
    let own = own_operators(module);
    let mut shape = Shape { out: String::new(), own, places: false };
    for name in &module.package.path {
        shape.name(name);
    }
    let mut imports: Vec<String> = Vec::new();
    for import in &module.imports {
        if import.path.first().is_some_and(|root| matches!(&**root, "future" | "rego")) {
            continue;
        }
        let names: Vec<String> = import.path.iter().map(|name| quoted(name)).collect();
        let alias = import.alias.as_ref().map_or("", |alias| &alias.name);
        imports.push(format!("\nimport {} as {alias}", names.join(".")));
    }
    imports.sort();
    shape.out.push_str(&imports.concat());
    for rule in &module.rules {
        shape.rule(rule);
    }
    shape.out
}

/// Rules that have the name of an operator.
pub(super) fn own_operators(module: &Module) -> Vec<Arc<str>> {
    let own = |rule: &Rule| match &rule.head.name.head.kind {
        TermKind::Var(name) if operator_named(name).is_some() => Some(name.clone()),
        _ => None,
    };
    module.rules.iter().filter_map(own).collect()
}

/// A body that says nothing: `{ true }`.
pub(super) fn always(body: &Body) -> bool {
    matches!(body.exprs.as_slice(), [expr] if !expr.negated && expr.with.is_empty()
        && matches!(&expr.kind, ExprKind::Term(term) if is_true(term)))
}

/// Whether it is `true`.
pub(super) fn is_true(term: &Term) -> bool {
    matches!(term.peeled().kind, TermKind::Bool(true))
}

impl Shape {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn name(&mut self, name: &str) {
        let text = quoted(name);
        self.push(".");
        self.push(&text);
    }

    fn rule(&mut self, rule: &Rule) {
        let bodies = std::iter::once(rule.body.as_ref()).chain(rule.chained.iter().map(Some));
        for (index, body) in bodies.enumerate() {
            self.head(rule);
            let elses = if index == 0 { rule.elses.as_slice() } else { &[] };
            self.rule_body(body, elses.is_empty());
            for (index, other) in elses.iter().enumerate() {
                self.otherwise(other, index + 1 == elses.len());
            }
        }
    }

    fn head(&mut self, rule: &Rule) {
        self.push(if rule.default { "\ndefault " } else { "\n" });
        let head = &rule.head;
        let element = head.old_element();
        self.term(&head.name.head);
        if element.is_none() {
            self.parts(&head.name.parts);
        }
        if let Some(args) = head.args.as_ref().filter(|args| !args.is_empty()) {
            self.list("(", args);
        }
        match (&head.value, element) {
            (_, Some(element)) => {
                self.push(" contains ");
                self.part(element);
            }
            (HeadValue::Contains(element), _) => {
                self.push(" contains [");
                self.term(element);
                self.push("]");
            }
            (HeadValue::Value { value, .. }, _) => {
                self.push(" := ");
                self.term(value);
            }
            (HeadValue::Implied, _) => self.push(" := true"),
        }
    }

    fn rule_body(&mut self, body: Option<&Body>, last: bool) {
        match body {
            Some(body) if !(last && always(body)) => {
                self.push(" if ");
                self.body(body);
            }
            _ => {}
        }
    }

    fn otherwise(&mut self, other: &Else, last: bool) {
        self.push(" else ");
        match &other.value {
            Some(value) => self.term(&value.value),
            None => self.push("true"),
        }
        self.rule_body(other.body.as_ref(), last);
    }

    fn body(&mut self, body: &Body) {
        self.push("{");
        for expr in &body.exprs {
            self.expr(expr);
            self.push(";");
        }
        self.push("}");
    }

    /// Braces give names a scope of their own.
    fn operand(&mut self, body: &Body) {
        self.push(if body.braces { " {}" } else { " " });
        self.body(body);
    }

    fn pair(&mut self, left: &Term, sign: &str, right: &Term) {
        self.term(left);
        self.push(sign);
        self.term(right);
    }

    fn expr(&mut self, expr: &Expr) {
        self.push(if expr.negated { "not " } else { "" });
        match &expr.kind {
            ExprKind::Term(term) => match operator_call(term.peeled(), &self.own) {
                Some((op, [left, right, result])) => {
                    self.term(result);
                    self.push(" = ");
                    self.operator(op, left, right);
                }
                _ => self.term(term),
            },
            ExprKind::Assign(left, right) => self.pair(left, " := ", right),
            ExprKind::Unify(left, right) => self.pair(left, " = ", right),
            ExprKind::Some(names) => {
                self.push("some");
                names.iter().for_each(|name| self.name(&name.name));
            }
            ExprKind::SomeIn { key, value, collection } => {
                self.push("some ");
                self.membership(key.as_ref(), value, collection);
            }
            ExprKind::Every { key, value, domain, body } => {
                self.push("every");
                key.iter().chain([value]).for_each(|name| self.name(&name.name));
                self.push(" in ");
                self.term(domain);
                self.body(body);
            }
            ExprKind::Not(body) => {
                self.push("not");
                self.operand(body);
            }
            ExprKind::Logical { op, left, right } => {
                self.push("(");
                self.operand(left);
                self.push(op.name());
                self.operand(right);
                self.push(")");
            }
        }
        for with in &expr.with {
            self.push(" with ");
            self.pair(&with.target, " as ", &with.value);
        }
    }

    fn membership(&mut self, key: Option<&Term>, value: &Term, collection: &Term) {
        self.push("(");
        if let Some(key) = key {
            self.term(key);
            self.push(", ");
        }
        self.pair(value, " in ", collection);
        self.push(")");
    }

    fn operator(&mut self, op: Op, left: &Term, right: &Term) {
        self.push("(");
        self.pair(left, symbol(op), right);
        self.push(")");
    }

    fn list(&mut self, open: &str, terms: &[Term]) {
        self.push(open);
        for term in terms {
            self.term(term);
            self.push(", ");
        }
        self.push(match open {
            "(" => ")",
            "[" => "]",
            _ => "}",
        });
    }

    fn parts(&mut self, parts: &[RefPart]) {
        parts.iter().for_each(|part| self.part(part));
    }

    fn part(&mut self, part: &RefPart) {
        match part {
            RefPart::Dot(name) => {
                let text = quoted(&name.name);
                self.push("[");
                self.push(&text);
            }
            RefPart::Bracket(term) => {
                self.push("[");
                self.term(term);
            }
        }
        self.push("]");
    }

    fn term(&mut self, term: &Term) {
        // Operators in a row are a tree that is as high as there are operators.
        stacker::maybe_grow(64 << 10, 1 << 20, || self.term_here(term.peeled()));
    }

    fn term_here(&mut self, term: &Term) {
        if let Some((op, left, right)) = infix(term, &self.own) {
            return self.operator(op, left, right);
        }
        match &term.kind {
            TermKind::Null => self.push("null"),
            TermKind::Bool(value) => self.push(if *value { "true" } else { "false" }),
            TermKind::Number(number) => self.push(number),
            TermKind::String { value, .. } => {
                let text = quoted(value);
                self.push(&text);
            }
            TermKind::Template { raw, parts } => self.template(*raw, parts),
            TermKind::Var(name) if self.places && &**name == "_" => {
                let place = format!("_{}", term.span.start);
                self.push(&place);
            }
            TermKind::Var(name) => self.push(name),
            TermKind::Ref(Ref { head, parts, .. }) => {
                self.term(head);
                self.parts(parts);
            }
            TermKind::Call { function, args } => {
                self.term(function);
                self.list("(", args);
            }
            TermKind::In { key, value, collection } => self.membership(key.as_deref(), value, collection),
            TermKind::Array(terms) => self.list("[", terms),
            TermKind::Set(terms) => self.set(terms),
            TermKind::Object(pairs) => {
                self.push("{object ");
                for (key, value) in distinct(pairs) {
                    self.pair(key, ": ", value);
                    self.push(", ");
                }
                self.push("}");
            }
            TermKind::ArrayComprehension(head, body) => self.comprehension("[", None, head, body),
            TermKind::SetComprehension(head, body) => self.comprehension("{", None, head, body),
            TermKind::ObjectComprehension(key, value, body) => {
                self.comprehension("{", Some(key), value, body)
            }
            TermKind::Infix { .. } | TermKind::Parens(_) => {}
        }
    }

    fn template(&mut self, raw: bool, parts: &[TemplatePart]) {
        self.push(if raw { "$raw{" } else { "${" });
        for part in parts {
            match part {
                TemplatePart::Text(text) => {
                    let text = quoted(text);
                    self.push(&text);
                }
                TemplatePart::Expr(expr) => self.expr(expr),
            }
            self.push(",");
        }
        self.push("}");
    }

    fn set(&mut self, terms: &[Term]) {
        let mut seen = HashSet::new();
        self.push("{set ");
        for term in terms {
            if terms.len() == 1 || seen.insert(shape(term)) {
                self.term(term);
                self.push(", ");
            }
        }
        self.push("}");
    }

    fn comprehension(&mut self, open: &str, key: Option<&Term>, head: &Term, body: &Body) {
        self.push(open);
        if let Some(key) = key {
            self.term(key);
            self.push(": ");
        }
        self.term(head);
        self.push(" | ");
        self.body(body);
        self.push(open);
    }
}
