//! The doors: they map requests to calls and recorded decisions to answers; they decide nothing.
//!
//! INVARIANT (only what is recorded): an answer of the decision API is made from a `Recorded<Decision>`, or says 503.
//! INVARIANT (every door the same): a path is read in one place (`EntryPath::parse`), a body in one place ([`body`]).
//!
//! Deliberately absent: the write API for data and policies (bundles are the one source), ad-hoc queries, TLS.
//!
//! Reading order: [`routes`] (every route) → `refused` → [`opa`] (the decision API) → [`body`], [`context`], [`answer`] → `relay` →
//! `health` and `manage` (status, config, policies) → `admin` (the registry) → `outside` (what outsiders need of it) → `aip` (tool calls)
//! → `events` (what issuers send) → `resource` (what clients are told) → `console` (pages for browsers).

mod admin;
mod aip;
pub mod answer;
pub mod body;
mod console;
pub mod context;
pub mod edge;
mod events;
mod health;
mod manage;
pub mod opa;
pub mod origin;
mod outside;
pub mod params;
mod refused;
mod relay;
mod resource;
pub mod routes;
mod status;
