//! The canonical form of a policy (JCS, RFC 8785), its hash, and its signature.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use verdict_jose::{Halves, PublicKey, Scheme};

/// The canonical text of a policy without its signature.
pub(super) fn canonical(mut policy: Value) -> Result<Vec<u8>, String> {
    if let Some(metadata) = policy.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("signature");
    }
    serde_json_canonicalizer::to_vec(&policy).map_err(|error| error.to_string())
}

/// A SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The hash of a tool's definition, as `schema_hash` has it: `sha256:…`. `None` for another algorithm.
pub fn schema_hash(algorithm: &str, schema: &Value) -> Option<String> {
    let kind = match algorithm {
        "sha256" => &digest::SHA256,
        "sha384" => &digest::SHA384,
        "sha512" => &digest::SHA512,
        _ => return None,
    };
    let canonical = serde_json_canonicalizer::to_vec(schema).ok()?;
    Some(format!("{algorithm}:{}", hex(digest::digest(kind, &canonical).as_ref())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks `metadata.signature` over the canonical text.
///
/// # Errors
/// It is of another form or algorithm, or of none of the signers.
pub(super) fn verify(signature: &str, canonical: &[u8], signers: &[PublicKey]) -> Result<(), &'static str> {
    let encoded = signature.strip_prefix("ed25519:").ok_or("the signature is not of the form `ed25519:…`")?;
    let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| "the signature is not valid base64")?;
    let verifies = |key: &PublicKey| key.verifies_jws(Scheme::Ed25519, Halves::OfCurve, canonical, &bytes);
    match signers.iter().any(verifies) {
        true => Ok(()),
        false => Err("policy signature invalid (-32010): it is of none of `aip.signers`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_canonical_text_is_that_of_rfc_8785_without_the_signature() {
        let policy = json!({
            "metadata": {"name": "n", "signature": "ed25519:AA"},
            "a": [1.0, 1e21, 1e-7, 333_333_333.333_333_3_f64, -0.0], "€": "\u{20ac}$\u{f}\nA'B\"\\", "\u{fb33}": 1, "😀": 2,
        });
        let text = String::from_utf8(canonical(policy).unwrap()).unwrap();
        let expected = "{\"a\":[1,1e+21,1e-7,333333333.3333333,0],\"metadata\":{\"name\":\"n\"},\"€\":\"€$\\u000f\\nA'B\\\"\\\\\",\"😀\":2,\"\u{fb33}\":1}";
        assert_eq!(text, expected);
    }
}
