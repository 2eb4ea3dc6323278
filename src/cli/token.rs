//! `verdict token`: a token of the development issuer, and nothing else, on standard output.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Map, Value};

use super::print::{complain, print};
use crate::identity::dev::{DevIssuer, TokenRequest};
use crate::model::clock::Clock;
use crate::model::units::Period;

/// The longest that a development token may live.
const LONGEST: Period = Period::secs(24 * 60 * 60);

/// Arguments of `verdict token`.
#[derive(Debug, Clone, clap::Args)]
pub struct TokenArgs {
    /// Where Verdict keeps its own state
    #[arg(long, value_name = "DIR", default_value = ".verdict")]
    state: PathBuf,
    /// The subject
    #[arg(long, default_value = "alice")]
    sub: String,
    /// What the subject is: user, service, agent
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// A role; may be given more than once
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Another claim; the value is JSON if it reads as JSON, else text; may be given more than once
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    /// How long it is valid, at most 24h
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    ttl: Period,
}

/// Runs the command. Exit code: 0, or 2 when the token cannot be made.
pub fn run(args: TokenArgs) -> ExitCode {
    match mint(args) {
        Ok(token) => {
            print(&(token + "\n"));
            ExitCode::SUCCESS
        }
        Err(message) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

fn mint(args: TokenArgs) -> Result<String, String> {
    let TokenArgs { state, sub, kind, roles, claims, ttl } = args;
    if ttl > LONGEST {
        return Err(format!("--ttl {ttl} is longer than {LONGEST}"));
    }
    let mut all = Map::new();
    for claim in claims {
        let (name, value) =
            claim.split_once('=').ok_or_else(|| format!("--claim `{claim}` is not NAME=VALUE"))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        if all.insert(name.to_owned(), value).is_some() {
            return Err(format!("--claim `{name}` is given twice"));
        }
    }
    let issuer = DevIssuer::load_or_create(&state).map_err(|error| error.to_string())?;
    let request = TokenRequest { sub, kind, roles, claims: all, ttl: ttl.0 };
    let token = issuer.mint(&request, Clock::System.now()).map_err(|error| error.to_string())?;
    Ok(token.expose().clone())
}
