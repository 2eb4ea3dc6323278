//! Whether more is to come: for a prompt, which reads a statement line by line.

use super::lexer::lex;
use super::token::Kind;

/// Whether a text cannot be a statement yet: a bracket or a raw string is open, or it ends with a word or an operator that
/// something has to follow. What is wrong in another way is not unfinished.
pub fn is_unfinished(text: &str) -> bool {
    let lexed = lex(text);
    let mut open = Vec::new();
    for token in &lexed.tokens {
        let rest = text.get(token.span.start as usize..).unwrap_or_default();
        let opened = match token.kind {
            // Raw strings may go on over lines, those of templates included; others may not.
            Kind::Illegal => {
                let in_raw_template = rest.starts_with('}') && open.last() == Some(&Kind::RawTemplatePart);
                return rest.starts_with('`') || rest.starts_with("$`") || in_raw_template;
            }
            Kind::RightBrace => Some(Kind::LeftBrace),
            Kind::RightBracket => Some(Kind::LeftBracket),
            Kind::RightParen => Some(Kind::LeftParen),
            // These close what the part before them has opened.
            Kind::TemplatePart | Kind::TemplateEnd if rest.starts_with('}') => Some(Kind::TemplatePart),
            Kind::RawTemplatePart | Kind::RawTemplateEnd if rest.starts_with('}') => {
                Some(Kind::RawTemplatePart)
            }
            _ => None,
        };
        if opened.is_some() && open.pop() != opened {
            return false;
        }
        if opens(token.kind) {
            open.push(token.kind);
        }
    }
    let last = lexed.tokens.iter().rev().find(|token| token.kind != Kind::Eof);
    !open.is_empty() || last.is_some_and(|last| wants_more(last.kind))
}

const fn opens(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::LeftBrace | Kind::LeftBracket | Kind::LeftParen | Kind::TemplatePart | Kind::RawTemplatePart
    )
}

const fn wants_more(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Package
            | Kind::Import
            | Kind::As
            | Kind::Default
            | Kind::Else
            | Kind::Not
            | Kind::Some
            | Kind::With
            | Kind::In
            | Kind::Every
            | Kind::Contains
            | Kind::If
            | Kind::LogicalAnd
            | Kind::LogicalOr
            | Kind::Comma
            | Kind::Colon
            | Kind::Semicolon
            | Kind::Dot
            | Kind::Assign
            | Kind::Unify
    ) || kind.is_operator()
}

#[cfg(test)]
mod tests {
    use super::is_unfinished;

    #[test]
    fn what_needs_more_lines_is_told_from_what_is_wrong() {
        for (text, expected) in [
            ("", false),
            ("x := 1", false),
            ("x :=", true),
            ("p if {", true),
            ("p if {\n\tx == 1\n", true),
            ("p if {\n\tx == 1\n}", false),
            ("p if", true),
            ("default allow", false),
            ("default", true),
            ("f(x,", true),
            ("[1, {2: (3)}]", false),
            ("[1, {2: (3]", false),
            (")", false),
            ("1 +", true),
            ("not", true),
            ("x == 1 # {", false),
            ("{ # }", true),
            ("\"{", false),
            ("\"{\"", false),
            ("x := `a {", true),
            ("x := `a {`", false),
            ("x := $`a {y}", true),
            ("x := $`a {y}`", false),
            ("a.", true),
            ("true", false),
        ] {
            assert_eq!(is_unfinished(text), expected, "{text}");
        }
    }
}
