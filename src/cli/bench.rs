//! `verdict bench`: how fast is a policy in this process, or a running server?
//!
//! Two forms, told apart by `--url`: a policy evaluated in-process ([`policy`], OPA's statistics), and a load on a
//! server ([`server`]; the generator itself is [`load`], for benchmarks to call as a library).
//!
//! INVARIANT (all samples): every percentile comes from every sample, in an HDR histogram; nothing is sampled away.
//! INVARIANT (nothing made up): what cannot be measured here, such as the number of allocations, is left out.
//!
//! Reading order: [`BenchArgs`] → [`server`] → [`load`] → [`client`] → [`report`]; then [`policy`].

use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub mod client;
pub mod histogram;
pub mod load;
mod nothing;
pub mod policy;
mod progress;
pub mod report;
pub mod requests;
pub mod server;
pub mod url;

use super::paint;
use super::print::{complain, print};
use super::terminal::Terminal;

pub use load::{LoadReport, closed_loop};

/// Arguments of `verdict bench`.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// The input document, as JSON
    #[arg(short, long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Pretty)]
    pub format: Format,
    /// What goes with an entry point.
    #[command(flatten)]
    pub policy: policy::PolicyArgs,
    /// What goes with `--url`.
    #[command(flatten)]
    pub server: server::ServerArgs,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Human-readable text
    Pretty,
    /// JSON, with the unit in the name of every number
    Json,
    /// Lines for Go's benchmark tools; policies only
    Gobench,
}

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The arguments, or a file they name, are no good.
    #[error("{0}")]
    Usage(String),
    /// What was to be measured does not work.
    #[error("{0}")]
    Failed(String),
}

/// A report, ready to print.
#[derive(Debug)]
pub struct Finished {
    /// The report in the form that was asked for.
    pub text: String,
    /// Whether every request was answered, and none with a 5xx.
    pub sound: bool,
    /// Of each server from which no decision came: why, and what to do about it. Not sound either.
    pub nothing: Vec<String>,
}

/// Runs `verdict bench` and prints its report: exit code 0, or 1 when a request failed or got a 5xx, or none was
/// decided, or 2 when the arguments are no good.
pub fn run(args: BenchArgs) -> ExitCode {
    let pretty = args.format == Format::Pretty;
    match bench(args) {
        Ok(finished) => {
            let terminal = Terminal::out();
            print(&if pretty { paint::report(&finished.text, terminal) } else { finished.text });
            finished.nothing.iter().for_each(|why| complain(why));
            ExitCode::from(u8::from(!finished.sound))
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(if matches!(error, BenchError::Usage(_)) { 2 } else { 1 })
        }
    }
}

/// Measures, without printing.
///
/// # Errors
/// When there is nothing to report.
pub fn bench(args: BenchArgs) -> Result<Finished, BenchError> {
    let BenchArgs { policy, input, format, server } = args;
    if server.url.is_none() {
        let report = policy::measure(&policy, input.as_deref())?;
        return Ok(Finished { text: policy::render(&report, format), sound: true, nothing: Vec::new() });
    }
    if !policy.envelope.is_empty() {
        return Err(BenchError::Usage(
            "`--principal`, `--action` and the like are for a policy in this process; a server reads the caller from the \
             credential (`--token`) and the rest from `--input`"
                .to_owned(),
        ));
    }
    if format == Format::Gobench {
        return Err(BenchError::Usage(
            "--format gobench is for a policy; a server has pretty and json".to_owned(),
        ));
    }
    let measured = server::measure(server, input.as_deref())?;
    let text = match format {
        Format::Json => report::json(&measured),
        Format::Pretty | Format::Gobench => report::pretty(&measured),
    };
    let nothing: Vec<String> = match policy.fail {
        true => {
            let of = |server| nothing::nothing_measured(server, &measured.args);
            measured.servers.iter().filter_map(of).collect()
        }
        false => Vec::new(),
    };
    let sound = nothing.is_empty() && measured.servers.iter().all(server::MeasuredServer::is_sound);
    Ok(Finished { text, sound, nothing })
}

fn read_file(path: &Path) -> Result<String, BenchError> {
    std::fs::read_to_string(path)
        .map_err(|error| BenchError::Usage(format!("cannot read `{}`: {error}", path.display())))
}
