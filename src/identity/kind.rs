//! What a kind of credential is: how it is recognised among what a call presents, and how it is verified.
//!
//! A kind is one folder below `identity`, and one line in the table of `authenticate.rs`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::candidate::Candidate;
use super::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::limits::HardLimits;
use crate::model::principal::{Delegated, Principal, Transaction};
use crate::model::revocation::RevocationFacts;
use crate::stores;

/// What verification takes: it may wait for keys.
pub type Verifying<'a> = Pin<Box<dyn Future<Output = Result<Accepted, Refusal>> + Send + 'a>>;

/// One kind of credential.
pub trait CredentialKind: Send + Sync {
    /// Its name in records and in `input.subject.method`, e.g. `jwt`.
    fn name(&self) -> &'static str;

    /// Whether a credential is of this kind, by where it stands and what it looks like. Nothing of it is verified yet, and
    /// no other kind is asked once one has said yes.
    fn recognises(&self, candidate: &Candidate<'_>) -> bool;

    /// Verifies a credential that it recognised, from the beginning.
    ///
    /// Errors: why it is refused.
    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a>;
}

/// A credential that was verified: what it says, until when, and on what that rests.
pub struct Accepted {
    /// What it says.
    pub says: Statement,
    /// When it is valid.
    pub validity: Validity,
    /// When it ceases to be valid by its own word, without leeway; none if it does not.
    pub expires_at: Option<Timestamp>,
    /// What a later use must find unchanged.
    pub basis: Box<dyn Basis>,
    /// What a revocation can name of it.
    pub facts: RevocationFacts,
    /// The key that it is bound to (RFC 7800): another credential of the call must prove that the caller holds it.
    pub bound_to: Option<Key>,
    /// The key that it proves the caller to hold.
    pub proves: Option<Key>,
    /// Set where it may be used once: what to remember it by, and until when.
    pub single_use: Option<SingleUse>,
    /// Whether it may be kept, so that the next use need not verify it from the beginning.
    pub kept: bool,
}

/// What a verified credential says.
pub enum Statement {
    /// Who is calling.
    Subject(Subject),
    /// On whose behalf another credential of the call acts.
    Delegation(Grant),
    /// The transaction that the call is part of.
    Transaction(Arc<Transaction>),
}

/// Who is calling, by one credential.
pub struct Subject {
    /// Who it is.
    pub principal: Arc<Principal>,
    /// The hard limits of the credential itself.
    pub limits: Option<Arc<HardLimits>>,
    /// The operations that the credential is for; none where it is for all that its subject may do.
    pub scope: Option<Arc<[String]>>,
}

/// A delegation: for whom, to whom, and for what.
pub struct Grant {
    /// The delegation itself, as policy sees it.
    pub delegation: Arc<Delegated>,
    /// On whose behalf, as policy sees it: the subject, with the whole chain of actors.
    pub principal: Arc<Principal>,
    /// The hard limits of everyone in the chain but the caller.
    pub limits: Vec<Arc<HardLimits>>,
    /// The operations of every grant in the chain.
    pub scopes: Vec<Arc<[String]>>,
}

/// A key as a credential names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// By its id (RFC 7800 section 3.4): an API key's.
    Id(String),
    /// By the thumbprint of its JWK (RFC 9449 section 6).
    JwkThumbprint(String),
    /// By the thumbprint of its certificate (RFC 8705 section 3.1).
    CertificateThumbprint(String),
}

/// What a single-use credential is remembered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleUse {
    /// Who issued it, and its identifier.
    pub nonce: stores::Key,
    /// From when on it is refused anyway.
    pub until: Timestamp,
    /// When it was issued.
    pub issued_at: Option<Timestamp>,
}

/// What an earlier verification rests on besides time: keys that may have been withdrawn since, and the like.
pub trait Basis: Send + Sync {
    /// Whether it still holds; where it does not, the credential is verified from the beginning.
    fn holds(&self, now: Timestamp) -> bool;
}

/// A basis that nothing but time and revocation can end.
pub struct Lasting;

impl Basis for Lasting {
    fn holds(&self, _: Timestamp) -> bool {
        true
    }
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
