//! Terms: operators, references, calls, numbers and strings.

use super::super::ast::{Op, Ref, RefPart, Term, TermKind};
use super::super::literal::{in_range, unescape};
use super::super::source::Span;
use super::super::token::Kind;
use super::check::peel;
use super::type_name::type_name;
use super::{Parsed, Parser, fail, illegal_text};

/// An operator and how tightly it binds.
const fn operator(kind: Kind) -> Option<(Op, u8)> {
    Some(match kind {
        Kind::Equal => (Op::Equal, 1),
        Kind::NotEqual => (Op::NotEqual, 1),
        Kind::Less => (Op::Less, 1),
        Kind::LessEqual => (Op::LessEqual, 1),
        Kind::Greater => (Op::Greater, 1),
        Kind::GreaterEqual => (Op::GreaterEqual, 1),
        Kind::Or => (Op::Or, 2),
        Kind::And => (Op::And, 3),
        Kind::Plus => (Op::Plus, 4),
        Kind::Minus => (Op::Minus, 4),
        Kind::Times => (Op::Times, 5),
        Kind::Divide => (Op::Divide, 5),
        Kind::Remainder => (Op::Remainder, 5),
        _ => return None,
    })
}

/// A term that stands on the left of operators yet to come, and its height.
struct Pending {
    left: Term,
    height: usize,
    op: Op,
    op_span: Span,
    binds: u8,
}

impl Parser<'_> {
    /// A term with all operators. With `pairs`, a comma may follow the first operand: `key, value in collection`.
    pub(super) fn term(&mut self, pairs: bool) -> Parsed<Term> {
        let first = self.primary()?;
        self.operators(first, pairs)
    }

    /// The same after its first operand.
    pub(super) fn operators(&mut self, first: Term, pairs: bool) -> Parsed<Term> {
        let mut left = self.infix(first)?;
        let mut height = self.height;
        if pairs && self.keywords.r#in && self.kind() == Kind::Comma {
            let mark = self.mark();
            self.bump();
            match self.pair(left, height)? {
                Ok(pair) => {
                    left = pair;
                    height = self.height;
                }
                Err(alone) => {
                    left = alone;
                    self.back_to(mark)?;
                }
            }
        }
        // Another keyword with a dot or bracket behind it begins the next statement; `and` and `or` never do.
        while !self.at_connective() && !self.keyword_begins_reference() && self.eat(Kind::In) {
            let collection = self.relation()?;
            self.grow(height.max(self.height))?;
            height = self.height;
            let span = left.span.to(collection.span);
            let kind = TermKind::In { key: None, value: Box::new(left), collection: Box::new(collection) };
            left = Term { span, kind };
        }
        self.height = height;
        Ok(left)
    }

    /// `value in collection` after `key,`; gives the key back if that is not what follows.
    fn pair(&mut self, key: Term, key_height: usize) -> Parsed<Result<Term, Term>> {
        let Ok(value) = self.relation() else { return Ok(Err(key)) };
        let height = key_height.max(self.height);
        if !self.eat(Kind::In) {
            return Ok(Err(key));
        }
        let Ok(collection) = self.relation() else { return Ok(Err(key)) };
        self.grow(height.max(self.height))?;
        let span = key.span.to(collection.span);
        let (key, value, collection) = (Some(Box::new(key)), Box::new(value), Box::new(collection));
        Ok(Ok(Term { span, kind: TermKind::In { key, value, collection } }))
    }

    fn relation(&mut self) -> Parsed<Term> {
        let first = self.primary()?;
        self.infix(first)
    }

    /// Operators that bind more tightly than `in`; all lean to the left.
    fn infix(&mut self, first: Term) -> Parsed<Term> {
        let mut right = first;
        let mut pending: Vec<Pending> = Vec::new();
        loop {
            let next = operator(self.kind());
            let binds = next.map_or(0, |(_, binds)| binds);
            while let Some(last) = pending.pop_if(|last| last.binds >= binds) {
                self.grow(last.height.max(self.height))?;
                let span = last.left.span.to(right.span);
                let (left, op, op_span) = (Box::new(last.left), last.op, last.op_span);
                right = Term { span, kind: TermKind::Infix { op, op_span, left, right: Box::new(right) } };
            }
            let Some((op, binds)) = next else { return Ok(right) };
            pending.push(Pending { left: right, height: self.height, op, op_span: self.span(), binds });
            self.bump();
            right = self.primary()?;
        }
    }

    /// A term without operators outside of brackets.
    pub(super) fn primary(&mut self) -> Parsed<Term> {
        let span = self.span();
        self.height = 1;
        let kind = match self.kind() {
            Kind::Null => TermKind::Null,
            Kind::True => TermKind::Bool(true),
            Kind::False => TermKind::Bool(false),
            Kind::Ident | Kind::Contains => TermKind::Var(self.name(self.text())),
            // Where a term is wanted there is no operator: `and(x, y)`, `or.name`.
            Kind::LogicalAnd | Kind::LogicalOr if self.begins_suffix() => {
                TermKind::Var(self.name(self.text()))
            }
            Kind::Minus | Kind::Dot | Kind::Number => self.number()?,
            Kind::String => {
                let text = self.text();
                let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
                let value =
                    unescape(inner).ok_or_else(|| illegal_text(span, "string literal", text, inner))?;
                TermKind::String { value: value.into(), raw: false }
            }
            Kind::RawString => TermKind::String { value: self.text().trim_matches('`').into(), raw: true },
            Kind::TemplatePart | Kind::RawTemplatePart | Kind::TemplateEnd | Kind::RawTemplateEnd
                if self.text().starts_with('$') =>
            {
                self.nested(Self::template)?
            }
            Kind::LeftBracket => self.nested(Self::array)?,
            Kind::LeftBrace => self.nested(Self::set_or_object)?,
            Kind::LeftParen => self.nested(Self::parens)?,
            _ => return Err(self.unexpected("")),
        };
        self.bump();
        let term = Term { span: self.since(span.start), kind };
        self.suffixes(term)
    }

    /// `(term)`, up to the parenthesis.
    fn parens(&mut self) -> Parsed<TermKind> {
        self.bump();
        let term = self.term(true)?;
        if self.kind() != Kind::RightParen {
            return Err(fail(self.span(), "non-terminated expression"));
        }
        self.grow(self.height)?;
        Ok(TermKind::Parens(Box::new(term)))
    }

    /// A number, up to its last token: a minus sign and a leading point may stand apart from its digits.
    fn number(&mut self) -> Parsed<TermKind> {
        let mut number = String::new();
        if self.eat(Kind::Minus) {
            number.push('-');
            if !matches!(self.kind(), Kind::Number | Kind::Dot) {
                return Err(self.unexpected("expected number"));
            }
        }
        let pointed = self.eat(Kind::Dot);
        if self.kind() != Kind::Number {
            return Err(self.unexpected("expected number"));
        }
        let digits = self.text();
        if pointed {
            if digits.contains('.') {
                return Err(self.unexpected("invalid float"));
            }
            // JSON has no numbers that begin with a point.
            number.push_str("0.");
        } else if let [b'0', next, ..] = digits.as_bytes()
            && !matches!(next, b'.' | b'e' | b'E')
        {
            return Err(self.unexpected("expected number without leading zero"));
        }
        number.push_str(digits);
        if !in_range(number.trim_start_matches('-')) {
            return Err(fail(self.span(), "number too big"));
        }
        Ok(TermKind::Number(number.into()))
    }

    /// Whether a dot or bracket stands directly behind the next token.
    fn begins_suffix(&self) -> bool {
        let next = self.token_at(self.at + 1);
        !next.spaced && matches!(next.kind, Kind::Dot | Kind::LeftBracket | Kind::LeftParen)
    }

    /// What follows a term without space: `.name`, `[term]`, `(arguments)`.
    pub(super) fn suffixes(&mut self, term: Term) -> Parsed<Term> {
        if self.token().spaced || !matches!(self.kind(), Kind::Dot | Kind::LeftBracket | Kind::LeftParen) {
            return Ok(term);
        }
        self.reference(term)
    }

    /// A reference or call, whose first `.`, `[` or `(` comes next.
    pub(super) fn reference(&mut self, head: Term) -> Parsed<Term> {
        let mut head = callable(head)?;
        let mut height = self.height;
        let mut parts = Vec::new();
        loop {
            match self.kind() {
                Kind::Dot => {
                    self.bump();
                    let token = self.token();
                    if token.spaced || !(token.kind == Kind::Ident || token.kind.is_keyword()) {
                        if token.spaced && token.kind != Kind::Eof {
                            return Err(fail(token.span, "unexpected whitespace token: expected identifier"));
                        }
                        return Err(self.unexpected("expected identifier"));
                    }
                    parts.push(RefPart::Dot(self.ident()));
                }
                Kind::LeftBracket => {
                    let part = self.nested(|parser| {
                        parser.bump();
                        let part = parser.term(true)?;
                        if parser.kind() != Kind::RightBracket {
                            return Err(parser.unexpected("expected ]"));
                        }
                        parser.bump();
                        Ok(part)
                    })?;
                    height = height.max(self.height);
                    parts.push(RefPart::Bracket(part));
                }
                _ => {
                    let function = self.join(head, &mut parts, height)?;
                    height = self.height;
                    head = self.nested(|parser| parser.call(function))?;
                    height = height.max(self.height);
                    self.grow(height)?;
                    height = self.height;
                }
            }
            let token = self.token();
            let called = parts.is_empty();
            if token.spaced
                || !(matches!(token.kind, Kind::Dot | Kind::LeftBracket)
                    || token.kind == Kind::LeftParen && !called)
            {
                return self.join(head, &mut parts, height);
            }
        }
    }

    /// A term with the parts that were read after it.
    fn join(&mut self, head: Term, parts: &mut Vec<RefPart>, height: usize) -> Parsed<Term> {
        self.height = height;
        if parts.is_empty() {
            return Ok(head);
        }
        self.grow(height)?;
        let span = self.since(head.span.start);
        let reference = Ref { span, head: Box::new(head), parts: std::mem::take(parts) };
        Ok(Term { span, kind: TermKind::Ref(reference) })
    }

    /// `(arguments)`, with the parentheses. `set()` is a set.
    fn call(&mut self, function: Term) -> Parsed<Term> {
        if !matches!(function.kind, TermKind::Var(_) | TermKind::Ref(_)) {
            let message = format!("illegal call (function cannot be {})", type_name(&function));
            return Err(fail(function.span, message));
        }
        self.bump();
        self.height = 0;
        let args = self.list(Kind::RightParen, Vec::new(), 0)?;
        self.bump();
        let span = self.since(function.span.start);
        let kind = match &function.kind {
            TermKind::Var(name) if &**name == "set" && args.is_empty() => TermKind::Set(Vec::new()),
            _ => TermKind::Call { function: Box::new(function), args },
        };
        Ok(Term { span, kind })
    }
}

/// The term, if it may be the head of a reference; a variable without its parentheses.
fn callable(term: Term) -> Parsed<Term> {
    let mut inner = &term;
    while let TermKind::Parens(next) = &inner.kind {
        inner = next;
    }
    match &inner.kind {
        TermKind::Null
        | TermKind::Bool(_)
        | TermKind::Number(_)
        | TermKind::String { .. }
        | TermKind::Template { .. }
        | TermKind::Ref(_)
        | TermKind::Parens(_) => {
            Err(fail(term.span, format!("illegal ref (head cannot be {})", type_name(&term))))
        }
        TermKind::Var(name) if inner.span != term.span && matches!(&**name, "input" | "data") => {
            Err(fail(term.span, "illegal ref (head cannot be ref)"))
        }
        TermKind::Var(_) => Ok(Term { span: term.span, kind: peel(term).kind }),
        _ => Ok(term),
    }
}
