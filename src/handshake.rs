//! What a TLS handshake with a server comes to, for somebody who wants to know why it fails: what both sides have said, what is wrong, and what
//! to do.
//!
//! INVARIANT (looks only): no application data is sent. A client's certificate is shown to a server that is trusted, and to no other.
//! INVARIANT (bounded): everything together takes [`probe::LONGEST`]; what a server sends is cut where it is shown.
//!
//! Reading order: [`problem`] → [`address`] → [`certificate`] → [`trust`] → [`server`] (what is wrong with its certificate) → `recorder` →
//! `exchange` → `alert`, `failure` (why it ended) → [`own`] → [`probe`]; [`files`] (without a server).

pub mod address;
mod alert;
pub mod certificate;
mod exchange;
mod failure;
pub mod files;
pub mod own;
pub mod probe;
pub mod problem;
pub mod provider;
mod recorder;
pub mod server;
pub mod trust;
