//! What a verified token says besides who its subject is: by which facts it can be revoked, what binds it to its holder, and
//! whether it may come again.
//!
//! INVARIANT (no silent loss): a fact of a wrong form refuses the token, or it could not be revoked by that fact, or would be
//! of use to others than its holder.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::claims::{Claims, id_at, numeric_date, required_text, wrong};
use super::jwk;
use super::mapping::Mapping;
use crate::identity::kind::{Key, SingleUse, Validity};
use crate::identity::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::principal::Principal;
use crate::model::revocation::RevocationFacts;
use crate::model::subject;
use crate::stores;

/// What a revocation can name of a token, `kid` being the name of the key that signed it.
///
/// # Errors
/// A `jti` or session of a wrong form.
pub(in crate::identity) fn revocation(
    principal: &Principal,
    mapping: &Mapping,
    kid: Option<String>,
) -> Result<RevocationFacts, Refusal> {
    let claims = &principal.claims;
    let acting = principal.actors.iter().map(|actor| &actor.id);
    Ok(RevocationFacts {
        jti: jti(claims)?.map(str::to_owned),
        session: id_at(claims, &mapping.session)?,
        key: kid,
        issuer: Some(principal.issuer.clone()),
        subject: Some(principal.id.clone()),
        aliases: aliases(principal),
        agents: principal.agent.iter().chain(acting).cloned().collect(),
        organisation: principal.tenant.clone(),
        issued_at: numeric_date(claims, "iat")?.map(Timestamp),
    })
}

/// What else the issuer calls the subject, in its `sub` and `email`. Case does not tell mail addresses apart here: a revocation
/// that covers too much is better than one that covers too little.
fn aliases(principal: &Principal) -> Vec<String> {
    let text = |name: &str| principal.claims.get(name).and_then(Value::as_str);
    let mut aliases: Vec<String> = Vec::new();
    let mails = [text("email"), text("sub"), Some(principal.id.as_str())].into_iter().flatten();
    let mails = mails.filter(|name| name.contains('@')).map(str::to_lowercase);
    for name in text("sub").map(str::to_owned).into_iter().chain(mails) {
        if name != principal.id && !aliases.contains(&name) && subject::check_id(&name).is_ok() {
            aliases.push(name);
        }
    }
    aliases
}

/// A token's own name (RFC 7519 section 4.1.7), unique at its issuer.
pub(in crate::identity) fn jti(claims: &Claims) -> Result<Option<&str>, Refusal> {
    if !claims.contains_key("jti") {
        return Ok(None);
    }
    let jti = required_text(claims, "jti")?;
    subject::check_id(jti).map(|()| Some(jti)).map_err(|problem| wrong("jti", problem))
}

/// What a token for a single use is remembered by, until it would be refused as expired.
///
/// # Errors
/// When it has no `jti`.
pub(in crate::identity) fn single_use(
    claims: &Claims,
    issuer: &str,
    validity: &Validity,
) -> Result<SingleUse, Refusal> {
    let jti = jti(claims)?.ok_or(wrong("jti", "is missing"))?;
    Ok(SingleUse {
        nonce: stores::Key::new("jti", &[issuer.as_bytes(), jti.as_bytes()]),
        until: Timestamp(validity.until.unwrap_or(i64::MAX)),
        issued_at: numeric_date(claims, "iat")?.map(Timestamp),
    })
}

/// The key that a token's holder must prove to have (RFC 7800 section 3.1), if it names one.
///
/// Members that are not understood are ignored beside one that is (RFC 7800 section 3.1); alone they refuse the token,
/// which would otherwise be of use to anybody.
///
/// # Errors
/// When `cnf` names no key, several, or one in a way that cannot be checked.
pub(in crate::identity) fn binding(claims: &Claims) -> Result<Option<Key>, Refusal> {
    const FORM: Refusal = wrong("cnf", "does not name one key in a way that is supported (RFC 7800)");
    let Some(cnf) = claims.get("cnf") else { return Ok(None) };
    let cnf = cnf.as_object().ok_or(FORM)?;
    let thumbprint = |value: &Value| {
        let text = value.as_str()?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| text.to_owned())
    };
    let of_jwk =
        |jwk: &Map<String, Value>| Some(BASE64_URL_SAFE_NO_PAD.encode(jwk::read(jwk).ok()?.thumbprint));
    let strong = [
        cnf.get("jkt").map(|value| thumbprint(value).map(Key::JwkThumbprint)),
        cnf.get("jwk").map(|value| value.as_object().and_then(of_jwk).map(Key::JwkThumbprint)),
        cnf.get("x5t#S256").map(|value| thumbprint(value).map(Key::CertificateThumbprint)),
    ];
    let mut strong = strong.into_iter().flatten();
    match (strong.next(), strong.next(), cnf.get("kid")) {
        (Some(key), None, _) => key.ok_or(FORM).map(Some),
        (None, None, Some(Value::String(kid))) if !kid.is_empty() => Ok(Some(Key::Id(kid.clone()))),
        _ => Err(FORM),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_confirmation_names_one_key_or_the_token_is_refused() {
        let hash = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
        let of = |cnf: Value| binding(json!({ "cnf": cnf }).as_object().unwrap());
        assert_eq!(binding(&Claims::new()), Ok(None));
        // RFC 8037 appendix A.3.
        let jwk =
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let of_jwk = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".to_owned();
        for (cnf, expected) in [
            (json!({ "jkt": hash }), Key::JwkThumbprint(hash.clone())),
            (json!({ "jwk": jwk }), Key::JwkThumbprint(of_jwk.clone())),
            (json!({ "jwk": jwk, "kid": "a hint" }), Key::JwkThumbprint(of_jwk)),
            (json!({ "x5t#S256": hash, "new": 1 }), Key::CertificateThumbprint(hash.clone())),
            (json!({ "kid": "key-7" }), Key::Id("key-7".to_owned())),
        ] {
            assert_eq!(of(cnf).unwrap(), Some(expected));
        }
        for cnf in [
            json!(null),
            json!("x"),
            json!([]),
            json!({}),
            json!({ "kid": 1 }),
            json!({ "kid": "" }),
            json!({ "new": 1 }),
            json!({ "jku": "https://thief.example/keys", "kid2": "k" }),
            json!({ "jkt": null }),
            json!({ "jkt": "AAAA" }),
            json!({ "jkt": format!("{hash}=") }),
            json!({ "jkt": [hash] }),
            json!({ "x5t#S256": "not base64url!" }),
            json!({ "jwk": { "kty": "oct", "k": "AAAA" } }),
            json!({ "jwk": "x" }),
            json!({ "jkt": hash, "x5t#S256": hash }),
        ] {
            assert!(of(cnf.clone()).is_err(), "{cnf}");
        }
    }
}
