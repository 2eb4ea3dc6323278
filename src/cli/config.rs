//! `verdict config`: the configuration in effect, the reference of all keys, or OPA's configuration in our keys.
//!
//! It is printed as a file that says the same. What `verdict run` would refuse, and what of OPA's has no equivalent, is said on
//! standard error.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::print::{complain, note, print, warn};
use super::set::SetArgs;
use crate::config::{Environment, Overrides, Profile, Sources, from_opa, load, reference};

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
    listen: Option<String>,
    #[command(flatten)]
    set: SetArgs,
    /// Print the reference of all keys (docs/configuration.md) instead
    #[arg(long)]
    reference: bool,
    /// Translate a configuration file of OPA's instead; what has no equivalent is named (exit code 1)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "state", "bundles", "listen", "set", "set_file", "reference"])]
    from_opa: Option<PathBuf>,
}

/// Runs the command. Exit code: 0; 1 when a part of OPA's configuration has no equivalent; 2 when the configuration is no
/// good.
pub fn run(args: ConfigArgs) -> ExitCode {
    let printed = match &args.from_opa {
        Some(file) => translated(file),
        None => text(args).map(|text| {
            print(&text);
            ExitCode::SUCCESS
        }),
    };
    match printed {
        Ok(code) => code,
        Err(message) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

fn translated(file: &Path) -> Result<ExitCode, String> {
    let translation = from_opa::translate(file).map_err(|error| error.to_string())?;
    print(&translation.text);
    if translation.left.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    warn("these keys have no equivalent:");
    for problem in &translation.left {
        note(&problem.to_string());
    }
    Ok(ExitCode::from(1))
}

fn text(args: ConfigArgs) -> Result<String, String> {
    let ConfigArgs { config: file, state, bundles, listen, set, reference, from_opa: _ } = args;
    if reference {
        return Ok(reference::markdown());
    }
    let settings = set.settings()?;
    let overrides = Overrides { state, bundles, listen, settings, ..Overrides::default() };
    let sources = Sources { file, env: Environment::capture(), overrides, profile: Profile::Inspect };
    let loaded = load(sources).map_err(|error| error.to_string())?;
    for warning in &loaded.warnings {
        warn(warning);
    }
    loaded.config.to_yaml()
}
