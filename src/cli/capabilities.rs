//! `verdict capabilities`: what may policy use?
//!
//! Exit code: 0.

use std::process::ExitCode;

use super::print::print;
use verdict_rego::capabilities::capabilities;

/// Arguments of `verdict capabilities`.
#[derive(Debug, Clone, clap::Args)]
pub struct CapabilitiesArgs {
    /// Capabilities of the current version; the only ones there are
    #[arg(long)]
    pub current: bool,
}

/// Runs the command.
pub fn run(_: &CapabilitiesArgs) -> ExitCode {
    print(&(serde_json::to_string_pretty(&capabilities()).unwrap_or_default() + "\n"));
    ExitCode::SUCCESS
}
