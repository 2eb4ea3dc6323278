//! The doors: they map requests to calls and recorded decisions to answers; they decide nothing.
//!
//! INVARIANT (only what is recorded): an answer of the decision API is made from a `Recorded<Decision>`, or says 503.
//! INVARIANT (every door the same): a path is read in one place (`EntryPath::parse`), a body in one place ([`body`]).
//!
//! Deliberately absent: TLS.
//!
//! Reading order: [`routes`] (every route) → `refused` → [`opa`] (the decision API) → [`body`], [`context`], [`answer`] → `relay` →
//! `health` and `manage` (status, config, policies) → `admin` (the registry) → `outside` (what outsiders need of it) → `aip` (tool calls)
//! → [`mcp`] (messages of MCP) → [`authzen`], [`kubernetes`], [`docker`] (PEPs that ask about others) → `events` (what issuers send) →
//! `resource` (what clients are told) → `console` (pages for browsers).

mod admin;
mod aip;
pub mod answer;
pub mod authzen;
pub mod body;
mod config;
mod console;
pub mod context;
pub mod docker;
pub mod edge;
mod events;
pub mod ext_authz;
mod flaw;
pub mod forward_auth;
mod grpc;
mod grpc_health;
mod grpc_reflection;
mod health;
pub mod kubernetes;
mod manage;
pub mod mcp;
pub mod opa;
pub mod origin;
mod outside;
pub mod params;
mod refused;
mod relay;
mod resource;
pub mod routes;
pub mod routing;
mod status;
mod verdict;
mod wire;

pub use self::config::Config;
pub use self::flaw::Flaw;
pub use self::wire::shown::{Shown, shown};
