//! Conditions: bodies, `not`, `some`, `every`, `with`.

use super::super::ast::{Body, Expr, ExprKind, Ident, Op, Term, TermKind, With};
use super::names::{binds, infix, operator_call, start, symbol};
use super::term::{Place, groups};
use super::writer::Writer;

impl<'m> Writer<'m> {
    /// Conditions, a line each; where there were empty lines between them, one stays.
    pub(super) fn body(&mut self, body: &'m Body) {
        let (mut last_row, mut last_end) = (None, None);
        for expr in &body.exprs {
            let row = self.line(expr.span.start);
            match last_row {
                None => self.comments_to(row),
                Some(last) if row > last + 1 => self.blank_line(),
                Some(_) => {}
            }
            self.start_line();
            let begins = self.single(expr);
            // A sign would go on with the condition above.
            if let Some(end) = last_end
                && self.has_at(begins, "-")
            {
                self.insert(end, ";");
            }
            last_end = Some(self.len());
            self.end_line();
            last_row = Some(self.line(expr.span.end.saturating_sub(1)));
        }
    }

    /// A condition that is alone on its line, or copied if its comments leave no place for each other. Gives the place
    /// where it begins.
    pub(super) fn single(&mut self, expr: &'m Expr) -> usize {
        let row = self.line(expr.span.start);
        self.comments_to(row);
        self.ensure_line();
        if self.collided() {
            // Not this condition's doing: whoever began the line has to copy.
            return self.len();
        }
        let (mark, begins) = (self.mark(), self.len());
        self.expr(expr);
        if self.row.is_none() {
            let last = self.line(expr.span.end.saturating_sub(1));
            self.comment_behind(last);
            if self.collided() && self.is_whole(&mark, expr.span) {
                self.back_to(mark);
                self.copy(expr.span);
                self.comment_behind(last);
            }
        }
        begins
    }

    /// A condition.
    pub(super) fn expr(&mut self, expr: &'m Expr) {
        let row = self.line(expr.span.start);
        self.comments_to(row);
        self.ensure_line();
        let parens = std::mem::take(&mut self.first_in_parens);
        if expr.negated {
            self.write("not ");
        }
        self.write(if parens { "(" } else { "" });
        match &expr.kind {
            ExprKind::Term(term) => self.condition(term),
            ExprKind::Assign(left, right) => self.pair(left, ":=", right),
            ExprKind::Unify(left, right) => self.pair(left, "=", right),
            ExprKind::Some(names) => self.some(row, names),
            ExprKind::SomeIn { key, value, collection } => {
                self.write("some ");
                self.membership(key.as_ref(), value, collection);
            }
            ExprKind::Every { key, value, domain, body } => {
                self.write("every ");
                for (name, after) in key.iter().map(|key| (key, ", ")).chain([(value, " in ")]) {
                    self.comments_to(self.line(name.span.start));
                    self.ensure_line();
                    self.write(&name.name);
                    self.write(after);
                }
                let place = match domain.peeled().kind {
                    TermKind::In { .. } => Place::Operand,
                    _ => Place::Free,
                };
                self.term(domain, place);
                self.write(" {");
                let close = self.line(body.span.end.saturating_sub(1));
                self.inner_body(body, row, close);
                if matches!(body.exprs.as_slice(), [only] if self.line(only.span.start) == row) {
                    self.write(" ");
                }
                self.write("}");
            }
            ExprKind::Not(body) => self.not(row, body),
            ExprKind::Logical { op, left, right } => self.logical(*op, left, right),
        }
        self.write(if parens { ")" } else { "" });
        self.withs(&expr.with);
    }

    fn pair(&mut self, left: &'m Term, sign: &str, right: &'m Term) {
        self.term(left, Place::Free);
        self.write(" ");
        self.write(sign);
        self.write(" ");
        self.term(right, Place::Free);
    }

    /// A term as a condition: around it and its operands go only parentheses that it needs.
    fn condition(&mut self, term: &'m Term) {
        let inner = term.peeled();
        if let TermKind::In { key, value, collection } = &inner.kind {
            self.comments_to(self.line(start(inner)));
            self.ensure_line();
            self.membership(key.as_deref(), value, collection);
        } else if let Some((op, left, right)) = infix(inner, &self.style.own_operators) {
            self.operands(left, op, right);
        } else if let Some((op, [left, right, result])) = operator_call(inner, &self.style.own_operators) {
            self.term(result, Place::Free);
            self.write(" = ");
            self.operands(left, op, right);
        } else {
            self.term(term, Place::Free);
        }
    }

    fn operands(&mut self, left: &'m Term, op: Op, right: &'m Term) {
        let own = &self.style.own_operators;
        let place = |term: &Term, tightest: u8| match infix(term, own) {
            _ if matches!(term.peeled().kind, TermKind::In { .. }) => Place::Operand,
            Some((inner, _, _)) if binds(inner) < tightest => Place::Operand,
            _ => Place::Free,
        };
        let (before, behind) = (place(left, binds(op)), place(right, binds(op) + 1));
        self.term(left, before);
        self.write(" ");
        self.write(symbol(op));
        self.write(" ");
        self.term(right, behind);
    }

    /// `key, value in collection`
    pub(super) fn membership(&mut self, key: Option<&'m Term>, value: &'m Term, collection: &'m Term) {
        if let Some(key) = key {
            self.term(key, Place::Operand);
            self.write(", ");
            self.term(value, Place::Operand);
        } else {
            self.term(value, Place::BeforeIn);
        }
        self.write(" in ");
        self.term(collection, Place::Operand);
    }

    /// `some x, y`, on the lines that the names were on.
    fn some(&mut self, row: u32, names: &'m [Ident]) {
        self.write("some ");
        let mut last = row;
        for (index, name) in names.iter().enumerate() {
            let row = self.line(name.span.start);
            if row > last {
                self.end_line();
                self.start_line();
                self.write("\t");
                last = row;
            } else if index > 0 {
                self.write(" ");
            }
            self.comments_to(row);
            self.ensure_line();
            self.write(&name.name);
            if index + 1 < names.len() {
                self.write(",");
            }
        }
    }

    /// The first on the line of the condition, others on that of the one before or on lines of their own.
    fn withs(&mut self, withs: &'m [With]) {
        let mut indented = false;
        let mut last = None;
        for with in withs {
            let row = self.line(with.span.start);
            if last.is_some_and(|last| last != row) {
                if !std::mem::replace(&mut indented, true) {
                    self.indent();
                }
                self.end_line();
                self.start_line();
                self.comments_to(row);
                self.ensure_line();
            } else {
                self.comments_to(row);
                self.ensure_line();
                self.write(" ");
            }
            last = Some(row);
            self.write("with ");
            self.term(&with.target, Place::Free);
            self.write(" as ");
            self.term(&with.value, Place::Free);
        }
        if indented {
            self.outdent();
        }
    }

    /// The conditions of a comprehension or of `every`, up to the closing bracket: on lines of their own if they were on
    /// others than what stands before them, or on several.
    pub(super) fn inner_body(&mut self, body: &'m Body, row_before: u32, close: u32) {
        let rows: Vec<u32> = body.exprs.iter().map(|expr| self.line(expr.span.start)).collect();
        let keep = self.keeps_lines(body.exprs.iter().map(|expr| expr.span));
        if rows.first().is_some_and(|first| *first > row_before) || groups(&rows, keep).len() > 1 {
            self.end_line();
            self.indent();
            self.body(body);
            self.comments_to(close);
            self.outdent();
            self.start_line();
            return;
        }
        for (index, expr) in body.exprs.iter().enumerate() {
            self.write(if index == 0 { " " } else { "; " });
            self.expr(expr);
        }
        self.comments_to(close);
        self.ensure_line();
    }
}
