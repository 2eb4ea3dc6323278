//! Colours for texts that are known by the shape of their lines: diagnostics, hints, explanations.
//!
//! Where there is no terminal, each text stays as it is.

use textwrap::Options;

use super::terminal::{Style, Terminal, hanging};

/// A message with what may be in it: diagnostics, coloured as compilers do, with lines of source that fit the terminal;
/// and hints, in which what stands between backticks is not wrapped, because commands are there to be copied.
pub(super) fn message(begin: &str, text: &str, terminal: Terminal) -> String {
    let Some(width) = terminal.width else { return format!("{begin}{text}") };
    let style = terminal.style();
    let mut out: Vec<String> = Vec::new();
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        let marks = lines.peek().copied().and_then(marks);
        out.push(match (source(line), marks) {
            (Some((number, source)), Some((blank, marks))) => {
                lines.next();
                let room = width.saturating_sub(number.len() + 3).max(1);
                let (source, marks) = cut(&source.replace('\t', "    "), &marks.replace('\t', "    "), room);
                let Style { frame, error, .. } = style;
                format!(
                    "{frame}{number} |{frame:#} {source}\n{frame}{blank} |{frame:#} {error}{marks}{error:#}"
                )
            }
            _ => hint(line, style).map(|hint| around_code(&hint, width)).unwrap_or_else(|| {
                let begin = if out.is_empty() { begin } else { "" };
                let line = head(line, style).unwrap_or_else(|| line.to_owned());
                hanging(&format!("{begin}{line}"), width, 2)
            }),
        });
    }
    out.join("\n")
}

/// ` 12 | text`: the number with the blanks around it, and the text.
fn source(line: &str) -> Option<(&str, &str)> {
    let (number, text) = line.split_once(" | ")?;
    (!number.trim().is_empty() && number.trim().bytes().all(|byte| byte.is_ascii_digit()))
        .then_some((number, text))
}

/// `    |   ^^^`: the blanks, and the marks.
fn marks(line: &str) -> Option<(&str, &str)> {
    let (blank, marks) = line.split_once(" | ")?;
    let marked = !marks.trim().is_empty() && marks.trim().bytes().all(|byte| byte == b'^');
    (blank.trim().is_empty() && marked).then_some((blank, marks))
}

/// The part of a line of source that has the place in it, and its marks.
fn cut(source: &str, marks: &str, room: usize) -> (String, String) {
    let length = source.chars().count();
    if length <= room {
        return (source.to_owned(), marks.to_owned());
    }
    let start = marks.chars().take_while(|mark| *mark != '^').count();
    // A third of the line before the place, if what is cut off at its end is not all there is.
    let from = if marks.chars().count() < room { 0 } else { start.saturating_sub(room / 3) };
    let part = |text: &str, dots: char| {
        let mut part: Vec<char> = text.chars().skip(from).take(room).collect();
        if let Some(first) = part.first_mut().filter(|_| from > 0) {
            *first = dots;
        }
        if let Some(last) = part.last_mut().filter(|_| from + room < length) {
            *last = dots;
        }
        part.into_iter().collect::<String>()
    };
    let marks: String = marks.chars().skip(from).take(room.saturating_sub(1)).collect();
    (part(source, '…'), marks)
}

/// `hint: …`, also as the last line of a diagnostic.
fn hint(line: &str, Style { frame, hint, .. }: Style) -> Option<String> {
    if let Some(text) = line.strip_prefix("hint: ") {
        return Some(format!("{hint}hint:{hint:#} {text}"));
    }
    let (blank, text) = line.split_once("= hint: ")?;
    blank.trim().is_empty().then(|| format!("{blank}{frame}={frame:#} {hint}hint:{hint:#} {text}"))
}

/// Wraps a hint between words, but not between backticks.
fn around_code(line: &str, width: usize) -> String {
    const KEPT: &str = "\u{a0}";
    let parts = line.split('`').enumerate();
    let parts = parts.map(|(n, part)| if n % 2 == 1 { part.replace(' ', KEPT) } else { part.to_owned() });
    let indent = line.len() - line.trim_start_matches(' ').len();
    let below = " ".repeat(indent + 2);
    let options = Options::new(width).subsequent_indent(&below).break_words(false);
    textwrap::fill(&parts.collect::<Vec<_>>().join("`"), options).replace(KEPT, " ")
}

/// `file:row:col: code: message`, and the same without a code.
fn head(line: &str, Style { bold, error, .. }: Style) -> Option<String> {
    let (place, text) = line.split_once(": ")?;
    let numbers = place.rsplit(':').take(2);
    if numbers.filter(|part| part.parse::<u32>().is_ok()).count() < 2 {
        return None;
    }
    let is_code = |code: &&str| code.ends_with("_error") && !code.contains(' ');
    Some(match text.split_once(": ").filter(|(code, _)| is_code(code)) {
        Some((code, text)) => {
            format!("{bold}{place}:{bold:#} {error}{code}:{error:#} {bold}{text}{bold:#}")
        }
        None => format!("{bold}{place}:{bold:#} {text}"),
    })
}

/// An explanation: rules that hold and that fail, and how far a reader must look; wrapped to the terminal.
pub(super) fn explanation(text: &str, terminal: Terminal) -> String {
    let style = terminal.style();
    let painted: String = text.split_inclusive('\n').map(|line| step(line, style)).collect();
    terminal.wrapped(&painted)
}

/// A line of an explanation.
pub(super) fn step(line: &str, Style { bold, dim, good, bad, .. }: Style) -> String {
    let text = line.trim_start();
    let indent = line.get(..line.len() - text.len()).unwrap_or_default();
    for (word, colour) in [("holds", good), ("fails", bad), ("error:", bad)] {
        if let Some(rest) = text.strip_prefix(word).filter(|rest| rest.starts_with(' ')) {
            return format!("{indent}{colour}{word}{colour:#}{rest}");
        }
    }
    let number = text.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
    if let Some((number, rest)) = number.filter(|(number, _)| number.parse::<u32>().is_ok()) {
        return format!("{indent}{dim}line {number}:{dim:#} {rest}");
    }
    match text.strip_prefix("data.").and_then(|rest| rest.split_once(' ')) {
        Some((name, rest)) => format!("{indent}{bold}data.{name}{bold:#} {rest}"),
        None => line.to_owned(),
    }
}

/// The report of a benchmark: what was measured, and in capitals what a reader must not miss.
pub(super) fn report(text: &str, terminal: Terminal) -> String {
    let Style { bold, dim, warning, .. } = terminal.style();
    let painted = text.split_inclusive('\n').enumerate().map(|(number, line)| {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let words = line.trim_start();
        let loud = words.split_once(": ").filter(|(loud, _)| {
            loud.starts_with(char::is_uppercase) && loud.chars().all(|c| c.is_uppercase() || c == ' ')
        });
        match loud {
            Some((loud, rest)) => format!("  {warning}{loud}:{warning:#} {rest}{end}"),
            None if !line.is_empty() && (number == 0 || words.len() == line.len()) => {
                format!("{bold}{line}{bold:#}{end}")
            }
            None if words.starts_with("p50 ") && words.ends_with("max") => format!("{dim}{line}{dim:#}{end}"),
            None => format!("{line}{end}"),
        }
    });
    terminal.wrapped(&painted.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: &str = "2 errors\nb/p.rego:4:7: rego_type_error: undefined function f\n 4 | \tx := f(1)\n   | \t     ^^^^\n   = hint: did you mean `g`?";

    fn shown(text: &str, width: usize) -> String {
        message("", text, Terminal { coloured: false, width: Some(width) })
    }

    #[test]
    fn a_diagnostic_has_the_colours_of_a_compiler() {
        let painted = message("error: ", ERROR, Terminal { coloured: true, width: Some(80) });
        let Style { bold, error, frame, hint, .. } = Style::new(true);
        for part in [
            format!(
                "{bold}b/p.rego:4:7:{bold:#} {error}rego_type_error:{error:#} {bold}undefined function f{bold:#}\n"
            ),
            format!(
                "{frame} 4 |{frame:#}     x := f(1)\n{frame}   |{frame:#} {error}         ^^^^{error:#}\n"
            ),
            format!("{hint}hint:{hint:#} did you mean"),
        ] {
            assert!(painted.contains(&part), "{part:?} in {painted:?}");
        }
        assert_eq!(message("", ERROR, Terminal::default()), ERROR);
        assert!(painted.starts_with("error: 2 errors\n"), "{painted}");
        assert_eq!(shown("1 | 2\nhint: none", 80), "1 | 2\nhint: none");
    }

    #[test]
    fn a_line_of_source_is_cut_around_its_place() {
        let diagnostic = |before: usize, after: usize| {
            format!(" 7 | {}bad{}\n   | {}^^^", "a".repeat(before), "z".repeat(after), " ".repeat(before))
        };
        for (before, after) in [(2, 3), (2, 60), (60, 2), (60, 60), (29, 0)] {
            let out = shown(&diagnostic(before, after), 40);
            let lines: Vec<&str> = out.lines().collect();
            assert!(lines.iter().all(|line| line.chars().count() <= 40), "{out}");
            let at = lines[1].chars().position(|mark| mark == '^').unwrap();
            assert_eq!(lines[0].chars().skip(at).take(3).collect::<String>(), "bad", "{out}");
        }
    }

    #[test]
    fn a_hint_is_wrapped_and_code_in_it_is_not() {
        let text = "   = hint: write `verdict fmt -w a.rego` or a thing";
        let out = shown(text, 30);
        assert_eq!(out, "   = hint: write\n     `verdict fmt -w a.rego`\n     or a thing");
        assert_eq!(shown(text, 80), text);
        assert_eq!(shown("hint: `a command that is long`", 12), "hint:\n  `a command that is long`");
    }

    #[test]
    fn an_explanation_says_in_colour_what_holds() {
        let text = "data.app.allow is false:\n  fails  a.rego:7\n         line 8: x == 1\nerrors are words\n";
        let painted = explanation(text, Terminal { coloured: true, width: None });
        let Style { bold, bad, dim, .. } = Style::new(true);
        let expected = format!(
            "{bold}data.app.allow{bold:#} is false:\n  {bad}fails{bad:#}  a.rego:7\n         {dim}line 8:{dim:#} x == 1\nerrors are words\n"
        );
        assert_eq!(painted, expected);
        assert_eq!(explanation(text, Terminal::default()), text);
    }
}
