//! Conditions: bodies, `not`, `some`, `every`, `with`.

use super::super::ast::{Body, Connective, Expr, ExprKind, Ident, Term, TermKind, With};
use super::super::source::Span;
use super::super::token::Kind;
use super::check::peel;
use super::{Parsed, Parser, fail};

impl Parser<'_> {
    /// A whole text of conditions.
    pub(super) fn whole_query(&mut self) -> Parsed<Body> {
        let start = self.span().start;
        let mut exprs = Vec::new();
        if self.kind() == Kind::Eof {
            return Err(fail(self.span(), "found empty body"));
        }
        while self.kind() != Kind::Eof {
            exprs.push(self.literal()?);
            if self.eat(Kind::Semicolon) && self.kind() == Kind::Eof {
                return Err(self.unexpected(""));
            }
        }
        Ok(Body { span: self.since(start), braces: false, exprs })
    }

    /// A whole text of one term.
    pub(super) fn whole_term(&mut self) -> Parsed<Term> {
        let mut body = self.whole_query()?;
        let expr = body.exprs.pop();
        match expr {
            Some(Expr { kind: ExprKind::Term(term), negated: false, with, .. })
                if body.exprs.is_empty() && with.is_empty() =>
            {
                Ok(term)
            }
            _ => Err(fail(body.span, "expected exactly one term")),
        }
    }

    /// `{ conditions }`
    pub(super) fn braced_body(&mut self) -> Parsed<Body> {
        let start = self.span().start;
        self.bump();
        let mut body = self.conditions(Kind::RightBrace)?;
        self.bump();
        body.braces = true;
        body.span = self.since(start);
        Ok(body)
    }

    /// Conditions up to a closing bracket, which is not taken.
    pub(super) fn conditions(&mut self, end: Kind) -> Parsed<Body> {
        let start = self.span().start;
        if self.kind() == end {
            return Err(fail(self.span(), "found empty body"));
        }
        let mut exprs = Vec::new();
        let mut height = 0;
        loop {
            exprs.push(self.literal()?);
            height = height.max(self.height);
            if self.eat(Kind::Semicolon) {
                continue;
            }
            if self.kind() == end {
                self.height = height;
                return Ok(Body { span: self.since(start), braces: false, exprs });
            }
            if !self.token().newline || self.kind() == Kind::Eof {
                return Err(self.unexpected(&format!("expected \\n or ; or {}", end.name())));
            }
        }
    }

    /// One condition, with every `with`.
    pub(super) fn literal(&mut self) -> Parsed<Expr> {
        if self.keywords.logical()
            && self.kind() == Kind::LeftBrace
            && let Some(body) = self.leading_body()?
        {
            return self.logical_tail(body);
        }
        self.literal_without_body()
    }

    /// The same where braces at its beginning are known to be no operand.
    pub(super) fn literal_without_body(&mut self) -> Parsed<Expr> {
        let start = self.span().start;
        if self.keywords.logical()
            && self.kind() == Kind::LeftParen
            && let Some(group) = self.group(false, "")?
        {
            return self.logical_tail(group);
        }
        let negated = !self.keyword_begins_reference() && self.eat(Kind::Not);
        if negated && self.keywords.not {
            if self.kind() == Kind::LeftBrace {
                let not = self.not_body(start)?;
                return self.logical_tail(Body { span: not.span, braces: false, exprs: vec![not] });
            }
            if self.kind() == Kind::LeftParen
                && let Some(group) = self.group(true, "not ")?
            {
                let not = self.not(start, group);
                return self.logical_tail(Body { span: not.span, braces: false, exprs: vec![not] });
            }
        }
        let from = self.span();
        let kind = match self.kind() {
            kind @ (Kind::Some | Kind::Every) if negated => {
                return Err(self.unexpected(&format!("illegal negation of '{}'", kind.name())));
            }
            Kind::Some => self.some()?,
            Kind::Every => self.every()?,
            _ => return self.condition_with(start, from, negated),
        };
        let with = match kind {
            ExprKind::Some(_) => Vec::new(),
            _ => self.withs()?,
        };
        Ok(Expr { span: self.since(start), negated, kind, with })
    }

    /// A condition after `not`, if it is `negated`, that may be the first operand of `and` or `or`.
    fn condition_with(&mut self, start: u32, from: Span, negated: bool) -> Parsed<Expr> {
        let brace = !negated && self.kind() == Kind::LeftBrace;
        let kind = self.condition()?;
        let expr = Expr { span: self.since(from.start), negated: false, kind, with: Vec::new() };
        let mut expr = self.negate(start, negated, expr);
        let with = self.span();
        if self.kind() == Kind::With {
            expr.with = self.withs()?;
            expr.span = self.since(start);
        }
        let op = match self.kind() {
            Kind::LogicalAnd => Connective::And,
            Kind::LogicalOr => Connective::Or,
            _ => return Ok(expr),
        };
        match &expr.kind {
            _ if !expr.with.is_empty() => Err(self.with_on_operand(with)),
            // `{}` alone would be a body.
            ExprKind::Term(Term { kind: TermKind::Object(members), .. }) if brace && members.is_empty() => {
                Err(fail(expr.span, "found empty body"))
            }
            _ if brace => Err(self.brace_led(expr.span, op)),
            _ => self.logical_tail(Body { span: expr.span, braces: false, exprs: vec![expr] }),
        }
    }

    /// A term, or two with `:=` or `=` between them.
    pub(super) fn condition(&mut self) -> Parsed<ExprKind> {
        let left = self.term(true)?;
        let height = self.height;
        let assigned = match self.kind() {
            Kind::Assign => true,
            Kind::Unify => false,
            _ => return Ok(ExprKind::Term(left)),
        };
        self.bump();
        let right = self.term(true)?;
        self.grow(height.max(self.height))?;
        Ok(if assigned { ExprKind::Assign(left, right) } else { ExprKind::Unify(left, right) })
    }

    pub(super) fn withs(&mut self) -> Parsed<Vec<With>> {
        let mut all = Vec::new();
        let mut height = self.height;
        while self.kind() == Kind::With {
            let start = self.span().start;
            self.bump();
            if self.kind() != Kind::Ident {
                return Err(self.unexpected("expected ident"));
            }
            let target = self.primary()?;
            height = height.max(self.height);
            if !matches!(target.kind, TermKind::Ref(_) | TermKind::Var(_)) {
                return Err(self.unexpected("expected with target path"));
            }
            if !self.eat(Kind::As) {
                return Err(self.unexpected("expected as keyword"));
            }
            let value = self.term(true)?;
            height = height.max(self.height);
            all.push(With { span: self.since(start), target, value });
        }
        self.height = height;
        Ok(all)
    }

    /// `some x in xs`, `some k, v in xs`, `some x, y`
    fn some(&mut self) -> Parsed<ExprKind> {
        self.bump();
        let mark = self.mark();
        let tried = self.term(true);
        if let Ok(term) = tried {
            match peel(term).kind {
                TermKind::In { key, value, collection } => {
                    let key = key.map(|key| *key);
                    return Ok(ExprKind::SomeIn { key, value: *value, collection: *collection });
                }
                TermKind::Call { .. } | TermKind::Infix { .. } => {
                    return Err(self.unexpected("expected `x in xs` or `x, y in xs` expression"));
                }
                _ => {}
            }
        }
        self.back_to(mark)?;
        let mut names = Vec::new();
        loop {
            if self.kind() != Kind::Ident {
                return Err(self.unexpected("expected var"));
            }
            names.push(self.ident());
            if !self.eat(Kind::Comma) {
                self.height = 1;
                return Ok(ExprKind::Some(names));
            }
        }
    }

    /// The next token, whatever it is, as a name.
    pub(super) fn ident(&mut self) -> Ident {
        let (span, name) = (self.span(), self.name(self.text()));
        self.bump();
        Ident { span, name }
    }

    /// `every k, v in xs { conditions }`
    fn every(&mut self) -> Parsed<ExprKind> {
        const EXPECTED: &str = "expected `x[, y] in xs { ... }` expression";
        self.bump();
        let term = self.term(true)?;
        let height = self.height;
        let TermKind::In { key, value, collection } = peel(term).kind else {
            return Err(self.unexpected(EXPECTED));
        };
        let key = match key.map(|key| variable(*key)) {
            Some(None) => return Err(self.unexpected("expected key to be a variable")),
            Some(key) => key,
            None => None,
        };
        let Some(value) = variable(*value) else {
            return Err(self.unexpected("expected value to be a variable"));
        };
        if self.kind() != Kind::LeftBrace {
            return Err(self.unexpected("missing body"));
        }
        let body = self.nested(Self::braced_body)?;
        self.grow(height.max(self.height))?;
        Ok(ExprKind::Every { key, value, domain: *collection, body })
    }
}

fn variable(term: Term) -> Option<Ident> {
    let term = peel(term);
    match term.kind {
        TermKind::Var(name) if !matches!(&*name, "input" | "data") => Some(Ident { span: term.span, name }),
        _ => None,
    }
}
