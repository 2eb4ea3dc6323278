//! `verdict eval`: what does policy answer for one query and one input?
//!
//! Takes the queries, flags and formats of `opa eval`. Errors of built-ins are errors here, as they are in the server;
//! `--builtin-errors undefined` makes them undefined, as OPA does, and `--show-builtin-errors` shows them besides.
//!
//! Exit code: 0 when there is an answer (undefined is one); 1 with `--fail` when it is undefined, with `--fail-defined`
//! when it is not; 2 when there is none.
//!
//! Reading order: [`EvalArgs`] → `source` (what is given) → `answer` (asking) → `output` (showing).

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::envelope::EnvelopeArgs;
use super::paint;
use super::print::{complain, print};
use super::reading::ReadingArgs;
use super::terminal::Terminal;
use crate::model::clock::Timestamp;
use verdict_rego::Diagnostic;
use verdict_rego::diagnostic::SHOWN;
use verdict_rego::{EvalError, Location, PolicyError};

mod answer;
mod cells;
pub(super) mod indent;
mod output;
mod partial;
mod query;
mod settings;
mod source;

pub(super) use answer::{Answer, answer};
pub(super) use query::parse as document_path;
pub use settings::{Explain, Format, Settings};
pub(super) use source::{Given, in_envelope, read_input, read_standard_input};

/// Arguments of `verdict eval`.
#[derive(Debug, Clone, clap::Args)]
pub struct EvalArgs {
    /// Bundle: a directory or an archive; repeatable
    #[arg(short, long, value_name = "PATH")]
    pub bundle: Vec<PathBuf>,
    /// Policy or data file, or a directory of them; repeatable
    #[arg(short, long, value_name = "PATH")]
    pub data: Vec<PathBuf>,
    /// Input document, a JSON or YAML file
    #[arg(short, long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Read the input document from standard input
    #[arg(short = 'I', long, conflicts_with = "input")]
    pub stdin_input: bool,
    /// Read the query from standard input
    #[arg(long, conflicts_with_all = ["stdin_input", "query"])]
    pub stdin: bool,
    /// Time that policy sees (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse_rfc3339)]
    pub now: Option<Timestamp>,
    /// Replay the results of built-ins such as `http.send` and `rand.intn` from a file: the `nd_builtin_cache` of a
    /// decision record, or the record itself
    #[arg(long, value_name = "FILE")]
    pub nd_builtin_cache: Option<PathBuf>,
    /// Package in which the query is evaluated
    #[arg(long, value_name = "PACKAGE")]
    pub package: Option<String>,
    /// Import for the query, e.g. `data.lib as l`; repeatable
    #[arg(long, value_name = "IMPORT")]
    pub import: Vec<String>,
    /// Exit with 1 if the result is undefined
    #[arg(long)]
    pub fail: bool,
    /// Exit with 1 if the result is defined
    #[arg(long, conflicts_with = "fail")]
    pub fail_defined: bool,
    /// How the query is evaluated and its answer shown
    #[command(flatten)]
    pub settings: Settings,
    /// Partial evaluation: show what is left of the query without what is unknown
    #[arg(short, long)]
    pub partial: bool,
    /// What is unknown, e.g. `input.fruits`; can be repeated or separated by commas [default: input]
    #[arg(short, long, value_name = "REFERENCE", value_delimiter = ',', requires = "partial")]
    pub unknowns: Vec<String>,
    /// Query: `data.app.allow`, or any expressions, e.g. `x := data.users[_]; x.age > 17`
    #[arg(value_name = "QUERY", required_unless_present = "stdin")]
    pub query: Option<String>,
    /// Who asks for what
    #[command(flatten)]
    pub envelope: EnvelopeArgs,
    /// How policy is read and checked
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// Runs the command.
pub fn run(args: &EvalArgs) -> ExitCode {
    match eval(args) {
        Ok(defined) => {
            let failed = (args.fail && !defined) || (args.fail_defined && defined);
            ExitCode::from(u8::from(failed))
        }
        Err(problems) => {
            match args.settings.format {
                Format::Json | Format::Discard => {
                    let errors: Vec<_> = problems.into_iter().map(|problem| problem.json).collect();
                    let text = serde_json::to_string_pretty(&json!({"errors": errors})).unwrap_or_default();
                    print(&(text + "\n"));
                }
                _ => {
                    let more = problems.len().saturating_sub(SHOWN);
                    let mut texts: Vec<String> =
                        problems.into_iter().take(SHOWN).map(|problem| problem.text).collect();
                    if more > 0 {
                        texts.push(format!("… and {more} more"));
                    }
                    complain(&texts.join("\n"));
                }
            }
            ExitCode::from(2)
        }
    }
}

/// Prints the answer, and says whether it is defined.
fn eval(args: &EvalArgs) -> Result<bool, Vec<Problem>> {
    if args.settings.format == Format::Source && !args.partial {
        return Err(vec![Problem::plain("the format `source` shows what `--partial` leaves of a query")]);
    }
    let given = source::read(args)?;
    if args.partial {
        return partial::eval(args, &given);
    }
    let answer = answer(&args.settings, &given)?;
    let defined = show(&args.settings, &given, &answer);
    // What is missing may be what denies: for `--fail`, an incomplete document is none.
    Ok(if args.fail { defined && answer.left_out.is_none() } else { defined })
}

/// Prints an answer, and says whether it is defined.
pub(super) fn show(args: &Settings, given: &Given, answer: &Answer) -> bool {
    if let (Some(explanation), false) = (&answer.explanation, args.prints_json()) {
        print(&paint::explanation(&explanation.to_string(), Terminal::out()));
    }
    print(&output::render(args, given, answer));
    let defined = !answer.rows.is_empty();
    if let Some(error) = &answer.left_out {
        super::print::warn(&format!("a rule was left out: {}", Problem::of_policy(error).text));
    }
    let meant = given.path.as_ref().filter(|_| !defined).and_then(|path| given.program.near_document(path));
    if let Some(meant) = meant {
        let query = given.text.trim();
        super::print::warn(&format!("`{query}` is neither a rule nor data; did you mean `{meant}`?"));
    }
    if !args.prints_json() {
        // The pretty format says `undefined` itself, and nothing else, as in OPA.
        if let (false, Some(reason), false) = (defined, answer.undefined, args.format == Format::Pretty) {
            complain(&format!("`{}` is undefined: {reason}", given.text.trim()));
        }
        for error in &answer.builtin_errors {
            super::print::warn(&Problem::of_policy(error).text);
        }
    }
    defined
}

/// Why there is no answer: for a person, and in OPA's shape.
pub(super) struct Problem {
    /// For a person.
    pub(super) text: String,
    json: serde_json::Value,
}

impl Problem {
    pub(super) fn plain(message: impl Into<String>) -> Self {
        let text = message.into();
        Self { json: json!({"message": &text}), text }
    }

    fn of_policy(error: &PolicyError) -> Self {
        let place = error.location.as_ref().map(place).unwrap_or_default();
        Self { text: format!("{place}{}: {}", error.code, error.message), json: json!(error) }
    }

    pub(super) fn of_diagnostic(diagnostic: &Diagnostic) -> Self {
        let error = diagnostic.to_policy_error();
        let in_query = error.location.as_ref().is_some_and(|at| at.file.is_empty());
        // A place in the query has no file; what precedes it is only a colon.
        let text = diagnostic.to_string();
        let text = if in_query { text.trim_start_matches(':').to_owned() } else { text };
        let mut json = json!(error);
        if let (Some(hint), Some(members)) = (&diagnostic.hint, json.as_object_mut()) {
            members.insert("hint".to_owned(), json!(hint));
        }
        Self { text, json }
    }

    fn of_failure(failure: &EvalError) -> Self {
        match &failure.policy {
            Some(policy) => Self::of_policy(policy),
            None => Self::plain(failure.message.clone()),
        }
    }
}

fn place(at: &Location) -> String {
    let file = if at.file.is_empty() { String::new() } else { format!("{}:", at.file) };
    format!("{file}{}:{}: ", at.row, at.col)
}
