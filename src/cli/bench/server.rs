//! `verdict bench --url`: loads a running server, or two in turn.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::load::{self, Control, Limit, LoadReport, Pace, Plan};
use super::progress::supervise;
use super::requests::{PreparedRequest, RequestSet, parse_header};
use super::url::Url;
use super::{BenchError, read_file};
use crate::cli::print::warn;
use crate::model::secret::Secret;
use crate::model::units::Period;

/// The flags that go with `--url`; without it, they are refused.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "A running server")]
pub struct ServerArgs {
    /// URL to send requests to, e.g. `http://127.0.0.1:8181/v1/data/app/allow`
    #[arg(long)]
    pub url: Option<String>,
    /// Requests per second, sent whether or not responses keep up (open loop) [default: closed loop]
    #[arg(long, value_name = "PER_SECOND", value_parser = parse_rate, conflicts_with = "entry")]
    pub rate: Option<f64>,
    /// Number of open connections
    #[arg(long, default_value_t = 32, value_parser = positive::<usize>, conflicts_with = "entry")]
    pub connections: usize,
    /// Threads of the load generator; one is enough for about 100,000 requests a second
    #[arg(long, default_value_t = 1, value_parser = positive::<usize>, conflicts_with = "entry")]
    pub threads: usize,
    /// Duration of the measurement (of each server, with `--compare`)
    #[arg(long, default_value = "10s", value_parser = parse_duration, conflicts_with = "entry")]
    pub duration: Period,
    /// Warm-up before measuring
    #[arg(long, default_value = "2s", conflicts_with = "entry")]
    pub warmup: Period,
    /// Timeout of a request
    #[arg(long, default_value = "5s", value_parser = parse_duration, conflicts_with = "entry")]
    pub timeout: Period,
    /// Requests to send in turn: a JSON array or JSON lines; each is a body, or a whole request as
    /// `{"method", "path", "headers", "body"}`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["entry", "input"])]
    pub requests: Option<PathBuf>,
    /// Bearer token to send; it is visible in the process list, so prefer `--token-file`
    #[arg(long, value_parser = parse_secret, conflicts_with_all = ["entry", "token_file"])]
    pub token: Option<Secret<String>>,
    /// File that contains the bearer token to send
    #[arg(long, value_name = "FILE", conflicts_with = "entry")]
    pub token_file: Option<PathBuf>,
    /// Header to send, as `name:value`; repeatable
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = parse_secret, conflicts_with = "entry")]
    pub headers: Vec<Secret<String>>,
    /// Second server to compare with, measured with the same requests in alternating rounds
    #[arg(long, value_name = "URL", conflicts_with = "entry")]
    pub compare: Option<String>,
    /// Number of rounds for each server, with `--compare`
    #[arg(long, default_value_t = 5, value_parser = positive::<u32>, requires = "compare", conflicts_with = "entry")]
    pub rounds: u32,
}

/// What was measured: one server, or two, each with its rounds.
#[derive(Debug)]
pub struct Measured {
    /// The flags it was measured with.
    pub args: ServerArgs,
    /// The servers, in the order in which they were named.
    pub servers: Vec<MeasuredServer>,
    /// Whether it was stopped before its time.
    pub interrupted: bool,
}

/// One server's share of a [`Measured`].
#[derive(Debug)]
pub struct MeasuredServer {
    /// Its URL, as it was given.
    pub url: String,
    /// Each round; a single one without `--compare`.
    pub rounds: Vec<LoadReport>,
}

impl MeasuredServer {
    /// All rounds together.
    pub fn total(&self) -> LoadReport {
        let mut rounds = self.rounds.iter();
        let mut total = rounds.next().cloned().unwrap_or_default();
        rounds.for_each(|round| total.merge(round));
        total
    }

    /// Whether every request was answered, and none with a server error.
    pub fn is_sound(&self) -> bool {
        self.rounds.iter().all(|round| round.tally.failures.total() == 0 && round.tally.of_class(5) == 0)
    }
}

/// A server that has been found to listen, and the requests rendered for it.
struct Ready {
    url: Url,
    address: SocketAddr,
    requests: Arc<[PreparedRequest]>,
}

/// Measures; shows progress on a terminal, and stops early on Ctrl-C.
///
/// # Errors
/// [`BenchError::Usage`] for arguments and files that are no good, [`BenchError::Failed`] when a server cannot be
/// reached before anything was measured.
pub fn measure(args: ServerArgs, input: Option<&Path>) -> Result<Measured, BenchError> {
    let servers = prepare(&args, input)?;
    let rounds = if servers.len() > 1 { args.rounds } else { 1 };
    let plan = Plan {
        target: SocketAddr::from(([0, 0, 0, 0], 0)),
        connections: args.connections,
        threads: args.threads,
        pace: args.rate.map_or(Pace::Closed, Pace::Open),
        warmup: args.warmup.0 / rounds,
        limit: Limit::Time(args.duration.0 / rounds),
        timeout: args.timeout.0,
    };
    let control = Arc::new(Control::default());
    let count = u32::try_from(servers.len()).unwrap_or(u32::MAX);
    let expected = (args.warmup.0 + args.duration.0) * count;
    let mut measured: Vec<_> = servers
        .iter()
        .map(|server| MeasuredServer { url: server.url.to_string(), rounds: Vec::new() })
        .collect();
    supervise(&control, expected, || {
        for _ in 0..rounds {
            for (server, measured) in servers.iter().zip(&mut measured) {
                if control.is_stopped() {
                    return Ok(());
                }
                let plan = Plan { target: server.address, ..plan.clone() };
                measured.rounds.push(load::run(&plan, &server.requests, &control)?);
            }
        }
        Ok(())
    })
    .map_err(|error| BenchError::Failed(format!("the load generator failed: {error}")))?;
    Ok(Measured { args, servers: measured, interrupted: control.is_stopped() })
}

fn prepare(args: &ServerArgs, input: Option<&Path>) -> Result<Vec<Ready>, BenchError> {
    let headers = headers(args).map_err(BenchError::Usage)?;
    let file = args.requests.as_deref().or(input).unwrap_or(Path::new("-"));
    let set = match (&args.requests, input) {
        (Some(_), _) => RequestSet::parse(&read_file(file)?),
        (None, Some(_)) => RequestSet::of_input(Some(&read_file(file)?)),
        (None, None) => RequestSet::of_input(None),
    };
    let set = set.map_err(|why| BenchError::Usage(format!("`{}`: {why}", file.display())))?;
    let urls = args.url.iter().chain(&args.compare).map(|url| Url::parse(url));
    let urls = urls.collect::<Result<Vec<_>, _>>().map_err(BenchError::Usage)?;
    if let Some(warning) = urls.first().and_then(|url| set.warning(&file.display().to_string(), url)) {
        warn(&warning);
    }
    let ready = urls.into_iter().map(|url| {
        let address = find(&url, args.timeout.0).map_err(BenchError::Failed)?;
        Ok(Ready { address, requests: set.prepare(&url, &headers).into(), url })
    });
    ready.collect()
}

fn headers(args: &ServerArgs) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let mut headers = Vec::new();
    for header in &args.headers {
        let (name, value) = header
            .expose()
            .split_once(':')
            .ok_or("a --header has no colon; write `--header name:value`".to_owned())?;
        headers.push(parse_header(name.trim(), value.trim())?);
    }
    let token = match (&args.token, &args.token_file) {
        (Some(token), _) => Some(token.clone()),
        (None, Some(file)) => {
            Some(Secret::new(read_file(file).map_err(|error| error.to_string())?.trim().to_owned()))
        }
        (None, None) => None,
    };
    if let Some(token) = token {
        if token.expose().is_empty() {
            return Err("the token is empty".to_owned());
        }
        headers.push(parse_header("authorization", &format!("Bearer {}", token.expose()))?);
    }
    Ok(headers)
}

/// The first address of the URL's host that takes a connection.
fn find(url: &Url, timeout: Duration) -> Result<SocketAddr, String> {
    let mut last = None;
    for address in url.resolve()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(_) => return Ok(address),
            Err(error) => last = Some((address, error)),
        }
    }
    let Some((address, error)) = last else { return Err(format!("`{url}` has no address")) };
    let hint = match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "nothing listens there; start the server first, e.g. with `verdict dev`"
        }
        io::ErrorKind::TimedOut => "no answer at all; is a firewall in between, or the address wrong?",
        _ => "check host and port",
    };
    Err(format!("cannot connect to {address} for `{url}`: {error}\nhint: {hint}"))
}

fn parse_rate(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|rate| rate.is_finite() && (0.001..=10_000_000.0).contains(rate))
        .ok_or_else(|| format!("`{text}` is not a rate; write requests a second, from 0.001 to 10000000"))
}

/// Reads a time to measure for: more than nothing, and no more than a day.
pub(super) fn parse_duration(text: &str) -> Result<Period, String> {
    let period: Period = text.parse()?;
    if period.0.is_zero() || period.0 > Duration::from_secs(86_400) {
        return Err(format!("`{text}` is out of range; write more than 0 and at most 1d"));
    }
    Ok(period)
}

fn parse_secret(text: &str) -> Result<Secret<String>, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

/// Reads a whole number above 0.
pub(super) fn positive<T: std::str::FromStr + Default + PartialOrd>(text: &str) -> Result<T, String> {
    text.parse()
        .ok()
        .filter(|number| *number > T::default())
        .ok_or_else(|| format!("`{text}` is not a whole number above 0"))
}
