//! `verdict test`: does the policy do what its tests say?
//!
//! Runs OPA's `test_` rules and fixture files (see [`crate::testing`]) of every path, and reports for a person, as JSON,
//! or as JUnit.
//!
//! Exit code, as `opa test` has it: 0 when everything passed; 2 when something failed or was skipped, and when less is
//! covered than `--threshold` asks for; 1 when something could not be run, or, with `--fail-on-empty`, when there was
//! nothing to run.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use regex::Regex;

use self::pretty::Shown;
use super::around;
use super::print::{self, complain, print};
use super::reading::ReadingArgs;
use super::sources::{self, Source};
use crate::model::units::Period;
use crate::testing::{self, Options, Summary};
use verdict_rego::diagnostic::SHOWN;

mod coverage;
mod gobench;
mod json;
mod junit;
mod pretty;
mod watch;

/// Arguments of `verdict test`.
#[derive(Debug, Clone, clap::Args)]
pub struct TestArgs {
    /// Bundles (folders or archives), directories of bundles, or files; `policies` and `bundles` by default
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Take each path for one bundle, whatever lies in it
    #[arg(short, long)]
    pub bundle: bool,
    /// Run only the tests whose name matches
    #[arg(short, long, value_name = "REGEX")]
    pub run: Option<Regex>,
    /// Name every test, not only those that fail
    #[arg(short, long)]
    pub verbose: bool,
    /// How to report
    #[arg(short, long, value_enum, default_value_t = Format::Pretty)]
    pub format: Format,
    /// Run again whenever a file changes, until interrupted
    #[arg(short, long)]
    pub watch: bool,
    /// How long one test may take
    #[arg(long, default_value = "5s", value_name = "DURATION")]
    pub timeout: Period,
    /// Fail when a path has no test to run
    #[arg(long)]
    pub fail_on_empty: bool,
    /// Exit with 0 although tests were skipped (`todo_test_…`)
    #[arg(short = 'z', long)]
    pub exit_zero_on_skipped: bool,
    /// Say which lines of policy and tests ran, and which did not
    #[arg(short, long)]
    pub coverage: bool,
    /// Exit with 2 when less than so many percent of the lines ran; implies `--coverage`
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub threshold: Option<f64>,
    /// Show the variables of the condition that a failing test stopped at
    #[arg(long)]
    pub var_values: bool,
    /// Run the tests so many times, until they fail
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// How many `test_` rules to run at a time; as many as there are processors by default
    #[arg(short, long, value_name = "NUMBER")]
    pub parallel: Option<NonZeroUsize>,
    /// Measure each `test_` rule that passes, one after the other
    #[arg(long, conflicts_with = "coverage")]
    pub bench: bool,
    /// How policy is read, and what it is held to
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// How long `--bench` repeats a test.
const BENCH: Duration = Duration::from_secs(1);

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| format!("`{text}` is not a number from 0 to 100"))
}

/// How results are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person
    Pretty,
    /// A list in the shape of `opa test --format json`
    Json,
    /// For continuous-integration servers
    Junit,
    /// Lines that Go's benchmark tools read; with `--bench` only
    Gobench,
}

/// Runs the command.
pub fn run(args: &TestArgs) -> ExitCode {
    if args.format == Format::Gobench && !args.bench {
        complain("`--format gobench` is for measurements; add `--bench`");
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
        return watch::run(&paths, || run_often(args, &paths));
    }
    ExitCode::from(run_often(args, &paths))
}

/// As many runs as were asked for, up to the first that does not pass.
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
    let sources = match sources::load(paths, args.bundle, &args.reading) {
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
    let empty: Vec<&str> =
        runs.iter().filter(|run| run.1.tests.is_empty()).map(|run| run.0.name.as_str()).collect();
    for name in &empty {
        complain(&format!("`{name}` has no test to run: nothing has been shown"));
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
        coverage: args.coverage || args.threshold.is_some(),
        threads: threads.unwrap_or(NonZeroUsize::MIN),
        bench: args.bench.then_some(BENCH),
        surroundings: around::everything(),
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
            let shown = Shown { verbose: args.verbose, variables: args.var_values, color: print::coloured() };
            for (source, run) in runs {
                print(&pretty::render(&source.name, run, shown));
            }
            print(&report.map(|report| coverage::pretty(&report)).unwrap_or_default());
        }
        // As in OPA, the report is of the lines then, unless a test has failed.
        (Format::Json, Some(report)) if runs.iter().all(|(_, run)| run.passed()) => {
            print(&coverage::json(&report));
        }
        (Format::Json, _) => print(&json::render(tests(), args.var_values)),
        (Format::Junit, report) => {
            print(&junit::render(runs.iter().map(|(_, run)| run))?);
            if let Some(report) = report {
                print::note(coverage::pretty(&report).trim_end());
            }
        }
        (Format::Gobench, _) => print(&gobench::render(tests())),
    }
    Ok(())
}
