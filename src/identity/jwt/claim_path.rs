//! Where an attribute stands in a token's claims, as `identity.issuers[].claims` writes it.
//!
//! Two forms: a dotted path (`realm_access.roles`), and a JSON pointer (RFC 6901), which begins with a slash and says
//! exactly which member is meant (`/https:~1~1example.com~1roles`).
//!
//! INVARIANT (one reading): a dotted path also finds members whose own names have dots (`https://example.com/roles`). Where
//! a token holds more than one member that the path could mean, it is refused: an issuer that lets its users choose names
//! of claims would otherwise let them choose which member counts.

use std::fmt;

use serde_json::{Map, Value};

/// The longest path, in bytes.
const MAX_BYTES: usize = 256;
/// The most dots in a path; each may separate two names or belong to one.
const MAX_DOTS: usize = 12;

/// A path that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::identity) struct ClaimPath(String);

/// The path has more than one reading in a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) struct Ambiguous;

impl ClaimPath {
    /// Checks a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::identity) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("the path is empty");
        }
        if text.len() > MAX_BYTES {
            return Err("the path is longer than 256 bytes");
        }
        if text.chars().any(char::is_control) {
            return Err("the path has control characters");
        }
        if text.starts_with('/') {
            let escaped = |rest: &str| rest.starts_with(['0', '1']);
            return match text.split('~').skip(1).all(escaped) {
                true => Ok(Self(text.to_owned())),
                false => Err("`~` in a json pointer must be written `~0`, and `/` in a name `~1`"),
            };
        }
        if text.split('.').any(str::is_empty) {
            return Err("the path has an empty name between its dots");
        }
        match text.matches('.').count() > MAX_DOTS {
            true => Err("the path has more than 12 dots; write a json pointer, e.g. `/realm_access/roles`"),
            false => Ok(Self(text.to_owned())),
        }
    }

    /// The one member that the path means; `None` where there is none.
    ///
    /// # Errors
    /// Where there are several.
    pub(in crate::identity) fn find<'c>(
        &self,
        claims: &'c Map<String, Value>,
    ) -> Result<Option<&'c Value>, Ambiguous> {
        match self.0.strip_prefix('/') {
            Some(pointer) => Ok(by_pointer(claims, pointer)),
            None => {
                let mut found = None;
                by_dots(claims, &self.0, &mut found)?;
                Ok(found)
            }
        }
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `pointer` is without its first slash.
fn by_pointer<'c>(claims: &'c Map<String, Value>, pointer: &str) -> Option<&'c Value> {
    let (first, rest) = pointer.split_at_checked(pointer.find('/').unwrap_or(pointer.len()))?;
    claims.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(rest)
}

/// Looks for every reading, whole names first; the second one ends the search.
fn by_dots<'c>(
    members: &'c Map<String, Value>,
    path: &str,
    found: &mut Option<&'c Value>,
) -> Result<(), Ambiguous> {
    if let Some(value) = members.get(path)
        && found.replace(value).is_some()
    {
        return Err(Ambiguous);
    }
    for (dot, _) in path.match_indices('.') {
        if let (Some(head), Some(tail)) = (path.get(..dot), path.get(dot + 1..))
            && let Some(Value::Object(below)) = members.get(head)
        {
            by_dots(below, tail, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_one_member() {
        let one = |value: &'static str| Ok(Some(value));
        for (path, claims, expected) in [
            ("a", r#"{"a": "x"}"#, one("x")),
            ("a.b", r#"{"a": {"b": "x"}}"#, one("x")),
            ("a.b", r#"{"a.b": "x"}"#, one("x")),
            ("a.b", r#"{"a.b": "x", "a": {"b": "y"}}"#, Err(Ambiguous)),
            ("a.b", r#"{"a.b": null, "a": {"b": "y"}}"#, Err(Ambiguous)),
            ("a.b", r#"{"a.b": "x", "a": {"c": "y"}}"#, one("x")),
            ("a.b", r#"{"a.b": "x", "a": ["y"]}"#, one("x")),
            ("a.b.c", r#"{"a.b": {"c": "x"}, "a": {"b.c": "y"}}"#, Err(Ambiguous)),
            ("a.b.c", r#"{"a.b": {"c": "x"}, "a": {"b": "y"}}"#, one("x")),
            ("a.b.c", r#"{"a": {"b": {"d": "x"}}}"#, Ok(None)),
            ("https://example.com/roles", r#"{"https://example.com/roles": "x"}"#, one("x")),
            ("https://example.com/app.roles", r#"{"https://example.com/app": {"roles": "x"}}"#, one("x")),
            ("/a.b", r#"{"a.b": "x", "a": {"b": "y"}}"#, one("x")),
            ("/a/b", r#"{"a.b": "x", "a": {"b": "y"}}"#, one("y")),
            ("/https:~1~1example.com~1roles", r#"{"https://example.com/roles": "x"}"#, one("x")),
            ("/~01", r#"{"~1": "x", "/": "y"}"#, one("x")),
            ("/a/1", r#"{"a": ["x", "y"]}"#, one("y")),
            ("/", r#"{"": "x"}"#, one("x")),
            ("/a", r#"{"/a": "x"}"#, Ok(None)),
        ] {
            let claims: Map<String, Value> = serde_json::from_str(claims).unwrap();
            let found = ClaimPath::parse(path).unwrap().find(&claims);
            assert_eq!(
                found,
                expected.map(|text| text.map(Value::from)).as_ref().map(Option::as_ref).map_err(|a| *a),
                "{path}"
            );
        }
    }

    #[test]
    fn what_is_not_a_path_is_refused() {
        for (path, expected) in [
            ("", "the path is empty"),
            (".a", "the path has an empty name between its dots"),
            ("a..b", "the path has an empty name between its dots"),
            ("a.", "the path has an empty name between its dots"),
            ("a\nb", "the path has control characters"),
            ("/a~b", "`~` in a json pointer must be written `~0`, and `/` in a name `~1`"),
            ("/a~", "`~` in a json pointer must be written `~0`, and `/` in a name `~1`"),
            (
                "a.b.c.d.e.f.g.h.i.j.k.l.m.n",
                "the path has more than 12 dots; write a json pointer, e.g. `/realm_access/roles`",
            ),
        ] {
            assert_eq!(ClaimPath::parse(path), Err(expected), "{path}");
        }
        assert_eq!(ClaimPath::parse(&"x".repeat(257)), Err("the path is longer than 256 bytes"));
    }

    #[test]
    fn the_search_ends_at_the_second_reading() {
        // Every name is there in every spelling: thousands of readings, of which two are enough.
        fn nest(path: &str) -> Value {
            let mut members = Map::new();
            members.insert(path.to_owned(), Value::Null);
            if let Some((head, tail)) = path.split_once('.') {
                members.insert(head.to_owned(), nest(tail));
            }
            Value::Object(members)
        }
        let path = "a.b.c.d.e.f.g.h.i.j.k.l.m";
        let claims = nest(path);
        assert_eq!(ClaimPath::parse(path).unwrap().find(claims.as_object().unwrap()), Err(Ambiguous));
    }
}
