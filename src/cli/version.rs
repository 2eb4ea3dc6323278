//! `verdict version`: what this binary is.
//!
//! Exit code: 0.

use std::env::consts::{ARCH, OS};
use std::process::ExitCode;

use super::print::print;
use verdict_rego::capabilities::newest_version;

/// Arguments of `verdict version`.
#[derive(Debug, Clone, clap::Args)]
pub struct VersionArgs {}

/// Runs the command.
pub fn run(_: &VersionArgs) -> ExitCode {
    let commit = if crate::COMMIT.is_empty() { "unknown" } else { crate::COMMIT };
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let opa = newest_version();
    print(&format!(
        "Version: {}\nBuild Commit: {commit}\nBuild Profile: {build}\nPlatform: {OS}/{ARCH}\nRego Version: v1, as of OPA {opa}\n",
        env!("CARGO_PKG_VERSION"),
    ));
    ExitCode::SUCCESS
}
