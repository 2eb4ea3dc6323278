//! The language held against other people's cases, against another evaluator, and against those who mean harm.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod architecture;
mod conformance;
mod conformance_checks;
mod conformance_fmt;
mod conformance_opa;
mod differential;
mod groups;
mod hints;
mod hostile;
mod interpreter;
mod negation;
mod partial;
mod rule_forms;
