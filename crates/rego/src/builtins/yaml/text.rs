//! Texts in YAML: plain, quoted, or over many lines.

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A key, on one line.
    Key,
    /// Anything else.
    Value,
}

/// Lines are broken at the first space after so many columns.
const WIDTH: usize = 80;

/// Whether a character ends a line.
pub const fn is_break(sign: char) -> bool {
    matches!(sign, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

const fn is_printable(sign: char) -> bool {
    matches!(sign, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && sign != '\u{feff}'
}

/// Which styles a text may be written in.
struct Styles {
    plain: bool,
    single: bool,
    literal: bool,
}

fn styles(text: &str) -> Styles {
    let signs: Vec<char> = text.chars().collect();
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let (mut special, mut breaks, mut break_space, mut space_break) = (false, false, false, false);
    let mut last = None;
    for (at, sign) in signs.iter().copied().enumerate() {
        let next = signs.get(at + 1).copied();
        let followed = next.is_none_or(|next| matches!(next, ' ' | '\t'));
        indicators |= match sign {
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                at == 0
            }
            '?' | '-' => at == 0 && followed,
            ':' => followed,
            '#' => last.is_none_or(|last| matches!(last, ' ' | '\t') || is_break(last)),
            _ => false,
        };
        special |= !is_printable(sign);
        breaks |= is_break(sign);
        break_space |= sign == ' ' && last.is_some_and(is_break);
        space_break |= is_break(sign) && last == Some(' ');
        last = Some(sign);
    }
    let edge = |sign: Option<&char>| sign.is_some_and(|sign| *sign == ' ' || is_break(*sign));
    let whole = !space_break && !special;
    Styles {
        plain: whole && !break_space && !breaks && !indicators && !edge(signs.first()) && !edge(signs.last()),
        single: whole && !break_space,
        literal: whole && signs.last() != Some(&' ') && !signs.is_empty(),
    }
}

/// Writes a text; `plain` says that it stays one without quotes. A text of many lines ends with a line break.
///
/// # Errors
/// When it has a character that no YAML may have.
pub fn write(text: &str, plain: bool, place: Place, indent: usize, out: &mut String) -> Result<(), String> {
    // Even escaped it would be refused: on the way to YAML it is in JSON, which is read as YAML.
    if text.chars().any(|sign| matches!(sign, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')) {
        return Err("error converting JSON to YAML: yaml: control characters are not allowed".to_string());
    }
    let styles = styles(text);
    let folded = (place == Place::Value).then_some(indent + 2);
    if text.contains('\n') {
        if styles.literal && place == Place::Value {
            literal(text, indent + 2, out);
        } else {
            double(text, folded, out);
        }
    } else if plain && styles.plain {
        fold(text, folded, out, |sign, out| out.push(sign));
    } else if plain && styles.single {
        out.push('\'');
        fold(text, folded, out, |sign, out| match sign {
            '\'' => out.push_str("''"),
            _ => out.push(sign),
        });
        out.push('\'');
    } else {
        double(text, folded, out);
    }
    Ok(())
}

fn column(out: &str) -> usize {
    out.rsplit('\n').next().map_or(0, |line| line.chars().count())
}

/// Writes a text and breaks lines at single spaces.
fn fold(text: &str, folded: Option<usize>, out: &mut String, mut sign: impl FnMut(char, &mut String)) {
    let mut column = column(out);
    let mut signs = text.chars().enumerate().peekable();
    let mut spaces = false;
    while let Some((at, next)) = signs.next() {
        let single = next == ' ' && !spaces && at > 0 && signs.peek().is_some_and(|(_, after)| *after != ' ');
        match folded {
            Some(indent) if single && column > WIDTH => {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            }
            _ => {
                let length = out.len();
                sign(next, out);
                column += out.get(length..).map_or(1, |new| new.chars().count());
            }
        }
        spaces = next == ' ';
    }
}

fn double(text: &str, folded: Option<usize>, out: &mut String) {
    out.push('"');
    let mut column = column(out);
    let mut signs = text.chars().enumerate().peekable();
    let mut spaces = false;
    while let Some((at, sign)) = signs.next() {
        let length = out.len();
        if sign == ' ' {
            match (folded, signs.peek()) {
                (Some(indent), Some((_, after))) if !spaces && at > 0 && column > WIDTH => {
                    out.push('\n');
                    out.extend(std::iter::repeat_n(' ', indent));
                    column = indent;
                    if *after == ' ' {
                        out.push('\\');
                        column += 1;
                    }
                }
                _ => {
                    out.push(' ');
                    column += 1;
                }
            }
            spaces = true;
            continue;
        }
        spaces = false;
        if is_printable(sign) && !is_break(sign) && !matches!(sign, '"' | '\\') {
            out.push(sign);
        } else {
            escape(sign, out);
        }
        column += out.get(length..).map_or(1, |new| new.chars().count());
    }
    out.push('"');
}

fn escape(sign: char, out: &mut String) {
    let letter = match sign {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(sign);
            return out.push_str(&match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
        }
    };
    out.extend(['\\', letter]);
}

/// Line for line, as it is.
fn literal(text: &str, indent: usize, out: &mut String) {
    out.push('|');
    if text.starts_with(' ') || text.starts_with(is_break) {
        out.push('2');
    }
    match text.strip_suffix(is_break) {
        None => out.push('-'),
        Some(before) if before.is_empty() || before.ends_with(is_break) => out.push('+'),
        Some(_) => {}
    }
    out.push('\n');
    for line in text.split_inclusive(is_break) {
        if !line.starts_with(is_break) {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(line);
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
}
