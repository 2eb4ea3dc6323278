//! Brackets and braces that are not closed: where they were opened.

use super::place::Place;
use crate::syntax::token::{Kind, Token};

/// How much of a line is quoted.
const QUOTED: usize = 40;

pub(super) fn hint(place: &Place<'_>) -> Option<String> {
    let (open, doubtful) = open(place);
    let opened = open.filter(|open| seems_unclosed(place, *open))?;
    let token = doubtful.or_else(|| place.tokens.get(opened).copied())?;
    let (line, _) = place.source.position(token.span.start);
    let text: String = place.source.line(line).trim().chars().take(QUOTED).collect();
    Some(format!("the `{}` on line {line} is not closed: `{text}`", token.kind.name()))
}

/// The innermost bracket that is open at the error, and one whose partner is indented otherwise than its line.
fn open(place: &Place<'_>) -> (Option<usize>, Option<Token>) {
    let mut open: Vec<usize> = Vec::new();
    let mut doubtful = None;
    let range = place.from..place.at.min(place.tokens.len());
    for (at, token) in place.tokens.iter().enumerate().take(range.end).skip(range.start) {
        match token.kind {
            Kind::LeftBrace | Kind::LeftBracket | Kind::LeftParen => open.push(at),
            Kind::RightBrace | Kind::RightBracket | Kind::RightParen => {
                let opener = open.pop().and_then(|at| place.tokens.get(at)).copied();
                let other = |opener: &Token| token.newline && indent(place, token) < indent(place, opener);
                doubtful = doubtful.or(opener.filter(other));
            }
            _ => {}
        }
    }
    (open.last().copied(), doubtful)
}

/// How far the line of a token is indented, in bytes.
fn indent(place: &Place<'_>, token: &Token) -> usize {
    let line = place.source.line(place.source.line_of(token.span.start));
    line.len() - line.trim_start().len()
}

/// Whether the text ends, or another statement begins, where a bracket is open.
fn seems_unclosed(place: &Place<'_>, open: usize) -> bool {
    if place.kind(0) == Kind::Eof {
        return true;
    }
    let mut lines = place.tokens.iter().enumerate().take(place.at + 1).skip(open + 1);
    let begins = lines.rfind(|(_, token)| token.newline);
    begins.is_some_and(|(_, token)| {
        let word = token.kind == Kind::Ident || token.kind.is_keyword();
        word && place.source.position(token.span.start).1 == 1
    })
}
