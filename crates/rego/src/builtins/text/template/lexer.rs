//! Go's text templates: texts, actions, and what actions are made of.

use crate::builtins::text::print::quote;

/// A part of a template.
pub enum Piece {
    /// Text, trimmed as its neighbours ask for.
    Text(String),
    /// The line of an action, and what is between its braces.
    Action(usize, String),
}

/// A part of an action.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name.
    Word(String),
    /// `.`
    Dot,
    /// `.name`
    Field(String),
    /// `.name` right behind something else.
    Chained(String),
    /// `$name`, with the dollar sign.
    Variable(String),
    /// A text in quotes.
    Text(String),
    /// A whole number, or a character.
    Int(i64),
    /// Another number.
    Float(f64),
    /// `|`
    Pipe,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `:=`
    Declare,
    /// `=`
    Assign,
}

/// Parts a template into texts and actions; comments are gone.
///
/// # Errors
/// When an action is not closed.
pub fn split(template: &str) -> Result<Vec<Piece>, String> {
    const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut line = 1;
    let mut trim = false;
    loop {
        let (text, action) =
            rest.split_once("{{").map_or((rest, None), |(text, action)| (text, Some(action)));
        let mut shown = if trim { text.trim_start_matches(BLANKS) } else { text };
        line += text.matches('\n').count();
        let Some(action) = action else {
            pieces.push(Piece::Text(shown.to_owned()));
            return Ok(pieces);
        };
        let marked = |text: &str| text.strip_prefix('-').is_some_and(|text| text.starts_with(BLANKS));
        let mut inside = action;
        if marked(action) {
            shown = shown.trim_end_matches(BLANKS);
            inside = action.get(2..).unwrap_or_default();
        }
        if !shown.is_empty() {
            pieces.push(Piece::Text(shown.to_owned()));
        }
        let fault = |what: &str| format!("template: template:{line}: {what}");
        let comment = inside.starts_with("/*");
        let length = if comment {
            inside.find("*/").map(|at| at + 2).ok_or_else(|| fault("unclosed comment"))?
        } else {
            end(inside).ok_or_else(|| fault("unclosed action"))?
        };
        let (content, behind) = inside.split_at_checked(length).unwrap_or((inside, ""));
        let (content, behind) = if comment {
            let behind = behind
                .strip_prefix(" -")
                .map_or(behind, |rest| if rest.starts_with("}}") { rest } else { behind });
            trim = behind.len() + 2 <= inside.len() - length;
            let behind =
                behind.strip_prefix("}}").ok_or_else(|| fault("comment ends before closing delimiter"))?;
            ("", behind)
        } else {
            let cut = content.strip_suffix('-').filter(|content| content.ends_with(BLANKS));
            trim = cut.is_some();
            (cut.unwrap_or(content), behind.get(2..).unwrap_or_default())
        };
        if !comment {
            pieces.push(Piece::Action(line, content.to_owned()));
        }
        line += content.matches('\n').count();
        rest = behind;
    }
}

/// Where an action ends: at braces that are not within quotes.
fn end(action: &str) -> Option<usize> {
    let mut quote = None;
    let mut characters = action.char_indices();
    while let Some((at, c)) = characters.next() {
        match quote {
            None if c == '}' && action.get(at..)?.starts_with("}}") => return Some(at),
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None => (),
            Some('`') if c == '`' => quote = None,
            Some('`') => (),
            Some(_) if c == '\\' => drop(characters.next()),
            Some(mark) if c == mark => quote = None,
            Some(_) => (),
        }
    }
    None
}

/// A character constant.
fn character(text: &str) -> Result<(Token, &str), String> {
    let (value, behind) = quoted(text, '\'').ok_or("malformed character constant")?;
    let mut characters = value.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) => Ok((Token::Int(i64::from(u32::from(c))), behind)),
        _ => Err("malformed character constant".to_owned()),
    }
}

fn number(rest: &str) -> Result<(Token, &str), String> {
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '+' | '-' | '_'))
        .unwrap_or(rest.len());
    let (number, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let bare = number.replace('_', "");
    let token = match (integer(&bare), bare.parse::<f64>()) {
        (Some(number), _) => Token::Int(number),
        // What looks like a whole number is one, or none.
        (_, Ok(number)) if number.is_finite() && bare.contains(['.', 'e', 'E']) => Token::Float(number),
        _ if number.is_empty() => {
            let first = rest.chars().take(1).collect::<String>();
            return Err(format!("unexpected {} in command", quote(&first)));
        }
        _ => return Err(format!("bad number syntax: {}", quote(number))),
    };
    Ok((token, behind))
}

/// A whole number as Go writes it: with a prefix for its base, where a zero alone is one for octal ones.
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", text.get(1..)?),
        b'+' => ("", text.get(1..)?),
        _ => ("", text),
    };
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), base).ok()
}

/// Parts an action into tokens.
///
/// # Errors
/// When there is something else in it.
pub fn lex(action: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = action;
    // Whether what comes next is right behind something that has members.
    let mut chained = false;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        let glued = std::mem::take(&mut chained);
        let (token, behind) = match c {
            ' ' | '\t' | '\r' | '\n' => {
                rest = after;
                continue;
            }
            '|' => (Token::Pipe, after),
            '(' => (Token::Open, after),
            ')' => {
                chained = true;
                (Token::Close, after)
            }
            ',' => (Token::Comma, after),
            '=' => (Token::Assign, after),
            ':' => (Token::Declare, after.strip_prefix('=').ok_or("expected :=")?),
            '"' => {
                let (text, behind) = quoted(rest, '"').ok_or("unterminated quoted string")?;
                (Token::Text(text), behind)
            }
            '`' => {
                let (text, behind) = after.split_once('`').ok_or("unterminated raw quoted string")?;
                (Token::Text(text.to_owned()), behind)
            }
            '$' => {
                let (name, behind) = word(after);
                chained = true;
                (Token::Variable(format!("${name}")), behind)
            }
            '.' if !after.starts_with(|c: char| c.is_ascii_digit()) => {
                let (name, behind) = word(after);
                chained = !name.is_empty();
                match name {
                    "" => (Token::Dot, behind),
                    name if glued => (Token::Chained(name.to_owned()), behind),
                    name => (Token::Field(name.to_owned()), behind),
                }
            }
            c if c.is_alphabetic() || c == '_' => {
                let (name, behind) = word(rest);
                (Token::Word(name.to_owned()), behind)
            }
            '\'' => character(rest)?,
            _ => number(rest)?,
        };
        tokens.push(token);
        rest = behind;
    }
    Ok(tokens)
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// What is between two marks, the first of which the text begins with, and what is behind them.
fn quoted(text: &str, mark: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.strip_prefix(mark)?;
    loop {
        let c = rest.chars().next()?;
        rest = rest.get(c.len_utf8()..)?;
        match c {
            '\n' => return None,
            '\\' => {
                let (c, behind) = escape(rest, mark)?;
                value.push(c);
                rest = behind;
            }
            c if c == mark => return Some((value, rest)),
            c => value.push(c),
        }
    }
}

/// What is behind a backslash.
fn escape(text: &str, mark: char) -> Option<(char, &str)> {
    let first = text.chars().next()?;
    let behind = text.get(first.len_utf8()..)?;
    let code = |digits: &str, base: u32| char::from_u32(u32::from_str_radix(digits, base).ok()?);
    let number = |length: usize| Some((code(behind.get(..length)?, 16)?, behind.get(length..)?));
    let plain = |c: char| Some((c, behind));
    match first {
        'a' => plain('\u{7}'),
        'b' => plain('\u{8}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\u{b}'),
        '\\' => plain('\\'),
        'u' => number(4),
        'U' => number(8),
        // Bytes beyond ASCII are no characters.
        'x' => number(2).filter(|(c, _)| c.is_ascii()),
        '0'..='7' => Some((code(text.get(..3)?, 8).filter(char::is_ascii)?, text.get(3..)?)),
        c if c == mark => plain(c),
        _ => None,
    }
}
