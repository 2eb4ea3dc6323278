//! `not` of `future.keywords.not`, `and` and `or`: blocks that hold or do not, and bind nothing for what is around them.
//!
//! Only what stands in braces may bind variables, for itself. An operand without braces finds its variables bound, wildcards
//! too, and so has none.

use super::Lowering;
use crate::plan::raw::{Closure, Kind, Stmt};
use crate::syntax::ast::{Body, Connective, Expr, ExprKind, Op, Term, TermKind};
use crate::syntax::source::Span;

impl Lowering<'_> {
    /// `not` with all that its expression consists of.
    pub(super) fn not(&mut self, body: &Body, span: Span, stmts: &mut Vec<Stmt>) {
        let block = self.closure(body, "negated expression");
        self.push(stmts, span, Kind::Not { operands: Vec::new(), block });
    }

    /// `and` or `or`: the first operand that settles it is the last that runs.
    pub(super) fn logical(&mut self, op: Connective, left: &Body, right: &Body) -> Kind {
        let what = match op {
            Connective::And => "implicit and operand",
            Connective::Or => "implicit or operand",
        };
        let operands = operands(op, left, right);
        let blocks = operands.iter().map(|body| (body.span, self.closure(body, what))).collect::<Vec<_>>();
        Kind::Any(match op {
            Connective::Or => blocks.into_iter().map(|(_, block)| block).collect(),
            Connective::And => {
                let one = |(span, block)| Stmt { kind: Kind::Any(vec![block]), place: self.place(span) };
                vec![Closure { stmts: blocks.into_iter().map(one).collect(), binds: false }]
            }
        })
    }

    fn closure(&mut self, body: &Body, what: &str) -> Closure {
        if let (false, [expr]) = (body.braces, body.exprs.as_slice())
            && assigns(expr)
        {
            self.found("rego_compile_error", expr.span, format!("cannot assign vars inside {what}"));
        }
        let mut stmts = Vec::new();
        self.scoped(|this| this.body(body, &mut stmts));
        Closure { stmts, binds: body.braces }
    }
}

/// The operands of a chain, in order.
fn operands<'b>(op: Connective, left: &'b Body, right: &'b Body) -> Vec<&'b Body> {
    let (mut all, mut first) = (vec![right], left);
    while let (false, [Expr { kind: ExprKind::Logical { op: inner, left, right }, with, .. }]) =
        (first.braces, first.exprs.as_slice())
        && *inner == op
        && with.is_empty()
    {
        all.push(right);
        first = left;
    }
    all.push(first);
    all.reverse();
    all
}

/// Whether it declares variables.
fn assigns(expr: &Expr) -> bool {
    matches!(
        &expr.kind,
        ExprKind::Assign(..) | ExprKind::Term(Term { kind: TermKind::Infix { op: Op::Assign, .. }, .. })
    )
}
