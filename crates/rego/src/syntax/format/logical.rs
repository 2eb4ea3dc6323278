//! Conditions with `and`, `or`, and the `not` of the future: chains, groups, and bodies in braces.
//!
//! Parentheses stand only where the text would else be read as something other: around what binds more loosely, a `with`
//! that is not the whole chain's, and a term whose brace would open a body.

use super::super::ast::{Body, Connective, Expr, ExprKind, Op};
use super::names::infix;
use super::writer::Writer;

/// An operator of a chain and its right operand, and the line on which all before it ends.
struct Step<'m> {
    op: Connective,
    right: &'m Body,
    row_before: u32,
}

impl<'m> Writer<'m> {
    /// `not { … }`, or `not` before a single condition.
    pub(super) fn not(&mut self, row: u32, body: &'m Body) {
        self.write("not ");
        match body.exprs.as_slice() {
            [only] if !body.braces => {
                let nested = matches!(only.kind, ExprKind::Logical { .. } | ExprKind::Not(_));
                self.grouped(only, nested || !only.with.is_empty());
            }
            _ => self.braces(row, body),
        }
    }

    /// `a and b or c`: an operand that began a line begins one.
    pub(super) fn logical(&mut self, op: Connective, left: &'m Body, right: &'m Body) {
        let (first, first_op, steps) = self.steps(op, left, right);
        self.operand(first, first_op, false);
        let mut indented = false;
        for step in steps {
            self.write(" ");
            self.write(step.op.name());
            let row = match step.right.exprs.first() {
                Some(only) if !step.right.braces => self.line(only.span.start),
                _ => self.line(step.right.span.start),
            };
            if row > step.row_before {
                if !std::mem::replace(&mut indented, true) {
                    self.indent();
                }
                self.end_line();
                self.start_line();
            } else {
                self.write(" ");
            }
            self.operand(step.right, step.op, true);
        }
        if indented {
            self.outdent();
        }
    }

    /// The first operand with the operator behind it, and the chain that leans to the left from there without needing
    /// parentheses.
    fn steps(
        &self,
        mut op: Connective,
        mut left: &'m Body,
        mut right: &'m Body,
    ) -> (&'m Body, Connective, Vec<Step<'m>>) {
        let mut steps = Vec::new();
        loop {
            let end = match left.exprs.last() {
                Some(last) if !left.braces => last.span.end,
                _ => left.span.end,
            };
            steps.push(Step { op, right, row_before: self.line(end.saturating_sub(1)) });
            let inner = left.exprs.first().filter(|only| !left.braces && !needs_parens(only, op, false));
            match inner.map(|only| &only.kind) {
                Some(ExprKind::Logical { op: next, left: first, right: second }) => {
                    (op, left, right) = (*next, first, second);
                }
                _ => {
                    steps.reverse();
                    return (left, op, steps);
                }
            }
        }
    }

    fn operand(&mut self, body: &'m Body, op: Connective, is_right: bool) {
        match body.exprs.as_slice() {
            [only] if !body.braces => self.grouped(only, needs_parens(only, op, is_right)),
            _ => self.braces(self.line(body.span.start), body),
        }
    }

    /// A condition, in parentheses if it needs them or if it would begin with a brace.
    fn grouped(&mut self, only: &'m Expr, parens: bool) {
        self.comments_to(self.line(only.span.start));
        self.ensure_line();
        let begins = self.len();
        self.expr(only);
        if parens || self.has_at(begins, "{") {
            self.insert(begins, "(");
            self.write(")");
        }
    }

    /// `{ conditions }` whose brace is on this line.
    fn braces(&mut self, row: u32, body: &'m Body) {
        self.write("{");
        // `{ x | y }` would be read as a comprehension.
        self.first_in_parens = body.exprs.first().is_some_and(|first| match &first.kind {
            ExprKind::Term(term) => {
                matches!(infix(term, &self.style.own_operators), Some((Op::Or, _, _)))
            }
            _ => false,
        });
        self.inner_body(body, row, self.line(body.span.end.saturating_sub(1)));
        if body.exprs.last().is_some_and(|last| self.line(last.span.start) == row) {
            self.write(" ");
        }
        self.write("}");
    }
}

/// Whether an operand without braces would be read as something other without parentheses.
fn needs_parens(operand: &Expr, op: Connective, is_right: bool) -> bool {
    if !operand.with.is_empty() {
        return true;
    }
    match &operand.kind {
        ExprKind::Logical { op: Connective::Or, .. } => is_right || op == Connective::And,
        ExprKind::Logical { op: Connective::And, .. } => is_right && op == Connective::And,
        _ => false,
    }
}
