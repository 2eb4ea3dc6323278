//! Exit codes, reports and messages.

use super::{folder, verdict, verdict_with_input};

const POLICY: &str = "package app\n\ndefault allow := false\n\nallow if input.subject.id == \"alice\"\n";

/// A policy and its test file, in a folder of their own.
fn with_test(rules: &str) -> tempfile::TempDir {
    let test = format!("package app_test\n\nimport data.app\n\n{rules}\n");
    folder(&[("app/policy.rego", POLICY), ("app/policy_test.rego", &test)])
}

#[test]
fn a_test_rule_passes_only_when_it_is_true() {
    for (rule, code, says) in [
        ("test_a if app.allow with input.subject.id as \"alice\"", 0, "1/1 passed"),
        ("test_a if app.allow with input.subject.id as \"bob\"", 2, "undefined: a condition"),
        ("test_a := false", 2, "+ false"),
        ("test_a := \"yes\"", 2, "+ \"yes\""),
        ("test_a := {1}", 2, "+ [1]"),
        ("test_a if 1 / 0 == 1", 2, "ERROR  data.app_test.test_a"),
        ("test_a if not regex.match(\"(\", \"x\")", 2, "app/policy_test.rego:5:"),
        ("test_a if true\n\ntest_a if false", 2, "FAIL  data.app_test.test_a#01"),
        ("todo_test_a := true", 2, "SKIPPED  data.app_test.todo_test_a"),
    ] {
        let folder = with_test(rule);
        verdict(folder.path(), &["test", "."]).exits(code).says(says);
    }
    let folder = with_test("test_a := true\n\ntodo_test_b := false");
    verdict(folder.path(), &["test", ".", "-z"]).exits(0).says("1/2 passed, 1 skipped");
}

#[test]
fn errors_of_built_ins_are_errors_or_undefined_as_is_asked() {
    let files = folder(&[
        ("p.rego", "package a\n\np if time.parse_rfc3339_ns(input.t) > 0\n\nq if not p\n"),
        ("p_test.rego", "package a\n\ntest_bad_time if not p with input.t as \"not a time\"\n"),
        ("in.json", r#"{"t": "not a time"}"#),
    ]);
    let hint = "hint: with `--builtin-errors undefined`";
    let eval = ["eval", "-d", "p.rego", "-i", "in.json", "data.a.q"];
    let exec = ["exec", "-b", ".", "--decision", "a/q", "--fail", "in.json"];
    let bench = ["bench", "-d", "p.rego", "-i", "in.json", "--benchtime", "1ms", "data.a.q"];
    let query = ["bench", "-d", "p.rego", "-i", "in.json", "--benchtime", "1ms", "data.a.q == true"];
    for (command, code) in
        [(&["test", "p.rego", "p_test.rego"][..], 2), (&eval, 2), (&exec, 1), (&bench, 1), (&query, 1)]
    {
        for errors in [&[][..], &["--builtin-errors", "error"]] {
            let ran = verdict(files.path(), &[command, errors].concat()).exits(code);
            assert_eq!(ran.out.contains(hint), command[0] == "test", "{}", ran.out);
        }
        verdict(files.path(), &[command, &["--builtin-errors", "undefined"]].concat()).exits(0);
        verdict(files.path(), &[command, &["--builtin-errors", "maybe"]].concat()).exits(2);
    }
}

#[test]
fn a_failure_names_file_and_line() {
    let folder = with_test("test_good := true\n\ntest_bad if {\n\tapp.allow\n}");
    let ran = verdict(folder.path(), &["test", "."]).exits(2);
    ran.says("FAIL  data.app_test.test_bad").says("at app/policy_test.rego:7").says("1/2 passed, 1 failed");
    let ran = verdict(folder.path(), &["test", "app/policy.rego", "app/policy_test.rego", "-v"]).exits(2);
    ran.says("PASS  data.app_test.test_good").says("at app/policy_test.rego:7");
}

#[test]
fn a_sub_case_that_fails_is_noticed() {
    for (body, code, says) in [
        ("some note, n in {\"one\": 1, \"two\": 2}\n\tn < 3", 0, "1/1 passed"),
        ("some note, n in {\"one\": 1, \"two\": 2}\n\tn < 2", 2, "1 of 2 cases failed: two"),
        ("some note, n in {\"one\": 1, \"two\": 2}\n\tn < 0", 2, "2 of 2 cases failed: one, two"),
        ("some note, n in {}\n\tn < 0", 2, "no cases"),
        ("some tc in [{\"note\": \"a\", \"n\": 9}]; note := tc.note; tc.n < 2", 2, "1 of 1 cases failed: a"),
    ] {
        let folder = with_test(&format!("test_x[note] if {{\n\t{body}\n}}"));
        verdict(folder.path(), &["test", "."]).exits(code).says(says);
    }
    // A key that is no text is shown as JSON.
    let keys = with_test("test_x[key] if {\n\tsome key in [[1], 2, {\"a\": 1}, null, true]\n\tkey != 2\n}");
    let ran = verdict(keys.path(), &["test", ".", "-f", "json"]).exits(2);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let expected = serde_json::json!({
        "[1]": {"name": "[1]"}, "2": {"name": "2", "fail": true}, "null": {"name": "null"},
        "true": {"name": "true"}, "{\"a\":1}": {"name": "{\"a\":1}"},
    });
    assert_eq!(report[0]["sub_results"], expected);
    let unclear = with_test("test_x[note] if {\n\tnote = tc.note\n\tsome tc in [{\"note\": \"a\"}]\n}");
    verdict(unclear.path(), &["test", "."]).exits(1).complains("var tc referenced above");
}

#[test]
fn what_cannot_be_run_is_said_with_its_place() {
    let broken = folder(&[("app/policy.rego", "package app\n\nallow if {\n\tfoo(input.x\n}\n")]);
    let eval = ["eval", "-b", ".", "-f", "pretty", "data.app.allow"];
    for (args, code) in [(&["test", "."][..], 1), (&eval, 2)] {
        verdict(broken.path(), args).exits(code).complains("app/policy.rego:5:1: rego_parse_error");
    }
    let test = with_test("test_a if nosuch(1)");
    verdict(test.path(), &["test", "."]).exits(1).complains("app/policy_test.rego:5:");
    let nothing = folder(&[]);
    verdict(nothing.path(), &["test", "nope"]).exits(1).complains("cannot read `nope`");
    verdict(nothing.path(), &["test"]).exits(1).complains("neither `policies` nor `bundles`");
    verdict(nothing.path(), &["test", "--run", "("]).exits(2).complains("--run");
}

#[test]
fn a_run_without_tests_is_loud() {
    let folder = with_test("test_a := true");
    verdict(folder.path(), &["test", ".", "-r", "nothing"]).exits(0).complains("has no test to run");
    verdict(folder.path(), &["test", ".", "-r", "nothing", "--fail-on-empty"]).exits(1);
    verdict(folder.path(), &["test", ".", "-r", "test_a$"]).exits(0).says("1/1 passed");
    verdict(folder.path(), &["test", "app/policy.rego", "--fail-on-empty"]).exits(1);
}

#[test]
fn a_directory_of_bundles_is_taken_as_the_server_takes_it() {
    let uses = "package b\n\nallow if data.a.yes\n";
    let test = "package b_test\n\ntest_it if data.b.allow\n";
    let bundles = folder(&[
        ("bundles/a/.manifest", r#"{"roots": ["a"]}"#),
        ("bundles/a/policy.rego", "package a\n\nyes := true\n"),
        ("bundles/b/.manifest", r#"{"roots": ["b"]}"#),
        ("bundles/b/policy.rego", uses),
        ("bundles/b/policy_test.rego", test),
    ]);
    verdict(bundles.path(), &["test", "bundles"]).exits(0).says("bundles: 1/1 passed");
    verdict(bundles.path(), &["test", "bundles/b"]).exits(2);
    std::fs::write(bundles.path().join("bundles/a/.manifest"), r#"{"roots": ["a", "b"]}"#).unwrap();
    verdict(bundles.path(), &["test", "bundles"]).exits(1).complains("overlap");
}

#[test]
fn the_junit_report_is_read_back() {
    let folder =
        with_test("test_a := true\n\ntest_b := \"<&>\"\n\ntest_c if 1 / 0 == 1\n\ntodo_test_d := true");
    let ran = verdict(folder.path(), &["test", ".", "--format", "junit"]).exits(2);
    let report = quick_junit::Report::deserialize_from_str(&ran.out).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (4, 1, 1));
    let suite = &report.test_suites[0];
    assert_eq!(suite.name.as_str(), "data.app_test");
    let names: Vec<&str> = suite.test_cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["test_a", "test_b", "test_c", "todo_test_d"]);
    for text in ["skipped=\"1\"", "file=\"app/policy_test.rego\" line=\"7\""] {
        assert!(ran.out.contains(text), "no `{text}`:\n{}", ran.out);
    }
}

#[test]
fn the_json_report_has_the_shape_of_opa() {
    let folder = with_test(
        "test_a := true\n\ntest_b := 7\n\ntest_c[n] if {\n\tsome n in [\"x\", \"y\"]\n\tn == \"x\"\n}",
    );
    let ran = verdict(folder.path(), &["test", ".", "-f", "json"]).exits(2);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let test = |index: usize| &report[index];
    assert_eq!(report.as_array().unwrap().len(), 3);
    assert_eq!(test(0)["package"], "data.app_test");
    assert_eq!(test(0)["location"], serde_json::json!({"file": "app/policy_test.rego", "row": 5, "col": 1}));
    assert!(test(0).get("fail").is_none() && test(0)["duration"].is_u64());
    assert_eq!(test(1)["fail"], true);
    assert_eq!(test(1)["mismatches"][0]["got"], "7");
    assert_eq!(
        test(2)["sub_results"],
        serde_json::json!({"x": {"name": "x"}, "y": {"name": "y", "fail": true}})
    );
}

#[test]
fn eval_answers_in_opas_shape_and_exits_as_opa_does() {
    let folder = with_test("x := {\"b\": [1.5, \"text\"], \"a\": 12345678901234567890}\n\nbad if 1 / 0 == 1");
    let eval = |query: &str, more: &[&str]| {
        let args: Vec<&str> = ["eval", "-b", ".", query].iter().chain(more).copied().collect();
        verdict_with_input(folder.path(), &args, r#"{"subject": {"id": "alice"}}"#)
    };
    let ran = eval("data.app.allow", &["-I"]).exits(0);
    let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let expression =
        serde_json::json!({"value": true, "text": "data.app.allow", "location": {"row": 1, "col": 1}});
    assert_eq!(answer, serde_json::json!({"result": [{"expressions": [expression]}]}));
    assert_eq!(eval("data.app.allow", &["--format", "raw"]).exits(0).out, "false\n");
    assert_eq!(eval("data.app.nope", &[]).exits(0).out, "{}\n");
    eval("data.app.nope", &["--fail"]).exits(1);
    eval("data.app.nope", &["-f", "raw"]).exits(0).complains("no rule and no data at this path");
    eval("data.app.allow", &["--fail"]).exits(0);
    eval("data.app.allow", &["--fail-defined"]).exits(1);
    eval("data.app.allow", &["--fail", "--fail-defined"]).exits(2);
    eval("data.app.allow == true", &["-f", "raw"]).exits(0).says("false");
    eval("data.app.allow", &["--subject", r#"{"id": "bob"}"#, "-I", "-f", "raw"]).exits(0).says("false");
    eval("data.app.allow", &["--subject", r#"{"ids": "bob"}"#]).exits(2).says("unknown field `ids`");
    eval("data.app.allow", &["-i", "nope.json"]).exits(2).says("cannot read `nope.json`");
}

#[test]
fn eval_reads_files_and_keeps_numbers() {
    let files = folder(&[
        (
            "p.rego",
            "package p\n\nx := {\"b\": [1.5, \"text\"], \"a\": 18446744073709551615, \"n\": data.n}\n\nbad if 1 / 0 == 1\n",
        ),
        ("data.json", r#"{"n": {"m": 1}}"#),
        ("i.yaml", "who: alice\n"),
    ]);
    let eval = |args: &[&str]| {
        let args: Vec<&str> =
            ["eval", "-d", "p.rego", "-d", "data.json"].iter().chain(args).copied().collect();
        verdict(files.path(), &args)
    };
    let ran = eval(&["data.p.x", "--format", "raw"]).exits(0);
    assert_eq!(ran.out, "{\"a\":18446744073709551615,\"b\":[1.5,\"text\"],\"n\":{\"m\":1}}\n");
    assert_eq!(eval(&["data.p.x.b[1]", "-f", "raw"]).exits(0).out, "text\n");
    eval(&["data.p.x.b", "-f", "pretty", "-i", "i.yaml"]).exits(0).says("[\n  1.5,\n  \"text\"\n]\n");
    let ran = eval(&["data.p.bad"]).exits(2);
    let errors: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(errors["errors"][0]["code"], "eval_builtin_error");
    assert_eq!(errors["errors"][0]["location"]["row"], 5);
    verdict(files.path(), &["eval", "-d", ".", "data.p.x.b[0]", "-f", "raw"]).exits(0).says("1.5");
}

#[test]
fn check_shows_every_error_with_its_line_and_a_caret() {
    let good = with_test("test_a := true");
    assert_eq!(verdict(good.path(), &["check", "."]).exits(0).out, "");
    assert_eq!(verdict(good.path(), &["check", ".", "-f", "json"]).exits(0).out, "{}\n");
    let bad = folder(&[("policy.rego", "package app\n\nallow if\n\tfoo(input.x)\ndeny if y == 1\n")]);
    let ran = verdict(bad.path(), &["check", "."]).exits(1);
    let ran = ran.complains("policy.rego:4:").complains("foo(input.x)\n").complains("policy.rego:5:");
    assert!(ran.err.contains("\t^^^^^^^^^^^^\n") && ran.err.contains("\t^"), "{}", ran.err);
    let ran = verdict(bad.path(), &["check", ".", "--format", "json"]).exits(1);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let rows: Vec<_> =
        report["errors"].as_array().unwrap().iter().map(|e| e["location"]["row"].clone()).collect();
    assert_eq!(rows, [4, 5]);
    verdict(bad.path(), &["check", "nope"]).exits(1).complains("cannot read `nope`");
    let tests = with_test("test_a if nosuch(1)");
    verdict(tests.path(), &["check", "."]).exits(1).complains("app/policy_test.rego:5:");
}
