//! Text that somebody else chose, as a reader of lines may be given it.
//!
//! INVARIANT (inert to its reader): callers choose ids, paths and inputs; none of it may end a line, move a cursor, change
//! colours, or reorder what stands beside it.

/// Whether a character that JSON may carry raw acts on who reads it: C1 controls (U+0085 among them), line and paragraph
/// separators, and what is invisible or turns text around.
pub const fn acts(c: char) -> bool {
    matches!(
        c,
        '\u{80}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    )
}

/// JSON with such characters escaped as `\uXXXX`; `None` where there are none.
pub fn json(text: &str) -> Option<String> {
    escaped(text, |c| format!("\\u{:04x}", u32::from(c)))
}

/// Text with such characters shown as `\u{2028}`; `None` where there are none.
pub fn text(text: &str) -> Option<String> {
    escaped(text, |c| c.escape_unicode().to_string())
}

fn escaped(text: &str, escape: impl Fn(char) -> String) -> Option<String> {
    let first = text.find(acts)?;
    let (kept, rest) = text.split_at_checked(first)?;
    let mut out = String::with_capacity(text.len() + 64);
    out.push_str(kept);
    for c in rest.chars() {
        if acts(c) { out.push_str(&escape(c)) } else { out.push(c) }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_escaped_and_means_the_same() {
        let hostile = "a\u{85}b\u{2028}c\u{2029}\u{202e}d\u{2066}\u{61c}\u{feff}ë\u{9b}";
        let quoted = serde_json::to_string(hostile).unwrap();
        let escaped = json(&quoted).unwrap();
        assert_eq!(escaped, r#""a\u0085b\u2028c\u2029\u202ed\u2066\u061c\ufeffë\u009b""#);
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), hostile);
        assert_eq!(text("x\u{2028}y").unwrap(), r"x\u{2028}y");
        assert_eq!(json("\"plain ë €\""), None);
    }
}
