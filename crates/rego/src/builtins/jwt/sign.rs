//! Signing tokens: `io.jwt.encode_sign` and `io.jwt.encode_sign_raw`.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA256_FIXED_SIGNING,
    ECDSA_P521_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use num_bigint::BigUint;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json};

use crate::builtins::context::{Context, argument, text};
use crate::builtins::encoding::pem;
use crate::builtins::error::Error;
use crate::builtins::json::encoding::go_json;
use crate::builtins::jwt::keys::{Algorithm, bytes, jwks, padded, point, required};
use crate::builtins::jwt::verify::hmac_algorithm;
use crate::builtins::x509::private_keys::RsaPrivate;
use crate::value::Value;
use verdict_jose::{Curve, Hash, Scheme};

pub fn encode_sign(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let json = |position| argument(args, position).map(go_json);
    signed(&json(1)?, &json(2)?, &json(3)?)
}

pub fn encode_sign_raw(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    signed(text(args, 1)?, text(args, 2)?, text(args, 3)?)
}

fn signed(header: &str, payload: &str, key: &str) -> Result<Option<Value>, Error> {
    if key.len() > pem::MAX_TEXT {
        return Err(Error::failed("the key is too long"));
    }
    let keys = jwks(key).map_err(|why| Error::failed(format_args!("failed to parse JWK: {why}")))?;
    let key = keys.first().ok_or_else(|| Error::failed("no keys found in JWK set"))?;

    let found = parameter(header, "alg")
        .map_err(|why| Error::failed(format_args!("missing or invalid 'alg' header: {why}")))?;
    let algorithm = Algorithm::by_name(&found)
        .ok_or_else(|| Error::failed(format_args!("unknown JWS algorithm: {found}")))?;
    let says_json = parameter(header, "typ").map_or(true, |kind| kind == "JWT");
    if says_json && serde_json::from_str::<IgnoredAny>(payload).is_err() {
        return Err(Error::failed("type is JWT but payload is not JSON"));
    }

    let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let signature = sign(key, algorithm, message.as_bytes())
        .map_err(|why| Error::failed(format_args!("failed to sign: {why}")))?;
    Ok(Some(Value::from(format!("{message}.{}", encode(&signature)))))
}

/// A textual parameter of a header.
fn parameter(header: &str, name: &str) -> Result<String, String> {
    if header.is_empty() {
        return Err("cannot parse JSON: cannot parse empty string".to_owned());
    }
    let missing = || format!("jwsbb: header \"{name}\" not found");
    match serde_json::from_str(header) {
        Ok(Json::Object(mut members)) => match members.remove(name) {
            Some(Json::String(value)) => Ok(value),
            Some(_) => Err(format!("jwsbb: header \"{name}\" is not a string")),
            None => Err(missing()),
        },
        Ok(_) => Err(missing()),
        // OPA's parser takes any row of these for a number.
        Err(_) if header.bytes().all(|byte| byte.is_ascii_digit() || b".-+eE".contains(&byte)) => {
            Err(missing())
        }
        Err(_) => Err("cannot parse JSON: malformed header".to_owned()),
    }
}

fn sign(jwk: &Map<String, Json>, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, String> {
    let kind = required(jwk, "kty")?;
    match (algorithm, kind) {
        (Algorithm::Hmac(hash), "oct") => {
            let secret = bytes(jwk, "k")?;
            if secret.is_empty() {
                return Err("the key is empty".to_owned());
            }
            Ok(hmac::sign(&hmac::Key::new(hmac_algorithm(hash), &secret), message).as_ref().to_vec())
        }
        (Algorithm::Signature(Scheme::Pkcs1(hash)), "RSA") => sign_rsa(jwk, pkcs1(hash), message),
        (Algorithm::Signature(Scheme::Pss(hash)), "RSA") => sign_rsa(jwk, pss(hash), message),
        (Algorithm::Signature(Scheme::Ecdsa(hash)), "EC") => sign_elliptic(jwk, hash, message),
        (Algorithm::Signature(Scheme::Ed25519), "OKP") if required(jwk, "crv")? == "Ed25519" => {
            let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes(jwk, "d")?, &bytes(jwk, "x")?);
            Ok(pair.map_err(|_| "invalid Ed25519 key")?.sign(message).as_ref().to_vec())
        }
        _ => Err("the key is not for this algorithm".to_owned()),
    }
}

const fn pkcs1(hash: Hash) -> &'static dyn RsaEncoding {
    match hash {
        Hash::Sha256 => &RSA_PKCS1_SHA256,
        Hash::Sha384 => &RSA_PKCS1_SHA384,
        Hash::Sha512 => &RSA_PKCS1_SHA512,
    }
}

const fn pss(hash: Hash) -> &'static dyn RsaEncoding {
    match hash {
        Hash::Sha256 => &RSA_PSS_SHA256,
        Hash::Sha384 => &RSA_PSS_SHA384,
        Hash::Sha512 => &RSA_PSS_SHA512,
    }
}

fn sign_rsa(
    jwk: &Map<String, Json>,
    encoding: &'static dyn RsaEncoding,
    message: &[u8],
) -> Result<Vec<u8>, String> {
    let number = |name| {
        let bytes = bytes(jwk, name)?;
        if bytes.len() > 2048 {
            Err(format!("`{name}` is too long"))
        } else {
            Ok(BigUint::from_bytes_be(&bytes))
        }
    };
    let numbers = [number("n")?, number("e")?, number("d")?, number("p")?, number("q")?];
    let key = RsaPrivate::new(numbers).ok_or("invalid RSA key")?;
    let derived = key.derived().ok_or("invalid RSA key")?;
    let [dp, dq, qi] = derived.each_ref().map(BigUint::to_bytes_be);
    let pair = RsaKeyPair::from_components(&rsa::KeyPairComponents {
        public_key: RsaPublicKeyComponents { n: key.n.to_bytes_be(), e: key.e.to_bytes_be() },
        d: key.d.to_bytes_be(),
        p: key.p.to_bytes_be(),
        q: key.q.to_bytes_be(),
        dP: dp,
        dQ: dq,
        qInv: qi,
    })
    .map_err(|_| "invalid RSA key")?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message, &mut signature).map_err(|_| "the key is too short")?;
    Ok(signature)
}

fn sign_elliptic(jwk: &Map<String, Json>, hash: Hash, message: &[u8]) -> Result<Vec<u8>, String> {
    let (curve, point) = point(jwk)?;
    let algorithm = match (curve, hash) {
        (Curve::P256, Hash::Sha256) => &ECDSA_P256_SHA256_FIXED_SIGNING,
        (Curve::P384, Hash::Sha384) => &ECDSA_P384_SHA384_FIXED_SIGNING,
        (Curve::P521, Hash::Sha256) => &ECDSA_P521_SHA256_FIXED_SIGNING,
        (Curve::P521, Hash::Sha384) => &ECDSA_P521_SHA384_FIXED_SIGNING,
        (Curve::P521, Hash::Sha512) => &ECDSA_P521_SHA512_FIXED_SIGNING,
        _ => return Err("the key is not for this algorithm".to_owned()),
    };
    let d = padded(&bytes(jwk, "d")?, curve.coordinate_len()).ok_or("invalid EC key")?;
    let pair =
        EcdsaKeyPair::from_private_key_and_public_key(algorithm, &d, &point).map_err(|_| "invalid EC key")?;
    Ok(pair.sign(&SystemRandom::new(), message).map_err(|_| "invalid EC key")?.as_ref().to_vec())
}
