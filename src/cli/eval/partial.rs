//! `verdict eval --partial`: what is left of a query without what is unknown.

use std::time::Duration;

use serde_json::json;

use super::source::Given;
use super::{EvalArgs, Format, Problem};
use crate::cli::print::print;
use verdict_rego::partial::{Residual, Unknown};
use verdict_rego::query::Scope;
use verdict_rego::{EvalLimits, Supposing};

/// How many levels a document of syntax may have.
const MAX_DEPTH: usize = 10_000;

/// Prints what is left, and says whether the query can hold at all.
pub(super) fn eval(args: &EvalArgs, given: &Given) -> Result<bool, Vec<Problem>> {
    let plain = |message: String| vec![Problem::plain(message)];
    let scope = Scope { package: args.package.clone(), imports: args.import.clone() };
    let query = given.program.prepare_conditions(&given.text, &scope);
    let query = query.map_err(|found| found.iter().map(Problem::of_diagnostic).collect::<Vec<_>>())?;
    let unknowns = match args.unknowns.as_slice() {
        [] => vec![Unknown::input()],
        texts => texts.iter().map(|text| Unknown::parse(text)).collect::<Result<_, _>>().map_err(plain)?,
    };
    let timeout = args.settings.timeout.0;
    let deadline = if timeout.is_zero() { Duration::MAX } else { timeout };
    let supposing = Supposing {
        input: given.input.as_ref(),
        unknowns: &unknowns,
        nondeterministic: false,
        now_ns: given.at.0,
        limits: EvalLimits { strict: args.settings.errors.strict(), ..EvalLimits::within(deadline) },
    };
    let mut effects = given.effects().map_err(plain)?;
    let residual = given.program.suppose(&query, &supposing, &mut effects);
    let residual = residual.map_err(|failure| vec![Problem::of_failure(&failure)])?;
    match args.settings.format {
        Format::Json => {
            let left = residual.to_ast(MAX_DEPTH).map_err(plain)?;
            let text = serde_json::to_string_pretty(&json!({ "partial": left })).unwrap_or_default();
            print(&(text + "\n"));
        }
        Format::Source | Format::Pretty => print(&source(&residual)),
        Format::Discard => {}
        Format::Raw | Format::Values | Format::Bindings => {
            return Err(plain(
                "what is left of a query has no values: use the format `json`, `source` or `pretty`"
                    .to_owned(),
            ));
        }
    }
    Ok(!residual.ways.is_empty())
}

/// What is left, as text.
fn source(residual: &Residual) -> String {
    let (queries, support) = residual.to_rego();
    let mut text = String::new();
    if queries.is_empty() {
        text.push_str("# The query never holds.\n");
    }
    for (number, query) in (1..).zip(&queries) {
        let conditions = if query.is_empty() { "true".to_owned() } else { query.join("\n") };
        text.push_str(&format!("# Query {number}\n{conditions}\n\n"));
    }
    if let Some(module) = support {
        text.push_str(&format!("# Module 1\n{module}\n"));
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}
