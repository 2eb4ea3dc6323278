//! Secrets that an issuer shares with Verdict (HS256, HS384, HS512): what is refused as one.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use verdict_jose::{Algorithm, PublicKey};

use super::key::Key;

/// The longest secret, in bytes.
const MAX_BYTES: usize = 4096;

/// The key that a secret is; one line break at its end, as editors leave it, is not part of it.
///
/// # Errors
/// When it is too short (RFC 7518 section 3.2), too long, or a key of another kind: public keys are no secrets
/// (CVE-2016-10555, CVE-2017-11424, CVE-2022-29217, CVE-2026-34950). The error repeats nothing of it.
pub(in crate::identity) fn read(text: &[u8], algorithms: &[Algorithm]) -> Result<Key, String> {
    let secret = text.strip_suffix(b"\n").unwrap_or(text);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    if secret.len() > MAX_BYTES {
        return Err(format!("it is longer than {MAX_BYTES} bytes"));
    }
    // A key in DER may end in a byte that looks like a line break.
    if let Some(kind) = another_kind(text).or_else(|| another_kind(secret)) {
        return Err(format!("it is {kind}, and no secret; write the secret itself"));
    }
    Key::secret(secret, algorithms)
}

/// What the bytes are, if they are no secret but some form of a key or certificate.
fn another_kind(secret: &[u8]) -> Option<&'static str> {
    const SSH: [&str; 4] = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"];
    let is_spki = |der: &[u8]| PublicKey::from_spki(der).is_ok();
    if is_spki(secret) {
        return Some("a public key in der");
    }
    let text = std::str::from_utf8(secret).ok()?.trim();
    let dense: String = text.split_whitespace().collect();
    if ["-----BEGIN", "---- BEGIN"].iter().any(|begin| text.contains(begin)) {
        Some("a key or certificate in pem")
    } else if SSH.iter().any(|kind| text.starts_with(kind)) {
        Some("a public key of ssh")
    } else if serde_json::from_str::<serde_json::Value>(text).is_ok_and(|json| json.is_object()) {
        Some("a json object, such as a jwk")
    } else if BASE64_STANDARD.decode(dense).is_ok_and(|der| is_spki(&der)) {
        Some("a public key in base64")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    #[test]
    fn a_secret_is_long_enough_and_no_key_of_another_kind() {
        // What ends in a line break is a key all the same.
        let ends_so = |pair: &Ed25519KeyPair| pair.public_key().as_ref().ends_with(b"\n");
        let pair = std::iter::repeat_with(|| Ed25519KeyPair::generate().unwrap()).find(ends_so).unwrap();
        let spki = pair.public_key().as_der().unwrap();
        let body = BASE64_STANDARD.encode(spki.as_ref());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
        let bytes = |n: usize| "s".repeat(n).into_bytes();
        for (text, algorithms, expected) in [
            (bytes(32), &[Algorithm::Hs256][..], None),
            (bytes(31), &[Algorithm::Hs256], Some("it has 31 bytes; HS256 needs at least 32")),
            (
                bytes(47),
                &[Algorithm::Hs256, Algorithm::Hs384],
                Some("it has 47 bytes; HS384 needs at least 48"),
            ),
            (bytes(63), &[Algorithm::Hs512], Some("it has 63 bytes; HS512 needs at least 64")),
            (bytes(64), &[Algorithm::Hs512], None),
            ([bytes(31), b"\r\n".to_vec()].concat(), &[Algorithm::Hs256], Some("it has 31 bytes")),
            (bytes(4097), &[Algorithm::Hs256], Some("it is longer than 4096 bytes")),
            (pem.clone().into_bytes(), &[Algorithm::Hs256], Some("it is a key or certificate in pem")),
            (
                format!(" \n{pem}").into_bytes(),
                &[Algorithm::Hs256],
                Some("it is a key or certificate in pem"),
            ),
            (spki.as_ref().to_vec(), &[Algorithm::Hs256], Some("it is a public key in der")),
            (body.clone().into_bytes(), &[Algorithm::Hs256], Some("it is a public key in base64")),
            (
                format!("ssh-ed25519 {body}").into_bytes(),
                &[Algorithm::Hs256],
                Some("it is a public key of ssh"),
            ),
            (
                br#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#.to_vec(),
                &[Algorithm::Hs256],
                Some("it is a json object"),
            ),
        ] {
            let got = read(&text, algorithms).err();
            match expected {
                None => assert_eq!(got, None),
                Some(expected) => {
                    assert!(got.as_deref().is_some_and(|text| text.starts_with(expected)), "{got:?}")
                }
            }
        }
    }
}
