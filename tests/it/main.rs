//! The integration tests: one binary, one module a topic.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod admin;
mod admin_cli;
mod aip;
mod aliases;
mod architecture;
mod author;
mod bad_input;
mod bench_cli;
mod bundle_format;
mod circles;
mod cli;
mod config;
mod conformance_jose;
mod console;
mod cross_organisation;
mod custody;
mod decision_log;
mod decisions;
mod harness;
mod hostile;
mod http_send;
mod identity;
mod management;
mod opa_api;
mod organisations;
mod process;
mod rate_limits;
mod registry_events;
mod registry_simulator;
mod registry_stores;
mod reload;
mod reload_live;
mod stores;
mod strangers;
mod tls;
