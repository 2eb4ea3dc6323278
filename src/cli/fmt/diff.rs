//! What would change, as a unified diff.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

/// How many lines around a change are shown.
const CONTEXT: usize = 3;
/// How long the shortest way from one text to the other is looked for; past it, a longer one is shown.
const LONGEST_SEARCH: Duration = Duration::from_secs(1);

/// The unified diff between the texts of a file.
pub(super) fn unified(name: &str, before: &str, after: &str, coloured: bool) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(before), lines(after));
    let diff = TextDiff::configure().timeout(LONGEST_SEARCH).newline_terminated(true).diff_slices(&old, &new);
    let paint = |style: Style, text: String| match coloured {
        true => format!("{style}{text}{style:#}\n"),
        false => text + "\n",
    };
    let bold = Style::new().bold();
    let of = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    let mut out = paint(bold, format!("--- {name}")) + &paint(bold, format!("+++ {name}"));
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        out.push_str(&paint(of(AnsiColor::Cyan), hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Equal => (' ', Style::new()),
                ChangeTag::Delete => ('-', of(AnsiColor::Red)),
                ChangeTag::Insert => ('+', of(AnsiColor::Green)),
            };
            let whole = change.value().strip_suffix('\n');
            out.push_str(&paint(style, format!("{sign}{}", whole.unwrap_or(change.value()))));
            if whole.is_none() {
                out.push_str("\\ No newline at end of file\n");
            }
        }
    }
    out
}

/// Only `\n` ends a line of Rego.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_changes_with_three_lines_around_them() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\nend";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n12b\n13\nend\n";
        let want = "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n\
                    @@ -10,5 +10,6 @@\n 10\n 11\n 12\n+12b\n 13\n-end\n\\ No newline at end of file\n+end\n";
        assert_eq!(unified("f", before, after, false), want);
        assert!(unified("f", "a\n", "b\n", true).contains("\u{1b}[31m-a\u{1b}[0m\n"));
        assert!(unified("f", "", "b\n", false).contains("@@ -0,0 +1 @@\n+b\n"));
        assert!(unified("f", "a\rb\n", "a\rc\n", false).contains("-a\rb\n+a\rc\n"));
    }

    #[test]
    fn a_text_that_is_all_new_is_shown_whole() {
        let text = |word: &str| (0..3_000).map(|n| format!("{word}{n}\n")).collect::<String>();
        let out = unified("f", &text("a"), &text("b"), false);
        assert_eq!(out.lines().count(), 3 + 6_000);
    }
}
