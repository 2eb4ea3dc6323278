//! How a credential is found among what a call presents.

use std::fmt;

/// A credential of one kind, as a call presents it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Found<'r> {
    /// Nothing of this kind was presented.
    Absent,
    /// Something was presented in the place of this kind that is no credential; the text says what is wrong with it, without
    /// its content.
    ///
    /// INVARIANT (absent is not malformed): only [`Found::Absent`] can become an anonymous call.
    Malformed(&'static str),
    /// A credential, still unverified.
    Credential(&'r str),
}

/// Credentials are secrets.
impl fmt::Debug for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Malformed(reason) => f.debug_tuple("Malformed").field(reason).finish(),
            Self::Credential(_) => f.write_str("Credential"),
        }
    }
}
