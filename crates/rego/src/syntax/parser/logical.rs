//! `and`, `or`, and the `not` of the future: operands, groups in parentheses, and bodies in braces.
//!
//! Braces where an operand may stand are a body, and parentheses a group if there is `and`, `or`, `not` or `with` in
//! them; else they hold a term. From tight to loose: everything else, `not`, `and`, `or`, `with`.

use super::super::ast::{Body, Connective, Expr, ExprKind, Op, TermKind};
use super::super::error::Error;
use super::super::source::Span;
use super::super::token::Kind;
use super::type_name::type_name;
use super::{Parsed, Parser, fail};

impl Parser<'_> {
    /// Whether `and` or `or` comes next.
    pub(super) fn at_connective(&self) -> bool {
        matches!(self.kind(), Kind::LogicalAnd | Kind::LogicalOr)
    }

    /// A body in braces with `and` or `or` behind it. Any other brace that begins a condition begins a term.
    pub(super) fn leading_body(&mut self) -> Parsed<Option<Body>> {
        let mark = self.mark();
        if let Ok(body) = self.nested(Self::braced_body)
            && self.at_connective()
        {
            return Ok(Some(body));
        }
        self.back_to(mark)?;
        Ok(None)
    }

    /// What follows the first operand of a condition: `and`, `or`, and every `with`.
    pub(super) fn logical_tail(&mut self, first: Body) -> Parsed<Expr> {
        let start = first.span.start;
        let mut expr = match self.chain(first)? {
            Ok(expr) => expr,
            Err(mut alone) => match alone.exprs.pop() {
                Some(expr) => expr,
                None => return Err(self.unexpected("")),
            },
        };
        if self.kind() == Kind::With {
            // What stands in a group applies within what stands behind it.
            let within = std::mem::replace(&mut expr.with, self.withs()?);
            expr.with.extend(within);
        }
        expr.span = self.since(start);
        Ok(expr)
    }

    /// Operands with `and` and `or` between them; gives the first back if nothing follows.
    fn chain(&mut self, first: Body) -> Parsed<Result<Expr, Body>> {
        let mut left = self.and_chain(first)?;
        while self.kind() == Kind::LogicalOr {
            let height = self.height;
            self.bump();
            let right = self.operand(Some(Connective::Or))?;
            let right = self.and_chain(right)?;
            left = self.combine(Connective::Or, (left, height), right)?;
        }
        match left.exprs.as_slice() {
            [Expr { kind: ExprKind::Logical { .. }, with, .. }] if with.is_empty() && !left.braces => {
                Ok(left.exprs.pop().ok_or(left))
            }
            _ => Ok(Err(left)),
        }
    }

    fn and_chain(&mut self, mut left: Body) -> Parsed<Body> {
        while self.kind() == Kind::LogicalAnd {
            let height = self.height;
            self.bump();
            let right = self.operand(Some(Connective::And))?;
            left = self.combine(Connective::And, (left, height), right)?;
        }
        Ok(left)
    }

    fn combine(&mut self, op: Connective, (left, height): (Body, usize), right: Body) -> Parsed<Body> {
        for operand in [&left, &right] {
            self.check_union(operand, "")?;
            self.check_void(operand, op)?;
        }
        self.grow(height.max(self.height))?;
        let span = self.since(left.span.start);
        let kind = ExprKind::Logical { op, left, right };
        Ok(alone(Expr { span, negated: false, kind, with: Vec::new() }))
    }

    /// An operand of `and` or `or`, or, without one, of a group: a body in braces, a group, or a condition.
    fn operand(&mut self, op: Option<Connective>) -> Parsed<Body> {
        let start = self.span().start;
        if self.kind() == Kind::LeftBrace {
            return self.body_operand(op);
        }
        let negated = !self.keyword_begins_reference() && self.eat(Kind::Not);
        if negated && self.keywords.not && self.kind() == Kind::LeftBrace {
            return self.not_body(start).map(alone);
        }
        if self.kind() == Kind::LeftParen
            && self.keywords.logical()
            && (!negated || self.keywords.not)
            && let Some(group) = self.group(true, if negated { "not " } else { "" })?
        {
            return Ok(if negated { alone(self.not(start, group)) } else { group });
        }
        let from = self.span().start;
        let kind = self.condition()?;
        let expr = Expr { span: self.since(from), negated: false, kind, with: Vec::new() };
        Ok(alone(self.negate(start, negated, expr)))
    }

    /// A condition after `not`, if it is.
    pub(super) fn negate(&self, start: u32, negated: bool, expr: Expr) -> Expr {
        match negated {
            false => expr,
            true if self.keywords.not => self.not(start, alone(expr)),
            true => Expr { span: self.since(start), negated, ..expr },
        }
    }

    /// `not` before a body or group that has just been read.
    pub(super) fn not(&self, start: u32, body: Body) -> Expr {
        Expr { span: self.since(start), negated: false, kind: ExprKind::Not(body), with: Vec::new() }
    }

    fn body_operand(&mut self, op: Option<Connective>) -> Parsed<Body> {
        let (mark, start) = (self.mark(), self.span().start);
        let empty = self.token_at(self.at + 1).kind == Kind::RightBrace;
        let error = match self.nested(Self::braced_body) {
            Ok(body) => return Ok(body),
            Err(error) => error,
        };
        let Some(op) = op.filter(|_| !empty) else { return Err(error) };
        // The braces may hold a value, which cannot stand here as it is.
        self.back_to(mark)?;
        match self.term(true) {
            Ok(_) => Err(self.brace_led(self.since(start), op)),
            Err(_) => Err(error),
        }
    }

    /// An operand begins with a brace that opens a value.
    pub(super) fn brace_led(&self, span: Span, op: Connective) -> Box<Error> {
        let (op, text) = (op.name(), self.source.slice(span));
        let message = format!("operand of `{op}` cannot begin with `{{` unless the braces hold a body");
        let hint = format!("wrap the operand to keep the value: `({text}) {op} ...`");
        Box::new(Error::new(span, message).with_hint(hint))
    }

    /// `with` stands behind an operand that has no brackets around it.
    pub(super) fn with_on_operand(&self, with: Span) -> Box<Error> {
        let op = self.kind().name();
        let message = format!("`with` modifier is not allowed on operand of `{op}`");
        let hint = format!(
            "Wrap the operand in `(...)` or `{{...}}` to scope, or move `with` after the `{op}` expression to apply it to the whole expression"
        );
        Box::new(Error::new(with, message).with_hint(hint))
    }

    /// `{ conditions }` after `not`.
    pub(super) fn not_body(&mut self, start: u32) -> Parsed<Expr> {
        let (mark, brace) = (self.mark(), self.span().start);
        let empty = self.token_at(self.at + 1).kind == Kind::RightBrace;
        let error = match self.nested(Self::braced_body) {
            Ok(body) => {
                self.check_union(&body, "not ")?;
                return Ok(self.not(start, body));
            }
            Err(error) if empty => return Err(error),
            Err(error) => error,
        };
        self.back_to(mark)?;
        let Ok(term) = self.term(true) else { return Err(error) };
        let span = self.since(brace);
        let text = self.source.slice(span);
        let mut first = &term;
        while let TermKind::Infix { left, .. } = &first.kind {
            first = left;
        }
        let message =
            format!("`{{...}}` in an operand position must contain expression(s), got: {}", type_name(first));
        let hint =
            format!("write `not ({text})` to negate the value, or `not {{{text}}}` for a body holding it");
        Err(Box::new(Error::new(span, message).with_hint(hint)))
    }

    /// A group in parentheses, which come next; `None` where they hold a term. `operand` says that they are an operand
    /// already, whatever follows them.
    pub(super) fn group(&mut self, operand: bool, prefix: &str) -> Parsed<Option<Body>> {
        let mark = self.mark();
        let group = self.nested(|parser| parser.group_here(operand, prefix))?;
        if group.is_none() {
            self.back_to(mark)?;
        }
        Ok(group)
    }

    fn group_here(&mut self, operand: bool, prefix: &str) -> Parsed<Option<Body>> {
        let open = self.span();
        self.bump();
        if self.kind() == Kind::RightParen {
            let empty = || fail(open, "empty parenthesized group");
            return if operand { Err(empty()) } else { Ok(None) };
        }
        let inside = self.mark();
        let Ok(first) = self.operand(None) else { return Ok(None) };
        let from = first.span.start;
        if self.at_connective() {
            let expr = self.logical_tail(first)?;
            self.close_group()?;
            return Ok(Some(Body { span: self.since(open.start), ..alone(expr) }));
        }
        if self.kind() == Kind::With && !first.braces {
            let with = self.span();
            let expr = self.logical_tail(first)?;
            if self.at_connective() {
                return Err(self.with_on_operand(with));
            }
            self.close_group()?;
            let group = Body { span: self.since(open.start), ..alone(expr) };
            return Ok((operand || self.at_connective()).then_some(group));
        }
        if first.braces {
            let braces = self.since(from);
            self.back_to(inside)?;
            if self.primary().is_ok() {
                return Ok(None);
            }
            let hint = format!("drop the parens to keep the body: `{prefix}{}`", self.source.slice(braces));
            let error = Error::new(open, "`(...)` in an operand position cannot contain a body");
            return Err(Box::new(error.with_hint(hint)));
        }
        if !first.exprs.iter().all(is_logical) {
            return Ok(None);
        }
        self.close_group()?;
        Ok(Some(Body { span: self.since(open.start), ..first }))
    }

    fn close_group(&mut self) -> Parsed<()> {
        if self.eat(Kind::RightParen) {
            return Ok(());
        }
        Err(fail(self.span(), "expected ) to close parenthesized group"))
    }

    /// `{ x | y }` as a body could not be told from a comprehension; what begins with a call or a parenthesis can.
    fn check_union(&self, body: &Body, prefix: &str) -> Parsed<()> {
        let Some(Expr { kind: ExprKind::Term(term), span, .. }) = body.exprs.first().filter(|_| body.braces)
        else {
            return Ok(());
        };
        if !matches!(term.kind, TermKind::Infix { op: Op::Or, .. })
            || self.source.slice(*span).starts_with('(')
        {
            return Ok(());
        }
        let text = |from, to| self.source.slice(Span { start: from, end: to });
        let (braces, union) = (self.source.slice(body.span), self.source.slice(*span));
        let (before, after) = (text(body.span.start, span.start), text(span.end, body.span.end));
        let message = "ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension";
        let hint = format!(
            "write `{prefix}({braces})` for the comprehension, or `{prefix}{before}({union}){after}` for the set union"
        );
        Err(Box::new(Error::new(body.span, message).with_hint(hint)))
    }

    /// What only prints can never fail, and so is no operand.
    fn check_void(&self, operand: &Body, op: Connective) -> Parsed<()> {
        let prints = |expr: &Expr| match &expr.kind {
            ExprKind::Term(term) if !expr.negated => match &term.kind {
                TermKind::Call { function, .. } => {
                    matches!(&function.kind, TermKind::Var(name) if &**name == "print")
                }
                _ => false,
            },
            _ => false,
        };
        let Some(first) = operand.exprs.first().filter(|_| operand.exprs.iter().all(prints)) else {
            return Ok(());
        };
        let message = format!("operand of `{}` cannot consist only of calls to `print`", op.name());
        let hint = "`print` produces no value and always succeeds, so the operand can never fail; move it out of the operand, or add an expression that can fail";
        Err(Box::new(Error::new(first.span, message).with_hint(hint)))
    }
}

/// A single condition as an operand.
fn alone(expr: Expr) -> Body {
    Body { span: expr.span, braces: false, exprs: vec![expr] }
}

/// Whether parentheses around it are a group, and not those of a term.
fn is_logical(expr: &Expr) -> bool {
    expr.negated || matches!(expr.kind, ExprKind::Logical { .. } | ExprKind::Not(_))
}
