//! Why something cannot be sealed or opened.

use super::key_id::KeyId;

/// Why something cannot be sealed or opened. Shows nothing of values or keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Sealed under a key that is not in the keyring.
    #[error(
        "sealed under the master key `{0}`, which is not configured; add it to the previous keys until everything is \
         sealed under the current one"
    )]
    UnknownMasterKey(KeyId),
    /// Changed, cut off, or moved to another place than it was sealed for.
    #[error("damaged, or not sealed for this place; restore it from a backup, or set it again")]
    Damaged,
    /// Of a format that this version does not know.
    #[error(
        "sealed in format {0}, which this version of verdict does not know; use the version that sealed it"
    )]
    UnknownFormat(u8),
    /// Longer than what is sealed.
    #[error("longer than {0} bytes, which is the most that is sealed")]
    TooLong(usize),
    /// The system has no randomness, or no memory.
    #[error("the cryptographic library failed; try again")]
    Library,
}

impl From<aws_lc_rs::error::Unspecified> for Error {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Library
    }
}
