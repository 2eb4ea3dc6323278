//! Terms: operators, references, calls, collections.

use std::ops::Range;

use super::super::ast::{Body, Op, Ref, RefPart, Term, TermKind};
use super::super::lexer::lex;
use super::super::source::Span;
use super::super::token::Kind;
use super::names::{infix, needs_brackets, quoted, start, symbol};
use super::same::{distinct, shape};
use super::writer::Writer;

/// So many operators in a row are written with parentheses; more are copied.
const MOST_OPERATORS: usize = 60;

/// How variables begin that a compiler made.
const GENERATED: &str = "__local";

/// What stands around a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing that parentheses would be needed for.
    Free,
    /// An operator, or something that takes no operators.
    Operand,
    /// `in`, behind it.
    BeforeIn,
}

/// Which things stay on one line, given the line of each: those that were, or all unless lines are to be kept.
pub(super) fn groups(rows: &[u32], keep: bool) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let mut first = 0;
    for (index, pair) in rows.windows(2).enumerate() {
        if keep && matches!(pair, [before, here] if here > before) {
            all.push(first..index + 1);
            first = index + 1;
        }
    }
    all.push(first..rows.len());
    all
}

impl<'m> Writer<'m> {
    /// A term.
    pub(super) fn term(&mut self, term: &'m Term, place: Place) {
        let row = self.line(start(term));
        // Operators in a row are a tree that is as high as there are operators.
        stacker::maybe_grow(64 << 10, 1 << 20, || self.term_on(row, term, place));
    }

    /// The same where it counts as being on another line.
    pub(super) fn term_on(&mut self, row: u32, term: &'m Term, place: Place) {
        self.comments_to(row);
        self.ensure_line();
        let term = term.peeled();
        match &term.kind {
            TermKind::Null => self.write("null"),
            TermKind::Bool(value) => self.write(if *value { "true" } else { "false" }),
            TermKind::Number(number) => self.number(term, number),
            TermKind::String { .. } => {
                let source = self.source;
                self.write(source.slice(term.span));
            }
            TermKind::Template { .. } => self.copy(term.span),
            TermKind::Var(name) => self.write(name),
            TermKind::Ref(Ref { head, parts, .. }) => self.path(head, parts),
            TermKind::In { key, value, collection } => {
                let parens = key.is_some() || place == Place::Operand;
                self.write(if parens { "(" } else { "" });
                self.membership(key.as_deref(), value, collection);
                self.write(if parens { ")" } else { "" });
            }
            TermKind::Infix { .. } => self.operators(term, place),
            TermKind::Call { function, args } => {
                if infix(term, &self.style.own_operators).is_some() {
                    return self.operators(term, place);
                }
                self.term(function, Place::Free);
                self.write("(");
                self.terms(args, self.line(term.span.end.saturating_sub(1)));
                self.write(")");
            }
            TermKind::Array(terms) => {
                self.write("[");
                match terms.as_slice() {
                    [only] => self.item(only, true),
                    _ => self.terms(terms, self.line(term.span.end.saturating_sub(1))),
                }
                self.write("]");
            }
            TermKind::Set(terms) => self.set(term, terms),
            TermKind::Object(pairs) => self.object(term, pairs),
            TermKind::ArrayComprehension(head, body) => {
                self.comprehension(term, ["[", "]"], None, head, body)
            }
            TermKind::SetComprehension(head, body) => self.comprehension(term, ["{", "}"], None, head, body),
            TermKind::ObjectComprehension(key, value, body) => {
                self.comprehension(term, ["{", "}"], Some(key), value, body);
            }
            TermKind::Parens(_) => {}
        }
        self.ensure_line();
    }

    fn number(&mut self, term: &Term, number: &str) {
        // A point that numbers begin with in Rego is read as OPA reads it, and written as it was.
        let written = self.source.slice(term.span).trim_start_matches('-').trim_start();
        match number.strip_prefix('-') {
            Some(digits) if written.starts_with('.') => {
                self.write("-");
                self.write(digits.trim_start_matches('0'));
            }
            None if written.starts_with('.') => self.write(number.trim_start_matches('0')),
            _ => self.write(number),
        }
    }

    /// Operators, which lean to the left: `(a + b) + c`.
    fn operators(&mut self, term: &'m Term, place: Place) {
        let own = self.style.own_operators.clone();
        let mut first = term;
        let mut rest: Vec<(Op, &'m Term)> = Vec::new();
        while let Some((op, left, right)) = infix(first, &own) {
            rest.push((op, right));
            first = left.peeled();
        }
        let parens = place != Place::Free;
        if rest.len() > MOST_OPERATORS {
            self.write(if parens { "(" } else { "" });
            self.copy(term.span);
            self.write(if parens { ")" } else { "" });
            return;
        }
        let around = rest.len().saturating_sub(usize::from(!parens));
        self.write(&"(".repeat(around));
        self.term(first, Place::Operand);
        for (index, (op, right)) in rest.into_iter().rev().enumerate() {
            self.write(" ");
            self.write(symbol(op));
            self.write(" ");
            self.term(right, Place::Operand);
            if index < around {
                self.write(")");
            }
        }
    }

    /// A reference, or the name of a rule.
    pub(super) fn path(&mut self, head: &'m Term, parts: &'m [RefPart]) {
        self.term(head, Place::Operand);
        for part in parts {
            let (name, in_quotes) = match part {
                RefPart::Dot(name) => (&name.name, false),
                RefPart::Bracket(term) => match &term.peeled().kind {
                    TermKind::String { value, raw } => (value, !raw),
                    _ => {
                        self.write("[");
                        self.term(term, Place::Free);
                        self.write("]");
                        continue;
                    }
                },
            };
            if needs_brackets(name, in_quotes) {
                let text = quoted(name);
                self.write("[");
                self.write(&text);
                self.write("]");
            } else {
                self.write(".");
                self.write(name);
            }
        }
    }

    /// Things with commas between them, up to the closing bracket: on lines as they were, if those are several.
    fn list<T: Copy>(&mut self, items: &[(u32, T)], close: u32, keep: bool, write: impl Fn(&mut Self, T)) {
        let rows: Vec<u32> = items.iter().map(|(row, _)| *row).collect();
        let lines = groups(&rows, keep);
        let several = lines.len() > 1;
        if several {
            self.open_lines();
        }
        for (number, line) in lines.iter().enumerate() {
            for (index, (_, item)) in items.get(line.clone()).unwrap_or_default().iter().enumerate() {
                if index > 0 {
                    self.write(", ");
                }
                write(self, *item);
            }
            if several {
                self.write(",");
                self.end_line();
                if number + 1 < lines.len() {
                    self.start_line();
                }
            }
        }
        if several {
            self.comments_to(close);
            self.outdent();
            self.start_line();
        }
    }

    /// Whether parts of a list stay on their lines. OPA takes variables that begin with `__local` for those of a
    /// compiler, whose places say nothing.
    pub(super) fn keeps_lines(&self, mut parts: impl Iterator<Item = Span>) -> bool {
        !parts.any(|part| {
            let text = self.source.slice(part);
            text.contains(GENERATED)
                && lex(text).tokens.iter().any(|token| {
                    let name = text.get(token.span.start as usize..token.span.end as usize);
                    token.kind == Kind::Ident && name.is_some_and(|name| name.starts_with(GENERATED))
                })
        })
    }

    /// Terms with commas between them.
    pub(super) fn terms(&mut self, terms: &'m [Term], close: u32) {
        let items: Vec<_> = terms.iter().map(|term| (self.line(start(term)), term)).collect();
        let keep = self.keeps_lines(terms.iter().map(|term| term.span));
        self.list(&items, close, keep, |writer, term| writer.item(term, false));
    }

    /// A term in a list. `|` keeps the parentheses that it has, and needs some where it is alone in its brackets: it would
    /// begin a comprehension.
    fn item(&mut self, term: &'m Term, alone: bool) {
        let or = infix(term, &self.style.own_operators).is_some_and(|(op, ..)| op == Op::Or);
        if or && (alone || matches!(term.kind, TermKind::Parens(_))) {
            self.term(term, Place::Operand);
        } else {
            self.term(term, Place::Free);
        }
    }

    /// A set, in which nothing is written twice.
    fn set(&mut self, term: &'m Term, terms: &'m [Term]) {
        if terms.is_empty() {
            self.write("set()");
            return self.comments_to(self.line(term.span.end.saturating_sub(1)));
        }
        let mut items: Vec<_> = terms.iter().map(|term| (self.line(start(term)), term)).collect();
        if items.len() > 1 {
            let mut seen = std::collections::HashSet::new();
            items.retain(|(_, term)| seen.insert(shape(term)));
        }
        self.write("{");
        let keep = self.keeps_lines(terms.iter().map(|term| term.span));
        let alone = items.len() == 1;
        let close = self.line(term.span.end.saturating_sub(1));
        self.list(&items, close, keep, |writer, term| writer.item(term, alone));
        self.write("}");
    }

    /// An object; of a key that is there twice the last value stays.
    fn object(&mut self, term: &'m Term, pairs: &'m [(Term, Term)]) {
        self.write("{");
        let items: Vec<_> =
            distinct(pairs).into_iter().map(|(key, value)| (self.line(start(key)), (key, value))).collect();
        let alone = items.len() == 1;
        let keep = self.keeps_lines(pairs.iter().map(|(key, value)| key.span.to(value.span)));
        self.list(&items, self.line(term.span.end.saturating_sub(1)), keep, |writer, (key, value)| {
            writer.item(key, false);
            writer.write(": ");
            writer.item(value, alone);
        });
        self.write("}");
    }

    fn comprehension(
        &mut self,
        term: &'m Term,
        [open, close]: [&str; 2],
        key: Option<&'m Term>,
        head: &'m Term,
        body: &'m Body,
    ) {
        let row = self.line(start(key.unwrap_or(head)));
        self.write(open);
        if let Some(key) = key {
            let or = infix(key, &self.style.own_operators).is_some_and(|(op, ..)| op == Op::Or);
            self.term(key, if or { Place::Operand } else { Place::Free });
            self.write(": ");
            self.term_on(row, head, Place::Operand);
        } else {
            if row > self.line(term.span.start) {
                self.end_line();
                self.start_line();
            }
            self.term(head, Place::Operand);
        }
        self.write(" |");
        self.inner_body(body, row, self.line(term.span.end.saturating_sub(1)));
        self.write(close);
    }
}
