//! `verdict check-tls`: why a TLS handshake fails, and what to do; or whether a start would accept the files of a configuration.
//!
//! Exit code: 0 if nothing is wrong, 1 if something is, 2 for wrong arguments, or files that say who is trusted and cannot be read.

use std::path::PathBuf;
use std::process::ExitCode;

use self::show::{ListenerReport, of_files, of_handshake};
use super::print::{complain, print};
use crate::app;
use crate::config::{Environment, Profile, Sources, load};
use crate::handshake::address::{Target, name};
use crate::handshake::own::Own;
use crate::handshake::probe::{Probe, Report, report};
use crate::handshake::problem::Problem;
use crate::handshake::provider::provider;
use crate::handshake::{files, trust::Trust};
use crate::identity::spiffe::id::SpiffeId;
use crate::model::clock::Clock;

mod show;

/// Arguments of `verdict check-tls`.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckTlsArgs {
    /// Server to shake hands with; the port is 443 unless said otherwise
    #[arg(value_name = "HOST[:PORT]", required_unless_present = "config")]
    target: Option<String>,
    /// Name that the server's certificate must have [default: HOST]
    #[arg(long, value_name = "NAME", requires = "target")]
    server_name: Option<String>,
    /// Trust the authorities in this PEM file [default: those of the system]
    #[arg(long, value_name = "FILE", requires = "target")]
    ca: Option<PathBuf>,
    /// Show this certificate, in PEM, if the server is trusted and asks for one
    #[arg(long, value_name = "FILE", requires_all = ["key", "target"])]
    cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Trust the X.509-SVIDs of the trust domain with this bundle; the name does not count
    #[arg(long, value_name = "FILE", requires = "target", conflicts_with = "ca")]
    spiffe_bundle: Option<PathBuf>,
    /// SPIFFE ID that the server must have [default: any of the trust domain]
    #[arg(long, value_name = "ID", requires = "spiffe_bundle")]
    spiffe_id: Option<String>,
    /// Read the files of `server.tls` and `management.tls` in this configuration instead
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &CheckTlsArgs) -> ExitCode {
    let done = match (&args.config, &args.target) {
        (Some(config), _) => configured(args, config.clone()),
        (None, target) => shaken(args, target.as_deref().unwrap_or_default()),
    };
    match done {
        Ok(right) => ExitCode::from(u8::from(!right)),
        Err(message) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

/// Whether nothing is wrong.
fn shaken(args: &CheckTlsArgs, target: &str) -> Result<bool, String> {
    let now = Clock::System.now();
    let provider = provider();
    let target = Target::parse(target).map_err(|why| format!("`{target}` is no server: {why}"))?;
    let called = args.server_name.as_deref().unwrap_or(&target.host);
    let name = name(called)?;
    let id = args.spiffe_id.as_deref().map(SpiffeId::parse).transpose();
    let id = id.map_err(|why| format!("--spiffe-id {why}"))?;
    let trust = match (&args.spiffe_bundle, &args.ca) {
        (Some(bundle), _) => Trust::trust_domain(bundle, id)?,
        (None, Some(file)) => Trust::file(file, &provider)?,
        (None, None) => Trust::system(&provider)?,
    };
    let own = args.cert.as_ref().zip(args.key.as_ref());
    let own = own.map(|(cert, key)| Own::read(cert, key, &provider, now)).transpose();
    let report = match own {
        Ok(own) => report(Probe { target, name, trust, own, now, provider })?,
        Err(problem) => Report { target: target.to_string(), problems: vec![problem], ..Report::default() },
    };
    print(&of_handshake(&report, args.json));
    Ok(report.problems.is_empty())
}

/// Whether a start would accept all of the files, and clients what is in them.
fn configured(args: &CheckTlsArgs, file: PathBuf) -> Result<bool, String> {
    let sources = Sources {
        file: Some(file),
        env: Environment::capture(),
        profile: Profile::Inspect,
        ..Sources::default()
    };
    let loaded = load(sources).map_err(|error| error.to_string())?;
    let listeners = app::listener_files(&loaded, &Clock::System);
    if listeners.is_empty() {
        return Err("the configuration has neither `server.tls` nor `management.tls`: both listeners speak plain HTTP".to_owned());
    }
    let reports: Vec<ListenerReport> = listeners.iter().map(listener).collect();
    print(&of_files(&reports, args.json));
    Ok(reports.iter().all(|report| report.problems.is_empty()))
}

fn listener(listener: &app::ListenerFiles) -> ListenerReport {
    let (chain, mut problems) = match files::read(&listener.cert, Clock::System.now()) {
        Ok(read) => read,
        // The start says it, too.
        Err(_) if listener.refused.is_some() => (Vec::new(), Vec::new()),
        Err(why) => (Vec::new(), vec![Problem::new("bad_certificate", why, "have a new one issued")]),
    };
    if let Some(why) = &listener.refused {
        problems.insert(0, Problem::new("start_refused", why, "Verdict does not start with these files"));
    }
    ListenerReport { listener: listener.key, accepted: listener.refused.is_none(), chain, problems }
}
