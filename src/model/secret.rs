//! A value that must not be printed.

use std::fmt;

use zeroize::Zeroizing;

/// Wraps a secret so that `Debug` and `Display` cannot leak it; [`Secret::expose`] is the one way to the content.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Takes ownership of the secret.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The secret itself. Every call site is a place to review.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Secret bytes, which are overwritten when they are dropped.
pub type SecretBytes = Secret<Zeroizing<Vec<u8>>>;
