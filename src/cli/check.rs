//! `verdict check`: does the policy load and compile, tests included?
//!
//! Exit code, as `opa check` has it: 0 when it does, warnings or not, 1 when it does not or when that cannot be found out.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::print::{complain, print, warn};
use super::reading::ReadingArgs;
use super::sources::{self, Named, Problem, Source};
use crate::bundle::ErrorKind;
use crate::bundle::tree::Purpose;
use crate::pdp::input::SUBJECT_MEMBERS;
use crate::testing::{FixtureError, fixture};
use verdict_rego::Location;
use verdict_rego::{self, Checks, Diagnostic, Findings, Given, RegoVersion, Value, diagnostic};

/// Arguments of `verdict check`.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// Bundles (directories or archives), directories of bundles, or files and directories of policy
    #[arg(value_name = "PATH", default_value = "bundles")]
    pub paths: Vec<PathBuf>,
    /// Treat each path as one bundle
    #[arg(short, long)]
    pub bundle: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Pretty)]
    pub format: Format,
    /// Maximum number of errors to show; 0 shows all
    #[arg(short, long, value_name = "N", default_value_t = diagnostic::SHOWN)]
    pub max_errors: usize,
    /// Check that policy is valid as Rego v0 and as Rego v1
    #[arg(long, alias = "rego-v1", conflicts_with_all = ["v0_compatible", "v1_compatible"])]
    pub v0_v1: bool,
    /// How policy is read, and what it is held to
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// How diagnostics are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Human-readable text
    Pretty,
    /// `{"errors": […]}`, in the shape of `opa check --format json`
    Json,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Entry<'a>>,
}

/// Errors alone.
fn errors(errors: Vec<Diagnostic>) -> Findings {
    Findings { errors, warnings: Vec::new() }
}

/// Adds what is not known already.
fn add(findings: &mut Findings, other: Findings) {
    for (known, new) in [(&mut findings.errors, other.errors), (&mut findings.warnings, other.warnings)] {
        let before: BTreeSet<_> = known.iter().map(|d| (d.location.clone(), d.message.clone())).collect();
        known.extend(new.into_iter().filter(|d| !before.contains(&(d.location.clone(), d.message.clone()))));
    }
}

#[derive(Serialize)]
struct Entry<'a> {
    message: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a Location>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

/// Runs the command.
pub fn run(args: &CheckArgs) -> ExitCode {
    let checks = match args.reading.checks() {
        Ok(checks) => Checks { annotations: true, ..checks },
        Err(message) => {
            complain(&message);
            return ExitCode::from(1);
        }
    };
    let named = if args.bundle { Named::Bundle } else { Named::Anything };
    let mut found = Findings::default();
    match sources::load(&args.paths, named, Purpose::Check, &args.reading) {
        Ok(sources) => {
            sources.iter().for_each(|source| add(&mut found, check_versions(source, args, &checks)))
        }
        Err(Problem::Path(message)) => {
            complain(&message);
            return ExitCode::from(1);
        }
        Err(problem) => found.errors = diagnostics(problem),
    }
    let Findings { errors, warnings } = &found;
    match args.format {
        Format::Pretty => {
            let sum = |what: &str, all: &[Diagnostic]| {
                let plural = if all.len() == 1 { "" } else { "s" };
                format!("{} {what}{plural}\n{}", all.len(), diagnostic::listed(all, args.max_errors))
            };
            if !warnings.is_empty() {
                warn(&sum("warning", warnings));
            }
            if !errors.is_empty() {
                complain(&sum("error", errors));
            }
        }
        Format::Json if errors.is_empty() && warnings.is_empty() => print("{}\n"),
        Format::Json => {
            let [errors, warnings] = [errors, warnings].map(|all| all.iter().map(entry).collect());
            print(&(serde_json::to_string_pretty(&Report { errors, warnings }).unwrap_or_default() + "\n"));
        }
    }
    ExitCode::from(u8::from(!errors.is_empty()))
}

/// Everything that is to be said of one source, in the versions that were asked for.
fn check_versions(source: &Source, args: &CheckArgs, checks: &Checks) -> Findings {
    if !args.v0_v1 {
        return check(source, checks);
    }
    let mut found = Findings::default();
    for version in [RegoVersion::V0, RegoVersion::V1] {
        let mut source = source.clone();
        source.set_version(version);
        add(&mut found, check(&source, checks));
    }
    found
}

/// Everything that is to be said of one source: its policy with its tests, then its fixture files.
fn check(source: &Source, checks: &Checks) -> Findings {
    let program = match source.compile() {
        Ok(program) => program,
        Err(Problem::Policy(found)) => {
            // The tests are looked at, too: what is wrong there need not wait.
            let all =
                verdict_rego::compile_checked(source.modules().cloned().collect(), Value::object(), checks);
            return errors(all.err().unwrap_or(found));
        }
        Err(problem) => return errors(diagnostics(problem)),
    };
    let suite = match source.suite(&program) {
        Ok(suite) => suite,
        Err(problem) => return errors(diagnostics(problem)),
    };
    let given = Given { owned: source.roots(), input: &[("subject", &SUBJECT_MEMBERS)] };
    let checks = Checks { given: Some(given), ..checks.clone() };
    let mut found = verdict_rego::findings(suite.modules, suite.data, &checks);
    for file in &suite.fixtures {
        match fixture::parse(&file.file, &file.text) {
            Ok(cases) => {
                let doubts = cases.into_iter().filter_map(|case| case.warning);
                found.warnings.extend(doubts.map(|doubt| of_fixture("fixture_warning", doubt)));
            }
            Err(errors) => {
                found.errors.extend(errors.into_iter().map(|error| of_fixture("fixture_error", error)));
            }
        }
    }
    found
}

fn of_fixture(code: &'static str, FixtureError { location, message, hint }: FixtureError) -> Diagnostic {
    Diagnostic { location: Some(location), hint, ..Diagnostic::new(code, message) }
}

fn diagnostics(problem: Problem) -> Vec<Diagnostic> {
    match problem {
        Problem::Policy(diagnostics) => diagnostics,
        Problem::Path(message) => vec![Diagnostic::new("load_error", message)],
        Problem::Load(error) if error.errors.is_empty() => {
            vec![Diagnostic::new("load_error", error.to_string())]
        }
        Problem::Load(error) if error.kind == ErrorKind::Data => sources::with_lines(&error)
            .into_iter()
            .map(|found| Diagnostic { message: format!("{}: {}", error.message, found.message), ..found })
            .collect(),
        Problem::Load(error) => {
            let of = |policy: &verdict_rego::PolicyError| {
                let mut diagnostic =
                    Diagnostic::new(policy.code, format!("{}: {}", error.message, policy.message));
                diagnostic.location.clone_from(&policy.location);
                diagnostic
            };
            error.errors.iter().map(of).collect()
        }
    }
}

fn entry(diagnostic: &Diagnostic) -> Entry<'_> {
    Entry {
        message: &diagnostic.message,
        code: diagnostic.code,
        location: diagnostic.location.as_ref(),
        hint: diagnostic.hint.as_deref(),
    }
}
