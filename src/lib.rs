//! Verdict: an authorization sidecar. It verifies the presented credential, assembles the `input` document, evaluates
//! Rego over an immutable snapshot of hot-reloaded bundles, answers, and records the decision.
//!
//! Modules in reading order; ARCHITECTURE.md says who may import whom.

/// Evaluation makes and drops many small values: this allocator takes about a quarter off a decision (bench `decide`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The commit that this was built from, where the build says so.
pub const COMMIT: &str = match option_env!("VERDICT_COMMIT") {
    Some(commit) => commit,
    None => "",
};

pub mod model;

pub mod document;

pub mod pdp;

pub mod bundle;

pub mod pem;

pub mod net;

pub mod sealing;

pub mod custody;

pub mod stores;

pub mod aip;

pub mod registry;

pub mod identity;

pub mod events;

pub mod decision_log;

pub mod telemetry;

pub mod testing;

pub mod authorize;

pub mod listen;

pub mod doors;

pub mod handshake;

pub mod config;

pub mod app;
pub mod cli;
