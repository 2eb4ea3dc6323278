//! `verdict token`: a token of the development issuer, and nothing else, on standard output.
//!
//! The issuer is the one that `verdict dev` has when it is started in the same place: its state folder is looked for in
//! the flags, the environment and the configuration in the same way.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Map, Value};

use super::print::{complain, print};
use crate::config::{Environment, Sources, load};
use crate::identity::dev::{DevIssuer, TokenRequest};
use crate::model::clock::Clock;
use crate::model::principal::{Actor, ActorChain};
use crate::model::units::Period;

/// The longest that a development token may live.
const LONGEST: Period = Period::secs(24 * 60 * 60);

/// Arguments of `verdict token`.
#[derive(Debug, Clone, clap::Args)]
pub struct TokenArgs {
    /// Directory for the state of Verdict [default: as configured, else .verdict]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Subject (`sub`)
    #[arg(long, default_value = "alice")]
    sub: String,
    /// Type of the subject, e.g. user, service, agent
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Role; repeatable
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Tenant (`tenant`)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Permission; repeatable
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// OAuth scope; repeatable
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Agent that the token is for (`agent`)
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Who acts for the subject (`act`), the current actor first; repeatable
    #[arg(long = "act", value_name = "ID")]
    actors: Vec<String>,
    /// Further claim; the value is JSON if it parses as JSON, otherwise a string; repeatable
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    /// Lifetime, at most 24h
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
    let named = named(&args);
    let TokenArgs { state, sub, kind, roles, claims, ttl, .. } = args;
    if ttl > LONGEST {
        return Err(format!("--ttl {ttl} is longer than {LONGEST}"));
    }
    let by_flag = [("type", "--type", kind.is_some()), ("roles", "--role", !roles.is_empty())];
    let by_flag = by_flag.into_iter().filter(|(_, _, given)| *given).map(|(claim, flag, _)| (claim, flag));
    let by_flag: Vec<_> = by_flag.chain(named.iter().map(|(claim, flag, _)| (*claim, *flag))).collect();
    let mut all: Map<String, Value> =
        named.iter().map(|(claim, _, value)| ((*claim).to_owned(), value.clone())).collect();
    for claim in claims {
        let (name, value) =
            claim.split_once('=').ok_or_else(|| format!("--claim `{claim}` is not NAME=VALUE"))?;
        if name.is_empty() {
            return Err(format!("--claim `{claim}` has no name; write NAME=VALUE"));
        }
        if let Some((_, flag)) = by_flag.iter().find(|(claim, _)| *claim == name) {
            return Err(format!("--claim `{name}` and {flag} are mutually exclusive"));
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        if all.insert(name.to_owned(), value).is_some() {
            return Err(format!("--claim `{name}` is given more than once"));
        }
    }
    let issuer = DevIssuer::load_or_create(&folder(state)?).map_err(|error| error.to_string())?;
    let request = TokenRequest { sub, kind, roles, claims: all, ttl: ttl.0 };
    let token = issuer.mint(&request, Clock::System.now()).map_err(|error| error.to_string())?;
    Ok(token.expose().clone())
}

/// The claims that have flags of their own, with these.
fn named(args: &TokenArgs) -> Vec<(&'static str, &'static str, Value)> {
    let TokenArgs { tenant, permissions, scopes, agent, actors, .. } = args;
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let given = |list: &[String]| (!list.is_empty()).then(|| Value::from(list));
    let chain: Vec<Actor> = actors.iter().map(|id| Actor { id: id.clone(), issuer: None }).collect();
    let chain = (!chain.is_empty()).then(|| serde_json::to_value(ActorChain(&chain)).unwrap_or_default());
    let all = [
        ("tenant", "--tenant", text(tenant)),
        ("permissions", "--permission", given(permissions)),
        ("scope", "--scope", (!scopes.is_empty()).then(|| Value::from(scopes.join(" ")))),
        ("agent", "--agent", text(agent)),
        ("act", "--act", chain),
    ];
    all.into_iter().filter_map(|(claim, flag, value)| Some((claim, flag, value?))).collect()
}

/// The state folder. With `--state` there is nothing to look for, and the configuration need not even be sound.
fn folder(state: Option<PathBuf>) -> Result<PathBuf, String> {
    match state {
        Some(state) => Ok(state),
        None => {
            let sources = Sources { env: Environment::capture(), ..Sources::default() };
            Ok(load(sources).map_err(|error| error.to_string())?.config.state)
        }
    }
}
