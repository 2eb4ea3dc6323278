//! `verdict config`: the configuration in effect, or the reference of all keys.
//!
//! It is printed as a file that says the same. What `verdict run` would refuse is said on standard error.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use super::print::{complain, print, warn};
use crate::config::{Environment, Overrides, Profile, Sources, load, reference};

/// Arguments of `verdict config`.
#[derive(Debug, Clone, clap::Args)]
pub struct ConfigArgs {
    /// Configuration file [default: the one named by `VERDICT_CONFIG`, if any]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory for the state of Verdict, as for `verdict run`
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Directory of bundles to watch, as for `verdict run`
    #[arg(long, value_name = "DIR")]
    bundles: Option<PathBuf>,
    /// Address to listen on, as for `verdict run`
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Print the reference of all keys (docs/configuration.md) instead
    #[arg(long)]
    reference: bool,
}

/// Runs the command. Exit code: 0, or 2 when the configuration is no good.
pub fn run(args: ConfigArgs) -> ExitCode {
    match text(args) {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(message) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

fn text(args: ConfigArgs) -> Result<String, String> {
    let ConfigArgs { config: file, state, bundles, listen, reference } = args;
    if reference {
        return Ok(reference::markdown());
    }
    let overrides = Overrides { state, bundles, listen, ..Overrides::default() };
    let sources = Sources { file, env: Environment::capture(), overrides, profile: Profile::Inspect };
    let loaded = load(sources).map_err(|error| error.to_string())?;
    for warning in &loaded.warnings {
        warn(warning);
    }
    loaded.config.to_yaml()
}
