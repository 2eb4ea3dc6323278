//! What is kept of a key: its SHA-256.
//!
//! Keys are long and random, so a slow hash would protect nothing and cost every call.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::{constant_time, digest};

const PREFIX: &str = "sha256:";

/// The SHA-256 of the full text of a key, written as `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a key.
    pub fn of(key: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, key.as_bytes()).as_ref());
        Self(hash)
    }

    /// The bytes of the hash.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// In a time that does not depend on where two hashes differ.
impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for KeyHash {}

impl FromStr for KeyHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let digits = text.strip_prefix(PREFIX).filter(|digits| digits.len() == 64).ok_or(NotAHash)?;
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            match pair {
                [high, low] => {
                    *byte = (digit(high).ok_or(NotAHash)? << 4) | digit(low).ok_or(NotAHash)?;
                }
                _ => return Err(NotAHash),
            }
        }
        Ok(Self(hash))
    }
}

/// A text that is no hash. It may be a key, and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not `sha256:` and 64 hexadecimal digits")]
pub struct NotAHash;

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Short: what guards keys is not for logs.
impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        // FIPS 180-2, appendix B.1.
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(KeyHash::of("abc").to_string(), text);
        assert!(text.parse() == Ok(KeyHash::of("abc")));
        assert!(text.to_uppercase().replace("SHA256", "sha256").parse() == Ok(KeyHash::of("abc")));
        assert!(KeyHash::of("abc") != KeyHash::of("abd"));
    }

    #[test]
    fn what_is_no_hash_is_refused_and_not_repeated() {
        let digits = "b".repeat(62);
        for text in ["", "abc", "sha256:", "sha256:abc", &format!("sha256:{digits}"), &"b".repeat(64)] {
            assert_eq!(text.parse::<KeyHash>().map(drop), Err(NotAHash), "{text}");
        }
        assert_eq!(format!("sha256:{digits}zz").parse::<KeyHash>().map(drop), Err(NotAHash));
        assert_eq!(format!("sha256:{digits}é").parse::<KeyHash>().map(drop), Err(NotAHash));
    }
}
