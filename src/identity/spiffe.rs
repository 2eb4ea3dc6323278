//! SPIFFE: trust bundles, and the workloads that prove who they are with a JWT-SVID.
//!
//! INVARIANT (a trust domain is its own): the bundle is chosen by the trust domain of the SPIFFE ID, and by nothing else that a
//! credential says. Bundles are never merged: a key or an authority of one domain verifies nothing of another, whatever its name.
//! INVARIANT (last good bundle): a bundle that cannot be read changes nothing until it is too old; one that can be read replaces
//! the whole, so that what was removed from it verifies nothing any more, cached credentials included.
//! INVARIANT (one spelling): a SPIFFE ID is read in its canonical form alone, so that policy can compare it as text.
//!
//! Deliberately absent: trust domains that nobody configured, even where the Workload API has their bundles; revocation lists.
//!
//! Reading order: [`id`] → [`bundle`] → [`config`] → [`check`] → [`store`] → [`leaf`] → `path` → [`upkeep`] (with `workload` and `endpoint`) →
//! `verifier` → `x509`.

pub mod bundle;
pub mod check;
pub mod config;
mod endpoint;
pub mod id;
pub mod leaf;
mod local_file;
pub(super) mod path;
mod principal;
pub(super) mod reach;
pub mod server;
pub(super) mod status;
pub mod store;
pub mod upkeep;
pub(super) mod verifier;
mod workload;
pub(super) mod x509;

pub(super) use verifier::JwtSvids;
pub(super) use x509::X509Svids;

/// The kinds of credential, in records and in `input.subject.method`.
pub const METHOD: &str = "jwt-svid";
/// See [`METHOD`].
pub const X509_METHOD: &str = "x509-svid";
