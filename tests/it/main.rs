//! The integration tests: one binary, one module a topic.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod architecture;
mod author;
mod bench_cli;
mod bundle_format;
mod conformance_jose;
mod decision_log;
mod harness;
mod identity;
mod opa_api;
mod reload;
