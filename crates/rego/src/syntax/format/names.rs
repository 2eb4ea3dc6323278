//! Names, texts and operators, as they are written.

use super::super::ast::{Op, Term, TermKind};
use super::super::token::Kind;

/// Whether a part of a reference cannot be written `.name`, or was not where that would be a keyword.
pub(super) fn needs_brackets(name: &str, in_quotes: bool) -> bool {
    let mut bytes = name.bytes();
    let word = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    !word || in_quotes && Kind::is_v1_keyword(name)
}

/// A text in quotes, with escapes only where they are needed.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for found in text.chars() {
        match found {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{a0}'
            | '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}'
            | '\u{feff}' => out.push_str(&format!("\\u{:04x}", found as u32)),
            _ => out.push(found),
        }
    }
    out.push('"');
    out
}

/// How an operator is written.
pub(super) const fn symbol(op: Op) -> &'static str {
    match op {
        Op::Equal => "==",
        Op::NotEqual => "!=",
        Op::Less => "<",
        Op::LessEqual => "<=",
        Op::Greater => ">",
        Op::GreaterEqual => ">=",
        Op::Plus => "+",
        Op::Minus => "-",
        Op::Times => "*",
        Op::Divide => "/",
        Op::Remainder => "%",
        Op::And => "&",
        Op::Or => "|",
        Op::Assign => ":=",
        Op::Unify => "=",
    }
}

/// How tightly an operator binds.
pub(super) const fn binds(op: Op) -> u8 {
    match op {
        Op::Assign | Op::Unify => 0,
        Op::Equal | Op::NotEqual | Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => 1,
        Op::Or => 2,
        Op::And => 3,
        Op::Plus | Op::Minus => 4,
        Op::Times | Op::Divide | Op::Remainder => 5,
    }
}

/// The operator that a built-in function is written as.
pub(super) fn operator_named(name: &str) -> Option<Op> {
    Some(match name {
        "equal" => Op::Equal,
        "neq" => Op::NotEqual,
        "lt" => Op::Less,
        "lte" => Op::LessEqual,
        "gt" => Op::Greater,
        "gte" => Op::GreaterEqual,
        "plus" => Op::Plus,
        "minus" => Op::Minus,
        "mul" => Op::Times,
        "div" => Op::Divide,
        "rem" => Op::Remainder,
        "and" => Op::And,
        "or" => Op::Or,
        _ => return None,
    })
}

/// A call as the operator that it is, and its arguments: `plus(a, b)`, and as a condition `plus(a, b, sum)`.
pub(super) fn operator_call<'t>(term: &'t Term, own: &[std::sync::Arc<str>]) -> Option<(Op, &'t [Term])> {
    let TermKind::Call { function, args } = &term.kind else { return None };
    let TermKind::Var(name) = &function.kind else { return None };
    if own.contains(name) {
        return None;
    }
    Some((operator_named(name)?, args))
}

/// The operator between two terms.
pub(super) fn infix<'t>(term: &'t Term, own: &[std::sync::Arc<str>]) -> Option<(Op, &'t Term, &'t Term)> {
    match &term.peeled().kind {
        TermKind::Infix { op, left, right, .. } => Some((*op, left, right)),
        TermKind::Call { .. } => match operator_call(term.peeled(), own)? {
            (op, [left, right]) => Some((op, left, right)),
            _ => None,
        },
        _ => None,
    }
}

/// Where a term begins that operators and parentheses stand around: OPA's place of the whole.
pub(super) fn start(mut term: &Term) -> u32 {
    loop {
        term = match &term.kind {
            TermKind::Parens(inner) => inner,
            TermKind::Infix { left, .. } => left,
            TermKind::In { key: Some(key), .. } => key,
            TermKind::In { value, .. } => value,
            TermKind::Call { function, .. } => function,
            TermKind::Ref(reference) => &reference.head,
            _ => return term.span.start,
        };
    }
}
