//! `io.jwt.decode_verify`: verifies signature, issuer, audience and times of a token.

use std::sync::Arc;

use crate::builtins::context::{Context, object, text};
use crate::builtins::encoding::pem::lossy;
use crate::builtins::error::Error;
use crate::builtins::jwt::header::Header;
use crate::builtins::jwt::keys::{self, Material, VerificationKey};
use crate::builtins::jwt::token::{Token, json_object};
use crate::builtins::jwt::verify::{any_key, verifies};
use crate::value::{Number, Object, Value};

/// What a token has to satisfy; empty where nothing is asked for.
struct Constraints<'c> {
    keys: Option<Arc<[VerificationKey]>>,
    secret: &'c str,
    algorithm: &'c str,
    issuer: &'c str,
    audience: &'c str,
    /// In nanoseconds.
    time: f64,
}

impl<'c> Constraints<'c> {
    fn parse(context: &mut Context, members: &'c Object) -> Result<Self, Error> {
        let (mut keys, mut time) = (None, None);
        let [mut secret, mut algorithm, mut issuer, mut audience] = [""; 4];
        for (name, value) in members.iter() {
            let name = name
                .as_str()
                .ok_or_else(|| Error::failed("token validation constraint: must be a string"))?;
            let wrong = || Error::failed(format_args!("{name} constraint: must be a string"));
            let text = || value.as_str().ok_or_else(wrong);
            match name {
                "cert" => keys = Some(keys::of_text(text()?)?),
                "secret" => secret = text()?,
                "alg" => algorithm = text()?,
                "iss" => issuer = text()?,
                "aud" => audience = text()?,
                "time" => time = Some(time_of(value)?),
                _ => {
                    return Err(Error::failed(format_args!("unknown token validation constraint: {name}")));
                }
            }
        }
        match (keys.is_some(), !secret.is_empty()) {
            (true, true) => return Err(Error::failed("duplicate key constraints")),
            (false, false) => return Err(Error::failed("no key constraint")),
            _ => {}
        }
        let time = time.unwrap_or_else(|| context.now() as f64);
        Ok(Self { keys, secret, algorithm, issuer, audience, time })
    }

    fn verify(&self, context: &Context, header: &Header, token: &Token) -> Result<bool, Error> {
        let signature = token.signature()?;
        let message = token.message();
        let by = |key: &Material| verifies(key, &header.algorithm, message.as_bytes(), &signature);
        match &self.keys {
            Some(keys) => any_key(context, keys, header, |key| by(&key.material)),
            None => Ok(by(&Material::Secret(self.secret.as_bytes().to_vec()))),
        }
    }

    /// Whether the claims are those that are asked for.
    fn are_met_by(&self, claims: &Object) -> Result<bool, Error> {
        if !self.issuer.is_empty() {
            match claims.get_str("iss") {
                Some(Value::String(issuer)) if **issuer == *self.issuer => {}
                None | Some(Value::String(_)) => return Ok(false),
                Some(_) => return Err(Error::failed("iss value must be a string")),
            }
        }
        let for_us = match claims.get_str("aud") {
            None => self.audience.is_empty(),
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(self.audience)),
            Some(one) => one.as_str() == Some(self.audience),
        };
        if !for_us {
            return Ok(false);
        }
        let now = Number::from_f64(self.time / 1e9).ok_or_else(|| Error::failed("invalid time"))?;
        match claims.get_str("exp") {
            Some(Value::Number(end)) if now >= *end => return Ok(false),
            None | Some(Value::Number(_)) => {}
            Some(_) => return Err(Error::failed("exp value must be a number")),
        }
        match claims.get_str("nbf") {
            Some(Value::Number(begin)) if now < *begin => Ok(false),
            None | Some(Value::Number(_)) => Ok(true),
            Some(_) => Err(Error::failed("nbf value must be a number")),
        }
    }
}

fn time_of(value: &Value) -> Result<f64, Error> {
    let Value::Number(time) = value else {
        return Err(Error::failed("token time constraint: must be a number"));
    };
    let time = time.as_f64();
    if !time.is_finite() {
        return Err(Error::failed("token time constraint: unvalid float64"));
    }
    if time < 0.0 {
        return Err(Error::failed("token time constraint: must not be negative"));
    }
    Ok(time)
}

/// Header and payload of a token that meets all constraints. Whatever it does not meet gives the same answer; what is
/// no token, or no constraint, is an error.
pub(super) fn decode_verify(context: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let empty = || Value::from(Object::new());
    let unverified = || Ok(Some(Value::from(vec![Value::Bool(false), empty(), empty()])));

    let constraints = Constraints::parse(context, object(args, 2)?)?;
    let mut token_text = std::borrow::Cow::from(text(args, 1)?);
    loop {
        context.check_deadline()?;
        let token = Token::parse(&token_text)?;
        let members = token.header()?;
        let header = Header::parse(&members)?;
        let other = !constraints.algorithm.is_empty() && constraints.algorithm != header.algorithm;
        if other || !header.is_valid() {
            return unverified();
        }
        if !constraints.verify(context, &header, &token)? {
            return unverified();
        }
        let payload = token.payload()?;
        if header.content.eq_ignore_ascii_case("JWT") {
            // A token inside a token has to satisfy the same constraints.
            let inner = lossy(&payload);
            token_text = inner.into();
            continue;
        }
        let payload = json_object(&payload)?;
        if !constraints.are_met_by(&payload)? {
            return unverified();
        }
        return Ok(Some(Value::from(vec![Value::Bool(true), Value::from(members), Value::from(payload)])));
    }
}
