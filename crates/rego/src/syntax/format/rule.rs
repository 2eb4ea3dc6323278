//! Rules: heads, bodies, `else`.

use super::super::ast::{Body, Else, Expr, ExprKind, HeadValue, RefPart, Rule, Term, TermKind};
use super::super::parser::has_if;
use super::super::source::Span;
use super::names::quoted;
use super::options::Odd;
use super::same::{always, is_true};
use super::term::Place;
use super::writer::Writer;

/// One body of a rule, with the head that it is written under.
struct Clause<'m> {
    rule: &'m Rule,
    body: Option<&'m Body>,
    elses: &'m [Else],
    /// Where it begins: a further body of a rule counts as beginning with its brace.
    row: u32,
    further: bool,
}

impl<'m> Clause<'m> {
    fn end(&self) -> u32 {
        let body = self.body.map_or(self.rule.head.span, |body| body.span);
        self.elses.last().map_or(body, |last| last.span).end
    }
}

/// What a rule gives, in the eyes of the layout.
enum Gives<'m> {
    /// `contains element`
    Element(&'m Term),
    /// In v0 without `contains`: `p[element]`.
    OldElement(&'m RefPart),
    Value,
}

impl<'m> Writer<'m> {
    /// Rules in order, an empty line between them; those of one line stay together if they are so already.
    pub(super) fn rules(&mut self, rules: &[&'m Rule]) {
        let mut rules = rules.iter().peekable();
        while let Some(rule) = rules.next() {
            let clauses = self.clauses(rule);
            self.comments_to(self.source.line_of(rule.span.start));
            let mark = self.mark();
            let mut copied = self.style.odd == Odd::CopyAll && self.has_comment_in(rule.span);
            if !copied {
                self.all_clauses(&clauses);
            }
            if self.collided() {
                self.back_to(mark);
                copied = self.style.odd != Odd::Hoist;
                if !copied {
                    self.hoist(rule.span);
                    self.all_clauses(&clauses);
                }
            }
            if copied {
                self.start_line();
                self.copy(rule.span);
                self.comment_behind(self.source.line_of(rule.span.end.saturating_sub(1)));
                self.blank_line();
                continue;
            }
            let next = rules.peek().and_then(|next| self.clauses(next).into_iter().next());
            match (clauses.last(), next) {
                (Some(last), Some(next)) => self.between(last, &next),
                _ => self.blank_line(),
            }
        }
    }

    fn all_clauses(&mut self, clauses: &[Clause<'m>]) {
        let mut last = None;
        for clause in clauses {
            if let Some(last) = last {
                self.between(last, clause);
                self.comments_to(clause.row);
            }
            self.clause(clause);
            last = Some(clause);
        }
    }

    /// An empty line, except between rules of one line that had none.
    fn between(&mut self, last: &Clause<'m>, next: &Clause<'m>) {
        let follows = next.row == last.row + 1 || self.ends_with_laid_out_else(last, next.row);
        let together = self.is_groupable(last) && self.is_groupable(next) && follows;
        if !together {
            self.blank_line();
        }
    }

    /// Whether a rule ends right above a line, with an `else` that stands as it does in the layout of what was on one line.
    fn ends_with_laid_out_else(&self, clause: &Clause<'m>, row: u32) -> bool {
        let empty = |row: u32| self.source.line(row).trim().is_empty();
        clause.elses.last().is_some_and(|last| {
            let (begin, end) = (last.span.start, last.span.end.saturating_sub(1));
            let (begin, end) = (self.source.line_of(begin), self.source.line_of(end));
            begin == end && row == end + 1 && begin > 1 && empty(begin - 1)
        })
    }

    fn clauses(&self, rule: &'m Rule) -> Vec<Clause<'m>> {
        let row = self.source.line_of(rule.span.start);
        let first = Clause { rule, body: rule.body.as_ref(), elses: &rule.elses, row, further: false };
        let further = rule.chained.iter().map(|body| {
            let row = self.source.line_of(body.span.start);
            Clause { rule, body: Some(body), elses: &[], row, further: true }
        });
        std::iter::once(first).chain(further).collect()
    }

    fn is_groupable(&self, clause: &Clause<'m>) -> bool {
        let single = clause.body.is_none_or(|body| body.exprs.len() == 1);
        single && !clause.rule.default && self.takes_if(&self.gives(clause.rule))
    }

    fn gives(&self, rule: &'m Rule) -> Gives<'m> {
        match (&rule.head.value, rule.head.old_element()) {
            (HeadValue::Contains(element), _) => Gives::Element(element),
            (_, Some(element)) => Gives::OldElement(element),
            _ => Gives::Value,
        }
    }

    /// Whether `if` is written before the body. Where v0 has it imported, but not `contains`, `p[x]` is a set without it.
    fn takes_if(&self, gives: &Gives<'m>) -> bool {
        (self.style.v1 || self.style.ifs) && (self.style.contains || matches!(gives, Gives::Value))
    }

    fn clause(&mut self, clause: &Clause<'m>) {
        let rule = clause.rule;
        self.start_line();
        if rule.default {
            self.write("default ");
        }
        let bare = clause.body.is_none_or(always) && clause.elses.is_empty();
        self.row = clause.further.then_some(clause.row);
        let gives = self.gives(rule);
        self.head(rule, &gives, bare, clause.body.is_none());
        self.row = None;
        if bare {
            let last = self.source.line_of(clause.end().saturating_sub(1));
            self.comment_behind(last);
            self.end_line();
            return;
        }
        let head_row = if clause.further { clause.row } else { self.source.line_of(rule.head.span.start) };
        if let Some(body) = clause.body {
            let with_if = self.takes_if(&gives);
            self.rule_body(body, head_row, with_if);
        }
        let mut row = clause.row;
        for (index, other) in clause.elses.iter().enumerate() {
            let last = index + 1 == clause.elses.len();
            self.otherwise(rule, other, row, last);
            row = self.source.line_of(other.span.start);
        }
    }

    /// ` if condition` where that was on the line of the head, else ` if {`, the conditions, and `}`.
    fn rule_body(&mut self, body: &'m Body, head_row: u32, with_if: bool) {
        if with_if {
            self.write(" if");
            if let [expr] = body.exprs.as_slice()
                && self.line(expr.span.start) == head_row
                && !is_set(expr)
            {
                self.write(" ");
                self.single(expr);
                self.end_line();
                return;
            }
        }
        self.write(" {");
        self.end_line();
        self.indent();
        self.body(body);
        let close = self.line(body.span.end.saturating_sub(1));
        self.comments_to(close);
        self.outdent();
        self.start_line();
        self.write("}");
    }

    fn head(&mut self, rule: &'m Rule, gives: &Gives<'m>, bare: bool, bodiless: bool) {
        let head = &rule.head;
        let parts = match gives {
            Gives::OldElement(_) => &[][..],
            _ => head.name.parts.as_slice(),
        };
        match parts {
            [part] if !self.style.long_names => {
                self.term(&head.name.head, Place::Free);
                self.write("[");
                self.in_brackets(part);
                self.write("]");
            }
            _ => self.path(&head.name.head, parts),
        }
        // Without arguments it is no function.
        if let Some(args) = head.args.as_ref().filter(|args| !args.is_empty()) {
            self.write("(");
            let close = args.last().map_or(head.span.end, |last| self.closing(last.span.end, ')'));
            let close = self.line(close);
            self.terms(args, close);
            self.write(")");
        }
        match gives {
            Gives::Element(element) => self.element(element),
            Gives::OldElement(part) => {
                self.write(if self.style.contains { " contains " } else { "[" });
                self.in_brackets(part);
                if !self.style.contains {
                    self.write("]");
                }
            }
            Gives::Value => self.value(rule, bare, bodiless),
        }
    }

    fn element(&mut self, element: &'m Term) {
        if self.style.contains {
            self.write(" contains ");
            self.term(element, Place::Free);
        } else {
            self.write("[");
            self.term(element, Place::Free);
            self.write("]");
        }
    }

    /// A part of a name between brackets, whatever was written.
    fn in_brackets(&mut self, part: &'m RefPart) {
        match part {
            RefPart::Dot(name) => {
                let text = quoted(&name.name);
                self.write(&text);
            }
            RefPart::Bracket(term) => match &term.peeled().kind {
                TermKind::String { value, .. } => {
                    let text = quoted(value);
                    self.write(&text);
                }
                _ => self.term(term, Place::Free),
            },
        }
    }

    /// `:= value`, unless it is `true` and goes without saying.
    fn value(&mut self, rule: &'m Rule, bare: bool, bodiless: bool) {
        let head = &rule.head;
        match &head.value {
            HeadValue::Contains(_) => {}
            HeadValue::Implied => {
                let function = head.args.as_ref().is_some_and(|args| !args.is_empty());
                let written = rule.default || bare && (!bodiless || self.style.v1 && !function);
                if written {
                    self.write(if self.style.v1 { " := true" } else { " = true" });
                }
            }
            HeadValue::Value { assigned, value } => {
                if is_true(value) && !bare && !rule.default && !self.has_key(rule) {
                    return;
                }
                self.assignment(*assigned);
                self.term(value, Place::Free);
            }
        }
    }

    fn assignment(&mut self, assigned: bool) {
        self.write(if assigned || self.style.v1 { " := " } else { " = " });
    }

    /// Whether OPA sees a key in the head: `p[x] := v if { … }`.
    fn has_key(&self, rule: &Rule) -> bool {
        match rule.head.name.parts.as_slice() {
            [part] if rule.head.args.is_none() => {
                !has_if(self.source, rule) || matches!(part, RefPart::Bracket(term) if !is_ground(term))
            }
            _ => false,
        }
    }

    /// `else`, on the line of the closing brace if it was there.
    fn otherwise(&mut self, rule: &'m Rule, other: &'m Else, row_before: u32, last: bool) {
        let row = self.source.line_of(other.span.start);
        let begins_line = self.source.line(row).trim_start().starts_with("else");
        let inline = row > row_before && !begins_line;
        let comment_above = self.comment_above(row);
        if inline && !comment_above {
            self.write(" ");
        } else {
            self.blank_line();
            self.start_line();
        }
        self.comments_to(row);
        self.ensure_line();
        self.write("else");
        let bare = last && other.body.as_ref().is_none_or(always);
        match &other.value {
            Some(value) if bare || !is_true(&value.value) => {
                self.assignment(value.assigned);
                self.term_on(row, &value.value, Place::Free);
            }
            None if bare => {
                let assigned = matches!(rule.head.value, HeadValue::Value { assigned: true, .. });
                self.assignment(assigned);
                self.write("true");
            }
            _ => {}
        }
        match &other.body {
            Some(body) if !bare => {
                self.row = (!body.braces).then_some(row);
                let with_if = self.style.v1 || self.style.ifs;
                self.rule_body(body, row, with_if);
                self.row = None;
            }
            _ => {
                let end = self.source.line_of(other.span.end.saturating_sub(1));
                self.comment_behind(end);
                self.end_line();
            }
        }
    }

    /// The place of a closing bracket after `at`, where only blanks, commas and comments are between.
    fn closing(&self, at: u32, bracket: char) -> u32 {
        let rest = self.source.slice(Span { start: at, end: self.source.text.len() as u32 });
        let mut at = at;
        let mut in_comment = false;
        for found in rest.chars() {
            match found {
                '\n' => in_comment = false,
                '#' => in_comment = true,
                _ if found == bracket && !in_comment => break,
                _ => {}
            }
            at += found.len_utf8() as u32;
        }
        at
    }
}

/// After `if`, braces around conditions and those of a set could not be told apart.
fn is_set(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Term(term) if matches!(term.peeled().kind, TermKind::Set(_)))
}

fn is_ground(term: &Term) -> bool {
    match &term.peeled().kind {
        TermKind::Null | TermKind::Bool(_) | TermKind::Number(_) | TermKind::String { .. } => true,
        TermKind::Array(terms) | TermKind::Set(terms) => terms.iter().all(is_ground),
        TermKind::Object(pairs) => pairs.iter().all(|(key, value)| is_ground(key) && is_ground(value)),
        _ => false,
    }
}
