//! `verdict capabilities`: what may policy use, here or in a version of OPA?
//!
//! Exit code: 0, or 1 for a version that is not known or a file that cannot be read.

use std::path::PathBuf;
use std::process::ExitCode;

use super::print::{complain, print};
use super::reading::capabilities_file;
use verdict_rego::capabilities::{capabilities, of_version};

/// Arguments of `verdict capabilities`.
#[derive(Debug, Clone, clap::Args)]
pub struct CapabilitiesArgs {
    /// Capabilities of the current version, which is the default
    #[arg(long, conflicts_with_all = ["version", "file"])]
    pub current: bool,
    /// Capabilities of a version of OPA, from v1.9.0 on
    #[arg(long, value_name = "VERSION", conflicts_with = "file")]
    pub version: Option<String>,
    /// Capabilities in a file
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &CapabilitiesArgs) -> ExitCode {
    let found = match (&args.version, &args.file) {
        (Some(version), _) => of_version(version)
            .unwrap_or_else(|| Err(format!("`{version}` is no version; write it as `v1.9.0`"))),
        (None, Some(file)) => capabilities_file(file),
        (None, None) => Ok(capabilities()),
    };
    match found {
        Ok(found) => {
            print(&(serde_json::to_string_pretty(&found).unwrap_or_default() + "\n"));
            ExitCode::SUCCESS
        }
        Err(message) => {
            complain(&message);
            ExitCode::from(1)
        }
    }
}
