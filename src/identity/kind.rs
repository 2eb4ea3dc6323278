//! What a kind of credential is: how it is found among what a call presents, and how it is verified.
//!
//! A kind is one folder below `identity`, and one line in the table of `authenticate.rs`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::presented::Presented;
use crate::model::principal::Verified;

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

/// What verification takes: it may wait for keys.
pub type Verifying<'a> = Pin<Box<dyn Future<Output = Result<Accepted, Refusal>> + Send + 'a>>;

/// One kind of credential.
pub trait CredentialKind: Send + Sync {
    /// Its name in records, e.g. `jwt`.
    fn name(&self) -> &'static str;

    /// Looks for a credential of this kind.
    fn find<'r>(&self, presented: &Presented<'r>) -> Found<'r>;

    /// Verifies a credential that [`CredentialKind::find`] found, from the beginning.
    ///
    /// Errors: why it is refused.
    fn verify<'a>(&'a self, credential: &'a str, now: Timestamp) -> Verifying<'a>;
}

/// A credential that was verified: whose it is, until when, and on what that rests.
pub struct Accepted {
    /// Whose it is.
    pub verified: Verified,
    /// When it is valid.
    pub validity: Validity,
    /// What a later use must find unchanged.
    pub basis: Box<dyn Basis>,
}

/// What an earlier verification rests on besides time: keys that may have been withdrawn since, and the like.
pub trait Basis: Send + Sync {
    /// Whether it still holds; where it does not, the credential is verified from the beginning.
    fn holds(&self, now: Timestamp) -> bool;
}

/// When a credential is valid, leeway included: from `from` up to but not at `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// In nanoseconds since 1970; none is always.
    pub from: Option<i64>,
    /// In nanoseconds since 1970; none is for ever.
    pub until: Option<i64>,
}

impl Validity {
    /// # Errors
    /// [`Refusal::Expired`] or [`Refusal::NotYet`].
    pub fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.until.is_some_and(|until| now.0 >= until) {
            Err(Refusal::Expired)
        } else if self.from.is_some_and(|from| now.0 < from) {
            Err(Refusal::NotYet)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_not_within_and_may_be_absent() {
        let of = |from, until| Validity { from, until };
        for (validity, now, expected) in [
            (of(None, None), i64::MAX, Ok(())),
            (of(None, Some(5)), 4, Ok(())),
            (of(None, Some(5)), 5, Err(Refusal::Expired)),
            (of(Some(3), None), 2, Err(Refusal::NotYet)),
            (of(Some(3), Some(5)), 3, Ok(())),
        ] {
            assert_eq!(validity.check(Timestamp(now)), expected, "{validity:?} at {now}");
        }
    }
}
