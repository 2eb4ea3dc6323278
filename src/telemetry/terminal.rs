//! What a person's terminal can show: how wide it is, and text that fits.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use terminal_size::{Width, terminal_size_of};
use textwrap::core::display_width;
use textwrap::{Options, WordSplitter};

/// How wide a terminal is that does not say.
const USUAL: usize = 80;

/// The columns of the terminal that `stream` leads to; `None` where it leads to none.
pub fn columns(stream: &(impl AsFd + IsTerminal)) -> Option<usize> {
    let said = terminal_size_of(stream).map(|(Width(columns), _)| usize::from(columns));
    said.or_else(|| stream.is_terminal().then_some(USUAL))
}

/// Breaks lines that are wider than `columns` between words, the rest indented. Escape sequences take no room; a word that
/// is wider, such as a path that is to be copied, is left whole.
pub fn fitted(text: &str, columns: usize, indent: &str) -> String {
    if text.lines().all(|line| display_width(line) <= columns) {
        return text.to_owned();
    }
    let options = Options::new(columns).subsequent_indent(indent).break_words(false);
    let options = options.word_splitter(WordSplitter::NoHyphenation);
    let lines = text.lines().map(|line| textwrap::fill(line, &options));
    let end = if text.ends_with('\n') { "\n" } else { "" };
    lines.collect::<Vec<_>>().join("\n") + end
}

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    display_width(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_words_stay_whole() {
        for (text, expected) in [
            ("short", "short"),
            ("one two three\nfour\n", "one two\n  three\nfour\n"),
            ("\u{1b}[1mone\u{1b}[0m two", "\u{1b}[1mone\u{1b}[0m two"),
            ("see /a/very-long/path", "see\n  /a/very-long/path"),
            ("  deep in", "  deep in"),
        ] {
            assert_eq!(fitted(text, 9, "  "), expected);
        }
        assert_eq!(width("\u{1b}[32mé字\u{1b}[0m"), 3);
    }
}
