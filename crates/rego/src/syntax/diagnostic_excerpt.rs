//! Source excerpts with the place of an error underlined. Content of a file cannot write outside of its line
//! or control a terminal.

/// How many characters of a line are shown, and how many of them before the place.
const WIDTH: usize = 120;
const BEFORE: usize = 50;
/// How many characters of a message are shown.
const MESSAGE: usize = 400;

/// A line by its number, the place in it by column (from 1) and length, both in bytes, and what may help.
pub fn excerpt(line: u32, text: &str, column: u32, length: u32, hint: Option<&str>) -> String {
    let mut out = String::new();
    let gutter = line.to_string();
    let blank = " ".repeat(gutter.len());
    if !text.trim().is_empty() {
        let (text, marks) = underlined(text, column.saturating_sub(1) as usize, length as usize);
        out.push_str(&format!(" {gutter} | {text}\n {blank} | {marks}\n"));
    }
    if let Some(hint) = hint {
        out.push_str(&format!(" {blank} = hint: {}\n", message(hint)));
    }
    out
}

/// A text on one line, cut where it is long.
pub fn message(text: &str) -> String {
    cut(&shown(text))
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
    use super::super::source::{Source, Span};
    use super::*;

    fn of(text: &str, start: u32, end: u32) -> String {
        let source = Source::new("a.rego", text);
        let (line, column) = source.position(start);
        let span = Span { start, end };
        excerpt(line, source.line(line), column, span.end - span.start, None)
    }

    #[test]
    fn underlines_the_place() {
        let text = "x\n\tp := é + yz\r\n";
        assert_eq!(of(text, 13, 15), " 2 | \tp := é + yz\n   | \t         ^^\n");
        assert_eq!(of(text, 3, 40), " 2 | \tp := é + yz\n   | \t^^^^^^^^^^^\n");
        assert_eq!(of("ab", 2, 2), " 1 | ab\n   |   ^\n");
        assert_eq!(of("", 0, 0), "");
        assert_eq!(of("中 x", 4, 5), " 1 | 中 x\n   |    ^\n");
        assert_eq!(excerpt(12, " ", 1, 1, Some("h\n")), "    = hint: h<0A>\n");
    }

    #[test]
    fn hides_what_could_harm_a_terminal() {
        let out = of("a\u{1b}[31m \u{202e}\0b", 11, 12);
        assert_eq!(out, " 1 | a<1B>[31m <202E><00>b\n   |                     ^\n");
        assert_eq!(message("bad \u{1b}]0;x\u{7}\nb"), "bad <1B>]0;x<07><0A>b");
    }

    #[test]
    fn cuts_long_lines_and_messages() {
        let line = "x".repeat(10_000);
        let out = of(&line, 5_000, 5_003);
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines[1].find('^'), Some(" 1 | ".len() + 1 + BEFORE));
        assert_eq!(lines[0].chars().count(), " 1 | ".len() + 1 + WIDTH + 1);
        assert!(lines[0].starts_with(" 1 | …xxx") && lines[0].ends_with("x…"));
        assert_eq!(lines[1].matches('^').count(), 3);
        assert_eq!(message(&line).chars().count(), MESSAGE + 1);
    }
}
