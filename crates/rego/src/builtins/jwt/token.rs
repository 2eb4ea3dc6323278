//! Decodes tokens: `io.jwt.decode`.

use crate::builtins::context::{Context, text};
use crate::builtins::encoding::pem::{decode_base64url, hex, lossy};
use crate::builtins::error::Error;
use crate::builtins::json::decode::read;
use crate::value::{Object, Value};

/// A token in JWS's compact form, its parts still encoded.
pub(super) struct Token<'t> {
    pub(super) header: &'t str,
    pub(super) payload: &'t str,
    pub(super) signature: &'t str,
}

impl<'t> Token<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// When it has not three parts.
    pub(super) fn parse(text: &'t str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.split('.').take(4).collect();
        match *parts.as_slice() {
            [header, payload, signature] => Ok(Self { header, payload, signature }),
            [_] => Err(Error::failed("encoded JWT had no period separators")),
            _ => {
                let found = text.split('.').count();
                Err(Error::failed(format_args!("encoded JWT must have 3 sections, found {found}")))
            }
        }
    }

    /// What is signed.
    pub(super) fn message(&self) -> String {
        format!("{}.{}", self.header, self.payload)
    }

    /// The signature's bytes.
    pub(super) fn signature(&self) -> Result<Vec<u8>, Error> {
        decode_base64url(self.signature)
    }

    /// The header, which is an object, and not that of an encrypted token.
    pub(super) fn header(&self) -> Result<Object, Error> {
        let header = decode_base64url(self.header).map_err(prefixed("JWT header had invalid encoding"))?;
        let header = json_object(&header).map_err(prefixed("bad JWT header"))?;
        if header.get_str("enc").is_some() {
            return Err(Error::failed("JWT is a JWE object, which is not supported"));
        }
        Ok(header)
    }

    /// The payload's bytes.
    pub(super) fn payload(&self) -> Result<Vec<u8>, Error> {
        decode_base64url(self.payload).map_err(prefixed("JWT payload had invalid encoding"))
    }
}

/// The object that JSON in bytes says.
pub(super) fn json_object(bytes: &[u8]) -> Result<Object, Error> {
    match read(&lossy(bytes)).map_err(|why| Error::failed(format_args!("invalid JSON: {why}")))? {
        Value::Object(members) => Ok((*members).clone()),
        _ => Err(Error::failed("decoded JSON type was not an Object")),
    }
}

fn prefixed(prefix: &'static str) -> impl Fn(Error) -> Error {
    move |error| Error { message: format!("{prefix}: {}", error.message), ..error }
}

/// `io.jwt.decode`: header, payload and signature, nothing verified. A token inside a token is decoded instead of it.
pub fn decode(context: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let mut token_text = std::borrow::Cow::from(text(args, 1)?);
    loop {
        context.check_deadline()?;
        let token = Token::parse(&token_text)?;
        let header = token.header()?;
        let payload = token.payload()?;
        match header.get_str("cty") {
            Some(Value::String(kind)) if &**kind == "JWT" => {
                let inner = lossy(&payload).trim_matches(['"', '\'']).to_owned();
                token_text = inner.into();
                continue;
            }
            None | Some(Value::String(_)) => {}
            Some(_) => return Err(Error::failed("cty: must be a string")),
        }
        let payload = json_object(&payload)?;
        let signature = token.signature().map_err(prefixed("JWT signature had invalid encoding"))?;
        let parts = vec![Value::from(header), Value::from(payload), Value::from(hex(&signature))];
        return Ok(Some(Value::from(parts)));
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;
    use crate::builtins::testing::call;

    fn token(header: &str, payload: &str) -> String {
        let [header, payload] = [header, payload].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        format!("{header}.{payload}.AQI")
    }

    fn decoded(text: &str) -> Result<Value, String> {
        let result = call("io.jwt.decode", &[Value::from(text)]);
        result.map(Option::unwrap).map_err(|error| error.message)
    }

    #[test]
    fn tokens_are_taken_apart() {
        let Ok(Value::Array(parts)) = decoded(&token(r#"{"alg":"none"}"#, r#"{"a":1,"a":2}"#)) else {
            panic!()
        };
        assert_eq!(parts[1], Value::from(Object::from_entries(vec![(Value::from("a"), Value::from(2))])));
        assert_eq!(parts[2], Value::from("0102"));
    }

    #[test]
    fn an_inner_token_is_decoded_instead() {
        let inner = token("{}", r#"{"inner":true}"#);
        let outer = token(r#"{"cty":"JWT"}"#, &format!("'\"{inner}\"'"));
        assert_eq!(decoded(&outer), decoded(&inner));
    }

    #[test]
    fn what_is_no_token_says_why() {
        for (text, wanted) in [
            ("abc".to_owned(), "encoded JWT had no period separators"),
            ("a.b.c.d.e".to_owned(), "encoded JWT must have 3 sections, found 5"),
            ("!.e30.AQ".to_owned(), "JWT header had invalid encoding: illegal base64url string"),
            ("!!.e30.AQ".to_owned(), "JWT header had invalid encoding: illegal base64 data at input byte 0"),
            (token("[]", "{}"), "bad JWT header: decoded JSON type was not an Object"),
            (token("{", "{}"), "bad JWT header: invalid JSON: unexpected EOF"),
            (token(r#"{"enc":1}"#, "{}"), "JWT is a JWE object, which is not supported"),
            (token("{}", "1"), "decoded JSON type was not an Object"),
            (token(r#"{"cty":1}"#, "{}"), "cty: must be a string"),
        ] {
            assert_eq!(decoded(&text), Err(wanted.to_owned()), "{text}");
        }
    }
}
