//! A key of an issuer as a JWK (RFC 7517): only public ones, and only if everything that the JWK says allows verifying with
//! it: `use`, `key_ops`, an `alg` that fits its type and curve.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use verdict_jose::{Algorithm, Curve, PublicKey};

use super::key::Key;

/// Reads one JWK.
///
/// # Errors
/// Why this key cannot be used; the others of its set still can.
pub(in crate::identity) fn read(jwk: &Map<String, Value>) -> Result<Key, String> {
    let kid = optional_text(jwk, "kid")?.map(str::to_owned);
    check_purpose(jwk)?;
    let public = match optional_text(jwk, "kty")? {
        Some("RSA") => PublicKey::rsa(&bytes(jwk, "n")?, &bytes(jwk, "e")?)?,
        Some("EC") => elliptic(jwk)?,
        Some("OKP") => edwards(jwk)?,
        Some("oct") => {
            return Err("it is a symmetric key (`oct`), and whoever can read it could sign with it".into());
        }
        Some(other) => return Err(format!("its type `{other}` is not supported")),
        None => return Err("it has no `kty`".into()),
    };
    let key = Key::public(public)?.named(kid);
    match optional_text(jwk, "alg")? {
        None => Ok(key),
        Some(name) => Algorithm::by_name(name)
            .and_then(|algorithm| key.pinned(algorithm))
            .ok_or_else(|| format!("its `alg` `{name}` is not one for its type")),
    }
}

/// RFC 7517 sections 4.2 and 4.3: what is for encryption, or for signing alone, does not verify.
fn check_purpose(jwk: &Map<String, Value>) -> Result<(), String> {
    match optional_text(jwk, "use")? {
        None | Some("sig") => {}
        Some(other) => return Err(format!("its `use` is `{other}`, not `sig`")),
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(ops)) if ops.iter().any(|op| op == "verify") => Ok(()),
        Some(_) => Err("its `key_ops` do not have `verify`".to_owned()),
    }
}

fn optional_text<'j>(jwk: &'j Map<String, Value>, name: &str) -> Result<Option<&'j str>, String> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("its `{name}` is not a text")),
    }
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let text = optional_text(jwk, name)?.ok_or_else(|| format!("it has no `{name}`"))?;
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| format!("its `{name}` is not base64url"))
}

fn elliptic(jwk: &Map<String, Value>) -> Result<PublicKey, String> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    let name = optional_text(jwk, "crv")?.ok_or("it has no `crv`")?;
    let curve = Curve::by_name(name).ok_or_else(|| format!("its curve `{name}` is not supported"))?;
    let length = curve.coordinate_len();
    let public = PublicKey::ec(curve, [&[4], x.as_slice(), y.as_slice()].concat());
    let public = public.ok().filter(|_| x.len() == length && y.len() == length);
    public.ok_or_else(|| format!("its point is not on {name}"))
}

fn edwards(jwk: &Map<String, Value>) -> Result<PublicKey, String> {
    match optional_text(jwk, "crv")? {
        Some("Ed25519") => {}
        Some(other) => return Err(format!("its curve `{other}` is not supported")),
        None => return Err("it has no `crv`".to_owned()),
    }
    let x = bytes(jwk, "x")?;
    PublicKey::ed25519(&x).ok_or_else(|| format!("its `x` has {} bytes, not 32", x.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638_section_3_1() {
        let jwk = serde_json::json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        });
        let key = read(jwk.as_object().unwrap()).unwrap();
        assert_eq!(
            BASE64_URL_SAFE_NO_PAD.encode(key.thumbprint),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    /// The public half of RFC 7520 section 3.1, whose coordinates begin with a zero.
    #[test]
    fn a_key_on_p_521_is_for_es512_alone() {
        let jwk = serde_json::json!({
            "kty": "EC", "crv": "P-521",
            "x": "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",
            "y": "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"
        });
        let key = read(jwk.as_object().unwrap()).unwrap();
        for algorithm in Algorithm::ALL {
            assert_eq!(key.may_verify(algorithm), algorithm == Algorithm::Es512, "{algorithm:?}");
        }
        let mut short = jwk.clone();
        short["x"] =
            "cpkss6wI7PPlxj3t7A1RqMH3nvL4L5Tzxze_XeeYZnHqxiX-gle70DlGRMqqOq-PJ6RYX7vK0PJFdiAIXlyPQq0".into();
        assert!(
            read(short.as_object().unwrap()).is_err(),
            "RFC 7518 section 6.2.1.2: no shorter than the curve's"
        );
    }
}
