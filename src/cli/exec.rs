//! `verdict exec`: what does policy answer for each of these inputs?
//!
//! Prints one report in the shape of `opa exec`. Exit code, as there: 0; 1 when there is no report, and with `--fail`,
//! `--fail-defined` or `--fail-non-empty` when any input calls for it, errors included.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::around::ErrorArgs;
use super::eval::indent;
use super::print::{complain, print};
use super::reading::VersionArgs;
use super::sources;
use super::verification::{VerificationArgs, WithoutKey};
use crate::bundle::read_yaml;
use crate::model::clock::Clock;
use crate::model::request::EntryPath;
use crate::model::units::Period;
use crate::pdp::decide;
use verdict_rego::{EvalLimits, Program, Value};

mod inputs;

/// Without `--timeout` there is no end; this stands for it.
const ENDLESS: Duration = Duration::from_secs(24 * 3600);
/// What OPA asks when nobody says what to ask.
const DEFAULT_DECISION: &str = "/system/main";

/// Arguments of `verdict exec`.
#[derive(Debug, Clone, clap::Args)]
pub struct ExecArgs {
    /// Input files (JSON or YAML), or directories of them
    #[arg(value_name = "PATH", required_unless_present = "stdin")]
    pub paths: Vec<PathBuf>,
    /// Bundle: a directory or an archive; repeatable
    #[arg(short, long, value_name = "PATH", required = true)]
    pub bundle: Vec<PathBuf>,
    /// Document to evaluate, e.g. `app/allow`
    #[arg(long, value_name = "PATH", default_value = DEFAULT_DECISION)]
    pub decision: String,
    /// Read an input from standard input
    #[arg(short = 'I', long = "stdin-input")]
    pub stdin: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Json)]
    pub format: Format,
    /// Exit with 1 if a result is undefined, or on an error
    #[arg(long)]
    pub fail: bool,
    /// Exit with 1 if a result is defined, or on an error
    #[arg(long, conflicts_with = "fail")]
    pub fail_defined: bool,
    /// Exit with 1 if a result is defined and not an empty array, or on an error
    #[arg(long, conflicts_with_all = ["fail", "fail_defined"])]
    pub fail_non_empty: bool,
    /// Timeout for the whole run [default: none]
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<Period>,
    /// What an error of a built-in does
    #[command(flatten)]
    pub errors: ErrorArgs,
    /// Which Rego the bundles are read as
    #[command(flatten)]
    pub version: VersionArgs,
    /// How signatures of bundles are verified
    #[command(flatten)]
    pub verification: VerificationArgs,
}

/// How the report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// In the shape of `opa exec`
    Json,
}

#[derive(Serialize)]
struct Report {
    result: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<String>,
}

/// What an input's answer means for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Error,
    Undefined,
    Null,
    EmptyList,
    Value,
}

/// Runs the command.
pub fn run(args: &ExecArgs) -> ExitCode {
    match exec(args) {
        Ok((report, sorts)) => {
            print(&(indent::indented(&serde_json::to_string(&report).unwrap_or_default()) + "\n"));
            let failed = sorts.iter().filter(|sort| fails(args, **sort)).count();
            if failed > 0 {
                complain(&format!("{failed} of {} inputs failed, and {} is set", sorts.len(), flag(args)));
            }
            ExitCode::from(u8::from(failed > 0))
        }
        Err(message) => {
            complain(&message);
            ExitCode::from(1)
        }
    }
}

fn fails(args: &ExecArgs, sort: Sort) -> bool {
    match sort {
        Sort::Error => args.fail || args.fail_defined || args.fail_non_empty,
        Sort::Undefined | Sort::Null => args.fail,
        Sort::EmptyList => args.fail_defined,
        Sort::Value => args.fail_defined || args.fail_non_empty,
    }
}

const fn flag(args: &ExecArgs) -> &'static str {
    match (args.fail, args.fail_defined) {
        (true, _) => "--fail",
        (_, true) => "--fail-defined",
        _ => "--fail-non-empty",
    }
}

fn exec(args: &ExecArgs) -> Result<(Report, Vec<Sort>), String> {
    let started = Instant::now();
    let path = EntryPath::parse(&args.decision).map_err(|why| format!("`--decision`: {why}"))?;
    let verification = args.verification.verification(WithoutKey::Refuse)?;
    let program = sources::load_verified(&args.bundle, &verification, args.version.chosen())
        .map_err(|problem| problem.to_string())?;
    let total = args.timeout.map(|timeout| timeout.0).filter(|timeout| !timeout.is_zero()).unwrap_or(ENDLESS);
    let mut report = Report { result: Vec::new() };
    let mut sorts = Vec::new();
    let mut answer = |shown: String, input: Result<Value, String>| -> Result<(), String> {
        let left = total.checked_sub(started.elapsed()).filter(|left| !left.is_zero());
        let left = left.ok_or_else(|| format!("timed out after {} answers", report.result.len()))?;
        let (row, sort) = match input {
            Err(message) => (error_row(shown, json!({"message": message})), Sort::Error),
            Ok(input) => {
                let limits = EvalLimits { strict: args.errors.strict(), ..EvalLimits::within(left) };
                row(shown, &program, &path, args, input, &limits)
            }
        };
        report.result.push(row);
        sorts.push(sort);
        Ok(())
    };
    if args.stdin {
        let text = inputs::read_stdin()?;
        answer(
            "--stdin-input".to_owned(),
            Ok(parse(&text).map_err(|why| format!("standard input: {why}"))?),
        )?;
    }
    for file in inputs::files(&args.paths)? {
        let input = inputs::read(&file).and_then(|text| parse(&text));
        answer(file.display().to_string(), input)?;
    }
    Ok((report, sorts))
}

/// JSON or YAML, whatever the file is called, as OPA takes it.
fn parse(text: &[u8]) -> Result<Value, String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let text =
        std::str::from_utf8(text).map_err(|error| format!("not UTF-8 at byte {}", error.valid_up_to()))?;
    if text.trim().is_empty() {
        return Err("the input is empty".to_owned());
    }
    let problem = match read_yaml(text) {
        Ok(value) => return Ok(value),
        Err(problem) => problem,
    };
    // What looks like JSON is told about as JSON.
    match Value::from_json(text.as_bytes()) {
        Err(error) if text.trim_start().starts_with(['{', '[']) => Err(error.to_string()),
        _ => Err(problem),
    }
}

fn row(
    path: String,
    program: &Program,
    entry: &EntryPath,
    args: &ExecArgs,
    input: Value,
    limits: &EvalLimits,
) -> (Row, Sort) {
    let answer = decide(program, entry, Some(input), Clock::System.now(), limits);
    if let Some(failure) = &answer.failure {
        let error = match &failure.policy {
            Some(policy) => json!(policy),
            None => json!({"message": failure.message}),
        };
        return (error_row(path, error), Sort::Error);
    }
    let Some(result) = answer.result else {
        let message = format!("{} decision was undefined", args.decision);
        return (
            error_row(path, json!({"code": "opa_undefined_error", "message": message})),
            Sort::Undefined,
        );
    };
    let sort = match &result {
        Value::Null => Sort::Null,
        Value::Array(items) if items.is_empty() => Sort::EmptyList,
        Value::Set(elements) if elements.is_empty() => Sort::EmptyList,
        _ => Sort::Value,
    };
    let decision_id = Some(uuid::Uuid::new_v4().to_string());
    (Row { path, error: None, result: Some(result), decision_id }, sort)
}

const fn error_row(path: String, error: Json) -> Row {
    Row { path, error: Some(error), result: None, decision_id: None }
}

/// Whether a file is one of inputs, by its name.
fn is_input(path: &Path) -> bool {
    matches!(path.extension().and_then(|extension| extension.to_str()), Some("json" | "yaml" | "yml"))
}
