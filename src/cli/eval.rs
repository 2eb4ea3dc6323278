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

use super::around::ErrorArgs;
use super::paint;
use super::print::{complain, print};
use super::reading::ReadingArgs;
use super::terminal::Terminal;
use crate::model::clock::Timestamp;
use crate::model::units::Period;
use verdict_rego::Diagnostic;
use verdict_rego::diagnostic::SHOWN;
use verdict_rego::profile::By;
use verdict_rego::{EvalError, Location, PolicyError};

mod answer;
mod cells;
pub(super) mod indent;
mod output;
mod query;
mod source;

pub(super) use query::parse as document_path;
pub(super) use source::{in_envelope, read_input, read_standard_input};

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
    /// Verified subject, e.g. `{"id": "alice", "roles": ["admin"]}`; the input is then assembled as in the server
    #[arg(long, value_name = "JSON")]
    pub subject: Option<String>,
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
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Json)]
    pub format: Format,
    /// Maximum number of characters of a value in a table; 0 shows all
    #[arg(long, default_value_t = 80, value_name = "CHARACTERS")]
    pub pretty_limit: usize,
    /// Exit with 1 if the result is undefined
    #[arg(long)]
    pub fail: bool,
    /// Exit with 1 if the result is defined
    #[arg(long, conflicts_with = "fail")]
    pub fail_defined: bool,
    /// Also treat type errors of operators, such as `1 + "a"`, as errors
    #[arg(long)]
    pub strict_builtin_errors: bool,
    /// Treat errors of built-ins as undefined, as OPA does, and list them
    #[arg(long, conflicts_with = "strict_builtin_errors")]
    pub show_builtin_errors: bool,
    /// What an error of a built-in does
    #[command(flatten)]
    pub errors: ErrorArgs,
    /// Evaluation timeout; 0 disables the timeout
    #[arg(long, default_value = "10s", value_name = "DURATION")]
    pub timeout: Period,
    /// Number of evaluations; times are summarized
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Explain the result: each candidate rule with its first failing condition, or the rule that granted it
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_value_t = Explain::Off, default_missing_value = "full")]
    pub explain: Explain,
    /// Report the time of each stage
    #[arg(long)]
    pub metrics: bool,
    /// Report what the evaluation did, too: documents looked up and made, rules and statements run; implies `--metrics`
    #[arg(long)]
    pub instrument: bool,
    /// Profile by line: count and time; implies `--metrics`
    #[arg(long)]
    pub profile: bool,
    /// Number of lines in the profile; 0 shows all; implies `--profile`
    #[arg(long, value_name = "LINES")]
    pub profile_limit: Option<usize>,
    /// Sort order of the profile: `total_time_ns`, `num_eval`, `num_redo`, `num_gen_expr`, `file`, `line`; repeatable
    #[arg(long, value_name = "BY", value_delimiter = ',')]
    pub profile_sort: Vec<By>,
    /// Report which lines were evaluated
    #[arg(long)]
    pub coverage: bool,
    /// Partial evaluation (not supported)
    #[arg(short, long, hide = true)]
    pub partial: bool,
    /// For partial evaluation (not supported)
    #[arg(short, long, hide = true)]
    pub unknowns: Vec<String>,
    /// Query: `data.app.allow`, or any expressions, e.g. `x := data.users[_]; x.age > 17`
    #[arg(value_name = "QUERY", required_unless_present = "stdin")]
    pub query: Option<String>,
    /// How policy is read and checked
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// Whether the answer is explained. OPA has kinds of explanation; here there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Explain {
    /// It is not
    Off,
    /// It is
    Full,
    /// The same
    #[value(hide = true)]
    Notes,
    /// The same
    #[value(hide = true)]
    Fails,
    /// The same
    #[value(hide = true)]
    Debug,
}

/// How the answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// In the shape of `opa eval --format json`
    Json,
    /// Human-readable: a value, or a table of bindings and values
    Pretty,
    /// The values of each result on one line, strings without quotes
    Raw,
    /// The values of each result, as a list
    Values,
    /// The bindings of each result
    Bindings,
    /// JSON that only tells whether there is a result
    Discard,
    /// For partial evaluation (not supported)
    #[value(hide = true)]
    Source,
}

impl EvalArgs {
    /// Whether all that is printed is one JSON document.
    const fn prints_json(&self) -> bool {
        matches!(self.format, Format::Json | Format::Discard)
    }

    const fn measures(&self) -> bool {
        self.metrics || self.instrument || self.profiles()
    }

    const fn profiles(&self) -> bool {
        self.profile || self.profile_limit.is_some() || !self.profile_sort.is_empty()
    }
}

/// Runs the command.
pub fn run(args: &EvalArgs) -> ExitCode {
    match eval(args) {
        Ok(defined) => {
            let failed = (args.fail && !defined) || (args.fail_defined && defined);
            ExitCode::from(u8::from(failed))
        }
        Err(problems) => {
            match args.format {
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
    if args.partial || !args.unknowns.is_empty() || args.format == Format::Source {
        let message = "partial evaluation (`--partial`, `--unknowns`, `--format source`) is not supported; give the \
                       whole input and evaluate the query";
        return Err(vec![Problem::plain(message)]);
    }
    let given = source::read(args)?;
    let answer = answer::answer(args, &given)?;
    if let (Some(explanation), false) = (&answer.explanation, args.prints_json()) {
        print(&paint::explanation(&explanation.to_string(), Terminal::out()));
    }
    print(&output::render(args, &given, &answer));
    let defined = !answer.rows.is_empty();
    if let Some(error) = &answer.left_out {
        super::print::warn(&format!("a rule was left out: {}", Problem::of_policy(error).text));
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
    // What is missing may be what denies: for `--fail`, an incomplete document is none.
    Ok(if args.fail { defined && answer.left_out.is_none() } else { defined })
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

    fn of_policy(error: &PolicyError) -> Self {
        let place = error.location.as_ref().map(place).unwrap_or_default();
        Self { text: format!("{place}{}: {}", error.code, error.message), json: json!(error) }
    }

    fn of_diagnostic(diagnostic: &Diagnostic) -> Self {
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
