//! Proofs of possession (RFC 9449): a token that is bound to a key (`cnf.jkt`) counts with a proof of that key, which is for this
//! request, this token and one use.
//!
//! INVARIANT (every use): a proof is asked for by what the verified token says, whether it was verified now or comes from the cache.
//! INVARIANT (nothing but the key): of what a proof brings along only the public key is used, and only as the one that the token
//! names.
//! INVARIANT (once): the `jti` of a proof is remembered, by its key, as long as the proof could be accepted.
//!
//! Deliberately absent: nonces of the server (`DPoP-Nonce`), and URLs that a header says the client meant: a proof is for the URL
//! by which Verdict itself was called.

mod url;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderName;
use serde_json::{Map, Value};

use super::candidate::MAX_CREDENTIAL_BYTES;
use super::jwt::claims::{Claims, numeric_date};
use super::jwt::issuer::media_type;
use super::jwt::jws::{self, Jws};
use super::jwt::{facts, jwk, strict_json};
use super::kind::{Accepted, Key, SingleUse};
use super::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::presented::Presented;
use crate::stores;

static HEADER: HeaderName = HeaderName::from_static("dpop");
/// RFC 9449 section 4.2.
const TYPE: &str = "dpop+jwt";
/// The algorithms that a proof may use, for challenges (section 7.1).
pub(super) const ALGORITHMS: &str = "ES256 ES384 ES512 EdDSA PS256 PS384 PS512 RS256 RS384 RS512";
/// How long after its `iat` a proof is accepted, in nanoseconds.
const LIFETIME: i64 = 60_000_000_000;
/// How far a client's clock may be ahead, in nanoseconds.
const AHEAD: i64 = 5_000_000_000;
/// The members of a JWK that are secret (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Checks the proof of a call whose `Authorization` has the scheme `DPoP`: what the token was verified as, and its text.
///
/// # Errors
/// [`Refusal::NotBound`] for a token that needs no proof, which this scheme is not for (section 7.1); else what is wrong with the
/// proof (section 4.3).
pub(super) fn check(
    presented: &Presented<'_>,
    token: &str,
    accepted: &Accepted,
    now: Timestamp,
) -> Result<SingleUse, Refusal> {
    let Some(Key::JwkThumbprint(bound)) = &accepted.bound_to else { return Err(Refusal::NotBound) };
    let proof = only(presented)?;
    let jws = Jws::parse(proof).map_err(|refusal| match refusal {
        Refusal::Algorithm => Refusal::Proof("has an algorithm that is not accepted"),
        _ => Refusal::Proof("is not one well-formed signed token"),
    })?;
    check_key(proof, &jws, bound)?;
    let claims = strict_json::object(&jws.payload)
        .map_err(|_| Refusal::Proof("has a payload that is not one strict json object"))?;
    check_request(&claims, presented)?;
    let hash = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()));
    if text(&claims, "ath") != Some(&hash) {
        return Err(Refusal::Proof("is not for this token (`ath`)"));
    }
    let issued_at = check_times(&claims, now)?;
    let jti =
        facts::jti(&claims).ok().flatten().ok_or(Refusal::Proof("has no `jti`, or one of a wrong form"))?;
    Ok(SingleUse {
        nonce: stores::Key::new("dpop", &[bound.as_bytes(), jti.as_bytes()]),
        until: Timestamp(issued_at.0.saturating_add(LIFETIME)),
        issued_at: Some(issued_at),
    })
}

/// The only value of the header.
fn only<'r>(presented: &Presented<'r>) -> Result<&'r str, Refusal> {
    let mut values = presented.header(&HEADER);
    let value = values.next().ok_or(Refusal::Proof("is missing"))?;
    if values.next().is_some() {
        return Err(Refusal::Proof("comes in more than one header"));
    }
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= MAX_CREDENTIAL_BYTES);
    text.ok_or(Refusal::Proof("is too long, or not a text"))
}

/// Whether it is a proof of this key: the cheap questions come before the signature, which anybody could make costly.
fn check_key(proof: &str, jws: &Jws<'_>, bound: &str) -> Result<(), Refusal> {
    if jws.typ.as_deref().is_none_or(|typ| media_type(typ) != TYPE) {
        return Err(Refusal::Proof("does not have the `typ` `dpop+jwt`"));
    }
    if jws.algorithm.is_shared() {
        return Err(Refusal::Proof("has an algorithm that is not accepted"));
    }
    let header = jws::header(proof).unwrap_or_default();
    let jwk = header.get("jwk").and_then(Value::as_object).ok_or(Refusal::Proof("has no `jwk`"))?;
    if is_secret(jwk) {
        return Err(Refusal::Proof("shows a private key"));
    }
    let key = jwk::read(jwk).map_err(|_| Refusal::Proof("has a `jwk` that cannot be used"))?;
    if BASE64_URL_SAFE_NO_PAD.encode(key.thumbprint) != bound {
        return Err(Refusal::Proof("is not of the key that the token is bound to"));
    }
    match key.verifies(jws.algorithm, jws.signing_input, jws.signature) {
        true => Ok(()),
        false => Err(Refusal::Proof("has a signature that is not valid")),
    }
}

fn is_secret(jwk: &Map<String, Value>) -> bool {
    SECRET.iter().any(|name| jwk.contains_key(*name))
}

/// Whether it is for a request of this method to this URL.
fn check_request(claims: &Claims, presented: &Presented<'_>) -> Result<(), Refusal> {
    if text(claims, "htm") != Some(presented.method) {
        return Err(Refusal::Proof("is not for this method (`htm`)"));
    }
    match text(claims, "htu").is_some_and(|htu| url::is_of(htu, presented.authority, presented.path)) {
        true => Ok(()),
        false => Err(Refusal::Proof("is not for this url (`htu`)")),
    }
}

/// Whether it is of now, by `iat`, and by `exp` and `nbf` where it has them; when it was made.
fn check_times(claims: &Claims, now: Timestamp) -> Result<Timestamp, Refusal> {
    let time = |name| numeric_date(claims, name).map_err(|_| Refusal::Proof("has a time of a wrong form"));
    let iat = time("iat")?.ok_or(Refusal::Proof("has no `iat`"))?;
    let latest = now.0.saturating_add(AHEAD);
    if iat > latest || time("nbf")?.is_some_and(|nbf| nbf > latest) {
        return Err(Refusal::Proof("is of the future"));
    }
    if now.0.saturating_sub(iat) >= LIFETIME || time("exp")?.is_some_and(|exp| exp <= now.0) {
        return Err(Refusal::Proof("is too old"));
    }
    Ok(Timestamp(iat))
}

fn text<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

/// The challenge of a call that was refused (section 7.1): where it came with the scheme, or should have.
pub(super) fn challenge(with_scheme: bool, refusal: &Refusal) -> Option<String> {
    let error = match refusal {
        Refusal::Proof(_) | Refusal::ProofReplayed => "error=\"invalid_dpop_proof\", ",
        _ if with_scheme => "error=\"invalid_token\", ",
        Refusal::WithoutProof => "",
        _ => return None,
    };
    Some(format!("DPoP {error}algs=\"{ALGORITHMS}\""))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::identity::testing::{accepted, principal};

    /// The request of RFC 9449 section 7.1, figure 12, and the thumbprint of section 6.1, figure 9.
    #[test]
    fn the_example_of_the_rfc_holds_and_every_part_of_it_counts() {
        const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjN\
                             oUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VER\
                             WclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaH\
                             R1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOC\
                             wiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-\
                             Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
        const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        const IAT: i64 = 1_562_262_618;
        let headers = HeaderMap::from_iter([(HEADER.clone(), HeaderValue::from_static(PROOF))]);
        let (host, path) = ("resource.example.org", "/protectedresource");
        for (method, host, path, token, jkt, after, expected) in [
            ("GET", host, path, TOKEN, JKT, 0, ""),
            ("GET", host, path, TOKEN, JKT, 59, ""),
            ("GET", host, path, TOKEN, JKT, -5, ""),
            ("GET", host, path, TOKEN, JKT, 60, "is too old"),
            ("GET", host, path, TOKEN, JKT, -6, "is of the future"),
            ("POST", host, path, TOKEN, JKT, 0, "is not for this method (`htm`)"),
            ("get", host, path, TOKEN, JKT, 0, "is not for this method (`htm`)"),
            ("GET", "example.org", path, TOKEN, JKT, 0, "is not for this url (`htu`)"),
            ("GET", host, "/", TOKEN, JKT, 0, "is not for this url (`htu`)"),
            ("GET", host, path, "another", JKT, 0, "is not for this token (`ath`)"),
            ("GET", host, path, TOKEN, "another", 0, "is not of the key that the token is bound to"),
        ] {
            let mut credential = accepted(principal("alice"));
            credential.bound_to = Some(Key::JwkThumbprint(jkt.to_owned()));
            let presented = Presented::new(method, host, path, &headers);
            let got = check(&presented, token, &credential, Timestamp::from_unix_seconds(IAT + after));
            match got {
                Ok(once) => {
                    assert_eq!(expected, "");
                    assert_eq!(once.nonce, stores::Key::new("dpop", &[jkt.as_bytes(), b"e1j3V_bKic8-LAEB"]));
                    assert_eq!(once.until, Timestamp::from_unix_seconds(IAT + 60));
                }
                Err(refusal) => assert_eq!(refusal.to_string(), format!("the DPoP proof {expected}")),
            }
        }
    }
}
