//! Access tokens of RFC 9068: what a token must say that calls itself `at+jwt`.

use serde_json::Value;

use super::claims::{Claims, numeric_date, required_text, wrong};
use crate::identity::refusal::Refusal;

/// Checks the profile's claims (sections 2.2 and 2.2.3.1); `exp` is required of every token.
///
/// # Errors
/// A claim that is missing or of a wrong form. `roles`, `groups` and `entitlements` need not be there, and are lists of
/// texts.
pub(super) fn check(claims: &Claims) -> Result<(), Refusal> {
    for name in ["iss", "sub", "client_id", "jti"] {
        required_text(claims, name)?;
    }
    if !claims.contains_key("aud") {
        return Err(wrong("aud", "is missing"));
    }
    numeric_date(claims, "iat")?.ok_or(wrong("iat", "is missing"))?;
    for name in ["roles", "groups", "entitlements"] {
        let is_list =
            |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
        if claims.get(name).is_some_and(|value| !is_list(value)) {
            return Err(wrong(name, "is not a list of texts"));
        }
    }
    Ok(())
}

/// The `entitlements` of a token that [`check`] accepted.
pub(super) fn entitlements(claims: &Claims) -> impl Iterator<Item = &str> {
    claims.get("entitlements").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// A security event token need not say so in its `typ` (RFC 8417 section 2.3): its `events` do (section 2.2).
///
/// # Errors
/// Where the claims are those of a security event token, a logout token among them.
pub(in crate::identity) fn check_no_event(claims: &Claims) -> Result<(), Refusal> {
    let is_uri = |name: &String| name.contains(':');
    match claims.get("events") {
        Some(Value::Object(events)) if events.keys().any(is_uri) => {
            Err(wrong("events", "makes it a security event token, which is no credential"))
        }
        _ => Ok(()),
    }
}
