//! Master keys: how they are written, and what is derived from them.

use std::fmt;

use aws_lc_rs::{digest, hkdf};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::error::Error;
use super::hex::from_hex;
use super::key_id::KeyId;

/// The length of a master key.
const LENGTH: usize = 32;
/// What the hash that names a key begins with, so that it is the hash of nothing else.
const ID_DOMAIN: &[u8] = b"verdict master key id 1\0";
/// Keeps what is derived from a key apart from what others derive from it.
const DERIVATION_SALT: &[u8] = b"verdict master key derivation 1";

/// Why a content is no master key. Never shows any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// Nothing but white space.
    #[error("it is empty; a master key is made by `openssl rand -hex 32`")]
    Empty,
    /// In none of the forms.
    #[error(
        "it is neither 64 hexadecimal digits, nor base64 of 32 bytes, nor exactly 32 raw bytes; a master key is made by \
         `openssl rand -hex 32`"
    )]
    Form,
    /// 32 characters that somebody chose or that hold 128 bits: no key of 256 bits.
    #[error(
        "it is 32 characters of text, which is not a key of 256 random bits; a master key is made by `openssl rand -hex 32`"
    )]
    Text,
    /// One byte over and over.
    #[error("it is one byte repeated, which is not random; a master key is made by `openssl rand -hex 32`")]
    NotRandom,
}

/// A key that wraps data keys, with its name.
#[derive(Clone)]
pub struct MasterKey {
    id: KeyId,
    key: Zeroizing<[u8; LENGTH]>,
}

impl MasterKey {
    /// The key of these bytes, which must be random.
    pub fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self::from_key(Zeroizing::new(bytes))
    }

    fn from_key(key: Zeroizing<[u8; LENGTH]>) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(ID_DOMAIN);
        hash.update(key.as_slice());
        let mut id = [0; 8];
        id.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Self { id: KeyId::from_bytes(id), key }
    }

    /// Reads what a file, a variable or a secrets manager holds: 64 hexadecimal digits or base64 of 32 bytes, with white
    /// space around them, or exactly 32 raw bytes.
    ///
    /// # Errors
    /// When it is none of these, or is not random for all to see.
    pub fn read(content: &[u8]) -> Result<Self, NotAKey> {
        let trimmed = content.trim_ascii();
        if trimmed.is_empty() {
            return Err(NotAKey::Empty);
        }
        let mut key = Zeroizing::new([0; LENGTH]);
        if !(from_hex(trimmed, key.as_mut_slice()) || from_base64(trimmed, &mut key)) {
            if content.len() != LENGTH {
                return Err(NotAKey::Form);
            }
            // Random bytes are all text about once in 10^14 times.
            if content.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
                return Err(NotAKey::Text);
            }
            key.copy_from_slice(content);
        }
        let first = key.first();
        if key.iter().all(|byte| Some(byte) == first) {
            return Err(NotAKey::NotRandom);
        }
        Ok(Self::from_key(key))
    }

    /// The name of the key.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The key itself, to wrap data keys with.
    pub(super) fn bytes(&self) -> &[u8; LENGTH] {
        &self.key
    }

    /// A key for another purpose, e.g. to authenticate messages with: HKDF-SHA256 (RFC 5869) with `label` as info. Who
    /// learns it learns nothing of this key, nor of what is derived with other labels.
    ///
    /// # Errors
    /// [`Error::Library`] when the library fails.
    pub fn derive(&self, label: &str) -> Result<Zeroizing<[u8; LENGTH]>, Error> {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, DERIVATION_SALT).extract(self.key.as_slice());
        let mut derived = Zeroizing::new([0; LENGTH]);
        secret.expand(&[label.as_bytes()], hkdf::HKDF_SHA256)?.fill(derived.as_mut_slice())?;
        Ok(derived)
    }
}

/// The name, and nothing of the key.
impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

/// Whether `text` is base64 of 32 bytes, in either alphabet, with or without padding; then they are in `into`.
fn from_base64(text: &[u8], into: &mut [u8; LENGTH]) -> bool {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    // One more than fits: what is longer is then seen to be so.
    let mut decoded = Zeroizing::new([0; LENGTH + 1]);
    for letters in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
        let engine = GeneralPurpose::new(letters, config);
        if let Ok(LENGTH) = engine.decode_slice(text, decoded.as_mut_slice())
            && let Some((key, _)) = decoded.split_first_chunk::<LENGTH>()
        {
            into.copy_from_slice(key);
            return true;
        }
    }
    false
}
