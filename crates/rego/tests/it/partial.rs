//! Partial evaluation: what is left of a query, with what was unknown filled in, holds exactly where the query does.

use std::time::Duration;

use verdict_rego::partial::Unknown;
use verdict_rego::query::{Asking, Query, Scope};
use verdict_rego::{
    Effects, EvalLimits, Evaluation, Module, Program, RegoVersion, Strict, Supposing, Value, compile,
};

mod cases;
mod generated;

const NOW: i64 = 1_735_689_600_000_000_000;

fn module(id: &str, source: &str) -> Module {
    Module { id: id.to_owned(), source: source.into(), version: RegoVersion::V1 }
}

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn program(sources: &[(&str, &str)], data: &Value) -> Program {
    let modules = sources.iter().map(|(id, source)| module(id, source)).collect();
    compile(modules, data.clone()).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}\n{sources:#?}", errors.join("\n"))
    })
}

fn limits() -> EvalLimits {
    EvalLimits::within(Duration::from_secs(20))
}

/// What is left, as Rego: the conditions of each conjunction, and the module that they refer to.
type Left = (Vec<Vec<String>>, Option<String>);

fn left(program: &Program, query: &str, input: Option<&Value>, unknowns: &[&str]) -> Result<Left, String> {
    let query =
        program.prepare_conditions(query, &Scope::default()).map_err(|errors| errors[0].to_string())?;
    let unknowns: Vec<Unknown> = unknowns.iter().map(|text| Unknown::parse(text).unwrap()).collect();
    let supposing =
        Supposing { input, unknowns: &unknowns, nondeterministic: false, now_ns: NOW, limits: limits() };
    let residual = program.suppose(&query, &supposing, &mut Effects::default()).map_err(|error| {
        error.policy.map_or(error.message, |policy| format!("{}: {}", policy.code, policy.message))
    })?;
    Ok(residual.to_rego())
}

/// The conjunctions, ready to be asked.
fn ready(program: &Program, left: &Left) -> Vec<Query> {
    let text = |query: &Vec<String>| if query.is_empty() { "true".to_owned() } else { query.join("; ") };
    let prepared = |text: String| {
        let prepared = program.prepare(&text, &Scope::default());
        prepared.unwrap_or_else(|errors| panic!("{}: {text}\n{:?}", errors[0], left.1))
    };
    left.0.iter().map(text).map(prepared).collect()
}

/// Whether one of the conjunctions holds for a whole input; an error where that fails.
fn holds(program: &Program, queries: &[Query], input: &Value) -> Result<bool, String> {
    for query in queries {
        let asking = Asking {
            input: Some(input),
            now_ns: NOW,
            limits: limits(),
            strict: Strict::Functions,
            effects: Effects::default(),
            watch: None,
        };
        let rows = program.ask(query, asking).map_err(|error| error.message)?;
        // A query of one expression may have the result `false`.
        if rows.iter().any(|row| row.values.iter().all(|value| *value != Value::from(false))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a document is neither false nor undefined; an error where its evaluation fails.
fn decides(program: &Program, path: &[&str], input: &Value) -> Result<bool, String> {
    let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
    match program.evaluate(&path, Some(input.clone()), NOW, &limits()) {
        Evaluation::Defined { value, .. } => Ok(value != Value::from(false)),
        Evaluation::Undefined(_) => Ok(false),
        Evaluation::Error(error) => Err(error.policy.map_or(error.message, |policy| policy.code.to_owned())),
    }
}
