//! The claims that an issuer's tokens must have, and what becomes of them.

use super::entry::Entry;
use crate::identity::config::{ClaimMapping, IssuerConfig};
use crate::identity::jwt::claim_path::ClaimPath;

/// The longest name of an attribute, in bytes.
const MAX_NAME: usize = 64;
/// The most attributes, and the most required claims.
const MOST: usize = 64;

pub(super) fn check(entry: &mut Entry<'_>, config: &IssuerConfig) {
    let ClaimMapping { id, kind, roles, scopes, permissions, tenant, agent, session, attributes } =
        &config.claims;
    for (key, path) in [
        ("id", id),
        ("type", kind),
        ("roles", roles),
        ("scopes", scopes),
        ("permissions", permissions),
        ("tenant", tenant),
        ("agent", agent),
        ("session", session),
    ] {
        if let Some(path) = path {
            check_path(entry, &format!(".claims.{key}"), path);
        }
    }
    for (name, path) in attributes {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
            let message = format!("a name must have 1 to {MAX_NAME} letters, digits, `_` or `-`");
            entry.wrong(".claims.attributes", message, "write e.g. `{email: email, score: profile.score}`");
        } else {
            check_path(entry, &format!(".claims.attributes.{name}"), path);
        }
    }
    for (index, path) in config.required_claims.iter().enumerate() {
        check_path(entry, &format!(".required_claims[{index}]"), path);
    }
    for (key, count) in
        [(".claims.attributes", attributes.len()), (".required_claims", config.required_claims.len())]
    {
        if count > MOST {
            entry.wrong(key, format!("there are {count}; at most {MOST} are allowed"), "remove some");
        }
    }
}

fn check_path(entry: &mut Entry<'_>, key: &str, path: &str) {
    if let Err(problem) = ClaimPath::parse(path) {
        let hint = "write a path such as `realm_access.roles`, or a json pointer such as \
                    `/https:~1~1example.com~1roles` (a `/` in a name is `~1`)";
        entry.wrong(key, problem, hint);
    }
}
