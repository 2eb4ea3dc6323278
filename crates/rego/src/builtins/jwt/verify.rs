//! Verifies signatures of tokens: `io.jwt.verify_rs256` and similar.

use aws_lc_rs::hmac;

use crate::builtins::context::{Context, text};
use crate::builtins::error::Error;
use crate::builtins::jwt::header::Header;
use crate::builtins::jwt::keys::{self, Algorithm, Material, VerificationKey};
use crate::builtins::jwt::token::Token;
use crate::value::Value;
use verdict_jose::{Halves, Hash, Scheme};

/// By the algorithm that is asked for, whichever the header names.
pub fn verify(context: &mut Context, args: &[Value], scheme: Scheme) -> Result<Option<Value>, Error> {
    let token = Token::parse(text(args, 1)?)?;
    let keys = keys::of_text(text(args, 2)?)?;
    let signature = token.signature()?;
    let header = Header::parse(&token.header()?)?;
    let message = token.message();
    let by = |key: &VerificationKey| match &key.material {
        Material::Public(key) => key.verifies_jws(scheme, Halves::Equal, message.as_bytes(), &signature),
        Material::Private(_) | Material::Secret(_) | Material::Other => false,
    };
    any_key(context, &keys, &header, by).map(|valid| Some(Value::Bool(valid)))
}

/// Whether the key that the header names has signed, or, where it names none of these keys, any that is not for
/// another algorithm.
pub(super) fn any_key(
    context: &Context,
    keys: &[VerificationKey],
    header: &Header,
    signed_by: impl Fn(&VerificationKey) -> bool,
) -> Result<bool, Error> {
    if !header.key.is_empty()
        && let Some(named) = keys.iter().find(|key| key.id == header.key)
    {
        return Ok(signed_by(named));
    }
    for key in keys {
        context.check_deadline()?;
        if key.algorithm.as_ref().is_none_or(|name| *name == header.algorithm) && signed_by(key) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub fn verify_shared(args: &[Value], hash: Hash) -> Result<Option<Value>, Error> {
    let token = text(args, 1)?;
    let secret = text(args, 2)?;
    let token = Token::parse(token)?;
    let signature = token.signature()?;
    let valid = verifies_shared(secret.as_bytes(), hash, token.message().as_bytes(), &signature);
    Ok(Some(Value::Bool(valid)))
}

fn verifies_shared(secret: &[u8], hash: Hash, message: &[u8], signature: &[u8]) -> bool {
    hmac::verify(&hmac::Key::new(hmac_algorithm(hash), secret), message, signature).is_ok()
}

/// The code of a digest.
pub(super) const fn hmac_algorithm(hash: Hash) -> hmac::Algorithm {
    match hash {
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha384 => hmac::HMAC_SHA384,
        Hash::Sha512 => hmac::HMAC_SHA512,
    }
}

/// Whether a key has signed by the algorithm that a header names. No key has by one that is not known, `none` before
/// all.
pub(super) fn verifies(key: &Material, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
    match (Algorithm::by_name(algorithm), key) {
        (Some(Algorithm::Hmac(hash)), Material::Secret(secret)) if !secret.is_empty() => {
            verifies_shared(secret, hash, message, signature)
        }
        (Some(Algorithm::Signature(scheme)), Material::Public(key) | Material::Private(key)) => {
            key.verifies_jws(scheme, Halves::OfCurve, message, signature)
        }
        _ => false,
    }
}
