//! `verdict credential`: what a credential is and says, and whether a server would accept it (`inspect`); to have a server
//! refuse it (`revoke`).
//!
//! Exit code of `inspect`: 0 if it is accepted, or, without a configuration, nothing in its form keeps it from being; 1 if it is refused; 2
//! for wrong arguments, or a configuration that is no good.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use self::show::{Format, Report};
use super::admin::connection::ScopedArgs;
use super::admin::trouble::ended;
use super::print::{complain, note, print};
use super::revocation::{RevokedArgs, revoke};
use crate::app;
use crate::config::{Environment, Profile, Sources, load};
use crate::identity::inspect::inspect;
use crate::model::clock::Clock;
use crate::model::presented::Presented;
use crate::model::principal::IdentityMode;
use crate::pdp::input;

mod show;

/// More than any credential has, in bytes.
const MAX_INPUT: u64 = 1 << 20;

/// Arguments of `verdict credential`.
#[derive(Debug, Clone, clap::Args)]
pub struct CredentialArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Show what a credential says; with --config, verify it as the server would
    Inspect(InspectArgs),
    /// Have the server refuse credentials, as `verdict revocation create` does
    Revoke {
        #[command(flatten)]
        revoked: Box<RevokedArgs>,
        #[command(flatten)]
        scoped: Box<ScopedArgs>,
    },
}

#[derive(Debug, Clone, clap::Args)]
struct InspectArgs {
    /// Credential, with or without `Bearer` [default: standard input]
    #[arg(value_name = "CREDENTIAL")]
    credential: Option<String>,
    /// Verify it by this configuration file; keys are fetched where it says so
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Verify it as `verdict dev` does, which also trusts the development issuer
    #[arg(long)]
    dev: bool,
    /// Header that carries it
    #[arg(long, value_name = "NAME", default_value = "authorization")]
    header: http::HeaderName,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Pretty)]
    format: Format,
}

/// Runs the command.
pub fn run(args: CredentialArgs) -> ExitCode {
    match args.verb {
        Verb::Inspect(args) => inspected(&args),
        Verb::Revoke { revoked, scoped } => {
            ended(scoped.open().and_then(|session| revoke(&session, &revoked)))
        }
    }
}

fn inspected(args: &InspectArgs) -> ExitCode {
    match report(args) {
        Ok(report) => {
            print(&report.text(args.format));
            ExitCode::from(u8::from(!report.is_accepted()))
        }
        Err(message) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

fn report(args: &InspectArgs) -> Result<Report, String> {
    let given = credential(args)?;
    let text = given.trim();
    let text = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text,
    };
    let now = Clock::System.now();
    let verification = if args.config.is_some() || args.dev { Some(verify(args, text)?) } else { None };
    Ok(Report { bytes: text.len(), inspected: inspect(text, now), verification, now })
}

fn credential(args: &InspectArgs) -> Result<String, String> {
    match args.credential.as_deref().filter(|text| *text != "-") {
        Some(text) => {
            if std::io::stderr().is_terminal() {
                note(
                    "hint: arguments stay in the shell's history; without one, the credential is read from standard input",
                );
            }
            Ok(text.to_owned())
        }
        None => {
            let mut text = String::new();
            let mut input = std::io::stdin().lock();
            if input.is_terminal() {
                note("paste the credential, then end the input (Ctrl-D)");
            }
            let read = input.by_ref().take(MAX_INPUT).read_to_string(&mut text);
            read.map_err(|error| format!("cannot read standard input: {error}"))?;
            Ok(text)
        }
    }
}

/// What the server's own authenticator says.
fn verify(args: &InspectArgs, text: &str) -> Result<Value, String> {
    let profile = if args.dev { Profile::Dev } else { Profile::Inspect };
    let sources =
        Sources { file: args.config.clone(), env: Environment::capture(), profile, ..Sources::default() };
    let loaded = load(sources).map_err(|error| error.to_string())?;
    let value =
        if args.header == http::header::AUTHORIZATION { format!("Bearer {text}") } else { text.to_owned() };
    let value = http::HeaderValue::from_str(&value).unwrap_or(http::HeaderValue::from_static(""));
    let headers = http::HeaderMap::from_iter([(args.header.clone(), value)]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
    let outcome = runtime.block_on(async {
        let authenticator = app::new_authenticator(&loaded, &Clock::System).await;
        let authenticator = authenticator.map_err(|error| error.to_string())?;
        authenticator.refresh_now().await;
        Ok::<_, String>(authenticator.authenticate(IdentityMode::Required, &Presented::from(&headers)).await)
    });
    let outcome = outcome?;
    Ok(match outcome {
        Err(failure) => json!({ "accepted": false, "kind": failure.kind.name(), "reason": failure.message }),
        Ok(caller) => {
            let input = input::assemble(&caller, None).map_err(|failure| failure.message)?;
            let subject = input.as_ref().and_then(|input| input.get("subject"));
            json!({ "accepted": true, "subject": subject })
        }
    })
}
