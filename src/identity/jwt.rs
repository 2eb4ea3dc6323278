//! JSON Web Tokens (RFC 7519): one issuer each, with its own rules and keys.
//!
//! Reading order: [`jws`] → [`jwks`] → `jwk` → `key_store` → `claim_path` →
//! `mapping` → `issuer` → `claims` → [`check`] → `verifier`.

pub mod check;
pub(super) mod claim_path;
pub(super) mod claims;
pub(super) mod issuer;
pub(super) mod jwk;
pub mod jwks;
pub mod jws;
pub(super) mod key_store;
pub(super) mod mapping;
pub(super) mod strict_json;
pub(super) mod verifier;

use super::kind::Found;
use crate::model::presented::Presented;

/// Looks for a bearer token (RFC 6750 section 2.1) in the `Authorization` header (RFC 9110 section 11.6.2).
///
/// More than one value, another scheme, an empty or ill-formed token are [`Found::Malformed`].
pub fn find<'r>(presented: &Presented<'r>) -> Found<'r> {
    let mut values = presented.header("authorization");
    let Some(value) = values.next() else { return Found::Absent };
    if values.next().is_some() {
        return Found::Malformed("more than one Authorization header");
    }
    let Ok(text) = std::str::from_utf8(value) else {
        return Found::Malformed("the Authorization header is not UTF-8");
    };
    let Some((scheme, token)) = text.split_once(' ') else {
        return Found::Malformed("the Authorization header is not `Bearer <token>`");
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Found::Malformed("the Authorization scheme is not Bearer");
    }
    let token = token.trim_matches(' ');
    // b64token of RFC 6750 section 2.1; also keeps control characters and lists out.
    let token_char = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if token.is_empty() || !token.bytes().all(token_char) {
        return Found::Malformed("the bearer token is empty or has characters that no token has");
    }
    Found::Credential(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::AUTHORIZATION;

    use super::*;

    #[test]
    fn the_authorization_header_is_absent_bearer_or_malformed() {
        for (values, expected) in [
            (&[][..], "absent"),
            (&["Bearer a.b.c"], "bearer a.b.c"),
            (&["bearer  a.b.c "], "bearer a.b.c"),
            (&["Bearer"], "malformed"),
            (&["Bearer "], "malformed"),
            (&["Bearer a b"], "malformed"),
            (&["Bearer a,b"], "malformed"),
            (&["Basic dXNlcg=="], "malformed"),
            (&["undefined"], "malformed"),
            (&[""], "malformed"),
            (&["Bearer a.b.c", "Bearer a.b.c"], "malformed"),
        ] {
            let headers: HeaderMap =
                values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect();
            let found = match find(&Presented::from(&headers)) {
                Found::Absent => "absent".to_owned(),
                Found::Malformed(_) => "malformed".to_owned(),
                Found::Credential(token) => format!("bearer {token}"),
            };
            assert_eq!(found, expected, "{values:?}");
        }
    }
}
