//! Comprehensions that are looked up come to what they come to when each is run: a watched evaluation runs each.

use std::time::Duration;

use verdict_rego::{Effects, EvalLimits, Evaluation, Module, RegoVersion, Value, Watch, compile};

struct Watcher;

impl Watch for Watcher {}

fn answer(policy: &str, input: &str, watched: bool) -> String {
    let module = Module { id: "a.rego".to_owned(), source: policy.into(), version: RegoVersion::V1 };
    let program = compile(vec![module], Value::object()).unwrap();
    let input = Some(Value::from_json(input.as_bytes()).unwrap());
    let limits = EvalLimits::within(Duration::from_secs(20));
    let watch: Option<Box<dyn Watch>> = if watched { Some(Box::new(Watcher)) } else { None };
    let path = ["a".to_owned(), "p".to_owned()];
    match program.evaluate_watched(&path, input, 0, &limits, &mut Effects::default(), watch) {
        Evaluation::Defined { value, .. } => value.to_string(),
        Evaluation::Undefined(cause) => cause.reason().to_owned(),
        Evaluation::Error(error) => error.message,
    }
}

#[test]
fn what_is_looked_up_is_what_a_run_finds() {
    let input = r#"{"xs": [
        {"k": "a", "l": 1, "v": 1, "n": "x"}, {"k": "b", "l": 1, "v": 2, "n": "y"}, {"k": "a", "l": 2, "v": 3, "n": "x"},
        {"k": 1, "v": 4, "n": "z"}, {"k": 1.0, "v": 5, "n": "z"}, {"v": 6}, {"k": "c", "l": 1, "v": "7", "n": "x"}
    ], "keys": ["a", "b", "a", 1, "none", null, "c"]}"#;
    for rules in [
        "p := {k: vs | some x in input.xs; k := x.k; vs := {y.v | some y in input.xs; y.k == k}}",
        "p := [vs | some k in input.keys; vs := [y.v | some y in input.xs; y.k == k]]",
        "p := [vs | some k in input.keys; vs := [y.v | y := input.xs[_]; y.k = k]]",
        "p := [vs | some x in input.xs; vs := [y.v | some y in input.xs; y.k == x.k; y.l == x.l]]",
        "p := [n | some k in input.keys; n := count({y | some y in input.xs; y.k == k})]",
        // One key of an object, two values: only where it is asked for.
        "p := [vs | some k in [\"b\", \"b\", \"b\"]; vs := {y.n: y.v | some y in input.xs; y.k == k}]",
        "p := [vs | some k in [\"b\", \"a\", \"b\"]; vs := {y.n: y.v | some y in input.xs; y.k == k}]",
        // What fails for others must not fail for those that are asked for.
        "p := [vs | some k in [\"c\", \"c\", \"c\"]; vs := [to_number(y.v) | some y in input.xs; y.k == k]]",
        "p := [vs | some k in [\"b\", \"b\"]; vs := [(1 / (y.v - 2)) | some y in input.xs; y.k == k]]",
        "p := [vs | some k in [\"b\", \"b\"]; vs := [(y.v - 1) | some y in input.xs; y.k == k]]",
        "p := [vs | some k in input.keys; vs := [y.v | some y in input.xs; y.k == k] with input.xs as [{\"k\": k, \"v\": 1}]]",
        "p := [vs | some xs in [[{\"k\": \"a\", \"v\": 1}], [], input.xs]; vs := f(\"a\") with input.xs as xs]\nf(k) := [y.v | some y in input.xs; y.k == k]",
        "p := [f(k) | some k in input.keys]\nf(k) := [y.v | some y in input.xs; y.k == k]",
        "p := [vs | some k in input.keys; some l in [1, 2]; vs := [[y.v | some y in input.xs; y.k == k] | some z in input.xs; z.l == l]]",
    ] {
        let policy = format!("package a\n\n{rules}");
        assert_eq!(answer(&policy, input, false), answer(&policy, input, true), "{rules}");
    }
}
