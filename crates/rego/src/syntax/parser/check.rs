//! Checks of rules beyond the grammar.

use std::collections::HashSet;

use super::super::ast::{ExprKind, Head, HeadValue, RefPart, Rule, TemplatePart, Term, TermKind, Version};
use super::super::error::Error;
use super::super::hints;
use super::super::token::Kind;
use super::type_name::type_name;
use super::{Parsed, Parser, fail};

impl Parser<'_> {
    /// A rule without a body that is not `p contains x`.
    pub(super) fn check_bare(&self, rule: &Rule, apart: bool) -> Parsed<()> {
        let Head { name, args, value, .. } = &rule.head;
        let error = |message: &str| Err(fail(rule.span, message));
        match self.kind() {
            Kind::With => return error("expressions using with keyword cannot be used for rule head"),
            Kind::Semicolon => return error("multiple expressions cannot be used for rule head"),
            kind if kind.is_operator() || kind == Kind::In => {
                return error("rule name conflicts with built-in function");
            }
            _ => {}
        }
        match (value, args) {
            _ if matches!(self.source.slice(name.span), "and" | "or") && args.is_none() => {
                let word = self.source.slice(name.span);
                let hint = format!("`import future.keywords.{word}` makes `{word}` a keyword");
                Err(Box::new(fail(rule.span, "var cannot be used for rule name").with_hint(hint)))
            }
            _ if apart => error("var cannot be used for rule name"),
            (HeadValue::Implied, Some(args)) if args.is_empty() => {
                error("rule argument list must take at least one argument")
            }
            (HeadValue::Implied, Some(_)) if (self.options.is_builtin)(self.source.slice(name.span)) => {
                error("rule name conflicts with built-in function")
            }
            (HeadValue::Implied, None) if name.parts.is_empty() => {
                error(&format!("{} cannot be used for rule name", type_name(&name.head)))
            }
            _ => Ok(()),
        }
    }

    /// `and` or `or` behind a value, which it could only be a part of.
    pub(super) fn no_value(&self, rule: &Rule) -> Box<Error> {
        let word = self.kind().name();
        let hint = format!("`{word}` gives no value; it joins conditions: `if … {word} …`");
        Box::new(fail(rule.span, "expression cannot be used for rule head").with_hint(hint))
    }

    /// A default rule: a constant for a name or for a function of distinct variables.
    pub(super) fn check_default(&self, rule: &Rule) -> Parsed<()> {
        let Head { name, args, value, .. } = &rule.head;
        let args = args.as_deref().unwrap_or_default();
        let error = |message: String| Err(fail(rule.span, format!("illegal default rule ({message})")));
        match value {
            HeadValue::Contains(_) => return error("must have a value".into()),
            HeadValue::Implied if name.parts.len() == 1 && args.is_empty() => {
                return error("must have a value".into());
            }
            HeadValue::Implied => {}
            HeadValue::Value { value, .. } => {
                if let Some(variable) = not_constant(value) {
                    return error(format!("value cannot contain {variable}"));
                }
            }
        }
        let mut seen = HashSet::new();
        for arg in args {
            match &arg.kind {
                TermKind::Var(name) if matches!(&**name, "input" | "data") => {
                    return error("arguments cannot contain ref".into());
                }
                TermKind::Var(name) => {
                    if &**name != "_" && !seen.insert(name) {
                        return error(format!("arguments cannot be repeated {name}"));
                    }
                }
                _ => return error(format!("arguments cannot contain {}", type_name(arg))),
            }
        }
        Ok(())
    }

    /// What v1 asks for and v0 does not.
    pub(super) fn check_v1(&mut self, rule: &Rule, has_if: bool) {
        let Head { name, args, value, .. } = &rule.head;
        let element = rule.head.old_element().map(|part| match part {
            RefPart::Dot(name) => &*name.name,
            RefPart::Bracket(term) => self.source.slice(term.span),
        });
        let function = args.as_ref().is_some_and(|args| !args.is_empty());
        let sort = if function { "function" } else { "rule" };
        let mut messages: Vec<(String, String)> = Vec::new();
        if let TermKind::Var(name) = &name.head.kind
            && rule.head.name.parts.is_empty()
            && Kind::is_v1_keyword(name)
        {
            let hint = "it became a keyword with OPA 1.0: rename the rule, or read the file as v0 (`--v0-compatible`)";
            messages.push((format!("{name} keyword cannot be used for rule name"), hint.to_owned()));
        }
        let implied = matches!(value, HeadValue::Implied);
        if rule.body.is_none() && !rule.default && implied && !function && name.parts.len() > 1 {
            let hint = "write `:= true` behind it, or `contains` before the last part, whichever is meant";
            messages.push((
                format!("{sort} must have value assignment and/or body declaration"),
                hint.to_owned(),
            ));
        }
        if rule.body.is_some() && !has_if {
            let word = self.source.slice(name.head.span);
            let hint = hints::leading(word)
                .unwrap_or_else(|| "write `if` before the `{`".to_owned() + &self.way_from_v0());
            messages.push((format!("`if` keyword is required before {sort} body"), hint));
        }
        if rule.head.element {
            let (name, element) = (self.source.slice(name.head.span), element.unwrap_or("x"));
            let hint = format!("write `{name} contains {element}`, not `{name}[{element}]`");
            let message = "`contains` keyword is required for partial set rules".to_owned();
            messages.push((message, hint + &self.way_from_v0()));
        }
        for (message, hint) in messages {
            self.report(&fail(rule.span, message).with_hint(hint));
        }
    }

    /// The other way on where the text is Rego v0: said only if it is, as nothing converts a mixture.
    fn way_from_v0(&mut self) -> String {
        let (source, options) = (self.source, self.options);
        // Once is enough.
        let said = self.asked_for_v0;
        self.asked_for_v0 = true;
        if said || self.asked == Version::V0 || super::parse_module(source, Version::V0, options).is_err() {
            return String::new();
        }
        format!("; the file is Rego v0, which `verdict fmt --v0-v1 -w {}` rewrites", source.name)
    }
}

/// Whether a rule with this head has a key in OPA's eyes: `p contains x`, `p[x]` without `if`, or `p[a.b] if`.
pub(super) fn multi_value(head: &Head, has_if: bool) -> bool {
    let function = head.args.as_ref().is_some_and(|args| !args.is_empty());
    match &head.value {
        HeadValue::Contains(_) => true,
        _ if function || head.name.parts.len() != 1 => false,
        _ if !has_if => true,
        _ => head.name.parts.iter().any(|part| matches!(part, RefPart::Bracket(term) if is_ref(term))),
    }
}

fn is_ref(term: &Term) -> bool {
    type_name(term) == "ref"
}

/// The term within parentheses.
pub(super) fn peel(mut term: Term) -> Term {
    while let TermKind::Parens(inner) = term.kind {
        term = *inner;
    }
    term
}

/// Whether it is a set literal.
pub(super) fn is_set(term: &Term) -> bool {
    matches!(term.peeled().kind, TermKind::Set(_))
}

/// Whether a part of a rule's name holds a variable.
pub(super) fn varies(part: &RefPart) -> bool {
    match part {
        RefPart::Dot(_) => false,
        RefPart::Bracket(term) => has_variable(term),
    }
}

fn has_variable(term: &Term) -> bool {
    let any = |terms: &[Term]| terms.iter().any(has_variable);
    match &term.peeled().kind {
        TermKind::Var(name) => !matches!(&**name, "input" | "data"),
        TermKind::Ref(reference) => reference.parts.iter().any(varies),
        TermKind::Call { args, .. } => any(args),
        TermKind::Infix { left, right, .. } => has_variable(left) || has_variable(right),
        TermKind::In { key, value, collection } => {
            key.as_deref().is_some_and(has_variable) || has_variable(value) || has_variable(collection)
        }
        TermKind::Array(terms) | TermKind::Set(terms) => any(terms),
        TermKind::Object(pairs) => pairs.iter().any(|(key, value)| has_variable(key) || has_variable(value)),
        TermKind::ArrayComprehension(..)
        | TermKind::SetComprehension(..)
        | TermKind::ObjectComprehension(..) => true,
        _ => false,
    }
}

/// The first thing in a term that is no constant; comprehensions count as constants here.
fn not_constant(term: &Term) -> Option<&'static str> {
    let term = term.peeled();
    match &term.kind {
        TermKind::Array(terms) | TermKind::Set(terms) => terms.iter().find_map(not_constant),
        TermKind::Object(pairs) => {
            pairs.iter().find_map(|(key, value)| not_constant(key).or_else(|| not_constant(value)))
        }
        TermKind::Template { parts, .. } => parts.iter().find_map(|part| match part {
            TemplatePart::Expr(expr) => match &expr.kind {
                ExprKind::Term(term) => not_constant(term),
                _ => None,
            },
            TemplatePart::Text(_) => None,
        }),
        _ => match type_name(term) {
            name @ ("var" | "ref" | "call") => Some(name),
            _ => None,
        },
    }
}
