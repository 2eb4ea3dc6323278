//! `verdict bench QUERY`: evaluates a policy in this process, again and again, on one thread.
//!
//! What is timed of a document is one call of [`crate::pdp::decide`]: evaluation, and the answer's JSON; of any other
//! query, its evaluation. Reading the input is not in it. Unlike OPA's, the percentiles come from all samples, not from a
//! decaying reservoir of 1,028; the bytes are those of values, as the limit of memory counts them, and the number of
//! allocations is left out, as it is not counted.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::ArgAction;
use serde::Serialize;

use self::asked::Asked;
use super::histogram::{Latencies, Summary};
use super::load::Control;
use super::progress::supervise;
use super::report::{duration, grouped};
use super::{BenchError, Format};
use crate::cli::around::ErrorArgs;
use crate::cli::envelope::EnvelopeArgs;
use crate::cli::eval::{read_input, read_standard_input};
use crate::cli::reading::ReadingArgs;
use crate::cli::sources;
use crate::model::clock::Clock;
use crate::model::decision::Outcome;
use crate::model::units::Period;
use verdict_rego::query::Scope;
use verdict_rego::{EvalLimits, Program, Value, spent_by_last};

mod asked;

/// A policy that is slower than what a server would let pass can still be measured.
const LIMITS: EvalLimits = EvalLimits::within(Duration::from_secs(10));
/// The share of a sample's time that is spent on evaluations before it, which are not counted.
const WARMUP_SHARE: u32 = 10;

/// The flags that go with an entry point.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "A policy in this process")]
pub struct PolicyArgs {
    /// Document to evaluate (`data.app.allow` or `app/allow`), or any query
    #[arg(value_name = "QUERY", required_unless_present = "url", conflicts_with = "url")]
    pub entry: Option<String>,
    /// Package in which the query is evaluated
    #[arg(long, value_name = "PACKAGE", conflicts_with = "url")]
    pub package: Option<String>,
    /// Import for the query, e.g. `data.lib as l`; repeatable
    #[arg(long, value_name = "IMPORT", conflicts_with = "url")]
    pub import: Vec<String>,
    /// Read the input document from standard input
    #[arg(short = 'I', long, conflicts_with_all = ["url", "input"])]
    pub stdin_input: bool,
    /// Include the histogram of times under OPA's names in JSON
    #[arg(long, action = ArgAction::Set, default_value_t = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL", conflicts_with = "url")]
    pub metrics: bool,
    /// Fail if the result is undefined; with `--url`, if no answer is a decision
    #[arg(long, action = ArgAction::Set, default_value_t = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL")]
    pub fail: bool,
    /// Bundle: a directory or an archive; repeatable
    #[arg(short, long = "bundle", value_name = "PATH", conflicts_with = "url")]
    pub bundles: Vec<PathBuf>,
    /// Policy or data file, or a directory of them; repeatable
    #[arg(short, long = "data", value_name = "PATH", conflicts_with = "url")]
    pub data: Vec<PathBuf>,
    /// Report the bytes of values that an evaluation makes; an estimate
    #[arg(long, action = ArgAction::Set, default_value_t = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL", conflicts_with = "url")]
    pub benchmem: bool,
    /// Number of samples
    #[arg(long, default_value_t = 1, value_parser = super::server::positive::<u32>, conflicts_with = "url")]
    pub count: u32,
    /// Duration of each sample
    #[arg(long, default_value = "1s", value_parser = super::server::parse_duration, conflicts_with = "url")]
    pub benchtime: Period,
    /// What an error of a built-in does
    #[command(flatten)]
    pub errors: ErrorArgs,
    /// Who asks for what
    #[command(flatten)]
    pub envelope: EnvelopeArgs,
    /// How policy is read and checked
    #[command(flatten)]
    pub reading: ReadingArgs,
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
    /// The bytes of values that an evaluation made in the mean, if wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_op: Option<f64>,
    /// The time of each evaluation.
    pub evaluation: Summary,
    /// The same by the names of OPA's JSON.
    #[serde(flatten)]
    pub go: GoResult,
}

/// What Go's benchmarks call their results.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GoResult {
    /// How many evaluations.
    pub n: u64,
    /// How long they took together, in nanoseconds.
    pub t: u64,
    /// The bytes of values that they made together, if wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem_bytes: Option<u64>,
    /// The histogram, where it is wanted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, f64>,
}

/// Loads, evaluates once, and then measures.
///
/// # Errors
/// [`BenchError::Usage`] for arguments that are no good, [`BenchError::Failed`] for files that are not, for a policy that does not
/// compile, or that has no answer: a benchmark of nothing would only mislead.
pub fn measure(args: &PolicyArgs, input: Option<&std::path::Path>) -> Result<PolicyReport, BenchError> {
    let text = args.entry.as_deref().unwrap_or_default();
    let input = match (input, args.stdin_input) {
        (Some(file), _) => Some(read_input(file)),
        (None, true) => Some(read_standard_input()),
        (None, false) => None,
    };
    let input =
        input.transpose().and_then(|given| args.envelope.around(given)).map_err(BenchError::Failed)?;
    let program = load(args)?;
    let scope = Scope { package: args.package.clone(), imports: args.import.clone() };
    let asked = Asked::read(text, &scope, &program).map_err(BenchError::Failed)?;
    let entry = match &asked {
        Asked::Document(path) => path.to_string(),
        Asked::Query(_) => text.trim().to_owned(),
    };
    let control = Control::default();
    let expected = args.benchtime.0 * args.count + args.benchtime.0 / WARMUP_SHARE * args.count;
    let measured = supervise(&control, expected, || {
        Ok(samples(&program, (&asked, &entry), input.as_ref(), args, &control))
    })
    .map_err(|error| BenchError::Failed(format!("the measurement failed: {error}")))?;
    let (outcome, samples) = measured.map_err(BenchError::Failed)?;
    let interrupted = control.is_stopped();
    Ok(PolicyReport { form: "policy", interrupted, entrypoint: entry, outcome, samples })
}

fn load(args: &PolicyArgs) -> Result<Program, BenchError> {
    if args.bundles.is_empty() && args.data.is_empty() {
        return Err(BenchError::Usage(
            "there is no policy to measure; name it with `-b BUNDLE` or `-d FILE`, or a server with `--url`"
                .to_owned(),
        ));
    }
    let program = sources::load_together(&args.bundles, &args.data, &args.reading);
    program.map_err(|problem| BenchError::Failed(problem.to_string()))
}

fn samples(
    program: &Program,
    (asked, entry): (&Asked, &str),
    input: Option<&Value>,
    args: &PolicyArgs,
    control: &Control,
) -> Result<(Outcome, Vec<Sample>), String> {
    let at = Clock::System.now();
    let limits = EvalLimits { strict: args.errors.strict(), ..LIMITS };
    let decide = || asked.evaluate(program, input, at, limits);
    let (outcome, why) = decide();
    if outcome == Outcome::Error || (outcome == Outcome::Undefined && args.fail) {
        let why = why.unwrap_or_default();
        return Err(format!("`{entry}` has no answer to measure: it is {} ({why})", outcome.name()));
    }
    let mut samples = Vec::new();
    for _ in 0..args.count {
        if control.is_stopped() {
            break;
        }
        sample(args.benchtime.0 / WARMUP_SHARE, control, decide);
        let mut measured = sample(args.benchtime.0, control, decide);
        if !args.benchmem {
            (measured.bytes_per_op, measured.go.mem_bytes) = (None, None);
        }
        if args.metrics {
            measured.go.extra = histogram(&measured.evaluation);
        }
        samples.push(measured);
    }
    Ok((outcome, samples))
}

/// Repeats `operation` for `time`, at least once.
fn sample<T>(time: Duration, control: &Control, operation: impl Fn() -> T) -> Sample {
    let mut evaluations = Latencies::default();
    let (started, mut iterations, mut spent) = (Instant::now(), 0_u32, Duration::ZERO);
    let mut bytes = 0_u64;
    loop {
        let before = Instant::now();
        black_box(operation());
        let taken = before.elapsed();
        bytes = bytes.saturating_add(spent_by_last() as u64);
        evaluations.record(taken);
        spent += taken;
        iterations += 1;
        control.count();
        if started.elapsed() >= time || control.is_stopped() || iterations == u32::MAX {
            break;
        }
    }
    let nanos = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
    Sample {
        go: GoResult { n: u64::from(iterations), t: nanos, mem_bytes: Some(bytes), extra: BTreeMap::new() },
        bytes_per_op: Some(bytes as f64 / f64::from(iterations)),
        iterations: u64::from(iterations),
        elapsed_s: started.elapsed().as_secs_f64(),
        ns_per_op: spent.as_nanos() as f64 / f64::from(iterations),
        evaluation: evaluations.summary(),
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

/// The figures of all evaluations by OPA's names.
fn histogram(summary: &Summary) -> BTreeMap<String, f64> {
    let Summary { samples, min_ns, mean_ns, stddev_ns, p50_ns, p75_ns, p90_ns, p95_ns, .. } = *summary;
    let Summary { p99_ns, p99_9_ns, p99_99_ns, max_ns, .. } = *summary;
    let figures = [
        ("count", samples as f64),
        ("min", min_ns as f64),
        ("max", max_ns as f64),
        ("mean", mean_ns),
        ("stddev", stddev_ns),
        ("median", p50_ns as f64),
        ("75%", p75_ns as f64),
        ("90%", p90_ns as f64),
        ("95%", p95_ns as f64),
        ("99%", p99_ns as f64),
        ("99.9%", p99_9_ns as f64),
        ("99.99%", p99_99_ns as f64),
    ];
    figures.into_iter().map(|(name, ns)| (format!("histogram_timer_rego_query_eval_ns_{name}"), ns)).collect()
}

fn gobench(entrypoint: &str, sample: &Sample) -> String {
    // A name ends at a blank.
    let entrypoint = entrypoint.split_whitespace().collect::<Vec<_>>().join("_");
    let Summary { p50_ns, p99_ns, p99_9_ns, max_ns, .. } = sample.evaluation;
    let memory = sample.bytes_per_op.map(|bytes| format!("\t{bytes:.0} B/op")).unwrap_or_default();
    format!(
        "BenchmarkDecide/{entrypoint}\t{}\t{:.1} ns/op{memory}\t{p50_ns} p50-ns/op\t{p99_ns} p99-ns/op\t{p99_9_ns} p99.9-ns/op\t{max_ns} max-ns/op\n",
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
            ("samples", grouped(sample.iterations as f64)),
            ("time", format!("{:.2} s", sample.elapsed_s)),
            ("ns/op", grouped(sample.ns_per_op.round())),
            ("B/op", sample.bytes_per_op.map_or_else(|| "-".to_owned(), |bytes| grouped(bytes.round()))),
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
    fn a_sample_counts_each_evaluation() {
        let calls = std::cell::Cell::new(0);
        let taken = sample(Duration::from_millis(5), &Control::default(), || calls.set(calls.get() + 1));
        assert_eq!((taken.iterations, taken.evaluation.samples), (calls.get(), calls.get()));
        assert!(taken.elapsed_s >= 0.005);
        let once = sample(Duration::ZERO, &Control::default(), || ());
        assert_eq!(once.iterations, 1);
    }
}
