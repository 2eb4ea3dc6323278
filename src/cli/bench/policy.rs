//! `verdict bench ENTRYPOINT`: evaluates a policy in this process, again and again, on one thread.
//!
//! What is timed is one call of [`pdp::decide`]: evaluation, and the answer's JSON. Reading the input is not in it.
//! Unlike OPA's, the percentiles come from all samples, not from a decaying reservoir of 1,028; bytes and allocations
//! an operation are left out, as they are not counted here.

use std::fmt::Write;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::histogram::{Latencies, Summary};
use super::load::Control;
use super::progress::supervise;
use super::report::{duration, grouped};
use super::{BenchError, Format, read_file};
use crate::bundle::{self, Bundle, Verification};
use crate::cli::verification::{VerificationArgs, WithoutKey};
use crate::model::clock::Clock;
use crate::model::decision::Outcome;
use crate::model::request::EntryPath;
use crate::model::units::Period;
use crate::pdp;
use crate::pdp::snapshot::Snapshot;
use crate::rego::{EvalLimits, Value};

/// A policy that is slower than what a server would let pass can still be measured.
const LIMITS: EvalLimits = EvalLimits::within(Duration::from_secs(10));
/// The share of a sample's time that is spent on evaluations before it, which are not counted.
const WARMUP_SHARE: u32 = 10;

/// The flags that go with an entry point.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "A policy in this process")]
pub struct PolicyArgs {
    /// The document to evaluate: `data.app.allow` or `app/allow`
    #[arg(value_name = "ENTRYPOINT", required_unless_present = "url", conflicts_with = "url")]
    pub entry: Option<String>,
    /// A bundle: a folder or a `.tar.gz`; may be given again
    #[arg(short, long = "bundle", value_name = "PATH", conflicts_with = "url")]
    pub bundles: Vec<PathBuf>,
    /// A policy or data file, or a folder of them; may be given again
    #[arg(short, long = "data", value_name = "PATH", conflicts_with = "url")]
    pub data: Vec<PathBuf>,
    /// How many samples to take
    #[arg(long, default_value_t = 1, value_parser = super::server::positive::<u32>, conflicts_with = "url")]
    pub count: u32,
    /// How long each sample evaluates
    #[arg(long, default_value = "1s", value_parser = super::server::parse_duration, conflicts_with = "url")]
    pub benchtime: Period,
    /// Whose signatures bundles must have
    #[command(flatten)]
    pub verification: VerificationArgs,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct PolicyReport {
    form: &'static str,
    interrupted: bool,
    entrypoint: String,
    outcome: Outcome,
    samples: Vec<Sample>,
}

/// One stretch of evaluations.
#[derive(Debug, Serialize)]
pub struct Sample {
    /// How many.
    pub iterations: u64,
    /// All of its time, with what the measuring itself took.
    pub elapsed_s: f64,
    /// The mean time of an evaluation, not rounded.
    pub ns_per_op: f64,
    /// The time of each evaluation.
    pub evaluation: Summary,
}

/// Loads, evaluates once, and then measures.
///
/// # Errors
/// [`BenchError::Usage`] for arguments and files that are no good, [`BenchError::Failed`] for a policy that does not
/// compile, or that has no answer: a benchmark of nothing would only mislead.
pub fn measure(args: &PolicyArgs, input: Option<&std::path::Path>) -> Result<PolicyReport, BenchError> {
    let entry = parse_entry(args.entry.as_deref().unwrap_or_default()).map_err(BenchError::Usage)?;
    let input = match input {
        None => None,
        Some(file) => {
            let place = |why| BenchError::Usage(format!("`{}`: {why}", file.display()));
            Some(Value::from_json(read_file(file)?.as_bytes()).map_err(|error| place(error.to_string()))?)
        }
    };
    let snapshot = load(args)?;
    let control = Control::default();
    let expected = args.benchtime.0 * args.count + args.benchtime.0 / WARMUP_SHARE * args.count;
    let measured =
        supervise(&control, expected, || Ok(samples(&snapshot, &entry, input.as_ref(), args, &control)))
            .map_err(|error| BenchError::Failed(format!("the measurement failed: {error}")))?;
    let (outcome, samples) = measured.map_err(BenchError::Failed)?;
    let interrupted = control.is_stopped();
    Ok(PolicyReport { form: "policy", interrupted, entrypoint: entry.to_string(), outcome, samples })
}

fn load(args: &PolicyArgs) -> Result<Snapshot, BenchError> {
    if args.bundles.is_empty() && args.data.is_empty() {
        return Err(BenchError::Usage(
            "there is no policy to measure; name it with `-b BUNDLE` or `-d FILE`, or a server with `--url`"
                .to_owned(),
        ));
    }
    let limits = bundle::Limits::from(&bundle::Config::default());
    let verification = args.verification.verification(WithoutKey::Warn).map_err(BenchError::Usage)?;
    let load = |path: &PathBuf, verification: &Verification| {
        bundle::load_verified(path, limits, verification)
            .map_err(|error| BenchError::Usage(error.to_string()))
    };
    let bundles = args.bundles.iter().map(|path| load(path, &verification));
    let mut bundles = bundles.collect::<Result<Vec<_>, _>>()?;
    args.verification.warn(&bundles);
    let read = |path| load(path, &Verification::skip());
    // Single files own nothing of their own: together they are one bundle.
    let files = args.data.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    bundles.extend(files.into_iter().reduce(join));
    let program = bundle::compile(&bundles).map_err(|error| BenchError::Failed(error.explained()))?;
    Ok(Snapshot::new(1, std::collections::BTreeMap::new(), program, Clock::System.now()))
}

fn join(mut one: Bundle, other: Bundle) -> Bundle {
    one.modules.extend(other.modules);
    one.documents.extend(other.documents);
    one
}

fn samples(
    snapshot: &Snapshot,
    entry: &EntryPath,
    input: Option<&Value>,
    args: &PolicyArgs,
    control: &Control,
) -> Result<(Outcome, Vec<Sample>), String> {
    let at = Clock::System.now();
    let decide = || pdp::decide(snapshot, entry, input.cloned(), at, &LIMITS);
    let first = decide();
    if let Outcome::Undefined | Outcome::Error = first.outcome {
        let why = first.reason.unwrap_or_default();
        return Err(format!("`{entry}` has no answer to measure: it is {} ({why})", first.outcome.name()));
    }
    let mut samples = Vec::new();
    for _ in 0..args.count {
        if control.is_stopped() {
            break;
        }
        sample(args.benchtime.0 / WARMUP_SHARE, control, decide);
        samples.push(sample(args.benchtime.0, control, decide));
    }
    Ok((first.outcome, samples))
}

/// Repeats `operation` for `time`, at least once.
fn sample<T>(time: Duration, control: &Control, operation: impl Fn() -> T) -> Sample {
    let mut evaluations = Latencies::default();
    let (started, mut iterations, mut spent) = (Instant::now(), 0_u32, Duration::ZERO);
    loop {
        let before = Instant::now();
        black_box(operation());
        let taken = before.elapsed();
        evaluations.record(taken);
        spent += taken;
        iterations += 1;
        control.count();
        if started.elapsed() >= time || control.is_stopped() || iterations == u32::MAX {
            break;
        }
    }
    Sample {
        iterations: u64::from(iterations),
        elapsed_s: started.elapsed().as_secs_f64(),
        ns_per_op: spent.as_nanos() as f64 / f64::from(iterations),
        evaluation: evaluations.summary(),
    }
}

/// Reads `data.app.allow` as Rego writes it, or `app/allow` as URLs do.
fn parse_entry(text: &str) -> Result<EntryPath, String> {
    let dotted = text == "data" || text.starts_with("data.");
    if !dotted {
        return EntryPath::parse(text);
    }
    let segments: Vec<_> = text.split('.').skip(1).map(str::to_owned).collect();
    let name = |segment: &String| {
        !segment.starts_with(|c: char| c.is_ascii_digit())
            && !segment.is_empty()
            && segment.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if segments.iter().all(name) {
        Ok(EntryPath::from_segments(segments))
    } else {
        Err(format!("`{text}` is not a dotted path; write it as a url does, e.g. `app/allow`"))
    }
}

/// The report in the form that was asked for.
pub fn render(report: &PolicyReport, format: Format) -> String {
    match format {
        Format::Json => {
            let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
            text.push('\n');
            text
        }
        Format::Pretty => pretty(report),
        Format::Gobench => report.samples.iter().map(|sample| gobench(&report.entrypoint, sample)).collect(),
    }
}

fn gobench(entrypoint: &str, sample: &Sample) -> String {
    let Summary { p50_ns, p99_ns, p99_9_ns, max_ns, .. } = sample.evaluation;
    format!(
        "BenchmarkDecide/{entrypoint}\t{}\t{:.1} ns/op\t{p50_ns} p50-ns/op\t{p99_ns} p99-ns/op\t{p99_9_ns} p99.9-ns/op\t{max_ns} max-ns/op\n",
        sample.iterations, sample.ns_per_op
    )
}

fn pretty(report: &PolicyReport) -> String {
    let mut text = format!("{}: {}\n", report.entrypoint, report.outcome.name());
    if report.interrupted {
        text.push_str("stopped early: these are the figures so far\n");
    }
    for (number, sample) in (1..).zip(&report.samples) {
        let Summary { min_ns, mean_ns, stddev_ns, p50_ns, p75_ns, p90_ns, p95_ns, .. } = sample.evaluation;
        let Summary { p99_ns, p99_9_ns, p99_99_ns, max_ns, .. } = sample.evaluation;
        let ns = |nanos: u64| duration(nanos as f64);
        let rows = [
            ("evaluations", grouped(sample.iterations as f64)),
            ("time", format!("{:.2} s", sample.elapsed_s)),
            ("ns/op", grouped(sample.ns_per_op.round())),
            ("min", ns(min_ns)),
            ("mean", duration(mean_ns)),
            ("stddev", duration(stddev_ns)),
            ("p50", ns(p50_ns)),
            ("p75", ns(p75_ns)),
            ("p90", ns(p90_ns)),
            ("p95", ns(p95_ns)),
            ("p99", ns(p99_ns)),
            ("p99.9", ns(p99_9_ns)),
            ("p99.99", ns(p99_99_ns)),
            ("max", ns(max_ns)),
        ];
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n  sample {number}");
        for (name, value) in rows {
            let _ = writeln!(text, "  {name:<12} {value:>14}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_points_as_rego_or_as_a_url() {
        for (text, expected) in [
            ("data.app.allow", Some("app/allow")),
            ("app/allow", Some("app/allow")),
            ("/app/allow/", Some("app/allow")),
            ("data", Some("")),
            ("app", Some("app")),
            ("data.app[\"x\"]", None),
            ("data.app.", None),
            ("data.app.1x", None),
            ("app//allow", None),
        ] {
            assert_eq!(parse_entry(text).ok().map(|path| path.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_sample_counts_each_evaluation() {
        let calls = std::cell::Cell::new(0);
        let taken = sample(Duration::from_millis(5), &Control::default(), || calls.set(calls.get() + 1));
        assert_eq!((taken.iterations, taken.evaluation.samples), (calls.get(), calls.get()));
        assert!(taken.elapsed_s >= 0.005);
        let once = sample(Duration::ZERO, &Control::default(), || ());
        assert_eq!(once.iterations, 1);
    }
}
