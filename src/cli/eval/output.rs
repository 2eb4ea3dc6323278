//! Showing an answer in the formats of `opa eval`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::answer::{Answer, Run};
use super::cells::{cut, go_duration};
use super::source::Given;
use super::{Format, Settings, indent};
use crate::cli::table;
use crate::cli::terminal::Terminal;
use verdict_rego::Value;
use verdict_rego::coverage::Report;
use verdict_rego::explanation::Explanation;
use verdict_rego::profile::Stat;
use verdict_rego::query::Row;
use verdict_rego::{Location, PolicyError};

/// The figures of several runs that tables show.
const SHOWN: [&str; 5] = ["min", "max", "mean", "90%", "99%"];

/// The answer's text, with a line feed at its end where it is not empty.
pub(super) fn render(args: &Settings, given: &Given, answer: &Answer) -> String {
    let each = |f: &dyn Fn(&Row) -> String| answer.rows.iter().map(f).collect::<String>();
    match args.format {
        Format::Json | Format::Source => document(args, given, answer, Shown::Results),
        Format::Discard => document(args, given, answer, Shown::Discarded),
        Format::Pretty => pretty(args, given, answer),
        Format::Raw => each(&|row| row.values.iter().map(raw).collect::<Vec<_>>().join(" ") + "\n"),
        Format::Values => each(&|row| indent::indented(&Value::from(row.values.clone()).to_string()) + "\n"),
        Format::Bindings => each(&|row| indent::indented(&text(&bindings(row))) + "\n"),
    }
}

/// A text as it is, everything else as JSON.
fn raw(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[derive(Serialize)]
struct Output<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Results<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [PolicyError],
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<BTreeMap<&'a str, u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregated_metrics: Option<BTreeMap<&'a str, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a [Stat]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregated_profile: Option<Vec<Aggregated<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<&'a Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Explanation>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Results<'a> {
    Rows(Vec<OneResult<'a>>),
    Discarded(&'static str),
}

#[derive(Serialize)]
struct OneResult<'a> {
    expressions: Vec<Expression<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bindings: BTreeMap<&'a str, Box<RawValue>>,
}

#[derive(Serialize)]
struct Expression<'a> {
    value: Box<RawValue>,
    text: &'a str,
    location: Place,
}

#[derive(Serialize)]
struct Place {
    row: u32,
    col: u32,
}

#[derive(Serialize)]
struct Aggregated<'a> {
    location: &'a Location,
    total_time_ns_stats: serde_json::Value,
    num_eval: u64,
    num_redo: u64,
    num_gen_expr: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Results,
    Discarded,
}

fn document(args: &Settings, given: &Given, answer: &Answer, shown: Shown) -> String {
    let rows = || answer.rows.iter().map(|row| one_result(given, row)).collect();
    let result = match shown {
        _ if answer.rows.is_empty() => None,
        Shown::Results => Some(Results::Rows(rows())),
        Shown::Discarded => Some(Results::Discarded("discarded")),
    };
    let measured = args.measures();
    let once = answer.runs.len() == 1;
    let output = Output {
        result,
        errors: &answer.builtin_errors,
        metrics: (measured && once).then(|| metrics(given, answer)),
        aggregated_metrics: (measured && !once).then(|| aggregated_metrics(answer)),
        profile: answer.runs.first().map(|run| run.profile.as_slice()).filter(|_| once && args.profiles()),
        aggregated_profile: (args.profiles() && !once).then(|| aggregated_profile(&answer.runs)),
        coverage: answer.coverage.as_ref(),
        explanation: answer.explanation.as_ref(),
    };
    indent::indented(&text(&output)) + "\n"
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn one_result<'a>(given: &'a Given, row: &'a Row) -> OneResult<'a> {
    let expressions = given.query.expressions().iter().zip(&row.values).map(|(expression, value)| {
        let location = Place { row: expression.row, col: expression.col };
        Expression { value: value.to_raw(), text: &expression.text, location }
    });
    OneResult { expressions: expressions.collect(), bindings: bindings(row) }
}

fn bindings(row: &Row) -> BTreeMap<&str, Box<RawValue>> {
    row.bindings.iter().map(|(name, value)| (name.as_str(), value.to_raw())).collect()
}

fn nanos(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

const EVALUATION: &str = "timer_rego_query_eval_ns";

fn metrics<'a>(given: &Given, answer: &Answer) -> BTreeMap<&'a str, u64> {
    let before = given.timers.iter().map(|(name, took)| (*name, nanos(*took)));
    let run = answer.runs.iter().take(1);
    let after = run.flat_map(|run| run.counts.iter().copied().chain([(EVALUATION, nanos(run.took))]));
    before.chain(after).collect()
}

fn aggregated_metrics<'a>(answer: &Answer) -> BTreeMap<&'a str, serde_json::Value> {
    let times = answer.runs.iter().map(|run| nanos(run.took)).collect();
    BTreeMap::from([(EVALUATION, statistics(times))])
}

fn aggregated_profile(runs: &[Run]) -> Vec<Aggregated<'_>> {
    let Some(first) = runs.first() else { return Vec::new() };
    let time = |run: &Run, location: &Location| {
        run.profile.iter().find(|stat| stat.location == *location).map(|stat| stat.total_time_ns)
    };
    let lines = first.profile.iter().map(|stat| Aggregated {
        location: &stat.location,
        total_time_ns_stats: statistics(runs.iter().filter_map(|run| time(run, &stat.location)).collect()),
        num_eval: stat.num_eval,
        num_redo: stat.num_redo,
        num_gen_expr: stat.num_gen_expr,
    });
    lines.collect()
}

/// Figures of all values, none sampled away; percentiles between two values are interpolated.
fn statistics(mut values: Vec<u64>) -> serde_json::Value {
    values.sort_unstable();
    let count = values.len() as f64;
    let mean = values.iter().map(|value| *value as f64).sum::<f64>() / count.max(1.0);
    let variance = values.iter().map(|value| (*value as f64 - mean).powi(2)).sum::<f64>() / count.max(1.0);
    let at = |index: f64| values.get(index.max(0.0) as usize).copied().unwrap_or_default() as f64;
    let quantile = |share: f64| {
        let position = (share * (count + 1.0)).clamp(1.0, count.max(1.0)) - 1.0;
        let (low, high) = (at(position.floor()), at(position.ceil()));
        low + (high - low) * position.fract()
    };
    json!({
        "count": values.len(), "min": values.first(), "max": values.last(), "mean": mean, "stddev": variance.sqrt(),
        "median": quantile(0.5), "75%": quantile(0.75), "90%": quantile(0.9), "95%": quantile(0.95),
        "99%": quantile(0.99), "99.9%": quantile(0.999), "99.99%": quantile(0.9999),
    })
}

fn pretty(args: &Settings, given: &Given, answer: &Answer) -> String {
    let mut out = results(args, given, &answer.rows);
    if args.measures() && answer.runs.len() == 1 {
        let rows: Vec<_> = metrics(given, answer)
            .iter()
            .map(|(name, took)| vec![(*name).to_owned(), took.to_string()])
            .collect();
        out.push_str(&table(Some(&["Metric", "Value"]), &rows));
    } else if args.measures() {
        let row = |(name, figures): (&str, serde_json::Value)| {
            let figure = |key: &&str| figures.get(key).map(ToString::to_string).unwrap_or_default();
            [name.to_owned()].into_iter().chain(SHOWN.iter().map(figure)).collect()
        };
        let rows: Vec<_> = aggregated_metrics(answer).into_iter().map(row).collect();
        out.push_str(&table(Some(&["Metric", "Min", "Max", "Mean", "90%", "99%"]), &rows));
    }
    if args.profiles() {
        out.push_str(&profile(&answer.runs));
    }
    if let Some(report) = &answer.coverage {
        let percent = format!("{:.2}", report.coverage);
        out.push_str(&table(None, &[vec!["Overall Coverage".to_owned(), percent]]));
    }
    out
}

/// A table that fits the terminal.
fn table(head: Option<&[&str]>, rows: &[Vec<String>]) -> String {
    table::table(head, rows, Terminal::out().width)
}

/// The value alone, where it is the only thing to show; else a table.
fn results(args: &Settings, given: &Given, rows: &[Row]) -> String {
    let is_bool = |value: &Value| value.as_bool().is_some();
    if rows.is_empty() {
        return "undefined\n".to_owned();
    }
    if let [Row { bindings, values }] = rows
        && bindings.is_empty()
        && (values.len() == 1 || values.iter().all(is_bool))
    {
        let first = values.first().map(ToString::to_string).unwrap_or_default();
        return indent::indented(&first) + "\n";
    }
    let Some(first) = rows.first() else { return String::new() };
    let mut names: Vec<&str> = first.bindings.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    // Beside bindings, an expression that only holds says nothing.
    let says_something = |(_, value): &(usize, &Value)| names.is_empty() || !is_bool(value);
    let shown: Vec<usize> =
        first.values.iter().enumerate().filter(says_something).map(|(number, _)| number).collect();
    let texts = shown.iter().filter_map(|number| given.query.expressions().get(*number));
    let head: Vec<&str> = names.iter().copied().chain(texts.map(|text| text.text.as_str())).collect();
    if head.is_empty() {
        return "{}\n".to_owned();
    }
    let cells = |row: &Row| {
        let binding =
            |name: &&str| row.bindings.iter().find(|(other, _)| other == name).map(|(_, value)| value);
        let values =
            names.iter().filter_map(binding).chain(shown.iter().filter_map(|at| row.values.get(*at)));
        values.map(|value| cut(&value.to_string(), args.pretty_limit)).collect()
    };
    table(Some(&head), &rows.iter().map(cells).collect::<Vec<_>>())
}

fn profile(runs: &[Run]) -> String {
    let location = |at: &Location| {
        if at.file.is_empty() { format!("query:{}", at.row) } else { format!("{}:{}", at.file, at.row) }
    };
    if let [run] = runs {
        let row = |stat: &Stat| {
            let counts =
                [stat.num_eval, stat.num_redo, stat.num_gen_expr as u64].map(|count| count.to_string());
            let time = go_duration(stat.total_time_ns);
            [time].into_iter().chain(counts).chain([location(&stat.location)]).collect()
        };
        let rows: Vec<_> = run.profile.iter().map(row).collect();
        return table(Some(&["Time", "Num Eval", "Num Redo", "Num Gen Expr", "Location"]), &rows);
    }
    let row = |stat: &Aggregated<'_>| {
        let figure = |key: &&str| {
            let nanos = stat.total_time_ns_stats.get(key).and_then(serde_json::Value::as_f64);
            go_duration(nanos.unwrap_or_default() as u64)
        };
        let counts = [stat.num_eval, stat.num_redo, stat.num_gen_expr as u64].map(|count| count.to_string());
        SHOWN.iter().map(figure).chain(counts).chain([location(stat.location)]).collect()
    };
    let rows: Vec<_> = aggregated_profile(runs).iter().map(row).collect();
    let head = ["Min", "Max", "Mean", "90%", "99%", "Num Eval", "Num Redo", "Num Gen Expr", "Location"];
    table(Some(&head), &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_of_all_values() {
        let figures = statistics(vec![4, 1, 3, 2]);
        for (name, expected) in [("min", 1.0), ("max", 4.0), ("mean", 2.5), ("median", 2.5), ("99.99%", 4.0)]
        {
            assert_eq!(figures[name].as_f64(), Some(expected), "{name}");
        }
        assert_eq!(statistics(vec![7])["90%"].as_f64(), Some(7.0));
    }
}
