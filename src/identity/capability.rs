//! Capability tokens: what an agent may do for a short time, signed offline by a key that no server has.
//!
//! A token is a compact JWS (RFC 7515) with the type `agentpack-cap+jwt`, signed with Ed25519 (RFC 8037).
//!
//! INVARIANT (public keys alone): whoever takes the server, its configuration or the records of its registry cannot make a
//! token. The configuration names public keys; a private one in it is an error.
//! INVARIANT (no look-up): a token is verified from itself and the configuration. What anybody stored about agents neither
//! makes nor widens one; it can only be refused for it: where there is a directory, revoked and disabled agents are. One that
//! the directory does not know is not, for the signer's word is enough.
//! INVARIANT (short-lived): a token that would live longer than `max_ttl` is refused, however well it is signed.
//! INVARIANT (one kind): what says that it is a capability is judged here or nowhere, and no issuer of JWTs can have its type
//! (RFC 8725 sections 3.11 and 3.12).
//!
//! Deliberately absent: keys from a URL, other algorithms, attenuation by the holder (Biscuit, macaroons).
//!
//! Reading order: `config` → [`check`] → `verifier` → [`mint`].

pub mod check;
pub(super) mod config;
pub mod mint;
mod verifier;

pub use config::{Config, KeyConfig};
pub(super) use verifier::Capabilities;

/// The `typ` of a capability token, without `application/` (RFC 7515 section 4.1.9).
pub const TYPE: &str = "agentpack-cap+jwt";
/// How callers with a capability are verified, in records and `input.subject.method`.
pub(super) const METHOD: &str = "capability";
