//! Patterns for file names, as in Go's `filepath.Match`: `*` and `?` do not match `/`, `[a-z]` and `[^a-z]` are character
//! classes, and a backslash escapes the next character.

use regex::Regex;

/// A pattern for a whole name.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// An invalid pattern; the message says why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("pattern `{text}` {why}");
        if text.is_empty() {
            return Err(wrong("is empty"));
        }
        let mut expression = String::from(r"\A");
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '*' => expression.push_str("[^/]*"),
                '?' => expression.push_str("[^/]"),
                '\\' => {
                    literal(characters.next().ok_or_else(|| wrong("ends with a backslash"))?, &mut expression)
                }
                '[' => {
                    expression.push('[');
                    if characters.next_if_eq(&'^').is_some() {
                        expression.push('^');
                    }
                    let mut ranges = 0;
                    loop {
                        let end = || wrong("has an unclosed `[`");
                        let mut one = |open: bool| match characters.next().ok_or_else(end)? {
                            ']' if open => Ok(None),
                            '\\' => characters.next().ok_or_else(end).map(Some),
                            '-' | ']' => Err(wrong("has an invalid character class")),
                            character => Ok(Some(character)),
                        };
                        let Some(first) = one(ranges > 0)? else { break };
                        literal(first, &mut expression);
                        if characters.next_if_eq(&'-').is_some() {
                            let last = match characters.next().ok_or_else(end)? {
                                '\\' => characters.next().ok_or_else(end)?,
                                ']' | '-' => return Err(wrong("has an invalid character class")),
                                character => character,
                            };
                            expression.push('-');
                            literal(last, &mut expression);
                        }
                        ranges += 1;
                    }
                    expression.push(']');
                }
                other => literal(other, &mut expression),
            }
        }
        expression.push_str(r"\z");
        Regex::new(&format!("(?s){expression}")).map(Self).map_err(|_| wrong("is invalid"))
    }

    /// Whether any of the patterns matches the name of the file or of a folder above it.
    pub fn leave_out(patterns: &[Self], file: &str) -> bool {
        !patterns.is_empty()
            && file.split('/').any(|name| patterns.iter().any(|pattern| pattern.matches(name)))
    }

    /// Whether the pattern matches the whole of `name`.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

fn literal(character: char, expression: &mut String) {
    expression.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_go() {
        for (pattern, name, expected) in [
            ("*.md", "README.md", true),
            ("*.md", "docs/README.md", false),
            ("docs/*", "docs/README.md", true),
            ("docs/*", "docs/x/README.md", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            ("a.b", "axb", false),
            (".*", ".manifest", true),
            ("data.json", "x/data.json", false),
            ("x{1}", "x{1}", true),
            ("[&&~~]", "&", true),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(name), expected, "{pattern} {name}");
        }
        for bad in ["", "[a", "[]a]", "[a-]", r"a\", "[-a]", "[^]"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_of_files_and_folders_leave_out() {
        let patterns: Vec<_> = [".*", "*_test.rego", "old"].map(|text| Pattern::parse(text).unwrap()).into();
        for (file, expected) in [
            ("a/.hidden/x.rego", true),
            ("a/x.rego", false),
            ("a/x_test.rego", true),
            ("x_test.rego/y.rego", true),
            ("a/old/x.rego", true),
            ("a/older/x.rego", false),
        ] {
            assert_eq!(Pattern::leave_out(&patterns, file), expected, "{file}");
            assert!(!Pattern::leave_out(&[], file));
        }
    }
}
