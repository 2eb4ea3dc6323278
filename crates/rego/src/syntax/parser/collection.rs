//! Arrays, sets, objects, comprehensions and template strings.

use super::super::ast::{Body, Connective, Expr, ExprKind, TemplatePart, Term, TermKind};
use super::super::literal::template_text;
use super::super::token::Kind;
use super::{Parsed, Parser, fail, illegal_text};

impl Parser<'_> {
    /// Terms with commas between and perhaps after them, up to a closing bracket, which is not taken.
    pub(super) fn list(&mut self, end: Kind, mut terms: Vec<Term>, mut height: usize) -> Parsed<Vec<Term>> {
        while self.kind() != end {
            terms.push(self.term(false)?);
            height = height.max(self.height);
            self.comma_or(end)?;
        }
        self.height = height;
        Ok(terms)
    }

    fn comma_or(&mut self, end: Kind) -> Parsed<()> {
        if self.eat(Kind::Comma) || self.kind() == end {
            return Ok(());
        }
        Err(self.unexpected(&format!("expected \",\" or \"{}\"", end.name())))
    }

    /// The body of a comprehension, whose `|` comes next, and its height. Where none can be read but a comma, the `|` is
    /// an operator in a list: `{a | b, c}`.
    fn comprehension(&mut self, end: Kind, always_back: bool) -> Parsed<Option<Body>> {
        let mark = self.mark();
        self.bump();
        match self.nested(|parser| parser.conditions(end)) {
            Ok(body) => Ok(Some(body)),
            Err(error) if !always_back && self.kind() != Kind::Comma => Err(error),
            Err(_) => {
                self.back_to(mark)?;
                Ok(None)
            }
        }
    }

    /// A leading comma is allowed, and then there is no comprehension.
    fn leading_comma(&mut self) -> bool {
        self.eat(Kind::Comma)
    }

    /// `[…]`, up to the bracket.
    pub(super) fn array(&mut self) -> Parsed<TermKind> {
        self.bump();
        if self.kind() == Kind::RightBracket {
            return Ok(TermKind::Array(Vec::new()));
        }
        let plain = self.leading_comma();
        let head = self.primary()?;
        let height = self.height;
        if self.kind() == Kind::Or && !plain {
            if let Some(body) = self.comprehension(Kind::RightBracket, false)? {
                self.grow(height.max(self.height))?;
                return Ok(TermKind::ArrayComprehension(Box::new(head), body));
            }
            self.height = height;
        }
        let first = self.operators(head, false)?;
        self.comma_or(Kind::RightBracket)?;
        let terms = self.list(Kind::RightBracket, vec![first], self.height)?;
        self.grow(self.height)?;
        Ok(TermKind::Array(terms))
    }

    /// `{…}`, up to the brace.
    pub(super) fn set_or_object(&mut self) -> Parsed<TermKind> {
        self.bump();
        if self.kind() == Kind::RightBrace {
            return Ok(TermKind::Object(Vec::new()));
        }
        let plain = self.leading_comma();
        let head = self.primary()?;
        let height = self.height;
        if self.kind() == Kind::Or && !plain {
            if let Some(body) = self.comprehension(Kind::RightBrace, false)? {
                self.grow(height.max(self.height))?;
                return Ok(TermKind::SetComprehension(Box::new(head), body));
            }
            self.height = height;
        }
        let first = self.operators(head, false)?;
        match self.kind() {
            Kind::Colon => self.object(first, plain),
            Kind::RightBrace | Kind::Comma => {
                self.comma_or(Kind::RightBrace)?;
                let terms = self.list(Kind::RightBrace, vec![first], self.height)?;
                self.grow(self.height)?;
                Ok(TermKind::Set(terms))
            }
            _ => Err(self.unexpected("non-terminated set")),
        }
    }

    /// An object after its first key, up to the brace.
    fn object(&mut self, key: Term, plain: bool) -> Parsed<TermKind> {
        let key_height = self.height;
        self.bump();
        let head = self.primary()?;
        let head_height = self.height;
        if self.kind() == Kind::Or && !plain {
            if let Some(body) = self.comprehension(Kind::RightBrace, true)? {
                self.grow(key_height.max(head_height).max(self.height))?;
                return Ok(TermKind::ObjectComprehension(Box::new(key), Box::new(head), body));
            }
            self.height = head_height;
        }
        let value = self.operators(head, false)?;
        let mut height = key_height.max(self.height);
        let mut pairs = vec![(key, value)];
        if !matches!(self.kind(), Kind::Comma | Kind::RightBrace) {
            return Err(self.unexpected("non-terminated object"));
        }
        self.comma_or(Kind::RightBrace)?;
        while self.kind() != Kind::RightBrace {
            let key = self.term(false)?;
            height = height.max(self.height);
            if !self.eat(Kind::Colon) {
                return Err(self.unexpected("expected \":\""));
            }
            let value = self.term(false)?;
            height = height.max(self.height);
            pairs.push((key, value));
            self.comma_or(Kind::RightBrace)?;
        }
        self.grow(height)?;
        Ok(TermKind::Object(pairs))
    }

    /// A template, whose first text comes next, up to its last text.
    pub(super) fn template(&mut self) -> Parsed<TermKind> {
        if !self.options.features.template_strings {
            let error = fail(self.span(), "template strings are not supported by current capabilities");
            let hint =
                "the given capabilities are those of an OPA without them; write `sprintf(\"… %v …\", [x])`";
            return Err(Box::new(error.with_hint(hint)));
        }
        let raw = matches!(self.kind(), Kind::RawTemplatePart | Kind::RawTemplateEnd);
        let mut parts = Vec::new();
        let mut height = 0;
        loop {
            let (span, text) = (self.span(), self.text());
            let before = if text.starts_with('$') { 2 } else { 1 };
            let inner = text.get(before..text.len().saturating_sub(1)).unwrap_or_default();
            let value = template_text(inner, raw)
                .ok_or_else(|| illegal_text(span, "template-string part", text, inner))?;
            if !value.is_empty() {
                parts.push(TemplatePart::Text(value.into()));
            }
            if matches!(self.kind(), Kind::TemplateEnd | Kind::RawTemplateEnd) {
                break;
            }
            self.bump();
            let expr = self.nested(Self::literal)?;
            height = height.max(self.height);
            fits_template(&expr)?;
            parts.push(TemplatePart::Expr(Box::new(expr)));
            let (kind, text) = (self.kind(), self.text());
            let goes_on = match kind {
                Kind::TemplatePart | Kind::TemplateEnd => !raw,
                Kind::RawTemplatePart | Kind::RawTemplateEnd => raw,
                _ => false,
            };
            if !goes_on || !text.starts_with('}') {
                return Err(fail(self.span(), "expected } to end template string expression"));
            }
        }
        self.grow(height)?;
        Ok(TermKind::Template { raw, parts })
    }
}

fn fits_template(expr: &Expr) -> Parsed<()> {
    let what = match expr.kind {
        _ if expr.negated => "negation ('not')",
        ExprKind::Not(_) => "negation ('not')",
        ExprKind::Logical { op, .. } => match op {
            Connective::And => "'and'",
            Connective::Or => "'or'",
        },
        ExprKind::Unify(..) => "unification ('=')",
        ExprKind::Assign(..) => "assignment (':=')",
        ExprKind::Every { .. } => "'every'",
        ExprKind::Some(_) | ExprKind::SomeIn { .. } => "'some'",
        ExprKind::Term(_) => return Ok(()),
    };
    Err(fail(expr.span, format!("unexpected {what} in template-string expression")))
}
