//! `verdict check`: does the policy load and compile, tests included?
//!
//! Exit code: 0 when it does, 1 when it does not, 2 when a path cannot be used.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::print::{complain, print};
use super::sources::{self, Problem, Source};
use super::verification::VerificationArgs;
use crate::model::failure::Location;
use crate::rego::{self, Diagnostic};
use crate::testing::fixture;

/// Arguments of `verdict check`.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// Bundles (folders or archives), directories of bundles, or files
    #[arg(value_name = "PATH", default_value = "bundles")]
    pub paths: Vec<PathBuf>,
    /// Take each path for one bundle, whatever lies in it
    #[arg(short, long)]
    pub bundle: bool,
    /// How to report
    #[arg(short, long, value_enum, default_value_t = Format::Pretty)]
    pub format: Format,
    /// Whose signatures bundles must have
    #[command(flatten)]
    pub verification: VerificationArgs,
}

/// How diagnostics are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person
    Pretty,
    /// `{"errors": […]}`, in the shape of `opa check --format json`
    Json,
}

#[derive(Serialize)]
struct Report<'a> {
    errors: Vec<Entry<'a>>,
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
    let problems = match sources::load(&args.paths, args.bundle, &args.verification) {
        Ok(sources) => sources.iter().flat_map(check).collect(),
        Err(Problem::Path(message)) => {
            complain(&message);
            return ExitCode::from(2);
        }
        Err(problem) => diagnostics(problem),
    };
    match args.format {
        Format::Pretty if problems.is_empty() => {}
        Format::Pretty => {
            let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let sum = if texts.len() == 1 { "1 error".to_owned() } else { format!("{} errors", texts.len()) };
            complain(&format!("{sum}\n{}", texts.join("\n")));
        }
        Format::Json if problems.is_empty() => print("{}\n"),
        Format::Json => {
            let errors = problems.iter().map(entry).collect();
            print(&(serde_json::to_string_pretty(&Report { errors }).unwrap_or_default() + "\n"));
        }
    }
    ExitCode::from(u8::from(!problems.is_empty()))
}

/// Everything that is wrong with one source: its policy, else its tests and fixture files.
fn check(source: &Source) -> Vec<Diagnostic> {
    let program = match source.compile() {
        Ok(program) => program,
        Err(problem) => return diagnostics(problem),
    };
    let suite = match source.suite(&program) {
        Ok(suite) => suite,
        Err(problem) => return diagnostics(problem),
    };
    let mut found = rego::compile(suite.modules, suite.data).err().unwrap_or_default();
    for file in &suite.fixtures {
        for error in fixture::parse(&file.file, &file.text).err().unwrap_or_default() {
            let mut diagnostic = Diagnostic::new("fixture_error", error.message);
            diagnostic.location = Some(error.location);
            diagnostic.hint = error.hint;
            found.push(diagnostic);
        }
    }
    found
}

fn diagnostics(problem: Problem) -> Vec<Diagnostic> {
    match problem {
        Problem::Policy(diagnostics) => diagnostics,
        Problem::Path(message) => vec![Diagnostic::new("load_error", message)],
        Problem::Load(error) if error.errors.is_empty() => {
            vec![Diagnostic::new("load_error", error.to_string())]
        }
        Problem::Load(error) => {
            let of = |policy: &crate::model::failure::PolicyError| {
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
