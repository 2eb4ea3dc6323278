//! `verdict health`: is a server well? For probes of containers, which need no other program for it.
//!
//! Exit code: 0 if it is; 1 if it says no, or gives no answer; 2 for arguments or a configuration that are no good.

use std::path::PathBuf;
use std::process::ExitCode;

use http::HeaderMap;

use super::print::{complain, print};
use crate::config::{Environment, Sources, load};
use crate::model::units::Period;
use crate::net::{Call, Client, Config, Endpoint, OutboundConfig, OutboundTls};

/// The most that is read of an answer.
const MAX_ANSWER: usize = 1 << 20;

/// Arguments of `verdict health`.
#[derive(Debug, Clone, clap::Args)]
pub struct HealthArgs {
    /// URL of the server, without a path [default: where the configuration listens, http://127.0.0.1:8181 without one]
    #[arg(value_name = "URL", conflicts_with = "config")]
    url: Option<String>,
    /// Configuration file of the server [default: the one named by `VERDICT_CONFIG`, if any]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Whether decisions can be made (`/health/ready`): for readiness probes
    #[arg(long)]
    ready: bool,
    /// Whether the process answers (`/health/live`): for liveness probes
    #[arg(long, conflicts_with = "ready")]
    live: bool,
    /// How long the answer may take
    #[arg(long, default_value = "5s", value_name = "DURATION")]
    timeout: Period,
    /// Authorities to trust besides those of the system, in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &HealthArgs) -> ExitCode {
    let (endpoint, client) = match prepared(args) {
        Ok(prepared) => prepared,
        Err(message) => {
            complain(&message);
            return ExitCode::from(2);
        }
    };
    match ask(args, &endpoint, &client) {
        Ok((200, body)) => {
            print(&body);
            ExitCode::SUCCESS
        }
        Ok((status, body)) => {
            print(&body);
            complain(&format!("`{endpoint}` answers {status}{}", meaning(status)));
            ExitCode::from(1)
        }
        Err(message) => {
            complain(&format!("`{endpoint}`: {message}"));
            ExitCode::from(1)
        }
    }
}

/// What the status says, where a probe has asked something that answers so.
const fn meaning(status: u16) -> &'static str {
    match status {
        404 => ": is this Verdict? Give the URL of the server, without a path",
        _ => "",
    }
}

fn prepared(args: &HealthArgs) -> Result<(Endpoint, Client), String> {
    let server = match &args.url {
        Some(url) => url.clone(),
        None => configured(args.config.clone())?,
    };
    let base =
        Endpoint::parse(&server).map_err(|error| format!("{error}; write e.g. `http://127.0.0.1:8181`"))?;
    if !base.is_root() {
        return Err(format!("`{base}` has a path; give the URL of the server alone, with --ready or --live"));
    }
    let path = match (args.ready, args.live) {
        (true, _) => "/health/ready",
        (_, true) => "/health/live",
        _ => "/health",
    };
    let endpoint = Endpoint::parse(&format!("{}{path}", server.trim_end_matches('/')));
    let client = match &args.ca {
        // An image may have no authorities at all, and then plain HTTP has to do without.
        None if base.origin().starts_with("http:") => {
            Client::plain(&Config::default()).map_err(|error| error.to_string())
        }
        None => Client::new(&Config::default()).map_err(|error| error.to_string()),
        Some(ca) => {
            let tls = OutboundTls { ca: Some(ca.clone()), ..OutboundTls::default() };
            Client::outbound(&OutboundConfig { tls })
                .map_err(|(flag, message)| format!("--{flag}: {message}"))
        }
    };
    Ok((endpoint.map_err(|error| error.to_string())?, client?))
}

/// Where the configuration listens.
fn configured(file: Option<PathBuf>) -> Result<String, String> {
    let sources = Sources { file, env: Environment::capture(), ..Sources::default() };
    let config = load(sources).map_err(|error| error.to_string())?.config;
    config.server.reached_at().ok_or_else(|| {
        "the configuration leaves the port to the system (`server.listen`); give the URL of the server"
            .to_owned()
    })
}

fn ask(args: &HealthArgs, endpoint: &Endpoint, client: &Client) -> Result<(u16, String), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
    let call = Call { endpoint: endpoint.clone(), headers: HeaderMap::new(), body: None };
    let answer = runtime.block_on(client.send(call, MAX_ANSWER, args.timeout.0));
    let answer = answer.map_err(|error| {
        let message = error.to_string();
        let refused = message.contains("Connection refused");
        let hint = if refused {
            "\nhint: nothing listens there; is the server running, and on this port?"
        } else {
            ""
        };
        message + hint
    })?;
    let mut body = String::from_utf8_lossy(&answer.body).into_owned();
    if !body.is_empty() && !body.ends_with('\n') {
        body.push('\n');
    }
    Ok((answer.status, body))
}
