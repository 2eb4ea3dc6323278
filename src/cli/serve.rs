//! `verdict dev` and `verdict run`: the server.

mod attended;
mod banner;
mod examples;
mod greeting;
mod opa;
mod wishes;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use self::attended::Attended;
use self::greeting::Greeting;
use self::opa::OpaFlags;
use super::print::complain;
use super::set::SetArgs;
use super::verification::VerificationArgs;
use crate::app::{App, Setup, reload, shutdown};
use crate::bundle;
use crate::config::{Environment, Insecure, Loaded, Overrides, Profile, Sources, load};
use crate::model::clock::Clock;
use crate::registry::change::Done;
use crate::telemetry::tracing as diagnostics;
use crate::testing;

/// What most people call the configuration file.
const USUAL_FILE: &str = "verdict.yaml";

/// `verdict dev`
#[derive(Debug, Args)]
pub struct DevArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    more: MoreArgs,
}

/// `verdict run`
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// End with exit code 2 where the bundles are not activated at the start, rather than wait for better ones
    #[arg(long)]
    fail_fast: bool,
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
    #[command(flatten)]
    more: MoreArgs,
}

#[derive(Debug, Args)]
struct CommonArgs {
    /// Policy to serve and watch: `.rego` files, folders, `.tar.gz` bundles, directories of bundles [default: the directory
    /// `bundles`]
    #[arg(value_name = "PATH", conflicts_with = "bundles")]
    paths: Vec<PathBuf>,
    /// The same; each PATH is what it holds: a bundle, a directory of bundles, or policy and data
    #[arg(short = 'b', long = "bundle", value_name = "PATH", num_args = 0..=1, conflicts_with = "bundles")]
    bundle: Vec<PathBuf>,
    /// Directory of bundles to watch, which may be empty at first
    #[arg(long, value_name = "DIR")]
    bundles: Option<PathBuf>,
    /// Configuration file [default: the one named by `VERDICT_CONFIG`, if any]
    #[arg(short = 'c', long, visible_alias = "config-file", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory for the state of Verdict [default: .verdict]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Address to listen on, e.g. `localhost:8181`; `:8181` is every interface [default: 127.0.0.1:8181]
    #[arg(short = 'a', long, visible_alias = "addr", value_name = "ADDR")]
    listen: Option<String>,
    #[command(flatten)]
    set: SetArgs,
    /// Which diagnostics are shown, e.g. `debug` or `warn,verdict::bundle=debug` [default: `VERDICT_LOG`, else info]
    #[arg(short = 'l', long, value_name = "FILTER")]
    log_level: Option<String>,
    /// How diagnostics are written: auto (text on a terminal, JSON elsewhere), text, json
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Auto, hide_possible_values = true)]
    log_format: LogFormat,
    /// Disable colour
    #[arg(long)]
    no_color: bool,
}

/// What stands last in the help, under headings of its own or not at all.
#[derive(Debug, Args)]
struct MoreArgs {
    #[command(flatten)]
    verification: VerificationArgs,
    #[command(flatten)]
    opa: OpaFlags,
}

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Text on a terminal, JSON elsewhere
    Auto,
    /// Text
    Text,
    /// A JSON document a line
    Json,
}

/// What a server is started with besides its common arguments.
struct Start {
    profile: Profile,
    /// The organisation to begin a registry with.
    begin: Option<String>,
    fail_fast: bool,
}

/// Serves for development: with an issuer of its own, and a banner that says what to try.
///
/// Exit code: 0 after a drain, 2 when it does not start, 1 when calls were cut off.
pub fn dev(args: DevArgs) -> ExitCode {
    let DevArgs { common, more } = args;
    serve(common, more, Start { profile: Profile::Dev, begin: None, fail_fast: false })
}

/// Serves in production. Exit code: as [`dev`].
pub fn run(args: RunArgs) -> ExitCode {
    let RunArgs {
        common,
        fail_fast,
        bootstrap_org,
        insecure_dev_issuer,
        insecure_listen,
        insecure_no_audience,
        insecure_http_jwks,
        insecure_optional_identity,
        insecure_plain_http,
        insecure_ignore_log_mask,
        more,
    } = args;
    let insecure = Insecure {
        dev_issuer: insecure_dev_issuer,
        listen: insecure_listen,
        no_audience: insecure_no_audience,
        http_jwks: insecure_http_jwks,
        optional_identity: insecure_optional_identity,
        plain_http: insecure_plain_http,
        ignore_log_mask: insecure_ignore_log_mask,
        skip_verify: more.verification.skip_verify,
    };
    serve(common, more, Start { profile: Profile::Run(insecure), begin: bootstrap_org, fail_fast })
}

fn serve(common: CommonArgs, more: MoreArgs, start: Start) -> ExitCode {
    match run_server(common, more, start) {
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
fn run_server(common: CommonArgs, more: MoreArgs, start: Start) -> Result<bool, String> {
    // Before any signal is taken over.
    let attended = Attended::now();
    let env = Environment::capture();
    let no_color = common.no_color || env.get("NO_COLOR").is_some();
    init_diagnostics(&common, &env, no_color)?;
    let (file, overrides) = overrides(common, more)?;
    if file.is_none() && env.get(Environment::CONFIG_FILE).is_none() && Path::new(USUAL_FILE).exists() {
        tracing::warn!("`{USUAL_FILE}` is not read, because nothing names it: `--config {USUAL_FILE}` does");
    }
    let sources = Sources { file, env, overrides, profile: start.profile };
    let loaded = load(sources).map_err(|error| error.to_string())?;
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
    runtime.block_on(until_stopped(loaded, no_color, start, attended))
}

fn init_diagnostics(common: &CommonArgs, env: &Environment, no_color: bool) -> Result<(), String> {
    let variable = env.get(Environment::LOG_FILTER);
    let (named, filter) = match common.log_level.as_deref() {
        Some(level) => ("--log-level", level),
        None => (Environment::LOG_FILTER, variable.unwrap_or(diagnostics::DEFAULT_FILTER)),
    };
    let format = match common.log_format {
        LogFormat::Auto => diagnostics::Format::Auto,
        LogFormat::Text => diagnostics::Format::Text,
        LogFormat::Json => diagnostics::Format::Json,
    };
    diagnostics::init(format, filter, no_color).map(drop).map_err(|error| format!("`{named}`: {error}"))
}

/// The configuration file, and what the flags say over it.
fn overrides(common: CommonArgs, more: MoreArgs) -> Result<(Option<PathBuf>, Overrides), String> {
    let CommonArgs { paths, bundle, bundles, config, state, listen, set, .. } = common;
    let MoreArgs { verification, opa } = more;
    let paths: Vec<PathBuf> = bundle.into_iter().chain(paths).collect();
    for path in &paths {
        bundle::check_path(path)?;
    }
    let settings = opa.settings()?.into_iter().chain(set.settings()?).collect();
    let verification = verification.flags();
    Ok((config, Overrides { state, bundles, paths, listen, verification, settings }))
}

async fn until_stopped(
    loaded: Loaded,
    no_color: bool,
    start: Start,
    attended: Attended,
) -> Result<bool, String> {
    let Start { profile, begin, fail_fast } = start;
    let mut termination = shutdown::Termination::listen().map_err(|error| error.to_string())?;
    let hangups = reload::hangups().map_err(|error| format!("cannot handle SIGHUP: {error}"))?;
    let state = loaded.config.state.clone();
    let runner: Arc<bundle::TestRunner> = Arc::new(testing::before_activation);
    let setup = Setup { loaded, no_color, clock: Clock::System, runner: Some(runner), fail_fast };
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
    let dev = profile == Profile::Dev;
    let greeting = dev.then(|| Greeting::new(&app, state, no_color)).inspect(Greeting::open);
    tracing::info!(address = %app.address, "serving");
    let greeting = greeting.map(|greeting| tokio::spawn(greeting.go_on()));
    let why = tokio::select! {
        signal = termination.next() => signal,
        gone = attended.until_gone(), if dev => gone,
    };
    greeting.inspect(tokio::task::JoinHandle::abort);
    tracing::info!(why, "draining: no new connections, calls under way are answered");
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
