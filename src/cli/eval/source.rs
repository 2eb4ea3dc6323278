//! What an evaluation is given: policy, input, the query.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{EvalArgs, Problem, query};
use crate::cli::print::warn;
use crate::cli::{around, sources};
use crate::document::hint;
use crate::model::clock::{Clock, Timestamp};
use crate::model::request::EntryPath;
use verdict_rego::query::{Query, Scope};
use verdict_rego::{CompileOptions, compile_for};
use verdict_rego::{Effects, Host, Program, Value, json};

/// The most that an input may hold, in bytes.
const MAX_INPUT: u64 = 256 << 20;

/// Everything that an evaluation needs.
pub(in crate::cli) struct Given {
    pub(super) program: Arc<Program>,
    pub(super) input: Option<Value>,
    pub(super) at: Timestamp,
    /// The query as it was given.
    pub(super) text: String,
    pub(super) query: Query,
    /// The document that the query is the path of, where it is nothing more.
    pub(super) path: Option<EntryPath>,
    /// What is around policy.
    surroundings: Arc<Host>,
    /// What others answered before, and its file.
    recorded: Option<(String, Value)>,
    /// How long each of these took, by OPA's names.
    pub(super) timers: Vec<(&'static str, Duration)>,
}

impl Given {
    /// A query over a program, with everything around it, and nothing replayed.
    ///
    /// # Errors
    /// What is wrong with the query.
    pub(in crate::cli) fn over(
        program: Arc<Program>,
        input: Option<Value>,
        text: &str,
        scope: &Scope,
    ) -> Result<Self, Vec<Problem>> {
        let started = Instant::now();
        let path = query::parse(text).or_else(|| own_rule(&program, text, scope));
        let query = program
            .prepare(text, scope)
            .map_err(|found| found.iter().map(Problem::of_diagnostic).collect::<Vec<_>>())?;
        Ok(Self {
            program,
            input,
            at: Clock::System.now(),
            text: text.to_owned(),
            query,
            path,
            surroundings: around::everything(),
            recorded: None,
            timers: vec![("timer_rego_query_compile_ns", started.elapsed())],
        })
    }

    /// Whether the query is the name of a document, and nothing more.
    pub(in crate::cli) const fn is_document(&self) -> bool {
        self.path.is_some()
    }

    /// What is around one evaluation, with what is to be replayed.
    ///
    /// # Errors
    /// When what was recorded is none of it.
    pub(super) fn effects(&self) -> Result<Effects, String> {
        let effects = Effects::new(&self.surroundings);
        match &self.recorded {
            None => Ok(effects),
            Some((file, recorded)) => effects.replay(recorded).map_err(|error| format!("`{file}`: {error}")),
        }
    }
}

/// The document that a query is the bare name of, in the package that it is evaluated in.
fn own_rule(program: &Program, text: &str, scope: &Scope) -> Option<EntryPath> {
    let package = scope.package.as_deref()?;
    let path = query::parse(&format!("data.{package}.{}", text.trim()))?;
    (program.is_rule(&path) && program.evaluated(&path).len() == path.len()).then_some(path)
}

fn recorded(file: &Path) -> Result<(String, Value), String> {
    let name = file.display().to_string();
    let text = std::fs::read(file).map_err(|error| format!("cannot read `{name}`: {error}"))?;
    let value = json::read_nested(&text, u8::MAX).map_err(|error| format!("`{name}`: {error}"))?;
    Ok((name, value))
}

pub(super) fn read(args: &EvalArgs) -> Result<Given, Vec<Problem>> {
    let one = |message: String| vec![Problem::plain(message)];
    let mut timers = Vec::new();
    let mut timed = |name, since: Instant| timers.push((name, since.elapsed()));
    let text = match (&args.query, args.stdin) {
        (Some(text), _) => text.clone(),
        (None, _) => String::from_utf8(standard_input().map_err(one)?)
            .map_err(|_| one("standard input is not UTF-8".to_owned()))?,
    };
    let started = Instant::now();
    let program = load(args)?;
    timed("timer_rego_load_files_ns", started);
    let started = Instant::now();
    let input = input(args).map_err(one)?;
    timed("timer_rego_input_parse_ns", started);
    let scope = Scope { package: args.package.clone(), imports: args.import.clone() };
    let mut given = Given::over(Arc::new(program), input, &text, &scope)?;
    timers.append(&mut given.timers);
    given.timers = timers;
    given.at = args.now.unwrap_or(given.at);
    given.recorded = args.nd_builtin_cache.as_deref().map(recorded).transpose().map_err(one)?;
    Ok(given)
}

fn load(args: &EvalArgs) -> Result<Program, Vec<Problem>> {
    let program =
        sources::load_together(&args.bundle, &args.data, &args.reading).map_err(|problem| match problem {
            sources::Problem::Policy(found) => found.iter().map(Problem::of_diagnostic).collect(),
            other => vec![Problem::plain(other.to_string())],
        })?;
    // As it would be served, calls of `print` are not in it.
    if !program.modules().iter().any(|module| module.source.contains("print")) {
        return Ok(program);
    }
    let options = CompileOptions { debug: true, tests: false };
    compile_for(program.modules().to_vec(), program.data().clone(), options)
        .map_err(|found| found.iter().map(Problem::of_diagnostic).collect())
}

fn input(args: &EvalArgs) -> Result<Option<Value>, String> {
    let asked = match (&args.input, args.stdin_input) {
        (Some(file), _) => Some(read_input(file)?),
        (None, true) => Some(read_standard_input()?),
        (None, false) => None,
    };
    args.envelope.around(asked)
}

fn standard_input() -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let read = std::io::stdin().lock().take(MAX_INPUT).read_to_end(&mut text);
    read.map_err(|error| format!("cannot read standard input: {error}"))?;
    Ok(text)
}

/// The input document in a file.
///
/// # Errors
/// When it cannot be read, or is neither JSON nor YAML.
pub(in crate::cli) fn read_input(file: &Path) -> Result<Value, String> {
    let text = std::fs::read(file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
    let name = file.display().to_string();
    parse(&name, &text).inspect(|input| warn_of_envelope(&format!("`{name}`"), input))
}

/// The input document on standard input.
///
/// # Errors
/// When it cannot be read, or is not JSON.
pub(in crate::cli) fn read_standard_input() -> Result<Value, String> {
    parse("standard input", &standard_input()?).inspect(|input| warn_of_envelope("standard input", input))
}

/// Warns of an input that was written as the body of a call to the API, with `input` around it.
fn warn_of_envelope(name: &str, input: &Value) {
    if matches!(input, Value::Object(members) if members.len() == 1) && input.get("input").is_some() {
        warn(&in_envelope(name));
    }
}

/// What to say of an input whose only member is `input`.
pub(in crate::cli) fn in_envelope(name: &str) -> String {
    format!(
        "the only member of the input in {name} is `input`, so that policy sees `input.input`\n\
         hint: give the document itself, without what the API has around it; did you mean what is below `input`?"
    )
}

/// JSON, or YAML where the name says so.
fn parse(name: &str, text: &[u8]) -> Result<Value, String> {
    if name.ends_with(".yaml") || name.ends_with(".yml") {
        let text = std::str::from_utf8(text).map_err(|_| format!("`{name}` is not UTF-8"))?;
        return Value::from_yaml(text).map_err(|error| malformed(name, &error.to_string()));
    }
    Value::from_json(text).map_err(|error| malformed(name, &error.to_string()))
}

fn malformed(name: &str, error: &str) -> String {
    let hint = hint::hint(error).map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("`{name}`: {error}{hint}")
}
