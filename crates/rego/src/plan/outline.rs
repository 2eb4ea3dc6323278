//! An outline of a module: its conditions, heads and titles, for output to people.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::syntax::annotations::{Scope, Target, annotations};
use crate::syntax::ast::{Body, Else, Expr, ExprKind, HeadValue, Module, Rule, TermKind};
use crate::syntax::source::Span;
use crate::syntax::visit::{Visitor, walk_expr, walk_module, walk_rule};

/// The places of one module's conditions and heads, and the titles of its rules.
#[derive(Debug, Default)]
pub struct Outline {
    /// Every condition, those within others behind them; sorted.
    pub expressions: Vec<Span>,
    /// Those that begin with `some`, which OPA does not miss where they did not run.
    pub declarations: HashSet<Span>,
    /// Every rule's head; sorted.
    pub heads: Vec<Span>,
    /// Every `else` with its value; in the order of the text.
    pub elses: Vec<Span>,
    /// The values of rules that have no conditions, by where their heads begin.
    pub values: BTreeMap<u32, Span>,
    /// The title that a `# METADATA` block gives to the rule whose head begins at a place.
    titles: HashMap<u32, Arc<str>>,
}

impl Outline {
    /// The outline of a module.
    pub fn of(module: &Module) -> Self {
        let mut outline = Self::default();
        walk_module(&mut outline, module);
        outline.expressions.sort_by_key(|span| (span.start, Reverse(span.end)));
        outline.heads.sort();
        outline.read_titles(module);
        outline
    }

    /// The outline of a query, which has conditions only.
    pub fn of_query(body: &Body) -> Self {
        let mut outline = Self::default();
        outline.body(body);
        outline.expressions.sort_by_key(|span| (span.start, Reverse(span.end)));
        outline
    }

    /// The innermost condition that contains a place.
    pub fn expression(&self, place: Span) -> Option<Span> {
        let before = self.expressions.partition_point(|span| span.start <= place.start);
        self.expressions.iter().take(before).rev().find(|span| span.end >= place.end).copied()
    }

    /// The title of the rule whose head begins there.
    pub fn title(&self, head: Span) -> Option<&Arc<str>> {
        self.titles.get(&head.start)
    }

    /// A rule's own title goes before that of all rules of its name.
    fn read_titles(&mut self, module: &Module) {
        let annotations = annotations(module).unwrap_or_default();
        for scope in [Scope::Document, Scope::Rule] {
            for annotation in annotations.iter().filter(|annotation| annotation.scope == scope) {
                let Target::Rule(index) = annotation.target else { continue };
                let (Some(rule), false) = (module.rules.get(index), annotation.content.title.is_empty())
                else {
                    continue;
                };
                let same = |other: &&Rule| scope == Scope::Document && name(other) == name(rule);
                let title: Arc<str> = annotation.content.title.as_str().into();
                for rule in module.rules.iter().filter(same).chain([rule]) {
                    self.titles.insert(rule.head.span.start, Arc::clone(&title));
                }
            }
        }
    }
}

fn else_head(other: &Else) -> Span {
    let word = other.span.start + "else".len() as u32;
    Span { end: other.value.as_ref().map_or(word, |given| given.value.span.end), ..other.span }
}

fn name(rule: &Rule) -> Option<&Arc<str>> {
    match &rule.head.name.head.kind {
        TermKind::Var(name) => Some(name),
        _ => None,
    }
}

impl Visitor for Outline {
    fn rule(&mut self, rule: &Rule) {
        self.heads.push(rule.head.span);
        if let (HeadValue::Value { value, .. }, None, false) = (&rule.head.value, &rule.body, rule.default) {
            self.values.insert(rule.head.span.start, value.span);
        }
        self.elses.extend(rule.elses.iter().map(else_head));
        walk_rule(self, rule);
    }

    fn expr(&mut self, expr: &Expr) {
        self.expressions.push(expr.span);
        if matches!(expr.kind, ExprKind::Some(_) | ExprKind::SomeIn { .. }) {
            self.declarations.insert(expr.span);
        }
        walk_expr(self, expr);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::ast::Version;
    use crate::syntax::parser::{Options, parse_module};
    use crate::syntax::source::Source;

    const TEXT: &str = r#"package app

# METADATA
# title: All who may
# scope: document
allow if {
	some role in input.roles
	count([x | x := role; x != "guest"]) > 0
}

# METADATA
# title: Owners
allow if input.owner

allow if input.admin
"#;

    #[test]
    fn conditions_heads_and_titles_are_found() {
        let source = Source::new("a.rego", TEXT);
        let outline = Outline::of(&parse_module(&source, Version::V1, Options::default()).unwrap());
        let at = |part: &str| {
            let start = TEXT.find(part).unwrap() as u32;
            Span { start, end: start + part.len() as u32 }
        };
        for (place, expected) in [
            ("input.roles", "some role in input.roles"),
            ("\"guest\"", "x != \"guest\""),
            ("> 0", "count([x | x := role; x != \"guest\"]) > 0"),
        ] {
            assert_eq!(outline.expression(at(place)).map(|span| source.slice(span)), Some(expected));
        }
        assert_eq!(outline.expression(at("package")), None);
        let titles: Vec<_> = outline.heads.iter().map(|head| outline.title(*head).map(|t| &**t)).collect();
        assert_eq!(titles, [Some("All who may"), Some("Owners"), Some("All who may")]);
    }
}
