//! Names of tools and methods, as they are compared.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization as _;

/// Characters that nobody sees.
#[expect(clippy::expect_used, reason = "a constant, which a test compiles")]
static INVISIBLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]").expect("the pattern is one")
});

/// A name without what does not tell it from another: compatibility forms (NFKC), case, what cannot be seen, and white space around
/// it. Letters of other scripts that look alike stay what they are.
pub fn normalised(name: &str) -> String {
    if name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return name.trim().to_ascii_lowercase();
    }
    // A lower-case letter may have compatibility forms of its own.
    let folded: String = name.nfkc().collect::<String>().to_lowercase().nfkc().collect();
    INVISIBLE.replace_all(folded.trim(), "").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one() {
        for (written, expected) in [
            ("read_file", "read_file"),
            (" READ_File ", "read_file"),
            ("ｄｅｌｅｔｅ＿ｆｉｌｅ", "delete_file"),
            ("ﬁle_read", "file_read"),
            ("\u{feff}safe\u{200b}_tool\u{2060}", "safe_tool"),
            ("tool²", "tool2"),
            ("\u{2003}read_file\u{2003}", "read_file"),
            ("a\tb\u{ad}\u{202e}c\u{fe0f}", "abc"),
            ("\u{200b} x", "x"),
            ("Å", "å"),
            ("", ""),
            ("\u{200b}", ""),
        ] {
            assert_eq!(normalised(written), expected, "{written:?}");
        }
        assert_ne!(normalised("dеlete"), "delete", "a Cyrillic letter");
    }
}
