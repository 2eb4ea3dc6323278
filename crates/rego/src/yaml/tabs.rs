//! Tabs that separate: `a:<tab>1`, or before the next line of a quoted text. YAML allows them where blanks are no
//! indentation; the parser takes some of them for indentation, so it is given spaces instead.

use std::borrow::Cow;

use super::error::YamlError;

/// The most columns that a line is moved to, so that a short line does not become a long one: lists and mappings that are
/// further in are refused as before.
const MAX_COLUMN: usize = 80;

/// The text with spaces for tabs that only separate; line for line. Columns stay but in lines of quoted texts and flow
/// collections that begin with tabs.
///
/// # Errors
/// A tab that indents the beginning of a document.
pub(super) fn to_spaces(text: &str) -> Result<Cow<'_, str>, YamlError> {
    if !text.contains('\t') {
        return Ok(Cow::Borrowed(text));
    }
    let mut scanner = Scanner { out: String::with_capacity(text.len()), ..Scanner::default() };
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if scanner.line(line).is_none() {
            let message = "found character that cannot start any token: a tab does not indent";
            return Err(YamlError::at(at + 1, 1, message));
        }
    }
    Ok(Cow::Owned(scanner.out))
}

/// What the end of a line is in.
#[derive(Default, Clone, Copy, PartialEq)]
enum Within {
    #[default]
    Structure,
    /// A text between quotes: which, and the column of the first.
    Quotes(char, usize),
    /// A text after `|` or `>`, of the lines that have more than so many spaces in front.
    Block(Option<usize>),
}

#[derive(Default)]
struct Scanner {
    out: String,
    within: Within,
    /// Columns of the brackets that are open.
    flow: Vec<usize>,
    /// Something has been read of the document.
    begun: bool,
}

impl Scanner {
    /// Takes a line; `None` if a tab indents it and it begins the document.
    fn line(&mut self, line: &str) -> Option<()> {
        let content = line.trim_start_matches([' ', '\t']);
        let (blanks, _) = line.split_at(line.len() - content.len());
        let empty = content.trim_end().is_empty();
        if let Within::Block(outer) = self.within {
            let spaces = line.len() - line.trim_start_matches(' ').len();
            if empty || outer.is_none_or(|outer| spaces > outer) && !is_marker(line) {
                self.out.push_str(line);
                return Some(());
            }
            self.within = Within::Structure;
        }
        if is_marker(line) && self.within == Within::Structure {
            (self.begun, self.flow) = (false, Vec::new());
        }
        // At least as far in as what the line belongs to.
        let outer = match self.within {
            Within::Quotes(_, column) => Some(column),
            _ => self.flow.last().copied(),
        };
        match outer {
            Some(column) if blanks.contains('\t') => {
                self.out.extend(std::iter::repeat_n(
                    ' ',
                    blanks.len().max(column.saturating_add(1).min(MAX_COLUMN)),
                ));
            }
            None if blanks.contains('\t') && !self.begun && !empty && !content.starts_with('#') => {
                return None;
            }
            _ => self.out.push_str(blanks),
        }
        self.begun |= !empty && !content.starts_with(['#', '%']) && !is_marker(line);
        self.rest(line, blanks.len());
        Some(())
    }

    /// Takes a line from a place on.
    fn rest(&mut self, line: &str, from: usize) {
        let signs: Vec<char> = line.chars().collect();
        let (mut at, mut plain) = (from, false);
        while let Some(sign) = signs.get(at).copied() {
            let before = at.checked_sub(1).and_then(|at| signs.get(at).copied());
            let after = signs.get(at + 1).copied();
            if let Within::Quotes(quote, _) = self.within {
                at += self.quoted(sign, after, quote);
                continue;
            }
            let in_flow = !self.flow.is_empty();
            let starts = !plain
                && (before.is_none_or(is_blank) || in_flow && matches!(before, Some('[' | '{' | ',' | ':')));
            match sign {
                '#' if before.is_none_or(is_blank) => {
                    self.out.extend(signs.get(at..).unwrap_or_default());
                    return;
                }
                '"' | '\'' if starts => self.within = Within::Quotes(sign, at),
                '|' | '>' if starts && !in_flow && is_header(signs.get(at + 1..).unwrap_or_default()) => {
                    self.within = Within::Block(outer(signs.get(..at).unwrap_or_default()));
                    self.out.extend(signs.get(at..).unwrap_or_default());
                    return;
                }
                '[' | '{' if starts || in_flow => {
                    self.flow.push(at);
                    plain = false;
                }
                ']' | '}' if in_flow => {
                    self.flow.pop();
                    plain = false;
                }
                ',' if in_flow => plain = false,
                ':' if after.is_none_or(|after| is_blank(after) || after == '\n' || after == '\r') => {
                    plain = false;
                    self.out.push(':');
                    at += 1;
                    while signs.get(at).copied().is_some_and(is_blank) {
                        self.out.push(' ');
                        at += 1;
                    }
                    continue;
                }
                // Indicators, anchors and tags: something else may follow them.
                '-' | '?' | '&' | '!' | '*' if starts => {}
                ' ' | '\t' | '\r' | '\n' => {}
                _ => plain |= starts,
            }
            self.out.push(sign);
            at += 1;
        }
    }

    /// Takes what stands between quotes; how many characters.
    fn quoted(&mut self, sign: char, after: Option<char>, quote: char) -> usize {
        self.out.push(sign);
        match (sign, after) {
            ('\\', Some(after)) if quote == '"' => {
                self.out.push(after);
                2
            }
            ('\'', Some('\'')) if quote == '\'' => {
                self.out.push('\'');
                2
            }
            _ => {
                if sign == quote {
                    self.within = Within::Structure;
                }
                1
            }
        }
    }
}

const fn is_blank(sign: char) -> bool {
    matches!(sign, ' ' | '\t')
}

/// Whether a line begins or ends a document.
fn is_marker(line: &str) -> bool {
    ["---", "..."].iter().any(|marker| {
        line.strip_prefix(marker)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    })
}

/// Whether only what may follow a `|` or `>` follows.
fn is_header(rest: &[char]) -> bool {
    let rest: String = rest.iter().collect();
    let rest = rest.trim_start_matches(|sign: char| sign.is_ascii_digit() || sign == '-' || sign == '+');
    let after = rest.trim_start();
    after.is_empty() || after.len() < rest.len() && after.starts_with('#')
}

/// How many spaces the lines of a block text must have more than, given what stands before its `|`.
fn outer(before: &[char]) -> Option<usize> {
    let mut at = before.iter().take_while(|sign| **sign == ' ').count();
    let mut indicator = None;
    while matches!(before.get(at), Some('-' | '?' | ':')) && before.get(at + 1).copied().is_some_and(is_blank)
    {
        indicator = Some(at);
        at += 1 + before.get(at + 1..)?.iter().take_while(|sign| is_blank(**sign)).count();
    }
    let has_key = before.get(at..)?.windows(2).any(|pair| matches!(pair, [':', ' ' | '\t']));
    if has_key { Some(at) } else { indicator.or_else(|| at.checked_sub(1)) }
}
