//! Metrics and diagnostics: what an operator sees of the process beside its decisions.
//!
//! INVARIANT (bounded labels): no label takes a value that a caller chooses. Paths are those of declared entry points,
//! methods and codes come from closed lists, issuers from the configuration.
//! INVARIANT (cheap): what every call counts is atomics behind handles that were resolved before.
//!
//! Deliberately absent: decisions themselves (`decision_log`), the `/metrics` route (`http`), tracing of spans.
//!
//! Reading order: [`metrics`] → [`histogram`] → [`tasks`] → [`tracing`] → [`terminal`] → [`inert`].

pub mod histogram;
pub mod inert;
pub mod metrics;
pub mod tasks;
pub mod terminal;
pub mod tracing;
