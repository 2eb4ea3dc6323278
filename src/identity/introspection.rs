//! Tokens that only their issuer can read: it is asked about each (RFC 7662).
//!
//! INVARIANT (down is not a pass): an endpoint that cannot be reached, is late, or answers what cannot be understood says nothing
//! of the token: the call is refused, and not as the caller's fault.
//! INVARIANT (active is a word): only `"active": true` is active.
//! INVARIANT (bounded): so many questions are under way and no more, a peer with too many bad tokens waits, and bad tokens are
//! remembered as hashes, so many of them.
//! INVARIANT (nobody else's secrets): what is an API key by its place in the table of kinds is never sent to the endpoint.
//!
//! Deliberately absent: endpoints that a token names, signed answers (RFC 9701), token type hints.
//!
//! Reading order: [`config`] → [`check`] → `answer` → `verifier`.

mod answer;
pub mod check;
pub mod config;
mod verifier;

pub(super) use self::verifier::Introspection;

/// The kind of credential, in records and in `input.subject.method`.
pub const METHOD: &str = "introspection";
