//! A document as an indented text, in the shape of `opa parse`.

use std::fmt::Write as _;

use crate::value::{Object, Value};

/// The text of a module's document.
pub fn pretty(module: &Value) -> String {
    let mut out = Text(String::new());
    out.line(0, "module");
    if let Some(package) = module.get("package") {
        out.line(1, "package");
        out.reference(2, package.get("path"));
    }
    for import in list(module, "imports") {
        out.line(1, "import");
        out.term(2, import.get("path"));
        out.line(2, import.get("alias").and_then(Value::as_str).unwrap_or_default());
    }
    for rule in list(module, "rules") {
        out.rule(1, rule);
    }
    for (key, name) in [("annotations", "annotations"), ("comments", "comment")] {
        list(module, key).iter().for_each(|_| out.line(1, name));
    }
    out.0
}

fn list<'v>(of: &'v Value, key: &str) -> Vec<&'v Value> {
    of.get(key).map(Value::elements).unwrap_or_default()
}

struct Text(String);

impl Text {
    fn line(&mut self, depth: usize, text: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "{:depth$}{text}", "");
    }

    fn rule(&mut self, depth: usize, rule: &Value) {
        self.line(depth, "rule");
        if let Some(head) = rule.get("head") {
            self.line(depth + 1, "head");
            self.reference(depth + 2, head.get("ref"));
            let args = list(head, "args");
            if !args.is_empty() {
                self.line(depth + 2, "args");
                args.into_iter().for_each(|arg| self.term(depth + 3, Some(arg)));
            }
            self.term(depth + 2, head.get("value"));
        }
        self.body(depth + 1, rule);
        if let Some(otherwise) = rule.get("else") {
            self.rule(depth + 1, otherwise);
        }
    }

    fn reference(&mut self, depth: usize, terms: Option<&Value>) {
        self.line(depth, "ref");
        self.terms(depth + 1, terms);
    }

    fn terms(&mut self, depth: usize, terms: Option<&Value>) {
        terms.iter().flat_map(|terms| terms.elements()).for_each(|term| self.term(depth, Some(term)));
    }

    fn body(&mut self, depth: usize, of: &Value) {
        self.line(depth, "body");
        list(of, "body").into_iter().for_each(|expr| self.expr(depth + 1, expr));
    }

    fn expr(&mut self, depth: usize, expr: &Value) {
        let negated = if expr.get("negated").is_some() { "negated " } else { "" };
        let index = expr.get("index").map(|index| index.to_string()).unwrap_or_default();
        self.line(depth, &format!("expr {negated}index={index}"));
        match expr.get("terms") {
            Some(terms @ Value::Array(_)) => self.terms(depth + 1, Some(terms)),
            Some(terms) if terms.get("symbols").is_some() => {
                self.line(depth + 1, "somedecl");
                self.terms(depth + 2, terms.get("symbols"));
            }
            Some(terms) if terms.get("domain").is_some() => {
                self.line(depth + 1, "every");
                for key in ["key", "value", "domain"] {
                    self.term(depth + 2, terms.get(key));
                }
                self.body(depth + 2, terms);
            }
            Some(terms) if terms.get("explicit_body").is_some() => {
                self.line(depth + 1, "not");
                self.body(depth + 2, terms);
            }
            Some(terms) if terms.get("lhs").is_some() => {
                self.line(depth + 1, terms.get("type").and_then(Value::as_str).unwrap_or_default());
                for key in ["lhs", "rhs"] {
                    self.line(depth + 2, key);
                    list(terms, key).into_iter().for_each(|expr| self.expr(depth + 3, expr));
                }
            }
            terms => self.term(depth + 1, terms),
        }
        for with in list(expr, "with") {
            self.line(depth + 1, "with");
            self.term(depth + 2, with.get("target"));
            self.term(depth + 2, with.get("value"));
        }
    }

    /// A term; nothing where there is none, as for the key of `every x in xs`.
    fn term(&mut self, depth: usize, term: Option<&Value>) {
        let Some(Value::Object(term)) = term else { return };
        let (Some(kind), Some(value)) = (term.get_str("type").and_then(Value::as_str), term.get_str("value"))
        else {
            return;
        };
        match (kind, value) {
            ("null", _) => self.line(depth, "null"),
            ("var", Value::String(name)) if name.starts_with('$') => self.line(depth, "_"),
            ("var", Value::String(name)) => self.line(depth, name),
            ("boolean" | "number" | "string", value) => self.line(depth, &value.to_string()),
            (kind, Value::Object(value)) => {
                self.line(depth, kind);
                self.made(depth + 1, value);
            }
            (kind, value) => {
                self.line(depth, kind);
                for part in value.elements() {
                    match part {
                        // A member of an object.
                        Value::Array(_) => self.terms(depth + 1, Some(part)),
                        part => self.term(depth + 1, Some(part)),
                    }
                }
            }
        }
    }

    /// What a comprehension or a template is made of.
    fn made(&mut self, depth: usize, value: &Object) {
        for key in ["term", "key", "value"] {
            self.term(depth, value.get_str(key));
        }
        for part in value.get_str("parts").iter().flat_map(|parts| parts.elements()) {
            if part.get("terms").is_some() { self.expr(depth, part) } else { self.term(depth, Some(part)) }
        }
        if value.get_str("body").is_some() {
            self.body(depth, &Value::from(value.clone()));
        }
    }
}
