//! `verdict capability`: keys for capability tokens, and the tokens. Both are made offline: no server has the private key.
//!
//! Exit code: 0, or 2 when there is no key or no token.

use std::path::PathBuf;
use std::process::ExitCode;

use super::print::{complain, note, print};
use crate::identity::capability::mint::{Request, SigningKey};
use crate::model::clock::Clock;
use crate::model::units::Period;

/// The longest that a token may live; no server accepts more.
const LONGEST: Period = Period::secs(24 * 60 * 60);
/// Who mints tokens, unless somebody says otherwise.
const ISSUER: &str = "agentpack";
/// For whom, likewise.
const AUDIENCE: &str = "verdict";

/// Arguments of `verdict capability`.
#[derive(Debug, Clone, clap::Args)]
pub struct CapabilityArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Make a key pair; print the public key as an entry of the configuration
    Keygen(KeygenArgs),
    /// Print a token, signed with a private key
    Mint(MintArgs),
}

#[derive(Debug, Clone, clap::Args)]
struct KeygenArgs {
    /// New file for the private key (PKCS #8 in PEM, mode 0600)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Issuer of the tokens, for the entry of the configuration
    #[arg(long, default_value = ISSUER)]
    issuer: String,
    /// Audience of the tokens, for the entry of the configuration
    #[arg(long, default_value = AUDIENCE)]
    audience: String,
}

#[derive(Debug, Clone, clap::Args)]
struct MintArgs {
    /// File with the private key, as `keygen` writes it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Name of the key (`kid`) [default: its thumbprint, as `keygen` prints it]
    #[arg(long)]
    kid: Option<String>,
    /// Agent that the token is for (`sub`)
    #[arg(long, value_name = "ID")]
    agent: String,
    /// Issuer (`iss`)
    #[arg(long, default_value = ISSUER)]
    issuer: String,
    /// Audience (`aud`)
    #[arg(long, default_value = AUDIENCE)]
    audience: String,
    /// Operation that the token is for, e.g. secrets:get or stripe:*; repeatable [default: all]
    #[arg(long, value_name = "OPERATION")]
    scope: Vec<String>,
    /// Permission that the token gives; repeatable
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// Organisation of the agent (`org`)
    #[arg(long, value_name = "ID")]
    org: Option<String>,
    /// Who acts for the agent (`act`), the current actor first; repeatable
    #[arg(long = "act", value_name = "ID")]
    actors: Vec<String>,
    /// API key that must be presented with the token (`cnf.kid`), by its id
    #[arg(long, value_name = "KEY_ID")]
    bound_to: Option<String>,
    /// Lifetime, at most 24h; servers accept 15m unless configured otherwise
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    ttl: Period,
}

/// Runs the command.
pub fn run(args: CapabilityArgs) -> ExitCode {
    let outcome = match args.verb {
        Verb::Keygen(args) => keygen(&args),
        Verb::Mint(args) => mint(args),
    };
    match outcome {
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

fn keygen(args: &KeygenArgs) -> Result<String, String> {
    let KeygenArgs { out, issuer, audience } = args;
    let key = SigningKey::generate().map_err(|error| error.to_string())?;
    let public = key.public_pem().map_err(|error| error.to_string())?;
    key.write(out).map_err(|error| error.to_string())?;
    note(&format!(
        "the private key is in `{}`: keep it where tokens are minted, away from servers",
        out.display()
    ));
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let indented: String = public.lines().map(|line| format!("          {line}\n")).collect();
    Ok(format!(
        "identity:\n  capabilities:\n    issuer: {}\n    audience: {}\n    keys:\n      - kid: {}\n        public_key: |\n{indented}",
        quoted(issuer),
        quoted(audience),
        quoted(key.kid()),
    ))
}

fn mint(args: MintArgs) -> Result<String, String> {
    let MintArgs { key, kid, agent, issuer, audience, scope, permissions, org, actors, bound_to, ttl } = args;
    if ttl > LONGEST {
        return Err(format!("--ttl {ttl} is longer than {LONGEST}"));
    }
    let key = SigningKey::read(&key).map_err(|error| error.to_string())?;
    let request = Request {
        issuer,
        audience,
        agent,
        scope: (!scope.is_empty()).then_some(scope),
        permissions,
        organisation: org,
        actors,
        bound_to,
        ttl: ttl.0,
    };
    let kid = kid.as_deref().unwrap_or(key.kid());
    let token = key.mint(&request, kid, Clock::System.now()).map_err(|error| error.to_string())?;
    Ok(format!("{}\n", token.expose()))
}
