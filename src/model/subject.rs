//! What a subject may be called, whatever kind of credential names it.
//!
//! INVARIANT (nobody is called anonymous): the words by which Verdict itself says who is calling are never those of a
//! credential. A policy that tests for `input.subject.type == "anonymous"` sees it where no credential was presented, and
//! nowhere else.

/// The longest id or tenant, in bytes: that of a SPIFFE ID.
pub const MAX_ID_BYTES: usize = 2048;
/// The longest type, in bytes.
pub const MAX_KIND_BYTES: usize = 128;

/// Types that no credential may claim, in any case: `anonymous` is what Verdict calls a caller without credential, and
/// the others read like it in a policy or a record.
pub const RESERVED_KINDS: [&str; 4] = ["anonymous", "none", "unchecked", "verdict"];

/// Checks a subject's id.
///
/// # Errors
/// Why it cannot be one, to follow the name of a claim: `is empty`.
pub fn check_id(id: &str) -> Result<(), &'static str> {
    // A record without an id shows the type in its place.
    if id.eq_ignore_ascii_case("anonymous") {
        return Err("is a reserved word");
    }
    check_text(id, MAX_ID_BYTES)
}

/// Checks a tenant.
///
/// # Errors
/// As [`check_id`].
pub fn check_tenant(tenant: &str) -> Result<(), &'static str> {
    check_text(tenant, MAX_ID_BYTES)
}

/// Checks a subject's type.
///
/// # Errors
/// As [`check_id`].
pub fn check_kind(kind: &str) -> Result<(), &'static str> {
    if RESERVED_KINDS.iter().any(|reserved| reserved.eq_ignore_ascii_case(kind)) {
        return Err("is a reserved subject type");
    }
    check_text(kind, MAX_KIND_BYTES)
}

fn check_text(text: &str, most: usize) -> Result<(), &'static str> {
    if text.is_empty() {
        Err("is empty")
    } else if text.len() > most {
        Err("is too long")
    } else if text.chars().any(is_invisible_control) {
        Err("has control characters")
    } else if text.trim() != text {
        Err("begins or ends with white space")
    } else {
        Ok(())
    }
}

/// Control characters, line and paragraph separators, and the marks that turn the direction of what follows: all that
/// makes two names look alike in a log, or one line look like two.
fn is_invisible_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_visible_and_not_reserved() {
        let (long, longer) = ("x".repeat(MAX_ID_BYTES), "x".repeat(MAX_ID_BYTES + 1));
        for (id, expected) in [
            ("alice", Ok(())),
            ("a b", Ok(())),
            ("CN=Å, O=Acme", Ok(())),
            ("spiffe://acme.example/ns/a", Ok(())),
            (&long, Ok(())),
            (&longer, Err("is too long")),
            ("", Err("is empty")),
            (" ", Err("begins or ends with white space")),
            ("alice ", Err("begins or ends with white space")),
            ("\u{a0}alice", Err("begins or ends with white space")),
            ("a\0", Err("has control characters")),
            ("a\nb", Err("has control characters")),
            ("a\u{7f}b", Err("has control characters")),
            ("a\u{85}b", Err("has control characters")),
            ("a\u{2028}b", Err("has control characters")),
            ("a\u{202e}b", Err("has control characters")),
            ("a\u{200b}b", Err("has control characters")),
            ("Anonymous", Err("is a reserved word")),
            ("none", Ok(())),
        ] {
            assert_eq!(check_id(id), expected, "{id:?}");
        }
        for (kind, expected) in [
            ("user", Ok(())),
            ("service", Ok(())),
            ("agent", Ok(())),
            ("anonymous-user", Ok(())),
            ("anonymous", Err("is a reserved subject type")),
            ("ANONYMOUS", Err("is a reserved subject type")),
            ("none", Err("is a reserved subject type")),
            ("unchecked", Err("is a reserved subject type")),
            ("verdict", Err("is a reserved subject type")),
            ("anonymous ", Err("begins or ends with white space")),
            ("", Err("is empty")),
        ] {
            assert_eq!(check_kind(kind), expected, "{kind:?}");
        }
        assert_eq!(check_kind(&"x".repeat(MAX_KIND_BYTES + 1)), Err("is too long"));
        assert_eq!(check_tenant(""), Err("is empty"));
        assert_eq!(check_tenant("anonymous"), Ok(()));
    }
}
