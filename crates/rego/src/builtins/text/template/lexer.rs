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

/// A character constant, whose opening quote has been read.
fn character(after: &str) -> Result<(Token, &str), String> {
    let (text, behind) = after.split_once('\'').ok_or("unterminated character constant")?;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) if c != '\\' => Ok((Token::Int(i64::from(u32::from(c))), behind)),
        _ => Err("malformed character constant".to_owned()),
    }
}

fn number(rest: &str) -> Result<(Token, &str), String> {
    let first = rest.chars().take(1).collect::<String>();
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '+' | '-' | '_'))
        .unwrap_or(rest.len());
    let (number, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let token = match (number.parse(), number.parse::<f64>()) {
        (Ok(number), _) => Token::Int(number),
        (_, Ok(number)) if number.is_finite() => Token::Float(number),
        _ if number.is_empty() => {
            return Err(format!("unexpected {} in command", quote(&first)));
        }
        _ => return Err(format!("bad number syntax: {}", quote(number))),
    };
    Ok((token, behind))
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
            '"' => quoted(rest)?,
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
            '\'' => character(after)?,
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

fn quoted(text: &str) -> Result<(Token, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Ok((Token::Text(value), text.get(at + 1..).unwrap_or_default())),
            '\n' => break,
            '\\' => {
                let code = |length: usize| {
                    let digits = text.get(at + 2..at + 2 + length)?;
                    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
                };
                let Some((_, escape)) = characters.next() else { break };
                let (c, skipped) = match escape {
                    'n' => (Some('\n'), 0),
                    't' => (Some('\t'), 0),
                    'r' => (Some('\r'), 0),
                    '"' | '\\' => (Some(escape), 0),
                    'u' => (code(4), 4),
                    'U' => (code(8), 8),
                    'x' => (code(2).filter(char::is_ascii), 2),
                    _ => (None, 0),
                };
                value.push(c.ok_or("invalid syntax")?);
                for _ in 0..skipped {
                    characters.next();
                }
            }
            c => value.push(c),
        }
    }
    Err("unterminated quoted string".to_owned())
}
