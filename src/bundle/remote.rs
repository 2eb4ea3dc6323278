//! Bundles from afar: fetched from HTTP servers, S3 and registries, verified, activated with those of the directory, and kept.
//!
//! INVARIANT (verified, then shown): what is fetched is verified before the loop that activates sees it, and again when it is
//! activated. What is kept on the disk goes the same way.
//! INVARIANT (last good): a service that is down, or that has something wrong, changes nothing but status, metrics and, after
//! `bundles.max_stale`, readiness.
//! INVARIANT (bounded): answers have deadlines and sizes, archives are unpacked within limits, and failures make the pauses longer.
//!
//! Deliberately absent: delta bundles, discovery, redirects of services, and credentials that clouds give to machines.
//!
//! Reading order: [`config`] → `check` → `login` → `service` → `oci` → `resource` → `revision`, `fetched`, `vet` → `keep` → [`shelf`] → [`poll`].

mod check;
pub mod config;
mod fetched;
mod keep;
mod login;
mod oci;
pub mod poll;
mod resource;
mod revision;
mod service;
pub mod setup;
pub mod shelf;
mod vet;

pub use self::check::{Flaw, check};
pub use self::config::{RemoteConfig, ServiceConfig};
pub use self::fetched::Fetched;
pub use self::poll::Poller;
pub use self::setup::{Remote, Setup};
pub use self::shelf::Shelf;
