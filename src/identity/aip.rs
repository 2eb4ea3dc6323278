//! Session tokens of the Agent Identity Protocol (v1alpha2 section 5): issued here, and verified here.
//!
//! A token is a compact JWS (RFC 7515) of the type `aip+jwt`, signed with ES256 or EdDSA. It belongs to a session, and a session to
//! an AgentPolicy in force.
//!
//! INVARIANT (used once): a token is accepted once. The answer to the call that used it has the session's next one.
//! INVARIANT (one lifetime): the next token ends when the one before it does, until the policy's `rotation_interval` is over; then
//! it has a lifetime of its own. So a session lasts as long as it is used in time, and a stolen token as long as one lifetime.
//! INVARIANT (one policy, its own key): a token counts for the policy that it names, and only by that policy's key.
//! INVARIANT (nothing widens): a session says which policy its calls must keep to, and gives no role and no permission.
//!
//! Deliberately absent: tokens that other servers issue, unless they share a key file; the compact form without a signature;
//! HS256; a list of the sessions that are open.
//!
//! Reading order: `token` → `place` → `keys` → [`sessions`].

mod keys;
mod place;
pub mod sessions;
mod token;

pub use sessions::{Opened, Sessions};

/// The `typ` of a session token, without `application/` (RFC 7515 section 4.1.9).
pub const TYPE: &str = "aip+jwt";
pub use crate::aip::SESSION as METHOD;
/// Who vouches for an agent with a session token, in `input.subject.issuer`.
pub(super) const ISSUER: &str = "aip";
