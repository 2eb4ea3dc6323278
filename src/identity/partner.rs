//! Agents of other organisations, which prove who they are with an assertion that their own Verdict signed.
//!
//! INVARIANT (nobody of ours): a partner's agent is in no directory of ours, whatever its id is. It has no roles, scopes or
//! permissions but those that policy gives it, and its tenant is the name that the configuration has for its organisation.
//! INVARIANT (a name is one's): no credential of anybody else has a partner's name as its tenant, and where an organisation of
//! our own has it, the partner is refused.
//! INVARIANT (once): an assertion is for one audience, for minutes, and for a single use.
//!
//! Deliberately absent: partners that nobody configured, and delegations between organisations.
//!
//! Reading order: [`config`] → [`check`] → [`verifier`].

pub mod check;
pub mod config;
pub(super) mod verifier;

pub(super) use verifier::Partners;

/// The kind of credential, in records and in `input.subject.method`.
pub const METHOD: &str = "partner";
/// The type of whoever presents one (`input.subject.type`).
pub const SUBJECT_TYPE: &str = "partner_agent";
