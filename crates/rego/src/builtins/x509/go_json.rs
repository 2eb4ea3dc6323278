//! Keys and certificates in the format of Go's JSON encoder.

use num_bigint::{BigInt, Sign};

use crate::value::{Number, Object, Value};
use verdict_jose::PublicKey;

/// Go's number for the kind of a key.
pub const fn kind_of_key(key: &PublicKey) -> i64 {
    match key {
        PublicKey::Rsa(_) => 1,
        PublicKey::Dsa(_) => 2,
        PublicKey::Ec(_) => 3,
        PublicKey::Ed25519(_) => 4,
        PublicKey::X25519 => 0,
    }
}

/// A public key.
pub fn public_key(key: &PublicKey) -> Value {
    match key {
        PublicKey::Rsa(key) => object([("N", big(&key.n)), ("E", big(&key.e))]),
        PublicKey::Ec(key) => {
            let (x, y) = key.coordinates();
            object([("Curve", object([])), ("X", big(x)), ("Y", big(y))])
        }
        PublicKey::Ed25519(key) => base64(&key.bytes),
        PublicKey::X25519 => object([]),
        PublicKey::Dsa(numbers) => {
            let signed = |bytes: &Vec<u8>| Value::from(Number::from(BigInt::from_signed_bytes_be(bytes)));
            object(["P", "Q", "G", "Y"].into_iter().zip(numbers.iter().map(signed)))
        }
    }
}

/// A positive number, from its bytes.
pub fn big(bytes: &[u8]) -> Value {
    Value::from(Number::from(BigInt::from_bytes_be(Sign::Plus, bytes)))
}

/// Bytes, as Go's JSON has them.
pub fn base64(bytes: &[u8]) -> Value {
    use base64::Engine as _;
    Value::from(base64::prelude::BASE64_STANDARD.encode(bytes))
}

/// An object of textual keys.
pub fn object<'k>(members: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
    let members = members.into_iter().map(|(key, value)| (Value::from(key), value));
    Value::from(members.collect::<Object>())
}
