//! The place of an error: what is around it.

use crate::syntax::keywords::Keywords;
use crate::syntax::source::{Source, Span};
use crate::syntax::token::{Kind, Token};

/// An error, and what is around it.
#[derive(Clone, Copy)]
pub(super) struct Place<'s> {
    pub(super) source: &'s Source,
    pub(super) tokens: &'s [Token],
    pub(super) keywords: Keywords,
    /// The first token of the statement.
    pub(super) from: usize,
    /// The token that the error is about.
    pub(super) at: usize,
    pub(super) span: Span,
    pub(super) message: &'s str,
}

impl<'s> Place<'s> {
    /// The token that is `offset` tokens after the one that the error is about.
    pub(super) fn token(&self, offset: isize) -> Token {
        let eof = Token { kind: Kind::Eof, spaced: true, newline: true, span: Span::default() };
        let at = self.at.checked_add_signed(offset);
        at.and_then(|at| self.tokens.get(at)).copied().unwrap_or(eof)
    }

    pub(super) fn kind(&self, offset: isize) -> Kind {
        self.token(offset).kind
    }

    pub(super) fn text(&self, offset: isize) -> &'s str {
        self.source.slice(self.token(offset).span)
    }

    /// The token that the statement begins with.
    pub(super) fn first(&self) -> Kind {
        self.tokens.get(self.from).map_or(Kind::Eof, |token| token.kind)
    }

    /// The place whose token is the first after the error's span.
    pub(super) fn after(&self) -> Self {
        let at = self.tokens.partition_point(|token| token.span.start < self.span.end);
        Self { at, ..*self }
    }

    /// The rest of the line from the start of the error.
    pub(super) fn rest_of_line(&self) -> &'s str {
        let rest = self.source.text.get(self.span.start as usize..).unwrap_or_default();
        rest.lines().next().unwrap_or_default().trim_end()
    }

    pub(super) fn says(&self, start: &str) -> bool {
        self.message.starts_with(start)
    }
}

/// Whether a term may begin with it.
pub(super) const fn begins_term(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Ident
            | Kind::Null
            | Kind::True
            | Kind::False
            | Kind::Number
            | Kind::String
            | Kind::RawString
            | Kind::TemplatePart
            | Kind::TemplateEnd
            | Kind::LeftBracket
            | Kind::LeftBrace
            | Kind::LeftParen
    )
}
