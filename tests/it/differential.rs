//! The plans against the embedded interpreter: where both know the language, they give the same answers.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use verdict::model::clock::Timestamp;
use verdict::model::request::EntryPath;
use verdict::rego::interpreter::Interpreter;
use verdict::rego::{EvalLimits, Evaluation, Module, RegoVersion, Value, compile};

const LIMITS: EvalLimits = EvalLimits { deadline: Duration::from_secs(10) };

const POLICY: &str = r#"package app
import data.lib

default allow := false
allow if input.user == "alice"
allow if {
	some role in data.users[input.user].roles
	input.action in data.grants[role]
}
denied if not allow
by_role[role] contains name if {
	some name
	role := data.users[name].roles[_]
}
names := [name | some name, u in data.users; count(u.roles) > lib.least]
pairs[x] := y if some x, y in input.numbers
twice(x) := x * 2
doubled := {twice(n) | some n in input.numbers}
all_small if every n in input.numbers { n < 10 }
graded := "high" if {
	input.numbers[0] > 5
} else := "low" if {
	input.numbers[0] >= 0
} else := "none"
mocked if allow with input.user as "alice"
nested := {k: v | some k, v in {"a": [1, {"b": input.user}], "c": {input.user}}}
"#;

const LIB: &str = "package lib\n\nleast := 1\n";
const DATA: &str = r#"{"users": {"alice": {"roles": ["a", "b"]}, "bob": {"roles": ["b"]}, "eve": {"roles": []}},
    "grants": {"a": ["read", "write"], "b": ["read"]}}"#;

fn module(id: &str, source: &str) -> Module {
    Module { id: id.to_owned(), source: Arc::from(source), version: RegoVersion::V1 }
}

/// Asks both for every rule, with every input.
fn compare(modules: &[Module], data: &Value, inputs: &[Value]) -> usize {
    let program = compile(modules.to_vec(), data.clone()).unwrap();
    let interpreter = Interpreter::new(modules, data).unwrap();
    let mut compared = 0;
    let paths: Vec<EntryPath> = program.entry_paths().collect();
    for path in &paths {
        for input in inputs {
            let plan = match program.evaluate(path, Some(input.clone()), Timestamp(0), &LIMITS) {
                Evaluation::Defined { value, .. } => Ok(Some(value.to_string())),
                Evaluation::Undefined(_) => Ok(None),
                Evaluation::Error(failure) => Err(failure.message),
            };
            let name = format!("data.{}", path.segments().join("."));
            let other = interpreter.evaluate(&name, Some(input)).map(|value| value.map(|v| v.to_string()));
            match (plan, other) {
                // Texts of errors differ.
                (Err(_), Err(_)) => {}
                (plan, other) => assert_eq!(plan, other, "{name} with {input}"),
            }
            compared += 1;
        }
    }
    compared
}

#[test]
fn both_evaluators_answer_alike() {
    let inputs: Vec<Value> = [
        r#"{"user": "alice", "action": "read", "numbers": [1, 2, 3]}"#,
        r#"{"user": "bob", "action": "write", "numbers": [7, 70]}"#,
        r#"{"user": "bob", "action": "read", "numbers": []}"#,
        r#"{"user": "eve", "numbers": {"x": -1}}"#,
        "{}",
        "[]",
    ]
    .iter()
    .map(|text| Value::from_json(text.as_bytes()).unwrap())
    .collect();
    let modules = [module("app.rego", POLICY), module("lib.rego", LIB)];
    let data = Value::from_json(DATA.as_bytes()).unwrap();
    assert!(compare(&modules, &data, &inputs) >= 60);
}

#[test]
fn both_evaluators_answer_the_examples_alike() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut compared = 0;
    for example in fs::read_dir(examples).unwrap() {
        let folder = example.unwrap().path();
        let (mut modules, mut data) = (Vec::new(), Value::object());
        for file in fs::read_dir(&folder).into_iter().flatten() {
            let file = file.unwrap().path();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".rego") && !name.ends_with("_test.rego") {
                modules.push(module(&name, &fs::read_to_string(&file).unwrap()));
            } else if name == "data.json" {
                data = Value::from_json(&fs::read(&file).unwrap()).unwrap();
            }
        }
        let input = Value::from_json(
            br#"{"subject": {"id": "alice", "roles": ["editor", "admin"]}, "action": "read", "resource": {"type": "document", "id": "1", "owner": "alice"}}"#,
        );
        if !modules.is_empty() {
            compared += compare(&modules, &data, &[input.unwrap(), Value::object()]);
        }
    }
    assert!(compared > 20, "{compared}");
}
