//! `verdict eval`: queries, formats, and what can be seen of an evaluation.

use serde_json::{Value, json};

use super::{Ran, folder, verdict, verdict_with_input};

const POLICY: &str = "package app

default allow := false

allow if {
	some role in input.roles
	role == \"admin\"
	print(\"admin:\", input.user, input.nope)
}

allow if input.user == \"root\"

users := [{\"name\": \"ann\", \"age\": 20}, {\"name\": \"bob\", \"age\": 10}]

bad := 1 / 0

lenient if not bad
";

const ADMIN: &str = r#"{"roles": ["guest", "admin"], "user": "ann"}"#;

fn eval(args: &[&str]) -> Ran {
    let folder = folder(&[("app.rego", POLICY)]);
    let args = [&["eval", "-d", "app.rego"], args].concat();
    let input = if args.contains(&"-I") { ADMIN } else { "" };
    verdict_with_input(folder.path(), &args, input)
}

fn eval_json(args: &[&str]) -> Value {
    serde_json::from_str(&eval(args).exits(0).out).unwrap()
}

/// What `opa eval` prints for the same.
#[test]
fn every_format_is_that_of_opa() {
    let (two, table) = ("x := 1; y := 2; x < y", "┌───┬───┐\n│ x │ y │\n├───┼───┤\n│ 1 │ 2 │\n└───┴───┘\n");
    let names = "data.app.users[_].name";
    let column = "┌────────────────────────┐\n│ data.app.users[_].name │\n├────────────────────────┤\n\
                  │ \"ann\"                  │\n│ \"bob\"                  │\n└────────────────────────┘\n";
    for (query, format, expected) in [
        (two, "pretty", table),
        (two, "raw", "true true true\n"),
        (two, "values", "[\n  true,\n  true,\n  true\n]\n"),
        (two, "bindings", "{\n  \"x\": 1,\n  \"y\": 2\n}\n"),
        (two, "discard", "{\n  \"result\": \"discarded\"\n}\n"),
        (names, "pretty", column),
        (names, "raw", "ann\nbob\n"),
        (names, "values", "[\n  \"ann\"\n]\n[\n  \"bob\"\n]\n"),
        ("1 + 1", "pretty", "2\n"),
        ("1 == 2", "pretty", "false\n"),
        ("true; 1 < 2", "pretty", "true\n"),
        ("[1, {2}]", "raw", "[1,[2]]\n"),
        ("data.app.nope", "pretty", "undefined\n"),
        ("data.app.nope", "raw", ""),
        ("data.app.nope", "json", "{}\n"),
        ("data.app.nope", "discard", "{}\n"),
        ("1 == 2; true", "json", "{}\n"),
    ] {
        assert_eq!(eval(&[query, "-f", format]).exits(0).out, expected, "{query} as {format}");
    }
    let expression =
        |text: &str, col: u32| json!({"value": true, "text": text, "location": {"row": 1, "col": col}});
    let expected = json!({"result": [{
        "expressions": [expression("x := 1", 1), expression("y := 2", 9), expression("x < y", 17)],
        "bindings": {"x": 1, "y": 2},
    }]});
    assert_eq!(eval_json(&[two]), expected);
    let cut = eval(&["x := \"0123456789\"", "-f", "pretty", "--pretty-limit", "4"]).exits(0);
    cut.says("│ \"012... │");
}

#[test]
fn queries_come_from_standard_input_and_names_from_package_and_imports() {
    let folder = folder(&[("app.rego", POLICY)]);
    let args = ["eval", "-d", "app.rego", "--stdin", "--package", "app", "-f", "raw"];
    assert_eq!(verdict_with_input(folder.path(), &args, "count(users)\n").exits(0).out, "2\n");
    let args = ["-f", "raw", "--import", "data.app.users as us", "us[0].name"];
    assert_eq!(eval(&args).exits(0).out, "ann\n");
    eval(&["--package", "a b", "1"]).exits(2).says("rego_parse_error");
    eval(&["--stdin", "1"]).exits(2).complains("cannot be used with");
}

#[test]
fn what_is_wrong_with_a_query_has_its_place() {
    for (query, code, row, col) in [
        ("x +", "rego_parse_error", 1, 4),
        ("true;\n  nosuch(1)", "rego_type_error", 2, 3),
        ("x == 1", "rego_unsafe_var_error", 1, 1),
    ] {
        let ran = eval(&[query]).exits(2);
        let errors: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(errors["errors"].as_array().unwrap().len(), 1, "{errors}");
        assert_eq!(errors["errors"][0]["code"], code, "{query}");
        assert_eq!(errors["errors"][0]["location"], json!({"file": "", "row": row, "col": col}), "{query}");
        eval(&[query, "-f", "raw"]).exits(2).complains(&format!("error: {row}:{col}: {code}: "));
    }
    for args in [&["1", "-u", "input.x"][..], &["1", "-f", "source"]] {
        eval(args).exits(2).complains("--partial");
    }
}

#[test]
fn what_is_left_of_a_query_is_rego_or_its_tree() {
    let query = "some user in data.app.users; user.age > input.age";
    let ran = eval(&[query, "--partial", "-f", "source"]).exits(0);
    assert!(ran.out.starts_with("# Query 1\n") && ran.out.contains(" > input.age\n"), "{}", ran.out);
    let ran = eval(&["input.x == 1", "-p", "-u", "input.x"]).exits(0);
    let left: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(left["partial"]["queries"][0][0]["terms"][0]["value"][0]["value"], "equal", "{left}");
    eval(&["1 == 2", "-p", "--fail", "-f", "source"]).exits(1).says("never holds");
    eval(&["data.app", "-p", "-u", "data.app.users", "-f", "source"])
        .exits(2)
        .complains("`data.app` is asked for");
    eval(&["1", "-p", "-u", "x", "-f", "source"]).exits(2).complains("`x` is not a reference");
}

#[test]
fn exit_codes_tell_defined_from_undefined() {
    for (query, flag, code) in [
        ("data.app.users[_].age > 15", "--fail", 0),
        ("data.app.users[_].age > 50", "--fail", 1),
        ("data.app.users[_].age > 50", "--fail-defined", 0),
        ("1 == 2", "--fail-defined", 1),
        ("data.app.bad", "--fail-defined", 2),
    ] {
        eval(&[query, flag]).exits(code);
    }
}

/// A built-in's error is an error, as in the server, unless OPA's way is asked for.
#[test]
fn errors_of_built_ins_are_shown_or_end_the_evaluation() {
    let ran = eval(&["data.app.lenient"]).exits(2);
    let errors: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(errors["errors"][0]["location"], json!({"file": "app.rego", "row": 15, "col": 8}));
    let shown = eval_json(&["data.app.lenient", "--show-builtin-errors"]);
    assert_eq!(shown["result"][0]["expressions"][0]["value"], true);
    assert_eq!(shown["errors"], errors["errors"]);
    let operator = ["-I", "1 + input.user", "-f", "raw"];
    eval(&operator).exits(0).complains("is undefined");
    eval(&[&operator[..], &["--strict-builtin-errors"]].concat()).exits(2).complains("eval_type_error");
    eval(&["1 + \"a\""]).exits(2).says("rego_type_error");
    eval(&["1", "--strict-builtin-errors", "--show-builtin-errors"]).exits(2);
    eval(&[
        "count([i | some i in numbers.range(1, 9000); some j in numbers.range(1, 9000); i == j])",
        "--timeout",
        "50ms",
    ])
    .exits(2)
    .says("did not finish within 50 ms");
    eval(&["count(numbers.range(1, 2000))", "--timeout", "0", "-f", "raw"]).exits(0).says("2000");
}

#[test]
fn prints_go_to_standard_error() {
    let ran = eval(&["-I", "data.app.allow", "-f", "raw"]).exits(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("true\n", "admin: ann <undefined>\n"));
    let ran = eval(&["print(\"x\", {1, \"y\"}); 1", "-f", "raw"]).exits(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("true 1\n", "x {1, \"y\"}\n"));
}

#[test]
fn coverage_is_in_the_shape_of_opa() {
    let coverage = eval_json(&["-I", "data.app.allow", "--coverage"])["coverage"].clone();
    let percent = 400.0 / 9.0;
    let file = &coverage["files"]["app.rego"];
    for of in [&coverage, file] {
        let sums = (&of["covered_lines"], &of["not_covered_lines"], &of["coverage"]);
        assert_eq!(sums, (&json!(4), &json!(5), &json!(percent)));
    }
    let begins = |list: &str| -> Vec<u64> {
        let mut rows: Vec<u64> = file[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|range| range["start"]["row"].as_u64().unwrap())
            .collect();
        rows.dedup();
        rows
    };
    // The second rule is not asked once the first has decided.
    assert_eq!((begins("covered"), begins("not_covered")), (vec![5, 6, 7, 8], vec![3, 11, 13, 15, 17]));
    let head = json!({"start": {"row": 5, "col": 1}, "end": {"row": 5, "col": 6}});
    assert_eq!(file["covered"][0], head);
    eval(&["-I", "data.app.allow", "--coverage", "-f", "pretty"])
        .exits(0)
        .says("│ Overall Coverage │ 44.44 │");
}

#[test]
fn profiles_and_metrics_are_in_the_shape_of_opa() {
    let answer = eval_json(&["-I", "data.app.allow", "--profile", "--profile-sort", "num_eval,line"]);
    assert!(answer["metrics"]["timer_rego_query_eval_ns"].as_u64().unwrap() > 0);
    let line = |row: u32| {
        let lines = answer["profile"].as_array().unwrap().iter();
        lines
            .clone()
            .find(|line| line["location"]["row"] == row)
            .unwrap_or_else(|| panic!("{answer:#}"))
            .clone()
    };
    // Two roles, of which one is looked for.
    for (row, evals, redos) in [(6, 1, 2), (7, 2, 1)] {
        let line = line(row);
        assert_eq!((&line["num_eval"], &line["num_redo"]), (&json!(evals), &json!(redos)), "{line}");
        assert_eq!(line["location"]["file"], "app.rego");
        assert!(line["total_time_ns"].as_u64().unwrap() > 0);
    }
    let evals: Vec<u64> =
        answer["profile"].as_array().unwrap().iter().map(|line| line["num_eval"].as_u64().unwrap()).collect();
    assert!(evals.is_sorted_by(|a, b| a >= b), "{evals:?}");
    let one = eval_json(&["-I", "data.app.allow", "--profile-limit", "1"]);
    assert_eq!(one["profile"].as_array().unwrap().len(), 1);
    eval(&["1", "--profile-sort", "nothing"]).exits(2).complains("total_time_ns, num_eval");
    let many = eval_json(&["data.app.users[_].age > 1", "--count", "3", "--profile"]);
    assert_eq!(many["aggregated_metrics"]["timer_rego_query_eval_ns"]["count"], 3);
    assert_eq!(many["aggregated_profile"][0]["total_time_ns_stats"]["count"], 3);
    assert!(many.get("metrics").is_none() && many.get("profile").is_none());
    eval(&["1", "--profile", "-f", "pretty"]).exits(0).says("│ Num Eval │ Num Redo │ Num Gen Expr │");
}

#[test]
fn what_a_package_leaves_out_is_said() {
    verdict(tempfile::tempdir().unwrap().path(), &["eval", "data", "-f", "raw"]).exits(0).says("{}");
    eval(&["data.app.users", "-f", "raw"]).exits(0);
    eval(&["data.app", "-f", "raw"])
        .exits(0)
        .complains("a rule was left out: app.rego:15:8: eval_builtin_error");
    eval(&["data.app", "-f", "raw", "--fail"]).exits(1);
}

#[test]
fn an_input_in_the_envelope_of_the_api_is_asked_about() {
    let folder = folder(&[
        ("a.rego", "package a\n\np := input\n"),
        ("wrapped.json", r#"{"input": {"user": "ann"}}"#),
        ("more.json", r#"{"input": 1, "user": "ann"}"#),
    ]);
    let eval = |more: &[&str], input: &str| {
        let args = [&["eval", "-d", "a.rego", "-f", "raw", "data.a.p"], more].concat();
        super::verdict_with_input(folder.path(), &args, input).exits(0)
    };
    let ran = eval(&["-i", "wrapped.json"], "").says(r#"{"input":{"user":"ann"}}"#);
    ran.complains("warning: the only member of the input in `wrapped.json` is `input`")
        .complains("did you mean");
    eval(&["-I"], r#"{"input": {}}"#).complains("the input in standard input is `input`");
    eval(&["-i", "wrapped.json", "--subject", r#"{"id": "ann"}"#], "").complains("`wrapped.json`");
    for (args, input) in
        [(&["-i", "more.json"][..], ""), (&["-I"], r#"{"user": {"input": 1}}"#), (&["-I"], "[1]")]
    {
        let ran = eval(args, input);
        assert!(ran.err.is_empty(), "{args:?}: {}", ran.err);
    }
    verdict(
        folder.path(),
        &["bench", "-d", "a.rego", "-i", "wrapped.json", "--benchtime", "1ms", "data.a.p"],
    )
    .exits(0)
    .complains("the only member of the input in `wrapped.json` is `input`");
}
