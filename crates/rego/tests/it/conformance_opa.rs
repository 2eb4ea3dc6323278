//! OPA's own compliance cases: modules, data, input and a query, and what OPA answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::conformance::{check_known, conformance};
use serde_json::Value as Json;
use verdict_rego::Strict;
use verdict_rego::Value;
use verdict_rego::internals::{Builtin, Declared, Finding, Machine, Query, compile, compile_query};
use verdict_rego::internals::{BuiltinError as Error, Context};
use verdict_rego::json;
use verdict_rego::syntax::Source;
use verdict_rego::syntax::ast::{Body, Version};
use verdict_rego::syntax::parser::{Options, parse_module, parse_query};

/// The notes of the cases that come to something else than in OPA.
pub const DIFFERENT: [&str; 0] = [];
/// After everything that the cases have certificates for, and before they end.
const NOW: i64 = 1_710_000_000_000_000_000;

/// What a case came to.
pub enum Got {
    Rows(Vec<Value>),
    Error(String),
    /// At load: where no error is wanted, an honest answer, though not the one that was asked for.
    Refused(String),
}

/// All built-ins, and the one that OPA has for its tests alone.
fn declared(name: &str) -> Option<Declared> {
    if name != "test.sleep" {
        return verdict_rego::internals::declared(name);
    }
    fn sleep(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
        let millis = args[0].as_str().unwrap().strip_suffix("ms").unwrap().parse().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        Ok(Some(Value::Null))
    }
    let builtin = Builtin {
        name: "test.sleep",
        function: sleep,
        prepare: None,
        prepared: None,
        relation: false,
        nondeterministic: false,
        blocking: false,
    };
    Some(Declared { builtin, arity: 1 })
}

fn query(text: &str) -> Result<Body, String> {
    parse_query(&Source::new("query", text), Version::V1).map_err(|errors| errors[0].to_string())
}

fn refusal(found: &[Finding]) -> String {
    format!("{}: {}", found[0].code, found[0].message)
}

fn value(json: &Json) -> Value {
    // Texts are kept, so that a number is just what the case says.
    json::read_nested(json.to_string().as_bytes(), 255).unwrap()
}

/// Runs a case, each of its modules as `lay_out` gives it back.
pub fn run(case: &Json, lay_out: &dyn Fn(&str) -> String) -> Result<Got, String> {
    let mut modules = Vec::new();
    for (number, module) in case["modules"].as_array().into_iter().flatten().enumerate() {
        let source = Source::new(format!("test-{number}.rego"), lay_out(module.as_str().unwrap()));
        modules.push(
            parse_module(&source, Version::V1, Options::default()).map_err(|errors| errors[0].to_string())?,
        );
    }
    let program = compile(&modules, &declared).map_err(|found| refusal(&found))?;
    let compiled = |text: &str| -> Result<Query, String> {
        compile_query(&program, &query(text)?, &declared).map_err(|found| refusal(&found))
    };
    let data = if case["data"].is_object() { value(&case["data"]) } else { Value::object() };
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut context = Context::new(NOW, deadline, 64 << 20);
    let mut input = case.get("input").map(value);
    if let Some(term) = case["input_term"].as_str() {
        let asked = compiled(&format!("input_term := {term}"))?;
        let rows = Machine::new(&program, &data, None, &mut context, Strict::All).query(&asked);
        input = rows.map_err(|failure| failure.message)?[0].get("input_term").cloned();
    }
    let asked = compiled(case["query"].as_str().unwrap())?;
    let strict = if case["strict_error"] == true { Strict::All } else { Strict::No };
    let rows = Machine::new(&program, &data, input.as_ref(), &mut context, strict).query(&asked);
    Ok(rows.map_or_else(|failure| Got::Error(format!("{}: {}", failure.code, failure.message)), Got::Rows))
}

/// As OPA's runner compares: through JSON, and where order is free, without it.
fn plain(row: &Value, sorted: bool) -> Value {
    let mut row = value(&serde_json::from_str(row.to_raw().get()).unwrap());
    if sorted {
        sort(&mut row);
    }
    row
}

fn sort(value: &mut Value) {
    match value {
        Value::Array(items) => {
            let items = std::sync::Arc::make_mut(items);
            items.iter_mut().for_each(sort);
            items.sort();
        }
        Value::Object(members) => std::sync::Arc::make_mut(members).values_mut().for_each(sort),
        _ => {}
    }
}

/// Whether a case came to what OPA says.
pub fn agrees(case: &Json, got: &Got) -> bool {
    let error = case["want_error_code"].as_str().or(case["want_error"].as_str());
    match (got, error) {
        (Got::Rows(rows), None) => {
            let sorted = case["sort_bindings"] == true;
            let wanted = case["want_result"].as_array().cloned().unwrap_or_default();
            let mut wanted: Vec<Value> = wanted.iter().map(|row| plain(&value(row), sorted)).collect();
            let mut rows: Vec<Value> = rows.iter().map(|row| plain(row, sorted)).collect();
            // One row for each way in which the query holds: OPA's runner asks for the set of them.
            for rows in [&mut wanted, &mut rows] {
                rows.sort();
                rows.dedup();
            }
            rows == wanted
        }
        (Got::Error(got) | Got::Refused(got), Some(_)) => {
            let code = case["want_error_code"].as_str().is_none_or(|code| got.starts_with(code));
            // A place that the case names stands in a field of ours.
            let message = case["want_error"].as_str().unwrap_or_default();
            let message = message.rsplit_once("_error: ").map_or(message, |(_, message)| message);
            code && got.contains(message)
        }
        _ => false,
    }
}

/// Every case, with the name of its file. `opa-next` holds what OPA has added or changed since `opa`: a case of the same file
/// and note takes the place of the older one.
pub fn cases() -> Option<Vec<(String, Json)>> {
    let mut all = cases_in(&conformance("opa")?);
    let Some(next) = conformance("opa-next").map(|folder| cases_in(&folder)) else { return Some(all) };
    let place = |(file, case): &(String, Json)| (file.clone(), case["note"].to_string());
    let replaced: BTreeSet<_> = next.iter().map(place).collect();
    all.retain(|case| !replaced.contains(&place(case)));
    all.extend(next);
    Some(all)
}

fn cases_in(folder: &Path) -> Vec<(String, Json)> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "json")) {
        let cases: Json = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        all.extend(cases["cases"].as_array().unwrap().iter().map(|case| (name.clone(), case.clone())));
    }
    all
}

#[test]
fn opa_and_the_plans_agree() {
    let Some(cases) = cases() else { return };
    let mut by_file: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut all_notes, mut differ) = (BTreeSet::new(), BTreeSet::new());
    for (name, case) in cases {
        let got = run(&case, &|module: &str| module.to_owned()).unwrap_or_else(Got::Refused);
        let (passed, all) = by_file.entry(name.clone()).or_default();
        *all += 1;
        let note = case["note"].as_str().unwrap_or_default().to_owned();
        all_notes.insert(note.clone());
        if agrees(&case, &got) {
            *passed += 1;
            continue;
        }
        let got_text: String = match &got {
            Got::Rows(rows) => format!("{rows:?}"),
            Got::Error(why) => why.clone(),
            Got::Refused(why) => format!("refused: {why}"),
        };
        let got_text: String = got_text.chars().take(300).collect();
        let wanted: String = wanted(&case).chars().take(300).collect();
        println!("differs: {name}: {}\n  got  {got_text}\n  want {wanted}", case["note"]);
        differ.insert(note);
    }
    for (name, (passed, all)) in by_file.iter().filter(|(_, (passed, all))| passed != all) {
        println!("{name}: {passed} of {all}");
    }
    let (passed, all) = by_file.values().fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
    println!("opa compliance: {passed} of {all}");
    assert!(all > 0, "no cases");
    check_known(&DIFFERENT, &all_notes, &differ);
}

fn wanted(case: &Json) -> String {
    let error = case["want_error_code"].as_str().map(|code| format!("{code} {}", case["want_error"]));
    error.unwrap_or_else(|| case["want_result"].to_string())
}
