//! The form in which a sealed value is kept.

use std::fmt;

use super::error::Error;
use super::key_id::KeyId;

/// The format that is written.
pub(super) const FORMAT: u8 = 1;
/// The length of an AES-GCM nonce.
pub(super) const NONCE: usize = 12;
/// The length of an AES-GCM tag.
pub(super) const TAG: usize = 16;
/// The length of a data key with its tag.
pub(super) const WRAPPED: usize = 32 + TAG;
/// All that is no part of the value.
const OVERHEAD: usize = 1 + 8 + NONCE + WRAPPED + NONCE + TAG;

/// A sealed value. Its bytes, in this order:
///
/// | bytes | what |
/// |---|---|
/// | 1 | the format: 1 |
/// | 8 | the name of the master key |
/// | 12 | the nonce that the data key is wrapped with |
/// | 48 | the wrapped data key: 32 bytes and a tag |
/// | 12 | the nonce that the value is encrypted with |
/// | 16 and more | the encrypted value and a tag |
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    pub(super) master_key: KeyId,
    pub(super) wrapping: Wrapping,
    pub(super) nonce: [u8; NONCE],
    /// With its tag.
    pub(super) value: Vec<u8>,
}

/// A data key under a master key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Wrapping {
    pub(super) nonce: [u8; NONCE],
    /// With its tag.
    pub(super) data_key: [u8; WRAPPED],
}

impl Sealed {
    /// Reads what [`Sealed::to_bytes`] wrote. Whether it is genuine shows only when it is opened.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`], or [`Error::Damaged`] when it is too short.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (format, rest) = bytes.split_first().ok_or(Error::Damaged)?;
        if *format != FORMAT {
            return Err(Error::UnknownFormat(*format));
        }
        let (master_key, rest) = rest.split_first_chunk().ok_or(Error::Damaged)?;
        let (wrapping_nonce, rest) = rest.split_first_chunk().ok_or(Error::Damaged)?;
        let (data_key, rest) = rest.split_first_chunk().ok_or(Error::Damaged)?;
        let (nonce, value) = rest.split_first_chunk().ok_or(Error::Damaged)?;
        if value.len() < TAG {
            return Err(Error::Damaged);
        }
        Ok(Self {
            master_key: KeyId::from_bytes(*master_key),
            wrapping: Wrapping { nonce: *wrapping_nonce, data_key: *data_key },
            nonce: *nonce,
            value: value.to_vec(),
        })
    }

    /// The bytes to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { master_key, wrapping: Wrapping { nonce: wrapping_nonce, data_key }, nonce, value } = self;
        let mut bytes = Vec::with_capacity(OVERHEAD - TAG + value.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(master_key.bytes());
        bytes.extend_from_slice(wrapping_nonce);
        bytes.extend_from_slice(data_key);
        bytes.extend_from_slice(nonce);
        bytes.extend_from_slice(value);
        bytes
    }

    /// The master key that it is sealed under.
    pub const fn master_key(&self) -> KeyId {
        self.master_key
    }
}

/// Short: what is sealed is not for logs.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(under {})", self.master_key)
    }
}
