//! What `not`, `and` and `or` come to, in rules, in queries, and wherever else conditions stand.

use std::sync::Arc;
use std::time::Duration;

use verdict_rego::Strict;
use verdict_rego::query::{Asking, Scope};
use verdict_rego::syntax::parser::{Options, parse_module};
use verdict_rego::syntax::{Source, plain};
use verdict_rego::{
    Diagnostic, Effects, EvalLimits, Evaluation, Module, Program, RegoVersion, Value, compile,
};

/// Conditions, and the imports of the module that they stand in.
const CASES: [(&str, &[&str]); 3] = [
    (include_str!("negation/cases.txt"), &[]),
    (include_str!("negation/imported.txt"), &["future.keywords.not"]),
    (include_str!("negation/logical.txt"), &["rego.v2"]),
];

const RULES: &str = r#"package p

always := true

double(x) := x * 2

never if input.missing

seen := input.name

set_of contains "a"

is_mallory(x) if x in {"mallory"}

only_bob(x) := x if x in {"bob"}

not_blocked if not is_mallory(input.missing)
"#;

const INPUT: &str = r#"{"zero": 0, "one": 1, "no": false, "name": "xavier", "names": ["xavier", "bob"],
    "pair": {"a": {"b": 1}}, "key": "a"}"#;

/// Where a condition may stand; `COND` is the condition.
const PLACES: [&str; 8] = [
    "answer if { COND }",
    "answer if { false } else if { COND }",
    "answer if { count([1 | COND]) > 0 }",
    "answer if { every y in [1, 2] { y > 0; COND } }",
    "f(_) if { COND }\nanswer if { f(0) }",
    "gathered contains 1 if { COND }\nanswer if { gathered[1] }",
    "other if { COND }\nanswer if { other with data.unrelated as 1 }",
    "answer if { $\"{[1 | COND]}\" != \"[]\" }",
];

const LIMITS: EvalLimits = EvalLimits::within(Duration::from_secs(30));

/// The rules, and in another module of their package, with imports, one more.
fn program(rule: &str, imports: &[&str]) -> Result<Program, String> {
    of_texts(&module_text(rule, imports))
}

fn module_text(rule: &str, imports: &[&str]) -> String {
    let imports: String = imports.iter().map(|path| format!("import {path}\n")).collect();
    format!("package p\n{imports}{rule}")
}

fn of_texts(text: &str) -> Result<Program, String> {
    let texts = [RULES, text];
    let modules = texts.into_iter().zip(["rules.rego", "p.rego"]).map(|(text, id)| Module {
        id: id.to_owned(),
        source: Arc::from(text),
        version: RegoVersion::V1,
    });
    compile(modules.collect(), Value::object()).map_err(|errors| refused(&errors[0]))
}

fn refused(error: &Diagnostic) -> String {
    format!("refused: {}: {}", error.code, error.message)
}

/// A rule in the plain form, which has neither `and` nor `or`, and one `not`.
fn in_plain_form(rule: &str, imports: &[&str]) -> Result<Program, String> {
    let source = Source::new("p.rego", module_text(rule, imports));
    let module = parse_module(&source, RegoVersion::V1, Options::default()).unwrap();
    let text = plain(&module).unwrap();
    assert!(!text.contains("import") && !text.contains(" and "), "{text}");
    of_texts(&text)
}

fn answer(program: Result<Program, String>, input: &Value) -> String {
    let program = match program {
        Ok(program) => program,
        Err(why) => return why,
    };
    match program.evaluate(&["p", "answer"].map(str::to_owned), Some(input.clone()), 0, &LIMITS) {
        Evaluation::Defined { value, .. } => {
            if value.as_bool() == Some(true) { "holds" } else { "another value" }.to_owned()
        }
        Evaluation::Undefined(_) => "undefined".to_owned(),
        Evaluation::Error(failure) => failure.message,
    }
}

fn in_query(query: &str, imports: &[&str], input: &Value) -> String {
    let program = program("", &[]).unwrap();
    let imports = imports.iter().map(|path| (*path).to_owned()).collect();
    let scope = Scope { package: Some("p".to_owned()), imports };
    let query = match program.prepare(query, &scope) {
        Ok(query) => query,
        Err(errors) => return refused(&errors[0]),
    };
    let effects = Effects::default();
    let asking = Asking {
        input: Some(input),
        now_ns: 0,
        limits: LIMITS,
        strict: Strict::Functions,
        effects,
        watch: None,
    };
    match program.ask(&query, asking) {
        Ok(rows) if rows.is_empty() => "undefined".to_owned(),
        Ok(_) => "holds".to_owned(),
        Err(failure) => failure.message,
    }
}

#[test]
fn conditions_mean_what_they_mean_in_opa_wherever_they_stand() {
    let input = Value::from_json(INPUT.as_bytes()).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    let lines = CASES.iter().flat_map(|(cases, imports)| cases.lines().map(move |line| (line, *imports)));
    for (line, imports) in lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#')) {
        let (condition, expected) = line.rsplit_once(" | ").unwrap();
        let (condition, expected) = (condition.trim().replace("\\|", "|"), expected.trim());
        count += 1;
        for place in PLACES {
            let rule = place.replace("COND", &condition);
            let got = answer(program(&rule, imports), &input);
            if !got.starts_with(expected) {
                wrong.push(format!("{rule}\n  got {got}, want {expected}"));
            }
            // In the plain form every operand is evaluated, and nothing is refused that only words make wrong.
            if matches!(expected, "holds" | "undefined") && !condition.contains("input.zero ==") {
                let got = answer(in_plain_form(&rule, imports), &input);
                if got != expected {
                    wrong.push(format!("{rule}\n  in the plain form got {got}, want {expected}"));
                }
            }
        }
        let got = in_query(&condition, imports, &input);
        if !got.starts_with(expected) {
            wrong.push(format!("query {condition}\n  got {got}, want {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n"));
}
