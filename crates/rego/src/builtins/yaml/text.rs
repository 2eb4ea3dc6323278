//! Texts in YAML: plain, quoted, or over many lines.

use crate::builtins::time::parse;
use crate::yaml::{Scalar, resolve};

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A key, on one line.
    Key,
    /// Anything else.
    Value,
}

/// Whether a character ends a line.
pub const fn is_break(sign: char) -> bool {
    matches!(sign, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether the library writes a character as it is; it escapes those of more than 16 bits.
const fn is_printable(sign: char) -> bool {
    matches!(sign, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
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
    let (mut special, mut tabs, mut breaks) = (false, false, false);
    let (mut break_space, mut space_break) = (false, false);
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
        tabs |= sign == '\t';
        special |= sign != '\t' && !is_printable(sign);
        breaks |= is_break(sign);
        break_space |= sign == ' ' && last.is_some_and(is_break);
        space_break |= is_break(sign) && last == Some(' ');
        last = Some(sign);
    }
    let edge = |sign: Option<&char>| sign.is_some_and(|sign| *sign == ' ' || is_break(*sign));
    let whole = !space_break && !special;
    let single = whole && !break_space && !tabs;
    Styles {
        plain: single && !breaks && !indicators && !edge(signs.first()) && !edge(signs.last()),
        single,
        literal: whole && signs.last() != Some(&' ') && !signs.is_empty(),
    }
}

/// Writes a text, whose further lines have an indentation. A text of many lines ends with a line break.
pub fn write(text: &str, place: Place, indent: usize, out: &mut String) {
    let styles = styles(text);
    let is_text = stays_text(text);
    if text.contains('\n') && styles.literal && place == Place::Value {
        literal(text, indent, out);
    } else if text.contains('\n') || !is_text {
        double(text, out);
    } else if styles.plain {
        out.push_str(text);
    } else if styles.single {
        single(text, indent, out);
    } else {
        double(text, out);
    }
}

/// Whether a text would be the same without quotes, also for those who read YAML 1.1.
fn stays_text(text: &str) -> bool {
    let old_truth = matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    );
    matches!(resolve(text), Scalar::Text(_)) && !old_truth && !is_base_60(text) && !is_time(text)
}

/// Numbers with colons, which YAML 1.1 has.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (text, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let Some((first, rest)) = text.split_once(':') else { return false };
    let sixtieth = |text: &str| match text.as_bytes() {
        [one] => one.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|sign: char| sign.is_ascii_digit())
        && digits(first)
        && rest.split(':').all(sixtieth)
        && digits(fraction)
}

/// Dates and times.
fn is_time(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let forms = [
        "2006-1-2T15:4:5.999999999Z07:00",
        "2006-1-2t15:4:5.999999999Z07:00",
        "2006-1-2 15:4:5.999999999",
        "2006-1-2",
    ];
    digits == 4
        && text.len() < 64
        && text.as_bytes().get(4) == Some(&b'-')
        && forms.iter().any(|form| parse::parse(form, text).is_ok())
}

fn single(text: &str, indent: usize, out: &mut String) {
    out.push('\'');
    let mut line_begins = false;
    for sign in text.chars() {
        if line_begins && !is_break(sign) {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        line_begins = is_break(sign);
        if sign == '\'' {
            out.push('\'');
        }
        out.push(sign);
    }
    out.push('\'');
}

fn double(text: &str, out: &mut String) {
    out.push('"');
    for sign in text.chars() {
        if is_printable(sign) && !is_break(sign) && !matches!(sign, '"' | '\\') {
            out.push(sign);
        } else {
            escape(sign, out);
        }
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
