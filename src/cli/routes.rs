//! `verdict routes test`: what would policy see of a request?
//!
//! Exit code: 0 where a route matches; 1 where none does, or the request would be refused for what it is; 2 when the configuration
//! is no good.

use std::path::PathBuf;
use std::process::ExitCode;

use super::print::{complain, note, print};
use super::set::SetArgs;
use crate::app::seen;
use crate::config::{Environment, Overrides, Profile, Sources, load};
use verdict_rego::Value;

/// Arguments of `verdict routes`.
#[derive(Debug, clap::Args)]
pub struct RoutesArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show what policy would see of a request: route, action, resource
    Test(TestArgs),
}

#[derive(Debug, clap::Args)]
struct TestArgs {
    /// Method, e.g. `GET`
    #[arg(value_name = "METHOD")]
    method: String,
    /// Path, with its query if it has one, or a URL
    #[arg(value_name = "PATH")]
    target: String,
    /// Configuration file [default: the one named by `VERDICT_CONFIG`, if any]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Host that the request is for
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Print the whole input, but for the caller
    #[arg(long)]
    input: bool,
    #[command(flatten)]
    set: SetArgs,
}

/// Runs the command.
pub fn run(args: &RoutesArgs) -> ExitCode {
    let Command::Test(args) = &args.command;
    match test(args) {
        Ok(code) => code,
        Err(message) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

fn test(args: &TestArgs) -> Result<ExitCode, String> {
    let TestArgs { method, target, config, host, input, set } = args;
    let overrides = Overrides { settings: set.settings()?, ..Overrides::default() };
    let (file, env) = (config.clone(), Environment::capture());
    let loaded = load(Sources { file, env, overrides, profile: Profile::Inspect });
    let loaded = loaded.map_err(|error| error.to_string())?;
    let seen = seen(&loaded.config, (method, target), host.as_deref()).map_err(|error| error.to_string())?;
    let shown = match seen {
        Ok(shown) => shown,
        Err(failure) => {
            note(&format!("refused: {failure}"));
            return Ok(ExitCode::from(1));
        }
    };
    let printed = if *input { shown.input } else { short(&shown.input) };
    let text = serde_json::to_string_pretty(&printed).map_err(|error| error.to_string())?;
    print(&(text + "\n"));
    if !shown.matched {
        note("no route matches (`doors.http.routes`, `doors.http.openapi`)");
    }
    Ok(ExitCode::from(u8::from(!shown.matched)))
}

/// What routes say: name, action and resource.
fn short(input: &Value) -> Value {
    let members = [
        ("route", input.at(["context", "route"])),
        ("action", input.get("action")),
        ("resource", input.get("resource")),
    ];
    let mut short = Value::object();
    for (name, value) in members {
        if let Some(value) = value {
            short.insert(name, value.clone());
        }
    }
    short
}
