//! `verdict eval`: what does policy answer for one document and one input?
//!
//! Exit code: 0 when there is an answer (undefined is one); 1 with `--fail` when it is undefined, with `--fail-defined`
//! when it is not; 2 when there is none.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::around;
use super::print::{complain, print};
use super::sources;
use super::verification::VerificationArgs;
use crate::model::clock::{Clock, Timestamp};
use crate::model::decision::Outcome;
use crate::model::failure::{Failure, PolicyError};
use crate::model::units::Period;
use crate::pdp::snapshot::Snapshot;
use crate::pdp::{decide_in, input};
use crate::rego::diagnostic::SHOWN;
use crate::rego::{Effects, EvalLimits, Value, json};
use crate::testing::fixture::Subject;

pub(super) mod indent;
mod query;

/// The most that an input file may hold, in bytes.
const MAX_INPUT: u64 = 256 << 20;

/// Arguments of `verdict eval`.
#[derive(Debug, Clone, clap::Args)]
pub struct EvalArgs {
    /// A bundle: a folder or an archive; may be given more than once
    #[arg(short, long, value_name = "PATH")]
    pub bundle: Vec<PathBuf>,
    /// A policy or data file, or a folder of them; may be given more than once
    #[arg(short, long, value_name = "PATH")]
    pub data: Vec<PathBuf>,
    /// The input document, as JSON or YAML
    #[arg(short, long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Read the input document from standard input
    #[arg(short = 'I', long = "stdin-input", alias = "stdin", conflicts_with = "input")]
    pub stdin: bool,
    /// The verified subject, e.g. `{"id": "alice", "roles": ["admin"]}`; the input is then assembled as the server does
    #[arg(long, value_name = "JSON")]
    pub subject: Option<String>,
    /// The time that policy sees (RFC 3339); now by default
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse_rfc3339)]
    pub now: Option<Timestamp>,
    /// What built-ins such as `http.send` and `rand.intn` give, instead of asking: `nd_builtin_cache` of a decision's
    /// record, or the record itself
    #[arg(long, value_name = "FILE")]
    pub nd_builtin_cache: Option<PathBuf>,
    /// How to print the answer
    #[arg(short, long, value_enum, default_value_t = Format::Json)]
    pub format: Format,
    /// Exit with 1 when the answer is undefined
    #[arg(long)]
    pub fail: bool,
    /// Exit with 1 when the answer is defined
    #[arg(long, conflicts_with = "fail")]
    pub fail_defined: bool,
    /// How long the evaluation may take
    #[arg(long, default_value = "10s", value_name = "DURATION")]
    pub timeout: Period,
    /// Whose signatures bundles must have
    #[command(flatten)]
    pub verification: VerificationArgs,
    /// The document, e.g. `data.app.allow`
    #[arg(value_name = "QUERY")]
    pub query: String,
}

/// How the answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// In the shape of `opa eval --format json`
    Json,
    /// The document, indented
    Pretty,
    /// The document on one line; a text without its quotes
    Raw,
}

/// Runs the command.
pub fn run(args: &EvalArgs) -> ExitCode {
    match eval(args) {
        Ok(defined) => {
            let failed = (args.fail && !defined) || (args.fail_defined && defined);
            ExitCode::from(u8::from(failed))
        }
        Err(errors) => {
            let mut texts: Vec<String> = errors.iter().take(SHOWN).map(|error| error.text.clone()).collect();
            match errors.len().saturating_sub(SHOWN) {
                0 => {}
                more => texts.push(format!("… and {more} more")),
            }
            match args.format {
                Format::Json => {
                    let errors: Vec<_> = errors.into_iter().map(|error| error.json).collect();
                    print(
                        &(serde_json::to_string_pretty(&json!({"errors": errors})).unwrap_or_default()
                            + "\n"),
                    );
                }
                Format::Pretty | Format::Raw => complain(&texts.join("\n")),
            }
            ExitCode::from(2)
        }
    }
}

/// Why there is no answer: for a person, and in OPA's shape.
struct Problem {
    text: String,
    json: serde_json::Value,
}

impl Problem {
    fn plain(message: impl Into<String>) -> Self {
        let text = message.into();
        Self { json: json!({"message": &text}), text }
    }

    fn of_policy(error: &PolicyError, text: String) -> Self {
        Self { json: json!(error), text }
    }

    fn of_failure(failure: &Failure) -> Self {
        match &failure.policy {
            Some(policy) => {
                let place = policy.location.as_ref();
                let place =
                    place.map(|at| format!("{}:{}:{}: ", at.file, at.row, at.col)).unwrap_or_default();
                Self::of_policy(policy, format!("{place}{}: {}", policy.code, policy.message))
            }
            None => Self::plain(failure.message.clone()),
        }
    }
}

/// Prints the answer, and says whether it is defined.
fn eval(args: &EvalArgs) -> Result<bool, Vec<Problem>> {
    let one = |message: String| vec![Problem::plain(message)];
    let path = query::parse(&args.query).map_err(one)?;
    let at = args.now.unwrap_or_else(|| Clock::System.now());
    let snapshot = snapshot(args, at)?;
    let input = read_input(args).map_err(one)?;
    let limits = EvalLimits::within(args.timeout.0);
    let mut effects = effects(args).map_err(one)?;
    let answer = decide_in(&snapshot, &path, input, at, &limits, &mut effects);
    if let Some(failure) = answer.failure.as_ref().filter(|_| answer.outcome == Outcome::Error) {
        return Err(vec![Problem::of_failure(failure)]);
    }
    print(&render(args, answer.result.as_deref()));
    if answer.result.is_none() && args.format != Format::Json {
        complain(&format!("`{}` is undefined: {}", args.query, answer.reason.unwrap_or_default()));
    }
    Ok(answer.result.is_some())
}

fn snapshot(args: &EvalArgs, at: Timestamp) -> Result<Snapshot, Vec<Problem>> {
    let problems = |problem: sources::Problem| match problem {
        sources::Problem::Policy(diagnostics) => diagnostics
            .iter()
            .map(|diagnostic| Problem::of_policy(&diagnostic.to_policy_error(), diagnostic.to_string()))
            .collect(),
        other => vec![Problem::plain(other.to_string())],
    };
    let program = sources::load_together(&args.bundle, &args.data, &args.verification).map_err(problems)?;
    Ok(Snapshot::new(0, std::collections::BTreeMap::new(), program, at))
}

/// What is around policy, with what is to be replayed.
fn effects(args: &EvalArgs) -> Result<Effects, String> {
    let effects = Effects::new(&around::everything());
    let Some(file) = &args.nd_builtin_cache else { return Ok(effects) };
    let failed = |error: &dyn std::fmt::Display| format!("`{}`: {error}", file.display());
    let recorded = json::read_nested(&read_file(file)?, u8::MAX).map_err(|error| failed(&error))?;
    effects.replay(&recorded).map_err(|error| failed(&error))
}

fn read_input(args: &EvalArgs) -> Result<Option<Value>, String> {
    let asked = match (&args.input, args.stdin) {
        (Some(file), _) => Some(parse_input(&file.display().to_string(), &read_file(file)?)?),
        (None, true) => {
            let mut text = Vec::new();
            let read = std::io::stdin().lock().take(MAX_INPUT).read_to_end(&mut text);
            read.map_err(|error| format!("cannot read standard input: {error}"))?;
            Some(parse_input("standard input", &text)?)
        }
        (None, false) => None,
    };
    let Some(subject) = &args.subject else { return Ok(asked) };
    let subject: Subject = serde_json::from_str(subject).map_err(|error| format!("`--subject`: {error}"))?;
    input::with_subject(subject.document()?, asked).map(Some).map_err(|failure| failure.message)
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

/// JSON, or YAML where the name says so.
fn parse_input(name: &str, text: &[u8]) -> Result<Value, String> {
    if name.ends_with(".yaml") || name.ends_with(".yml") {
        let text = std::str::from_utf8(text).map_err(|_| format!("`{name}` is not UTF-8"))?;
        return Value::from_yaml(text).map_err(|error| format!("`{name}`: {error}"));
    }
    Value::from_json(text).map_err(|error| format!("`{name}`: {error}"))
}

#[derive(Serialize)]
struct Report<'a> {
    result: [Row<'a>; 1],
}

#[derive(Serialize)]
struct Row<'a> {
    expressions: [Expression<'a>; 1],
}

#[derive(Serialize)]
struct Expression<'a> {
    value: &'a RawValue,
    text: &'a str,
    location: Place,
}

#[derive(Serialize)]
struct Place {
    row: u32,
    col: u32,
}

fn render(args: &EvalArgs, value: Option<&RawValue>) -> String {
    let Some(value) = value else {
        return if args.format == Format::Json { "{}\n".to_owned() } else { String::new() };
    };
    let text = match args.format {
        Format::Json => {
            let expression = Expression { value, text: &args.query, location: Place { row: 1, col: 1 } };
            let report = Report { result: [Row { expressions: [expression] }] };
            indent::indented(&serde_json::to_string(&report).unwrap_or_default())
        }
        Format::Pretty => indent::indented(value.get()),
        Format::Raw => serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned()),
    };
    text + "\n"
}
