//! What a key is found by: a keyed hash of it.
//!
//! INVARIANT (no oracle): how long a search takes says nothing of the keys, for the tag of what is presented can't be
//! foreseen without the [`TagKey`]. Who reads the tags can't test guesses, either.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use aws_lc_rs::hmac;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::key_hash::KeyHash;

/// The key under which tags are made.
pub struct TagKey(hmac::Key);

impl TagKey {
    /// The key with these bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// A key of this process alone.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self::new(&bytes))
    }

    /// The tag of a key with this hash.
    pub fn tag(&self, hash: &KeyHash) -> KeyTag {
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&self.0, hash.bytes()).as_ref());
        KeyTag(tag)
    }
}

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKey")
    }
}

/// The system's source of random numbers failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system has no random numbers")]
pub struct NoRandomness;

/// HMAC-SHA256 of the SHA-256 of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyTag([u8; 32]);

impl KeyTag {
    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Short: what guards keys is not for logs.
impl fmt::Debug for KeyTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyTag")
    }
}

impl Serialize for KeyTag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for KeyTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || de::Error::custom("is no tag of a key");
        let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(wrong());
        }
        let mut tag = [0; 32];
        for (byte, [high, low]) in tag.iter_mut().zip(pairs) {
            *byte = (digit(high).ok_or_else(wrong)? << 4) | digit(low).ok_or_else(wrong)?;
        }
        Ok(Self(tag))
    }
}

/// Tags are as good as random already.
pub type ByTag = BuildHasherDefault<TagHasher>;

/// Takes a part of a tag as its hash.
#[derive(Debug, Default)]
pub struct TagHasher(u64);

impl Hasher for TagHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    // The length that comes before a slice says nothing.
    fn write_usize(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_as_it_is_written_and_differs_by_key() {
        let (one, other) = (TagKey::new(&[1; 32]), TagKey::random().unwrap());
        let hash = KeyHash::of("abc");
        let text = serde_json::to_string(&one.tag(&hash)).unwrap();
        assert_eq!(text.len(), 66);
        assert!(serde_json::from_str::<KeyTag>(&text).unwrap() == one.tag(&hash));
        assert!(one.tag(&hash) != other.tag(&hash));
        assert!(one.tag(&hash) != one.tag(&KeyHash::of("abd")));
        for bad in ["\"\"", "\"zz\"", "7", &text.replace('"', ""), &format!("\"{}\"", "zz".repeat(32))] {
            assert!(serde_json::from_str::<KeyTag>(bad).is_err(), "{bad}");
        }
    }
}
