//! What limits and nonces are kept under.

use std::fmt;

use aws_lc_rs::digest;

/// The SHA-256 of what an entry stands for.
///
/// INVARIANT (unambiguous): two different lists of parts never have the same key, and neither have two namespaces. Every
/// part is hashed with its length, so `["ab", "c"]` and `["a", "bc"]` differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key for `parts` within a namespace, e.g. `user` for an issuer and a subject.
    pub fn new(namespace: &str, parts: &[&[u8]]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in std::iter::once(namespace.as_bytes()).chain(parts.iter().copied()) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Self(hash)
    }

    /// A number that is spread evenly.
    pub(super) fn spread(&self) -> usize {
        let [a, b, ..] = self.0;
        usize::from(u16::from_be_bytes([a, b]))
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(parts: &[String]) -> Key {
        let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        Key::new("user", &parts)
    }

    #[test]
    fn namespaces_have_keys_of_their_own() {
        assert_ne!(Key::new("user", &[b"a"]), Key::new("tenant", &[b"a"]));
        assert_ne!(Key::new("user", &[b"a"]), Key::new("usera", &[]));
        assert_eq!(Key::new("user", &[]).to_string().len(), 64);
    }

    proptest! {
        #[test]
        fn equal_keys_have_equal_parts(
            one in prop::collection::vec("[ab\0]{0,3}", 0..4),
            other in prop::collection::vec("[ab\0]{0,3}", 0..4),
        ) {
            prop_assert_eq!(one == other, key(&one) == key(&other));
        }
    }
}
