//! Finds the `test_` rules of a module, and the sub-cases of each, in its source text.
//!
//! A rule `test_x[note] if { … }` makes a case of every `note` that its body binds; a failing case is not in the
//! rule's document. To notice it, the part of the body that binds `note` becomes a rule of its own, whose document
//! has all cases. A rule that this parser does not understand is an error, never a pass.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The head of one test rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// `test_x`.
    pub name: String,
    /// The line, from 1.
    pub row: u32,
    /// The text in each pair of brackets after the name.
    pub keys: Vec<String>,
    /// The part of the body that binds the keys.
    pub binding: String,
}

/// The rules of a module whose names begin with `test_` or `todo_test_`.
pub(super) fn heads(source: &str) -> Vec<Head> {
    let masked = mask(source);
    let mut heads = Vec::new();
    let mut at = 0;
    for (index, line) in masked.split_inclusive('\n').enumerate() {
        let name_length = line.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let name = line.get(..name_length).unwrap_or_default();
        if name.starts_with("test_") || name.starts_with("todo_test_") {
            let (keys, behind) = bracketed(source, &masked, at + name_length);
            let binding = binding(source, &masked, behind, &keys);
            let row = u32::try_from(index + 1).unwrap_or(u32::MAX);
            heads.push(Head { name: name.to_owned(), row, keys, binding });
        }
        at += line.len();
    }
    heads
}

/// The package of the module, as segments; `None` if it cannot be determined.
pub(super) fn package(source: &str) -> Option<Vec<String>> {
    let masked = mask(source);
    let mut at = 0;
    for line in masked.split_inclusive('\n') {
        if let Some(rest) = line.trim_start().strip_prefix("package ") {
            let start = at + (line.len() - rest.len());
            let end = at + line.find('#').unwrap_or(line.len());
            return source.get(start..end).map(|path| segments(path.trim()));
        }
        at += line.len();
    }
    None
}

/// `a.b["c-d"]` as segments.
fn segments(path: &str) -> Vec<String> {
    let parts = path.split(['.', '[', ']']).map(|part| part.trim().trim_matches('"'));
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The name of the rule with all cases of the test rule `name`, which is `test_x#01` for the second `test_x`.
pub(super) fn cases_rule(name: &str) -> String {
    match name.split_once('#') {
        Some((name, number)) => format!("cases_that_verdict_counts_of_{number}_{name}"),
        None => format!("cases_that_verdict_counts_of_{name}"),
    }
}

/// The number of tests of each name so far, by package.
pub(super) type Counts = BTreeMap<(Option<Vec<String>>, String), usize>;

/// The module with a rule added at its end for every test rule with sub-cases; `None` if there are none.
pub(super) fn with_cases(source: &str, counts: &mut Counts) -> Option<String> {
    let package = package(source);
    let mut number = |name: &str| {
        let count = counts.entry((package.clone(), name.to_owned())).or_default();
        *count += 1;
        *count - 1
    };
    let heads: Vec<(usize, Head)> =
        heads(source).into_iter().map(|head| (number(&head.name), head)).collect();
    let heads: Vec<_> = heads.into_iter().filter(|(_, head)| !head.keys.is_empty()).collect();
    if heads.is_empty() {
        return None;
    }
    let mut text = source.to_owned();
    for (number, Head { name, keys, binding, .. }) in heads {
        let name = if number == 0 { name } else { format!("{name}#{number:02}") };
        let _ = write!(text, "\n{} contains [{}]", cases_rule(&name), keys.join(", "));
        if !binding.trim().is_empty() {
            let _ = write!(text, " if {{\n{binding}\n}}");
        }
        text.push('\n');
    }
    Some(text)
}

/// The text with comments and the contents of strings replaced by blanks, so that brackets and words can be counted.
fn mask(source: &str) -> String {
    let mut masked = String::with_capacity(source.len());
    let mut inside = None;
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        let blank = |masked: &mut String, c: char| masked.extend(std::iter::repeat_n(' ', c.len_utf8()));
        match (inside, c) {
            (None, '"' | '`' | '#') => {
                inside = Some(c);
                masked.push(c);
            }
            (Some('#'), '\n') => {
                inside = None;
                masked.push(c);
            }
            (Some(quote @ ('"' | '`')), _) if c == quote => {
                inside = None;
                masked.push(c);
            }
            (Some('"'), '\\') => {
                blank(&mut masked, c);
                if let Some(escaped) = chars.next() {
                    blank(&mut masked, escaped);
                }
            }
            // Line feeds are kept, to count lines.
            (Some(_), '\n') | (None, _) => masked.push(c),
            (Some(_), _) => blank(&mut masked, c),
        }
    }
    masked
}

/// The bracketed keys that begin at `at`, and the position after them.
fn bracketed(source: &str, masked: &str, mut at: usize) -> (Vec<String>, usize) {
    let mut keys = Vec::new();
    while masked.get(at..).is_some_and(|rest| rest.starts_with('[')) {
        let Some(end) = closing(masked, at) else { break };
        keys.push(source.get(at + 1..end).unwrap_or_default().trim().to_owned());
        at = end + 1;
    }
    (keys, at)
}

/// The position of the bracket that closes the one at `at`.
fn closing(masked: &str, at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, byte) in masked.bytes().enumerate().skip(at) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

/// The statements of the body after `at`, up to the last that is needed to bind all keys.
fn binding(source: &str, masked: &str, at: usize, keys: &[String]) -> String {
    let words: Vec<&str> = keys.iter().flat_map(|key| variables(key)).collect();
    let opens = masked.get(at..).and_then(|rest| rest.find('{')).map(|offset| at + offset);
    let Some((start, end)) = opens.and_then(|start| Some((start + 1, closing(masked, start)?))) else {
        return String::new();
    };
    let statements = statements(masked, start, end);
    let binds = |word: &str| {
        statements.iter().position(|&(from, to)| {
            let text = masked.get(from..to).unwrap_or_default();
            let only_declared = text.trim_start().starts_with("some ") && !text.contains(" in ");
            mentions(text, word) && !only_declared
        })
    };
    let last = words.into_iter().filter_map(binds).max();
    let upto = last.and_then(|last| statements.get(last)).map_or(start, |&(_, to)| to);
    source.get(start..upto).unwrap_or_default().to_owned()
}

/// The statements between `start` and `end`, as ranges of bytes. A line that begins with `with` continues the last one.
fn statements(masked: &str, start: usize, end: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut depth, mut from) = (0_usize, start);
    for (index, byte) in masked.bytes().enumerate().take(end).skip(start) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' | b';' if depth == 0 => {
                let next = masked.get(index + 1..end).unwrap_or_default().trim_start();
                if !next.starts_with("with ") {
                    found.push((from, index));
                    from = index + 1;
                }
            }
            _ => {}
        }
    }
    found.push((from, end));
    found
}

/// The variables of a key's text: every word that does not follow a dot.
fn variables(key: &str) -> impl Iterator<Item = &str> {
    let constant = key.starts_with(['"', '`']) || key.parse::<f64>().is_ok();
    let word = key.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').filter(move |_| !constant);
    word.filter_map(|word| word.split('.').next()).filter(|word| !word.is_empty())
}

fn mentions(text: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(|c| part_of_word(c) || c == '.') && !after.is_some_and(part_of_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_found_outside_of_comments_strings_and_bodies() {
        let source = "package a_test\n\n# test_comment if {}\ntest_one if {\n\ttest_inner == 1\n}\n\nraw := `\ntest_raw if {}\n`\ntodo_test_two if true\ntest_three := true\n";
        let names: Vec<_> = heads(source).into_iter().map(|head| (head.name, head.row)).collect();
        let expected = [("test_one", 4), ("todo_test_two", 11), ("test_three", 12)];
        assert_eq!(names, expected.map(|(name, row)| (name.to_owned(), row)));
    }

    #[test]
    fn the_binding_part_of_a_body_becomes_a_rule() {
        for (body, keys, expected) in [
            ("some note, tc in cases\n\tf(tc.in) == tc.out", "[note]", "some note, tc in cases"),
            ("some tc in cases; note := tc.note; f(tc)", "[note]", "some tc in cases; note := tc.note"),
            ("some note\n\ttc := cases[note]\n\tf(tc)", "[note]", "some note\n\ttc := cases[note]"),
            ("some tc in cases\n\tf(tc)", "[tc.note]", "some tc in cases"),
            (
                "x := {\"}\": 1} # note }\n\tsome note, _ in x\n\tfalse",
                "[note]",
                "x := {\"}\": 1} # note }\n\tsome note, _ in x",
            ),
            ("some a, xs in m\n\tsome b in xs\n\tf(b)", "[a][b]", "some a, xs in m\n\tsome b in xs"),
            (
                "some note in {\"a\"} with input as 1\n\t\twith data.x as 2\n\tf(note)",
                "[note]",
                "some note in {\"a\"} with input as 1\n\t\twith data.x as 2",
            ),
            ("false", "[\"a\"]", ""),
        ] {
            let source = format!("package a\n\ntest_x{keys} if {{\n\t{body}\n}}\n");
            let head = heads(&source).remove(0);
            assert_eq!(head.binding.trim(), expected, "{body}");
        }
    }

    #[test]
    fn modules_without_sub_cases_stay_as_they_are() {
        let mut counts = Counts::new();
        assert_eq!(with_cases("package b\n\ntest_x if true\n", &mut counts), None);
        let source = "package a\n\ntest_x[n] if {\n\tsome n in [1, 2]\n\tn > 1\n}\n";
        let text = with_cases(source, &mut counts).unwrap();
        assert!(
            text.ends_with(
                "cases_that_verdict_counts_of_test_x contains [n] if {\n\n\tsome n in [1, 2]\n}\n"
            ),
            "{text}"
        );
    }
}
