//! `verdict dev` and `verdict run`: the server.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::print::{Style, complain};
use super::shell::quoted;
use super::verification::VerificationArgs;
use crate::app::{App, Setup, reload, shutdown};
use crate::config::{Environment, Insecure, Loaded, Overrides, Profile, Sources, load};
use crate::model::clock::Clock;
use crate::model::request::EntryPath;
use crate::registry::change::Done;
use crate::telemetry::tracing as diagnostics;
use crate::testing;

/// What most people call the configuration file.
const USUAL_FILE: &str = "verdict.yaml";

/// `verdict dev`
#[derive(Debug, Args)]
pub struct DevArgs {
    /// Configuration file [default: the one named by `VERDICT_CONFIG`, if any]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    common: CommonArgs,
}

/// `verdict run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Configuration file [default: the one named by `VERDICT_CONFIG`]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    common: CommonArgs,
    /// Begin a new registry with this organisation, and print the operator key and the admin key, once; where it has been
    /// begun, the server does not start
    #[arg(long, value_name = "ID")]
    bootstrap_org: Option<String>,
    /// INSECURE: trust the development issuer
    #[arg(long)]
    insecure_dev_issuer: bool,
    /// INSECURE: serve unverified callers on an address that is not loopback
    #[arg(long)]
    insecure_listen: bool,
    /// INSECURE: accept tokens of any audience from issuers that name none
    #[arg(long)]
    insecure_no_audience: bool,
    /// INSECURE: fetch issuers' keys over plain HTTP
    #[arg(long)]
    insecure_http_jwks: bool,
    /// INSECURE: serve callers without a token on an address that is not loopback
    #[arg(long)]
    insecure_optional_identity: bool,
    /// INSECURE: accept tokens over plain HTTP on an address that is not loopback
    #[arg(long)]
    insecure_plain_http: bool,
    /// INSECURE: activate bundles whose log mask is not applied, with `decision_log.allow_unmasked`
    #[arg(long)]
    insecure_ignore_log_mask: bool,
}

#[derive(Debug, Args)]
struct CommonArgs {
    /// Directory for the state of Verdict [default: .verdict]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Directory of bundles to watch [default: bundles]
    #[arg(long, value_name = "DIR")]
    bundles: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:8181]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Disable colour
    #[arg(long)]
    no_color: bool,
    #[command(flatten)]
    verification: VerificationArgs,
}

/// Serves for development: with an issuer of its own, and a banner that says what to try.
///
/// Exit code: 0 after a drain, 2 when it does not start, 1 when calls were cut off.
pub fn dev(args: DevArgs) -> ExitCode {
    let DevArgs { config, common } = args;
    serve(config, common, Profile::Dev, None)
}

/// Serves in production. Exit code: as [`dev`].
pub fn run(args: RunArgs) -> ExitCode {
    let RunArgs {
        config,
        common,
        bootstrap_org,
        insecure_dev_issuer,
        insecure_listen,
        insecure_no_audience,
        insecure_http_jwks,
        insecure_optional_identity,
        insecure_plain_http,
        insecure_ignore_log_mask,
    } = args;
    let insecure = Insecure {
        dev_issuer: insecure_dev_issuer,
        listen: insecure_listen,
        no_audience: insecure_no_audience,
        http_jwks: insecure_http_jwks,
        optional_identity: insecure_optional_identity,
        plain_http: insecure_plain_http,
        ignore_log_mask: insecure_ignore_log_mask,
        skip_verify: common.verification.skip_verify,
    };
    serve(config, common, Profile::Run(insecure), bootstrap_org)
}

fn serve(file: Option<PathBuf>, common: CommonArgs, profile: Profile, begin: Option<String>) -> ExitCode {
    match start(file, common, profile, begin) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            complain("some calls did not finish within `server.shutdown_grace` and were cut off");
            ExitCode::from(1)
        }
        Err(message) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

/// Serves until a signal says to stop; `false` when calls had to be cut off.
fn start(
    file: Option<PathBuf>,
    common: CommonArgs,
    profile: Profile,
    begin: Option<String>,
) -> Result<bool, String> {
    let CommonArgs { state, bundles, listen, no_color, verification } = common;
    let env = Environment::capture();
    let no_color = no_color || env.get("NO_COLOR").is_some();
    let filter = env.get(Environment::LOG_FILTER).unwrap_or(diagnostics::DEFAULT_FILTER);
    diagnostics::init(diagnostics::Format::Auto, filter, no_color)
        .map_err(|error| format!("`{}`: {error}", Environment::LOG_FILTER))?;
    if file.is_none() && env.get(Environment::CONFIG_FILE).is_none() && Path::new(USUAL_FILE).exists() {
        tracing::warn!("`{USUAL_FILE}` is not read, because nothing names it: `--config {USUAL_FILE}` does");
    }
    let overrides = Overrides { state, bundles, listen, verification: verification.flags() };
    let loaded = load(Sources { file, env, overrides, profile }).map_err(|error| error.to_string())?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    // Deciding goes down the policy by recursion, on the threads that serve.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("verdict")
        .thread_stack_size(verdict_rego::STACK)
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(until_stopped(loaded, no_color, begin))
}

async fn until_stopped(loaded: Loaded, no_color: bool, begin: Option<String>) -> Result<bool, String> {
    let mut termination = shutdown::Termination::listen().map_err(|error| error.to_string())?;
    let hangups = reload::hangups().map_err(|error| format!("cannot handle SIGHUP: {error}"))?;
    let (profile, state) = (loaded.profile(), loaded.config.state.clone());
    let setup =
        Setup { loaded, no_color, clock: Clock::System, runner: Some(Arc::new(testing::before_activation)) };
    let app = App::start(setup).await.map_err(|error| error.to_string())?;
    if let Some(organisation) = begin {
        match app.begin(&organisation).await {
            Ok(done) => print_keys(&organisation, &done)?,
            Err(message) => {
                app.shutdown().await;
                return Err(message);
            }
        }
    }
    let live = Arc::clone(&app.live);
    app.supervisor.start("configuration", move || reload::run(Arc::clone(&live), Arc::clone(&hangups)));
    if profile == Profile::Dev {
        let style = Style::new(std::io::stderr().is_terminal() && !no_color);
        // Nobody may be reading it; the server goes on.
        let _ = std::io::stderr().lock().write_all(banner(&app, &state, &style).as_bytes());
    }
    tracing::info!(address = %app.address, "serving");
    let signal = termination.next().await;
    tracing::info!(signal, "draining: no new connections, calls under way are answered");
    let drained = app.shutdown().await;
    tracing::info!(drained, "stopped");
    Ok(drained)
}

/// Prints the keys that a registry begins with: this once, and nowhere else.
fn print_keys(organisation: &str, done: &Done) -> Result<(), String> {
    let keys = done.made.iter().filter_map(|made| Some((made.name, made.once.as_ref()?.expose().as_str())));
    let shown: BTreeMap<&str, &str> = keys.chain([("organisation", organisation)]).collect();
    let text = serde_json::to_string(&shown).map_err(|error| error.to_string())?;
    let written = writeln!(std::io::stdout().lock(), "{text}");
    written.map_err(|error| format!("the keys were made and could not be printed: {error}"))
}

/// What a newcomer needs: what is active, and commands that work when they are pasted.
fn banner(app: &App, state: &Path, style: &Style) -> String {
    let Style { bold, warning: warn, dim } = *style;
    let mut text = format!("\n{bold}verdict{bold:#} serves {}\n", app.url());
    text.push_str(&format!(
        "{warn}DEVELOPMENT: it trusts its own issuer, whose key is in {}; never expose it{warn:#}\n\n",
        state.display()
    ));
    let (report, snapshot) = (app.bundles.report(), Arc::clone(&app.authorizer.in_force().snapshot));
    if snapshot.generation == 0 {
        text.push_str(&format!(
            "{warn}no bundle is active, every call is refused:{warn:#} {}\n",
            report.explained.as_deref().unwrap_or("there is none yet")
        ));
        return text;
    }
    for (name, bundle) in &report.bundles {
        let Some(revision) = &bundle.active_revision else { continue };
        let revision = if revision.is_empty() { "(no revision)" } else { revision };
        let whose = bundle.organisation.as_ref().map(|id| format!("  of {id}")).unwrap_or_default();
        text.push_str(&format!("  bundle {bold}{name}{bold:#}  revision {revision}{whose}\n"));
    }
    let sample = EntryPath::from_segments(vec!["app".to_owned(), "allow".to_owned()]);
    if snapshot.shared.program.declares(&sample) {
        text.push_str(&format!("\n{dim}In another terminal:{dim:#}\n"));
        text.push_str(&samples(&app.url(), state, style));
    } else if let Some(path) = snapshot.shared.program.entry_paths().next() {
        let call = curl(&app.url(), &path.join("/"), &token(state), "{\"input\":{}}");
        text.push_str(&format!("\n{dim}In another terminal:{dim:#}\n\n{call}\n"));
    }
    text.push('\n');
    text
}

fn samples(url: &str, state: &Path, style: &Style) -> String {
    let dim = style.dim;
    let token = token(state);
    let call = |bearer: &str, body: &str| curl(url, "app/allow", bearer, body);
    let update = r#"{"input":{"action":"update","resource":{"type":"doc","owner":"bob"}}}"#;
    let delete = r#"{"input":{"action":"delete","resource":{"type":"doc","owner":"bob"}}}"#;
    let forged = r#"{"input":{"subject":{"id":"carol","roles":["admin"]},"action":"delete","resource":{"type":"doc","owner":"bob"}}}"#;
    [
        ("allowed: alice is an editor, and editors update documents", call(&token, update)),
        ("denied: editors do not delete what is not theirs", call(&token, delete)),
        ("denied: the body says carol, the token says alice, and the token counts", call(&token, forged)),
        ("refused: a token that nobody signed", call("not-a-token", update)),
    ]
    .iter()
    .map(|(what, command)| format!("\n{dim}# {what}{dim:#}\n{command}\n"))
    .collect()
}

fn curl(url: &str, path: &str, bearer: &str, body: &str) -> String {
    format!("curl -s {url}/v1/data/{path} -H \"Authorization: Bearer {bearer}\" -d '{body}'")
}

/// The command that prints a token, as this very program is called from here.
fn token(state: &Path) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("verdict"));
    let here = std::env::current_dir().unwrap_or_default();
    let state_flag = match state.strip_prefix(&here).unwrap_or(state) {
        usual if usual == Path::new(".verdict") => String::new(),
        other => format!(" --state {}", quoted(&other.display().to_string())),
    };
    let program = program.strip_prefix(&here).unwrap_or(&program).display().to_string();
    format!("$({} token --sub alice{state_flag})", quoted(&program))
}
