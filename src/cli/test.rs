//! `verdict test`: runs policy tests.
//!
//! Runs the `test_` rules and fixture files (see [`crate::testing`]) of every path and prints a report.
//!
//! Exit code, as for `opa test`: 0 if all tests passed; 2 if a test failed or was skipped, or if coverage is below
//! `--threshold`; 1 if something could not be run, or, with `--fail-on-empty`, if there was nothing to run.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use regex::Regex;

use self::pretty::Shown;
use super::around::{self, ErrorArgs};
use super::print::{self, complain, print};
use super::reading::ReadingArgs;
use super::sources::{self, Named, Source};
use super::terminal::Terminal;
use crate::bundle::tree::{Purpose, Root};
use crate::model::units::Period;
use crate::testing::{self, Explained, Options, Summary};
use verdict_rego::diagnostic::SHOWN;

mod coverage;
mod gobench;
mod json;
mod junit;
mod pretty;
pub(super) mod watch;

/// Arguments of `verdict test`.
#[derive(Debug, Clone, clap::Args)]
pub struct TestArgs {
    /// Bundles (folders or archives), directories of bundles, or files and folders of policy, data and tests [default:
    /// policies bundles]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Treat each path as one bundle
    #[arg(short, long)]
    pub bundle: bool,
    /// Run only tests with a matching name
    #[arg(short, long, value_name = "REGEX")]
    pub run: Option<Regex>,
    /// List all tests, not only failures
    #[arg(short, long)]
    pub verbose: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Pretty)]
    pub format: Format,
    /// Rerun tests when files change
    #[arg(short, long)]
    pub watch: bool,
    /// Time limit for each test
    #[arg(long, default_value = "5s", value_name = "DURATION")]
    pub timeout: Period,
    /// Fail if a path has no tests
    #[arg(long)]
    pub fail_on_empty: bool,
    /// Exit with 0 even if tests were skipped (`todo_test_…`)
    #[arg(short = 'z', long)]
    pub exit_zero_on_skipped: bool,
    /// Report line coverage of policy and tests
    #[arg(short, long)]
    pub coverage: bool,
    /// Exit with 2 if coverage is below this percentage; implies `--coverage`
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub threshold: Option<f64>,
    /// Show all conditions that failed in tests that fail (`fails`, `notes`), or in all tests, and the rules that held
    /// (`full`, `debug`) [default: those of tests that fail, shortened]
    #[arg(long, value_enum, value_name = "HOW")]
    pub explain: Option<Explain>,
    /// Show the variables of the condition at which a failing test stopped
    #[arg(long)]
    pub var_values: bool,
    /// Repeat the tests this many times, until a test fails
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Number of `test_` rules to run in parallel [default: number of CPUs]
    #[arg(short, long, value_name = "NUMBER")]
    pub parallel: Option<NonZeroUsize>,
    /// What an error of a built-in does
    #[command(flatten)]
    pub errors: ErrorArgs,
    /// Benchmark each passing `test_` rule, one at a time
    #[arg(long, conflicts_with = "coverage")]
    pub bench: bool,
    /// Options for parsing and checking policy
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// OPA's kinds of explanation. Here there is one, of tests that fail or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Explain {
    /// None
    Off,
    /// Tests that fail
    Fails,
    /// The same
    Notes,
    /// All tests
    Full,
    /// The same
    Debug,
}

impl Explain {
    const fn which(self) -> Explained {
        match self {
            Self::Off => Explained::None,
            Self::Fails | Self::Notes => Explained::Failing,
            Self::Full | Self::Debug => Explained::All,
        }
    }
}

/// How long `--bench` repeats a test.
const BENCH: Duration = Duration::from_secs(1);

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| format!("`{text}` is not a number from 0 to 100"))
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Human-readable text
    Pretty,
    /// JSON, in the format of `opa test --format json`
    Json,
    /// JUnit XML for CI servers
    Junit,
    /// Go benchmark format; requires `--bench`
    Gobench,
}

/// Runs the command.
pub fn run(args: &TestArgs) -> ExitCode {
    if args.format == Format::Gobench && !args.bench {
        complain("`--format gobench` requires `--bench`");
        return ExitCode::from(2);
    }
    let paths = match paths_or_default(&args.paths) {
        Ok(paths) => paths,
        Err(message) => {
            complain(&message);
            return ExitCode::from(1);
        }
    };
    if args.watch {
        let plain = |path: &PathBuf| Root::parse(path).map_or_else(|_| path.clone(), |root| root.path);
        let watched: Vec<PathBuf> = paths.iter().map(plain).collect();
        return watch::run(&watched, || run_often(args, &paths));
    }
    ExitCode::from(run_often(args, &paths))
}

/// Repeats the run as often as requested, until one fails; gives its exit code.
fn run_often(args: &TestArgs, paths: &[PathBuf]) -> u8 {
    (0..args.count).map(|_| run_once(args, paths)).find(|code| *code != 0).unwrap_or_default()
}

fn paths_or_default(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    if !paths.is_empty() {
        return Ok(paths.to_vec());
    }
    let there: Vec<PathBuf> =
        ["policies", "bundles"].into_iter().map(PathBuf::from).filter(|path| path.is_dir()).collect();
    if there.is_empty() {
        return Err("there is neither `policies` nor `bundles` here; name the paths to test".to_owned());
    }
    Ok(there)
}

/// One run over all paths; gives the exit code.
fn run_once(args: &TestArgs, paths: &[PathBuf]) -> u8 {
    let named = if args.bundle { Named::Bundle } else { Named::Anything };
    let sources = match sources::load(paths, named, Purpose::Evaluate, &args.reading) {
        Ok(sources) => sources,
        Err(problem) => {
            complain(&problem.to_string());
            return 1;
        }
    };
    let mut broken = false;
    let mut runs: Vec<(&Source, Summary)> = Vec::new();
    for source in &sources {
        match test(source, args) {
            Ok(summary) => runs.push((source, summary)),
            Err(message) => {
                complain(&message);
                broken = true;
            }
        }
    }
    if let Err(message) = report(args, &runs) {
        complain(&message);
        broken = true;
    }
    for warning in runs.iter().flat_map(|(_, run)| &run.warnings) {
        print::warn(&warning.to_string());
    }
    let empty: Vec<&str> =
        runs.iter().filter(|run| run.1.tests.is_empty()).map(|run| run.0.name.as_str()).collect();
    for name in &empty {
        let message = format!("`{name}` has no test to run: nothing has been shown");
        if args.fail_on_empty { complain(&message) } else { print::warn(&message) }
    }
    let failed = |(_, run): &(&Source, Summary)| {
        let counts = run.counts();
        counts.failed + counts.errored > 0 || (counts.skipped > 0 && !args.exit_zero_on_skipped)
    };
    match () {
        () if broken || (args.fail_on_empty && !empty.is_empty()) => 1,
        () if runs.iter().any(failed) || !covers_enough(args, &runs) => 2,
        () => 0,
    }
}

/// Whether as many lines ran as `--threshold` asks for; complains if not.
fn covers_enough(args: &TestArgs, runs: &[(&Source, Summary)]) -> bool {
    let (Some(threshold), Some(report)) = (args.threshold, coverage::of(runs.iter().map(|(_, run)| run)))
    else {
        return true;
    };
    let enough = report.coverage >= threshold;
    if !enough {
        complain(&coverage::too_little(&report, threshold, args.verbose));
    }
    enough
}

fn test(source: &Source, args: &TestArgs) -> Result<Summary, String> {
    let program = source.compile().map_err(|problem| problem.to_string())?;
    let suite = source.suite(&program).map_err(|problem| problem.to_string())?;
    sources::hold(&suite.modules, &suite.data, &args.reading).map_err(|problem| problem.to_string())?;
    let threads = args.parallel.or_else(|| std::thread::available_parallelism().ok());
    let options = Options {
        filter: args.run.clone(),
        timeout: args.timeout.0,
        debug: true,
        explain: args.explain.unwrap_or(Explain::Fails).which(),
        coverage: args.coverage || args.threshold.is_some(),
        threads: threads.unwrap_or(NonZeroUsize::MIN),
        bench: args.bench.then_some(BENCH),
        surroundings: around::everything(),
        strict: args.errors.strict(),
        ..Options::default()
    };
    testing::run(&suite, &options).map_err(|problems| {
        let mut texts: Vec<String> = problems.iter().take(SHOWN).map(ToString::to_string).collect();
        match problems.len().saturating_sub(SHOWN) {
            0 => {}
            more => texts.push(format!("… and {more} more")),
        }
        texts.join("\n")
    })
}

fn report(args: &TestArgs, runs: &[(&Source, Summary)]) -> Result<(), String> {
    let report = coverage::of(runs.iter().map(|(_, run)| run));
    let tests = || runs.iter().flat_map(|(_, run)| &run.tests);
    match (args.format, report) {
        (Format::Pretty, report) => {
            let terminal = Terminal::out();
            let (verbose, variables) = (args.verbose, args.var_values);
            let shown = Shown { verbose, variables, whole: args.explain.is_some(), terminal };
            for (source, run) in runs {
                print(&pretty::render(&source.name, run, shown));
            }
            print(&terminal.wrapped(&report.map(|report| coverage::pretty(&report)).unwrap_or_default()));
        }
        // As in OPA, the report is of the lines then, unless a test has failed.
        (Format::Json, Some(report)) if runs.iter().all(|(_, run)| run.passed()) => {
            print(&coverage::json(&report));
        }
        (Format::Json, _) => print(&json::render(tests(), args.var_values)),
        (Format::Junit, report) => {
            print(&junit::render(runs.iter().map(|(_, run)| run), args.explain.is_some())?);
            if let Some(report) = report {
                print::note(coverage::pretty(&report).trim_end());
            }
        }
        (Format::Gobench, _) => print(&gobench::render(tests())),
    }
    Ok(())
}
