//! Digests and message authentication codes: `crypto.md5`, `crypto.hmac.sha256` and their like.

use aws_lc_rs::{constant_time, digest, hmac};
use hmac_generic::{KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};

use crate::builtins::context::{Context, text};
use crate::builtins::encoding::pem::hex;
use crate::builtins::error::Error;
use crate::value::Value;

fn hexadecimal(bytes: &[u8]) -> Result<Option<Value>, Error> {
    Ok(Some(Value::from(hex(bytes))))
}

pub fn digest_of(algorithm: &'static digest::Algorithm, args: &[Value]) -> Result<Option<Value>, Error> {
    hexadecimal(digest::digest(algorithm, text(args, 1)?.as_bytes()).as_ref())
}

pub fn md5_of(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    hexadecimal(&Md5::digest(text(args, 1)?.as_bytes()))
}

pub fn hmac_of(algorithm: hmac::Algorithm, args: &[Value]) -> Result<Option<Value>, Error> {
    let (message, key) = (text(args, 1)?, text(args, 2)?);
    hexadecimal(hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), message.as_bytes()).as_ref())
}

pub fn hmac_md5(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let (message, key) = (text(args, 1)?, text(args, 2)?);
    let mut mac = hmac_generic::Hmac::<Md5>::new_from_slice(key.as_bytes()).map_err(Error::failed)?;
    mac.update(message.as_bytes());
    hexadecimal(&mac.finalize().into_bytes())
}

/// In a time that does not depend on where the texts differ.
pub fn equal(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let same = constant_time::verify_slices_are_equal(text(args, 1)?.as_bytes(), text(args, 2)?.as_bytes());
    Ok(Some(Value::Bool(same.is_ok())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtins::testing::call;

    #[test]
    fn digests_are_those_of_the_standards() {
        // RFC 1321, FIPS 180, RFC 2202 and RFC 4231: test vectors "abc" and "Jefe".
        for (name, args, wanted) in [
            ("crypto.md5", &["abc"][..], "900150983cd24fb0d6963f7d28e17f72"),
            ("crypto.sha1", &["abc"], "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("crypto.sha256", &["abc"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "crypto.hmac.md5",
                &["what do ya want for nothing?", "Jefe"],
                "750c783e6ab0b503eaa86e310a5db738",
            ),
            (
                "crypto.hmac.sha1",
                &["what do ya want for nothing?", "Jefe"],
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            ),
            (
                "crypto.hmac.sha256",
                &["what do ya want for nothing?", "Jefe"],
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            let args: Vec<Value> = args.iter().map(|arg| Value::from(*arg)).collect();
            assert_eq!(call(name, &args).unwrap(), Some(Value::from(wanted)), "{name}");
        }
    }

    #[test]
    fn codes_are_compared_as_texts() {
        for (other, same) in [("a0", true), ("A0", false), ("a", false)] {
            let args = [Value::from("a0"), Value::from(other)];
            assert_eq!(call("crypto.hmac.equal", &args).unwrap(), Some(Value::Bool(same)));
        }
        assert!(call("crypto.hmac.equal", &[Value::from("a"), Value::Null]).is_err());
    }
}
