//! The words of the field, as values: credential, principal, request, decision, revision, failure.
//!
//! INVARIANT (values only): nothing here does I/O, is async, or knows a wire format. Every other module may import
//! this one; this one imports nothing.
//!
//! Reading order: [`presented`] → [`principal`] → [`request`] → [`decision`] → [`failure`].

pub mod client_certificate;
pub mod clock;
pub mod decision;
pub mod failure;
pub mod limits;
pub mod presented;
pub mod principal;
pub mod rate;
pub mod request;
pub mod revision;
pub mod revocation;
pub mod roles;
pub mod ruling;
pub mod secret;
pub mod subject;
pub mod tls_version;
pub mod units;
pub mod variables;
