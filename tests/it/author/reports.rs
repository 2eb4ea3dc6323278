//! What `verdict test` shows beside whether tests pass: prints, where a test stopped, coverage, measurements.

use serde_json::{Value, json};

use super::{folder, verdict};

const POLICY: &str = "package app

default allow := false

allow if {
	print(\"asked by\", input.user)
	input.user == \"ann\"
}

other if input.nope
";

const TESTS: &str = "package app_test

import data.app

test_ann if app.allow with input.user as \"ann\"

test_bob if {
	got := app.allow with input.user as \"bob\"
	want := true
	print(\"got\", got)
	got == want
}
";

fn project(tests: &str) -> tempfile::TempDir {
    folder(&[("app.rego", POLICY), ("app_test.rego", tests)])
}

#[test]
fn what_a_failing_test_prints_and_where_it_stopped_is_reported() {
    let folder = project(TESTS);
    let ran = verdict(folder.path(), &["test", "."]).exits(2);
    let ran =
        ran.says("stopped at app_test.rego:11: got == want").says("| asked by bob\n").says("| got false\n");
    assert!(!ran.out.contains("asked by ann") && !ran.out.contains("want is"), "{}", ran.out);
    let ran = verdict(folder.path(), &["test", ".", "-v", "--var-values"]).exits(2);
    ran.says("| asked by ann\n").says("got is false\n").says("want is true\n");

    let ran = verdict(folder.path(), &["test", ".", "-f", "json", "--var-values"]).exits(2);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    // `asked by ann`, in base64 as OPA has it.
    assert_eq!(report[0]["output"], "YXNrZWQgYnkgYW5uCg==");
    let stopped = json!({
        "text": "got == want", "location": {"file": "app_test.rego", "row": 11, "col": 2},
        "variables": {"got": false, "want": true},
    });
    assert_eq!(report[1]["stopped_at"], stopped);
    verdict(folder.path(), &["test", ".", "-f", "junit"])
        .exits(2)
        .says("<system-out>asked by bob")
        .says("stopped at app_test.rego:11: got == want");
}

#[test]
fn what_a_test_tried_is_shown_where_that_is_asked_for() {
    let folder = project(TESTS);
    let run = |explain: &[&str]| verdict(folder.path(), &[&["test", "."], explain].concat()).exits(2);
    let bob = "  fails app.rego:7: input.user == \"ann\" (input.user is \"bob\")\n";
    let off = run(&["--explain", "off"]).says("stopped at app_test.rego:11: got == want\n");
    assert!(!off.out.contains("fails "), "{}", off.out);
    for how in [&[][..], &["--explain=fails"], &["--explain=notes"]] {
        let ran = run(how).says("stopped at app_test.rego:11: got == want (false, true)\n").says(bob);
        assert!(!ran.out.contains("app_test.rego:5"), "of a test that passes: {}", ran.out);
        assert!(!ran.out.contains("holds"), "{}", ran.out);
    }
    run(&["--explain", "full"])
        .says(bob)
        .says("  holds app.rego:5: allow\n")
        .says("holds app_test.rego:5: test_ann\n");
    let ran = run(&["-f", "junit"]);
    ran.says("fails app.rego:7: input.user == &quot;ann&quot; (input.user is &quot;bob&quot;)");
    let ran = run(&["-f", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(report[0].get("explanation").is_none());
    assert!(report[1]["explanation"].as_str().unwrap().contains("app.rego:7"), "{report:#}");
}

#[test]
fn an_explanation_that_nobody_asked_for_is_short() {
    let rules: String = (0..60).map(|n| format!("many if input.n == {n}\n\n")).collect();
    let tests = "package app_test\n\ntest_x if data.app.many with input.n as -1\n";
    let folder = folder(&[("app.rego", &format!("package app\n\n{rules}")), ("app_test.rego", tests)]);
    let tried = |args: &[&str]| {
        let ran = verdict(folder.path(), &[&["test", "."], args].concat()).exits(2);
        (ran.out.matches("fails app.rego").count(), ran.out)
    };
    let (short, text) = tried(&[]);
    assert!(short == 19 && text.contains("… 41 more lines: `--explain fails` shows them …\n"), "{text}");
    assert!(text.contains("app.rego:3:") && text.contains("app.rego:121:"), "{text}");
    assert_eq!(tried(&["--explain", "fails"]).0, 60);
    assert_eq!((tried(&["-f", "junit"]).0, tried(&["-f", "junit", "--explain", "fails"]).0), (19, 60));
}

#[test]
fn a_test_stops_at_the_last_condition_that_it_came_to() {
    for (body, text) in [
        ("x := 1\n\tx == 2", "x == 2"),
        ("some x in [1, 2]\n\tx > 5", "x > 5"),
        ("every x in [1, 2] {\n\t\tx < 2\n\t}", "x < 2"),
        ("not app.allow with input.user as \"ann\"", "not app.allow with input.user as \"ann\""),
        ("app.nope", "app.nope"),
        ("some x in []\n\tx", "some x in []"),
    ] {
        let folder = project(&format!("package app_test\n\nimport data.app\n\ntest_x if {{\n\t{body}\n}}\n"));
        verdict(folder.path(), &["test", ".", "--explain=off"]).exits(2).says(&format!(": {text}\n"));
        verdict(folder.path(), &["test", "."]).exits(2).says(&format!(": {text}"));
    }
}

#[test]
fn coverage_counts_policy_and_tests() {
    let folder = project(&TESTS.replace("got == want", "got != want"));
    let ran = verdict(folder.path(), &["test", ".", "-c"]).exits(0);
    let ran = ran.says("app.rego        80.00 %  not covered: 10\n").says("10 of 11 lines ran: 90.91 %\n");
    assert!(ran.says("app_test.rego  100.00 %\n").out.contains("2/2 passed"));
    let ran = verdict(folder.path(), &["test", ".", "-c", "-f", "json"]).exits(0);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["covered_lines"], &report["not_covered_lines"]), (&json!(10), &json!(1)));
    let range =
        |from: u32, to: u32| json!({"start": {"row": 10, "col": from}, "end": {"row": 10, "col": to}});
    assert_eq!(report["files"]["app.rego"]["not_covered"], json!([range(1, 6), range(10, 20)]));
    verdict(folder.path(), &["test", ".", "--threshold", "90"]).exits(0);
    let low = verdict(folder.path(), &["test", ".", "--threshold", "95", "-v"]).exits(2);
    low.complains("got 90.91 instead of 95.00").complains("app.rego:10");
    for wrong in ["101", "-1", "x", "NaN"] {
        verdict(folder.path(), &["test", ".", &format!("--threshold={wrong}")])
            .exits(2)
            .complains("0 to 100");
    }
    let fixture = "cases:\n  - name: ann\n    subject: anonymous\n    entrypoint: app/other\n    request: {nope: 1}\n    expect: allow\n";
    std::fs::write(folder.path().join("x.fixtures.yaml"), fixture).unwrap();
    verdict(folder.path(), &["test", ".", "--threshold", "100"])
        .exits(0)
        .says("11 of 11 lines ran: 100.00 %");
}

const COVERED: &str = "package app

allow if {
	input.action == \"read\"
}

allow if {
	input.action in {\"delete\", \"update\"}
}

late if input.a
late if helper
helper if input.b

many if {
	true in [
		input.a == 1,
		input.a == 2,
	]
	some x in [1]
	x == 2; false
}

one := 1

f(x) := 1 if {
	x == 1
} else := 2 if {
	x == 2
} else := 3

said if {
	print(\"x\")
	input.action == \"read\"
}
";

#[test]
fn coverage_says_what_did_not_run_and_why() {
    let tests = "package app_test\n\nimport data.app\n\n\
                 test_a if not app.allow with input.action as \"write\"\n\n\
                 test_b if app.late with input as {\"a\": 1, \"b\": 1}\n\n\
                 test_c if not app.many with input.a as 2\n\n\
                 test_d if app.f(2) == 2\n\n\
                 test_e if not app.said\n";
    let folder = folder(&[("app.rego", COVERED), ("app_test.rego", tests)]);
    let ran = verdict(folder.path(), &["test", ".", "-c", "-f", "json"]).exits(0);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let shown = |list: &str| -> Vec<String> {
        let place = |at: &Value| format!("{}:{}", at["row"], at["col"]);
        let range = |range: &Value| {
            let kinds: Vec<&str> =
                range["kinds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            format!("{}-{} {}", place(&range["start"]), place(&range["end"]), kinds.join(","))
        };
        let ranges = report["files"]["app.rego"][list].as_array().unwrap();
        ranges.iter().map(|one| range(one).trim_end().to_owned()).collect()
    };
    let missed = [
        "3:1-3:6",
        "4:2-4:24 index_excluded",
        "7:1-7:6",
        "8:2-8:38 index_excluded",
        "12:1-12:5 early_exit",
        "12:9-12:15 early_exit",
        "13:1-13:7 early_exit",
        "13:11-13:18 early_exit",
        "15:1-15:5",
        "21:10-21:15",
        "24:1-24:9",
        "24:8-24:9",
        "26:1-26:10",
        "27:2-27:8 index_excluded",
        "30:3-30:12",
        "32:1-32:5",
    ];
    assert_eq!(shown("not_covered"), missed);
    let covered = shown("covered");
    for wanted in
        ["11:1-11:5", "16:2-19:3", "20:2-20:15", "21:2-21:8", "28:3-28:12", "29:2-29:8", "33:2-33:12"]
    {
        assert!(covered.iter().any(|one| one == wanted), "no {wanted} in {covered:?}");
    }
    let file = &report["files"]["app.rego"];
    assert_eq!((&file["covered_lines"], &file["not_covered_lines"]), (&json!(11), &json!(13)));
}

#[test]
fn tests_run_beside_each_other_give_the_same_report_in_order() {
    let many: String = (0..40).map(|n| format!("test_{n:02} if {n} != 7\n\n")).collect();
    let folder = project(&format!("package app_test\n\n{many}"));
    let names = |threads: &str| {
        let ran =
            verdict(folder.path(), &["test", ".", "-p", threads, "-f", "json", "--count", "2"]).exits(2);
        let report: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
        let line =
            |test: &Value| format!("{} {}", test["name"].as_str().unwrap(), test.get("fail").is_some());
        report.iter().map(line).collect::<Vec<_>>()
    };
    let one = names("1");
    assert_eq!((one.len(), one.iter().filter(|line| line.ends_with("true")).count()), (40, 1));
    assert_eq!(names("8"), one);
    verdict(folder.path(), &["test", ".", "-p", "0"]).exits(2);
}

#[test]
fn packages_are_named_as_rego_writes_them() {
    let folder = folder(&[("x_test.rego", "package a[\"b-c\"].d\n\ntest_x if true\n")]);
    let ran = verdict(folder.path(), &["test", ".", "-f", "json", "-r", r#"^data\.a\["b-c"\]\.d\.test_x$"#]);
    let report: Value = serde_json::from_str(&ran.exits(0).out).unwrap();
    assert_eq!(report[0]["package"], "data.a[\"b-c\"].d");
}

#[test]
fn tests_of_one_name_do_not_hide_each_other() {
    let cases = "test_x[note] if {\n\tsome note, n in {\"a\": 1}\n\tn == 1\n}\n\n\
                 test_x[note] if {\n\tsome note, n in {\"b\": 1}\n\tn == 2\n}\n";
    let folder = project(&format!("package app_test\n\n{cases}"));
    let ran = verdict(folder.path(), &["test", ".", "-v"]).exits(2);
    ran.says("PASS  data.app_test.test_x ")
        .says("FAIL  data.app_test.test_x#01")
        .says("1/2 passed, 1 failed");
}

#[test]
fn cases_of_several_keys_lie_below_each_other() {
    let tests = "test_x[a][b] if {\n\tsome a, xs in {\"p\": {\"one\": 1, \"two\": 2}, \"q\": {\"one\": 1}}\n\tsome b, n in xs\n\tn < 2\n}\n\n\
                 test_f(x) := 1 if x == 1\n\ntest_f(x) := 2 if x == 2\n\ntest_y if test_f(2) == 2\n";
    let folder = project(&format!("package app_test\n\n{tests}"));
    let ran = verdict(folder.path(), &["test", ".", "-f", "json"]).exits(2);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let (one, two) = (json!({"name": "one"}), json!({"name": "two", "fail": true}));
    let p = json!({"name": "p", "fail": true, "sub_results": {"one": one, "two": two}});
    let q = json!({"name": "q", "sub_results": {"one": one}});
    assert_eq!(report[0]["sub_results"], json!({"p": p, "q": q}));
    assert_eq!((&report[1]["name"], report.as_array().unwrap().len()), (&json!("test_y"), 2));
    assert!(report[1].get("fail").is_none(), "{report:#}");
}

#[test]
fn tests_can_be_measured() {
    let folder = project("package app_test\n\ntest_a if true\n\ntest_b if false\n");
    let ran = verdict(folder.path(), &["test", ".", "--bench", "-f", "gobench"]).exits(2);
    assert!(
        ran.out.starts_with("BenchmarkDataAppTestTestA\t") && ran.out.ends_with(" ns/op\n"),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.lines().count(), 1);
    verdict(folder.path(), &["test", ".", "-f", "gobench"]).exits(2).complains("requires `--bench`");
}
