//! Errors for a person: where, what, and the line with the place underlined.

use super::error::Error;
use super::source::Source;

/// How many errors are shown.
const SHOWN: usize = 20;
/// How many characters of a line are shown, and how many of them before the place.
const WIDTH: usize = 120;
const BEFORE: usize = 50;
/// How many characters of a message are shown.
const MESSAGE: usize = 400;

/// `file:line:column: message` with the line and what may help, for each error. Nothing that a file says can write
/// outside of its line or control a terminal.
pub fn excerpts(source: &Source, errors: &[Error]) -> String {
    let mut out = String::new();
    for error in errors.iter().take(SHOWN) {
        excerpt(source, error, &mut out);
    }
    match errors.len().saturating_sub(SHOWN) {
        0 => {}
        more => out.push_str(&format!("… and {more} more\n")),
    }
    out
}

fn excerpt(source: &Source, error: &Error, out: &mut String) {
    let (line, column) = source.position(error.span.start);
    let name = shown(&source.name);
    out.push_str(&format!("{name}:{line}:{column}: {}\n", cut(&shown(&error.message))));
    let text = source.line(line);
    let gutter = line.to_string();
    let blank = " ".repeat(gutter.len());
    if !text.trim().is_empty() {
        let (text, marks) =
            underlined(text, column as usize - 1, (error.span.end - error.span.start) as usize);
        out.push_str(&format!(" {gutter} | {text}\n {blank} | {marks}\n"));
    }
    if let Some(hint) = &error.hint {
        out.push_str(&format!(" {blank} = hint: {}\n", cut(&shown(hint))));
    }
}

/// A line, or the part of it around a place (in bytes), and the marks below it. Tabs stay tabs in both.
fn underlined(line: &str, at: usize, length: usize) -> (String, String) {
    let place = |byte: usize| line.char_indices().take_while(|(start, _)| *start < byte).count();
    let start = place(at);
    let end = place(at.saturating_add(length)).max(start + 1);
    let skipped = if start > WIDTH - BEFORE { start - BEFORE } else { 0 };
    let total = line.chars().count();
    let (mut text, mut marks) = (String::new(), String::new());
    if skipped > 0 {
        text.push('…');
        marks.push(' ');
    }
    for (index, found) in line.chars().enumerate().skip(skipped).take(WIDTH) {
        let mark = if (start..end).contains(&index) { '^' } else { ' ' };
        if found == '\t' {
            text.push('\t');
            marks.push(if mark == '^' { mark } else { '\t' });
        } else {
            let before = text.len();
            push_shown(found, &mut text);
            let width = text.get(before..).map_or(1, columns);
            marks.extend(std::iter::repeat_n(mark, width));
        }
    }
    if total > skipped + WIDTH {
        text.push('…');
    }
    if start >= total {
        marks.push('^');
    }
    (text, marks.trim_end().to_owned())
}

/// How many columns a text takes: none for marks that join the character before, two for wide ones.
fn columns(text: &str) -> usize {
    text.chars()
        .map(|found| match found as u32 {
            0x300..=0x36f | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f => 2,
            0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => {
                2
            }
            _ => 1,
        })
        .sum()
}

fn cut(text: &str) -> String {
    let mut chars = text.chars();
    let mut out: String = chars.by_ref().take(MESSAGE).collect();
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|found| push_shown(found, &mut out));
    out
}

/// A character as it may be printed: control characters, and those that turn the direction of writing or take no place,
/// stand there as a code.
fn push_shown(found: char, out: &mut String) {
    let hidden = matches!(found as u32,
        0..=0x1f | 0x7f..=0x9f | 0xad | 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff
        | 0xfff9..=0xfffb | 0xe0000..=0xe007f);
    if hidden {
        out.push_str(&format!("<{:02X}>", found as u32));
    } else {
        out.push(found);
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Span;
    use super::*;

    fn of(text: &str, start: u32, end: u32, message: &str) -> String {
        excerpts(&Source::new("a.rego", text), &[Error::new(Span { start, end }, message)])
    }

    #[test]
    fn underlines_the_place() {
        let text = "x\n\tp := é + yz\r\n";
        assert_eq!(of(text, 13, 15, "no"), "a.rego:2:12: no\n 2 | \tp := é + yz\n   | \t         ^^\n");
        assert_eq!(of(text, 3, 40, "no"), "a.rego:2:2: no\n 2 | \tp := é + yz\n   | \t^^^^^^^^^^^\n");
        assert_eq!(of("ab", 2, 2, "end"), "a.rego:1:3: end\n 1 | ab\n   |   ^\n");
        assert_eq!(of("", 0, 0, "empty"), "a.rego:1:1: empty\n");
        assert_eq!(of("中 x", 4, 5, "w"), "a.rego:1:5: w\n 1 | 中 x\n   |    ^\n");
    }

    #[test]
    fn hides_what_could_harm_a_terminal() {
        let out = of("a\u{1b}[31m \u{202e}\0b", 11, 12, "bad \u{1b}]0;x\u{7}\nb");
        let want =
            "a.rego:1:12: bad <1B>]0;x<07><0A>b\n 1 | a<1B>[31m <202E><00>b\n   |                     ^\n";
        assert_eq!(out, want);
    }

    #[test]
    fn cuts_long_lines_and_lists() {
        let line = "x".repeat(10_000);
        let out = of(&line, 5_000, 5_003, "m");
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines[1].chars().count(), " 1 | ".len() + 1 + WIDTH + 1);
        assert!(lines[1].starts_with(" 1 | …xxx") && lines[1].ends_with("x…"));
        assert_eq!(lines[2].find('^'), Some(" 1 | ".len() + 1 + BEFORE));
        assert_eq!(lines[2].matches('^').count(), 3);
        let errors = vec![Error::new(Span { start: 0, end: 1 }, "m").with_hint("h"); 25];
        let out = excerpts(&Source::new("a", "x"), &errors);
        assert!(out.contains("   = hint: h\n") && out.ends_with("… and 5 more\n"));
    }
}
