//! The plain form of a module: Rego v1 with as little of the language as says the same, for evaluators that know less.
//!
//! Template strings become calls of `sprintf`, names that are keywords stand in brackets, bodies in braces, terms with
//! operators in parentheses; conditions with `and`, `or` or the `not` of the future count the ways in which they hold (and
//! look at every operand); what is only a way of writing (v0, `else` without a value, raw strings) is written out.
//! Comments are left out.

use std::fmt::Write as _;

use super::ast::{
    Body, Connective, Expr, ExprKind, Head, HeadValue, Ident, Module, Op, Ref, RefPart, Rule, TemplatePart,
    Term, TermKind,
};

/// Names that cannot be written behind a dot, or as variables, everywhere.
const KEYWORDS: [&str; 16] = [
    "as", "contains", "default", "else", "every", "false", "if", "import", "in", "not", "null", "package",
    "some", "true", "with", "set",
];

/// The plain form.
///
/// # Errors
/// The name of a v0 variable or rule that is a keyword in v1, and so has no plain form.
pub fn plain(module: &Module) -> Result<String, String> {
    let mut printer = Printer { out: String::new(), refused: None };
    printer.module(module);
    match printer.refused {
        Some(name) => Err(name),
        None => Ok(printer.out),
    }
}

struct Printer {
    out: String,
    refused: Option<String>,
}

impl Printer {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn module(&mut self, module: &Module) {
        self.put("package ");
        self.path(module.package.path.iter().map(|part| &**part));
        self.put("\n");
        for import in &module.imports {
            if import.path.first().is_some_and(|root| matches!(&**root, "future" | "rego")) {
                continue;
            }
            self.put("import ");
            self.path(import.path.iter().map(|part| &**part));
            if let Some(alias) = &import.alias {
                self.put(" as ");
                self.name(&alias.name);
            }
            self.put("\n");
        }
        module.rules.iter().for_each(|rule| self.rule(rule));
    }

    fn path<'a>(&mut self, mut parts: impl Iterator<Item = &'a str>) {
        self.put(parts.next().unwrap_or_default());
        parts.for_each(|part| self.part(part));
    }

    /// A constant part of a reference.
    fn part(&mut self, name: &str) {
        let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !KEYWORDS.contains(&name);
        if plain {
            let _ = write!(self.out, ".{name}");
        } else {
            self.put("[");
            self.string(name);
            self.put("]");
        }
    }

    fn name(&mut self, name: &str) {
        if KEYWORDS.contains(&name) {
            self.refused.get_or_insert_with(|| name.to_owned());
        }
        self.put(name);
    }

    fn rule(&mut self, rule: &Rule) {
        let bodies = rule.body.iter().map(Some).chain(rule.chained.iter().map(Some));
        let bodies: Vec<Option<&Body>> = if rule.body.is_none() { vec![None] } else { bodies.collect() };
        for body in bodies {
            self.put(if rule.default { "\ndefault " } else { "\n" });
            self.head(&rule.head);
            self.if_body(body);
            for other in &rule.elses {
                self.put(" else := ");
                match &other.value {
                    Some(value) => self.term(&value.value),
                    None => self.put("true"),
                }
                self.if_body(other.body.as_ref());
            }
            self.put("\n");
        }
    }

    fn head(&mut self, head: &Head) {
        if let Some(element) = head.old_element() {
            self.term(&head.name.head);
            self.put(" contains ");
            match element {
                RefPart::Dot(name) => self.string(&name.name),
                RefPart::Bracket(element) => self.term(element),
            }
            return;
        }
        self.reference(&head.name);
        if let Some(args) = &head.args {
            self.put("(");
            self.list(args);
            self.put(")");
        }
        match &head.value {
            HeadValue::Implied => self.put(" := true"),
            HeadValue::Value { value, .. } => {
                self.put(" := ");
                self.term(value);
            }
            HeadValue::Contains(value) => {
                self.put(" contains ");
                self.term(value);
            }
        }
    }

    fn if_body(&mut self, body: Option<&Body>) {
        if let Some(body) = body {
            self.put(" if {\n");
            for expr in &body.exprs {
                self.put("\t");
                self.expr(expr);
                self.put("\n");
            }
            self.put("}");
        }
    }

    /// A body on one line.
    fn inline(&mut self, body: &Body) {
        for (n, expr) in body.exprs.iter().enumerate() {
            self.put(if n == 0 { "" } else { "; " });
            self.expr(expr);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        self.put(if expr.negated { "not " } else { "" });
        match &expr.kind {
            ExprKind::Term(term) => self.term(term),
            ExprKind::Assign(left, right) => self.infix(left, " := ", right),
            ExprKind::Unify(left, right) => self.infix(left, " = ", right),
            ExprKind::Some(vars) => {
                self.put("some ");
                self.idents(vars);
            }
            ExprKind::SomeIn { key, value, collection } => {
                self.put("some ");
                self.member(key.as_ref(), value, collection);
            }
            ExprKind::Every { key, value, domain, body } => {
                self.put("every ");
                let names: Vec<Ident> = key.iter().chain([value]).cloned().collect();
                self.idents(&names);
                self.put(" in ");
                self.term(domain);
                self.put(" { ");
                self.inline(body);
                self.put(" }");
            }
            ExprKind::Not(body) => {
                self.ways(body);
                self.put(" == 0");
            }
            ExprKind::Logical { op: Connective::Or, left, right } => {
                self.ways(left);
                self.put(" + ");
                self.ways(right);
                self.put(" > 0");
            }
            ExprKind::Logical { op: Connective::And, left, right } => {
                self.ways(left);
                self.put(" * ");
                self.ways(right);
                self.put(" > 0");
            }
        }
        for with in &expr.with {
            self.put(" with ");
            self.term(&with.target);
            self.put(" as ");
            self.term(&with.value);
        }
    }

    /// In how many ways a body holds that binds nothing for what is around it.
    fn ways(&mut self, body: &Body) {
        self.put("count([1 | ");
        self.inline(body);
        self.put("])");
    }

    fn idents(&mut self, names: &[Ident]) {
        for (n, name) in names.iter().enumerate() {
            self.put(if n == 0 { "" } else { ", " });
            self.name(&name.name);
        }
    }

    fn infix(&mut self, left: &Term, op: &str, right: &Term) {
        self.term(left);
        self.put(op);
        self.term(right);
    }

    fn member(&mut self, key: Option<&Term>, value: &Term, collection: &Term) {
        if let Some(key) = key {
            self.term(key);
            self.put(", ");
        }
        self.infix(value, " in ", collection);
    }

    fn list(&mut self, terms: &[Term]) {
        for (n, term) in terms.iter().enumerate() {
            self.put(if n == 0 { "" } else { ", " });
            self.term(term);
        }
    }

    fn term(&mut self, term: &Term) {
        match &term.kind {
            TermKind::Null => self.put("null"),
            TermKind::Bool(value) => self.put(if *value { "true" } else { "false" }),
            TermKind::Number(number) => self.put(number),
            TermKind::String { value, .. } => self.string(value),
            TermKind::Template { parts, .. } => self.template(parts),
            TermKind::Var(name) => self.name(name),
            TermKind::Ref(reference) => self.reference(reference),
            TermKind::Call { function, args } => {
                self.term(function);
                self.put("(");
                self.list(args);
                self.put(")");
            }
            TermKind::Infix { op, left, right, .. } => {
                self.put("(");
                self.infix(left, operator(*op), right);
                self.put(")");
            }
            TermKind::In { key, value, collection } => {
                self.put("(");
                self.member(key.as_deref(), value, collection);
                self.put(")");
            }
            TermKind::Array(items) => {
                self.put("[");
                self.list(items);
                self.put("]");
            }
            TermKind::Set(items) if items.is_empty() => self.put("set()"),
            TermKind::Set(items) => {
                self.put("{");
                self.list(items);
                self.put("}");
            }
            TermKind::Object(members) => {
                for (n, (key, value)) in members.iter().enumerate() {
                    self.put(if n == 0 { "{" } else { ", " });
                    self.infix(key, ": ", value);
                }
                self.put(if members.is_empty() { "{}" } else { "}" });
            }
            TermKind::ArrayComprehension(item, body) => self.comprehension("[", item, None, body, "]"),
            TermKind::SetComprehension(item, body) => self.comprehension("{", item, None, body, "}"),
            TermKind::ObjectComprehension(key, value, body) => {
                self.comprehension("{", key, Some(value), body, "}");
            }
            TermKind::Parens(inner) => self.term(inner),
        }
    }

    fn comprehension(&mut self, open: &str, item: &Term, value: Option<&Term>, body: &Body, close: &str) {
        self.put(open);
        self.term(item);
        if let Some(value) = value {
            self.put(": ");
            self.term(value);
        }
        self.put(" | ");
        self.inline(body);
        self.put(close);
    }

    fn reference(&mut self, reference: &Ref) {
        self.term(&reference.head);
        for part in &reference.parts {
            match part {
                RefPart::Dot(name) => self.part(&name.name),
                RefPart::Bracket(term) => {
                    self.put("[");
                    self.term(term);
                    self.put("]");
                }
            }
        }
    }

    /// `sprintf` with a `%v` for each expression; one that is undefined says so.
    fn template(&mut self, parts: &[TemplatePart]) {
        let mut format = String::new();
        for part in parts {
            match part {
                TemplatePart::Text(text) => format.push_str(&text.replace('%', "%%")),
                TemplatePart::Expr(_) => format.push_str("%v"),
            }
        }
        self.put("sprintf(");
        self.string(&format);
        self.put(", [");
        let exprs = parts.iter().filter_map(|part| match part {
            TemplatePart::Expr(expr) => Some(expr),
            TemplatePart::Text(_) => None,
        });
        for (n, expr) in exprs.enumerate() {
            let _ = write!(self.out, "{}array.concat([p_{n}__ | p_{n}__ := ", if n == 0 { "" } else { ", " });
            self.expr(expr);
            self.put("], [\"<undefined>\"])[0]");
        }
        self.put("])");
    }

    fn string(&mut self, text: &str) {
        self.out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

const fn operator(op: Op) -> &'static str {
    match op {
        Op::Equal => " == ",
        Op::NotEqual => " != ",
        Op::Less => " < ",
        Op::LessEqual => " <= ",
        Op::Greater => " > ",
        Op::GreaterEqual => " >= ",
        Op::Plus => " + ",
        Op::Minus => " - ",
        Op::Times => " * ",
        Op::Divide => " / ",
        Op::Remainder => " % ",
        Op::And => " & ",
        Op::Or => " | ",
        Op::Assign => " := ",
        Op::Unify => " = ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::ast::Version;
    use crate::syntax::parser::{Options, parse_module};
    use crate::syntax::source::Source;

    fn plain_of(text: &str, version: Version) -> Result<String, String> {
        let source = Source::new("a.rego", text);
        plain(&parse_module(&source, version, Options::default()).unwrap())
    }

    #[test]
    fn what_is_a_way_of_writing_is_written_out() {
        let head = "package app\n";
        for (version, text, expected) in [
            (
                Version::V0,
                "p { input.x } { input.y }",
                "\np := true if {\n\tinput.x\n}\n\np := true if {\n\tinput.y\n}\n",
            ),
            (Version::V0, "p[x] { x := 1 }", "\np contains x if {\n\tx := 1\n}\n"),
            (Version::V1, "p := `a\\b`", "\np := \"a\\\\b\"\n"),
            (Version::V1, "p if input.some.x.in", "\np := true if {\n\tinput[\"some\"].x[\"in\"]\n}\n"),
            (
                Version::V1,
                "p := $\"50% of {input.x}\"",
                "\np := sprintf(\"50%% of %v\", [array.concat([p_0__ | p_0__ := input.x], [\"<undefined>\"])[0]])\n",
            ),
            (
                Version::V2,
                "p if not { input.x } or input.y and input.z",
                "\np := true if {\n\tcount([1 | count([1 | input.x]) == 0]) + count([1 | count([1 | input.y]) * count([1 | input.z]) > 0]) > 0\n}\n",
            ),
            (Version::V1, "p if 1 + 2 * 3 == 7 # seven", "\np := true if {\n\t((1 + (2 * 3)) == 7)\n}\n"),
            (
                Version::V1,
                "p := 1 if { input.x } else if { input.y }",
                "\np := 1 if {\n\tinput.x\n} else := true if {\n\tinput.y\n}\n",
            ),
        ] {
            assert_eq!(
                plain_of(&format!("{head}{text}"), version),
                Ok(format!("{head}{expected}")),
                "{text}"
            );
        }
        assert_eq!(plain_of("package a\nin { true }", Version::V0), Err("in".to_owned()));
    }
}
