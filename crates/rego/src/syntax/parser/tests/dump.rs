//! A tree as text, every grouping shown, places and parentheses left out.

use crate::syntax::ast::*;

pub fn terms(all: &[Term]) -> String {
    all.iter().map(term).collect::<Vec<_>>().join(" ")
}

pub fn term(term: &Term) -> String {
    match &term.kind {
        TermKind::Null => "null".into(),
        TermKind::Bool(value) => value.to_string(),
        TermKind::Number(text) => text.to_string(),
        TermKind::String { value, .. } => format!("{value:?}"),
        TermKind::Template { parts, .. } => {
            let parts = parts.iter().map(|part| match part {
                TemplatePart::Text(text) => format!(" {text:?}"),
                TemplatePart::Expr(inner) => format!(" {}", expr(inner)),
            });
            format!("($ {})", parts.collect::<String>())
        }
        TermKind::Var(name) => name.to_string(),
        TermKind::Ref(inner) => reference(inner),
        TermKind::Call { function, args } => format!("(call {} {})", self::term(function), terms(args)),
        TermKind::Infix { op, left, right, .. } => {
            format!("({op:?} {} {})", self::term(left), self::term(right))
        }
        TermKind::In { key, value, collection } => {
            let key = key.as_ref().map(|key| self::term(key) + " ").unwrap_or_default();
            format!("(in {key}{} {})", self::term(value), self::term(collection))
        }
        TermKind::Array(all) => format!("[{}]", terms(all)),
        TermKind::Set(all) => format!("(set {})", terms(all)),
        TermKind::Object(pairs) => {
            let pairs = pairs.iter().map(|(k, v)| format!("{}:{}", self::term(k), self::term(v)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(" "))
        }
        TermKind::ArrayComprehension(head, inner) => format!("[{} | {}]", self::term(head), body(inner)),
        TermKind::SetComprehension(head, inner) => format!("{{{} | {}}}", self::term(head), body(inner)),
        TermKind::ObjectComprehension(key, value, inner) => {
            format!("{{{}:{} | {}}}", self::term(key), self::term(value), body(inner))
        }
        TermKind::Parens(inner) => self::term(inner),
    }
}

pub fn reference(inner: &Ref) -> String {
    let parts = inner.parts.iter().map(|part| match part {
        RefPart::Dot(name) => format!("[{:?}]", name.name),
        RefPart::Bracket(inner) => format!("[{}]", term(inner)),
    });
    term(&inner.head) + &parts.collect::<String>()
}

pub fn body(inner: &Body) -> String {
    inner.exprs.iter().map(expr).collect::<Vec<_>>().join("; ")
}

fn operand(inner: &Body) -> String {
    if inner.braces { format!("{{{}}}", body(inner)) } else { body(inner) }
}

pub fn expr(inner: &Expr) -> String {
    let names = |all: &[Ident]| all.iter().map(|name| &*name.name).collect::<Vec<_>>().join(" ");
    let kind = match &inner.kind {
        ExprKind::Term(one) => term(one),
        ExprKind::Assign(left, right) => format!("(:= {} {})", term(left), term(right)),
        ExprKind::Unify(left, right) => format!("(= {} {})", term(left), term(right)),
        ExprKind::Some(all) => format!("(some {})", names(all)),
        ExprKind::SomeIn { key, value, collection } => {
            let key = key.as_ref().map(|key| term(key) + " ").unwrap_or_default();
            format!("(some-in {key}{} {})", term(value), term(collection))
        }
        ExprKind::Every { key, value, domain, body: inner } => {
            let key = key.as_ref().map(|key| format!("{} ", key.name)).unwrap_or_default();
            format!("(every {key}{} {} {})", value.name, term(domain), body(inner))
        }
        ExprKind::Not(inner) => format!("(not {})", operand(inner)),
        ExprKind::Logical { op, left, right } => {
            format!("({} {} {})", op.name(), operand(left), operand(right))
        }
    };
    let not = if inner.negated { "not " } else { "" };
    let with = inner.with.iter().map(|with| format!(" with {} as {}", term(&with.target), term(&with.value)));
    format!("{not}{kind}{}", with.collect::<String>())
}

pub fn rule(rule: &Rule) -> String {
    let default = if rule.default { "default " } else { "" };
    let mut out = format!("{default}{}", reference(&rule.head.name));
    if let Some(args) = &rule.head.args {
        out += &format!("({})", terms(args));
    }
    match &rule.head.value {
        HeadValue::Implied => {}
        HeadValue::Value { assigned, value } => {
            out += &format!(" {} {}", if *assigned { ":=" } else { "=" }, term(value));
        }
        HeadValue::Contains(value) => out += &format!(" contains {}", term(value)),
    }
    out += &rule.body.as_ref().map(|inner| format!(" if {}", body(inner))).unwrap_or_default();
    for other in &rule.elses {
        out += " else";
        out += &other.value.as_ref().map(|value| format!(" {}", term(&value.value))).unwrap_or_default();
        out += &other.body.as_ref().map(|inner| format!(" if {}", body(inner))).unwrap_or_default();
    }
    for inner in &rule.chained {
        out += &format!(" also {}", body(inner));
    }
    out
}

pub fn module(module: &Module) -> String {
    let imports = module.imports.iter().map(|import| {
        let alias = import.alias.as_ref().map(|alias| format!(" as {}", alias.name)).unwrap_or_default();
        format!("import {}{alias}\n", import.path.join("/"))
    });
    let rules = module.rules.iter().map(|one| rule(one) + "\n");
    format!(
        "package {}\n{}{}",
        module.package.path.join("/"),
        imports.collect::<String>(),
        rules.collect::<String>()
    )
}
