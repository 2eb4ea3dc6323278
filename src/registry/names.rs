//! What may be called how.
//!
//! INVARIANT (no look-alikes): what is compared (ids, roles, permissions, names of secrets and settings) is visible ASCII, and
//! ids are in lower case. What is only shown may be in any script, without characters that cannot be seen.

use super::rejection::Rejection;
use crate::model::subject;

/// The longest id that somebody chooses, in bytes.
const MAX_ID: usize = 63;
/// Words that stand in the places of ids: in paths of the admin API, and in records.
const RESERVED: [&str; 12] = [
    "anonymous",
    "register",
    "verify",
    "query",
    "enable",
    "disable",
    "revoke",
    "rotate",
    "rewrap",
    "secrets",
    "verdict",
    "registry",
];
/// The longest name of a role, a permission, a secret or a setting, in bytes.
const MAX_WORD: usize = 128;
/// The longest name for people, in bytes.
const MAX_NAME: usize = 200;
/// The most roles, permissions or operations of one record.
const MOST_WORDS: usize = 256;
/// The largest JSON value of a record (attributes, metadata, a setting), in bytes.
const MAX_JSON: usize = 8 * 1024;

/// An id that somebody chooses: `acme-corp`.
///
/// # Errors
/// It cannot be one.
pub fn check_id(field: &'static str, id: &str) -> Result<(), Rejection> {
    let begins = id.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let fits = id
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
    if begins && fits && id.len() <= MAX_ID && !RESERVED.contains(&id) {
        return Ok(());
    }
    if RESERVED.contains(&id) {
        return Err(Rejection::invalid(
            field,
            format!("`{id}` is a word of its own here; choose another id"),
        ));
    }
    let message = format!(
        "is no identifier: write 1 to {MAX_ID} of the characters a-z, 0-9, `-` and `_`, beginning with a letter or a digit"
    );
    Err(Rejection::invalid(field, message))
}

/// A word that is compared: a role, a permission, the name of a secret.
///
/// # Errors
/// It cannot be one.
pub fn check_word(field: &'static str, word: &str) -> Result<(), Rejection> {
    if !word.is_empty() && word.len() <= MAX_WORD && word.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let message = format!("must be 1 to {MAX_WORD} visible ASCII characters, without spaces");
    Err(Rejection::invalid(field, message))
}

/// A list of words.
///
/// # Errors
/// One of them is none, is there twice, or there are too many.
pub fn check_words(field: &'static str, words: &[String]) -> Result<(), Rejection> {
    if words.len() > MOST_WORDS {
        return Err(Rejection::invalid(
            field,
            format!("has {} entries; at most {MOST_WORDS} are allowed", words.len()),
        ));
    }
    for (n, word) in words.iter().enumerate() {
        check_word(field, word)?;
        if words.iter().take(n).any(|before| before == word) {
            return Err(Rejection::invalid(field, format!("has `{word}` twice")));
        }
    }
    Ok(())
}

/// A name for people.
///
/// # Errors
/// It cannot be one.
pub fn check_name(field: &'static str, name: Option<&str>) -> Result<(), Rejection> {
    let Some(name) = name else { return Ok(()) };
    let wrong = if name.len() > MAX_NAME { Err("is too long") } else { subject::check_tenant(name) };
    wrong.map_err(|problem| {
        Rejection::invalid(field, format!("{problem}: a name has 1 to {MAX_NAME} bytes of visible text"))
    })
}

/// An issuer or a subject of tokens.
///
/// # Errors
/// It cannot be one.
pub fn check_subject(field: &'static str, text: &str) -> Result<(), Rejection> {
    subject::check_id(text).map_err(|problem| Rejection::invalid(field, problem))
}

/// A JSON value.
///
/// # Errors
/// It is too large.
pub fn check_json(field: &'static str, value: &impl serde::Serialize) -> Result<(), Rejection> {
    let bytes = serde_json::to_vec(value).map(|text| text.len()).unwrap_or(usize::MAX);
    if bytes <= MAX_JSON {
        return Ok(());
    }
    Err(Rejection::invalid(field, format!("has {bytes} bytes of JSON; at most {MAX_JSON} are allowed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_they_look_like() {
        for (id, good) in [
            ("acme-corp", true),
            ("org_xyz789", true),
            ("4711", true),
            ("", false),
            ("-acme", false),
            ("Acme", false),
            ("аcme", false),
            ("acme corp", false),
            ("acme/corp", false),
            ("acme\n", false),
            ("anonymous", false),
            ("register", false),
            ("verify", false),
            ("query", false),
            (&"a".repeat(63), true),
            (&"a".repeat(64), false),
        ] {
            assert_eq!(check_id("id", id).is_ok(), good, "{id:?}");
        }
        for (word, good) in [
            ("stripe:create_payment", true),
            ("stripe:*", true),
            ("", false),
            ("a b", false),
            ("a\u{200b}", false),
            ("é", false),
            (&"a".repeat(129), false),
        ] {
            assert_eq!(check_word("role", word).is_ok(), good, "{word:?}");
        }
        for (name, good) in [
            ("Zahlungs-Agent für Köln", true),
            ("支払い", true),
            ("", false),
            (" x", false),
            ("a\u{202e}b", false),
            (&"x".repeat(201), false),
        ] {
            assert_eq!(check_name("name", Some(name)).is_ok(), good, "{name:?}");
        }
        let twice = ["a".to_owned(), "a".to_owned()];
        assert_eq!(check_words("roles", &twice).unwrap_err().message, "has `a` twice");
    }
}
