//! `verdict check`: what it refuses, and how it says so.

use super::{folder, verdict};

#[test]
fn an_error_shows_its_line_with_the_whole_place_marked() {
    let folder = folder(&[(
        "p.rego",
        "package p\n\nallow if {\n\tstartwith(input.user, \"a\")\n}\nn := concat(\",\", [1])\n",
    )]);
    let ran = verdict(folder.path(), &["check", "p.rego"]).exits(1);
    let expected = "error: 2 errors\n\
        p.rego:4:2: rego_type_error: undefined function startwith\n \
        4 | \tstartwith(input.user, \"a\")\n   \
          | \t^^^^^^^^^^^^^^^^^^^^^^^^^^\n   \
          = hint: did you mean `startswith`?\n\
        p.rego:6:6: rego_type_error: concat: invalid argument(s)\n    \
            have: (string, array<number>, ???)\n    \
            want: (string, any<array[string], set[string]>, string)\n \
        6 | n := concat(\",\", [1])\n   \
          |      ^^^^^^^^^^^^^^^^\n   \
          = hint: argument 2 is of the type `array<number>`, and has to be `any<array[string], set[string]>`\n";
    assert_eq!(ran.err, expected);
    let ran = verdict(folder.path(), &["check", "p.rego", "-f", "json"]).exits(1);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["errors"][1]["message"], "concat: invalid argument(s)");
    assert_eq!(report["errors"][1]["location"], serde_json::json!({"file": "p.rego", "row": 6, "col": 6}));
    let eval = ["eval", "-d", "p.rego", "-f", "pretty", "data.p.n"];
    for (command, code) in [(&eval[..], 2), (&["test", "p.rego"], 1)] {
        verdict(folder.path(), command).exits(code).complains("   | \t^^^^^^^^^^^^^^^^^^^^^^^^^^\n");
    }
}

#[test]
fn a_thousand_errors_are_a_few_lines() {
    let rules: Vec<String> = (0..1_000).map(|n| format!("r{n} if 1 + \"a\" == {n}")).collect();
    let folder = folder(&[("p.rego", &format!("package p\n\n{}\n", rules.join("\n")))]);
    let lines = |args: &[&str], code: i32| {
        let ran = verdict(folder.path(), args).exits(code);
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
        ran.err.lines().filter(|line| line.contains("rego_type_error")).count()
    };
    let ran = verdict(folder.path(), &["check", "p.rego"]).exits(1);
    assert!(
        ran.err.starts_with("error: 1000 errors\n") && ran.err.ends_with("… and 990 more\n"),
        "{}",
        ran.err
    );
    assert!(ran.err.lines().count() < 80, "{}", ran.err);
    for (args, code, expected) in [
        (&["check", "p.rego"][..], 1, 10),
        (&["check", "p.rego", "-m", "3"], 1, 3),
        (&["check", "p.rego", "--max-errors", "0"], 1, 1_000),
        (&["test", "p.rego"], 1, 10),
        (&["eval", "-d", "p.rego", "-f", "pretty", "data.p"], 2, 10),
    ] {
        assert_eq!(lines(args, code), expected, "{args:?}");
    }
}

#[test]
fn a_thousand_files_with_errors_are_a_few_lines() {
    let names: Vec<String> = (0..30).map(|n| format!("b/p{n:02}.rego")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "package p\n\nx := \n")).collect();
    let folder = folder(&files);
    for (command, code) in
        [(&["fmt", "b"][..], 2), (&["check", "b"], 1), (&["test", "b"], 1), (&["inspect", "b"], 1)]
    {
        let ran = verdict(folder.path(), command).exits(code);
        assert_eq!(ran.err.matches("rego_parse_error").count(), 10, "{command:?}\n{}", ran.err);
        assert!(ran.err.contains("20 more"), "{command:?}\n{}", ran.err);
    }
}

#[test]
fn strict_is_asked_for() {
    let folder = folder(&[(
        "p.rego",
        "package p\n\nimport data.unused\n\nf(x) := 1\n\nr if {\n\ty := 1\n\tinput.z\n}\n",
    )]);
    verdict(folder.path(), &["check", "p.rego"]).exits(0);
    for flag in ["-S", "--strict"] {
        let ran = verdict(folder.path(), &["check", flag, "p.rego"]).exits(1);
        ran.complains("p.rego:3:1: rego_compile_error: import data.unused unused")
            .complains("p.rego:5:3: rego_compile_error: unused argument x.")
            .complains("p.rego:8:2: rego_compile_error: assigned var y unused");
    }
}

#[test]
fn policy_for_an_older_opa_is_held_to_it() {
    let folder =
        folder(&[("p.rego", "package p\n\nr := array.flatten([[input.x]])\n\nt := $\"{input.x}\"\n")]);
    let run = |args: &[&str]| verdict(folder.path(), args);
    run(&["check", "p.rego", "--capabilities", "v1.13.0"]).exits(0);
    run(&["check", "p.rego", "--capabilities", "v1.12.0"])
        .exits(1)
        .complains("p.rego:3:6: rego_type_error: undefined function array.flatten")
        .complains("hint: the given capabilities do not have it; OPA has it since v1.13.0");
    run(&["check", "p.rego", "--capabilities", "v1.9.0"]).exits(1).complains(
        "p.rego:5:6: rego_parse_error: template strings are not supported by current capabilities",
    );
    run(&["build", "p.rego", "--capabilities", "v1.9.0"])
        .exits(1)
        .complains("template strings are not supported");
    run(&["build", "p.rego", "--capabilities", "v1.30.0"]).exits(1).complains("there are v1.9.0 to v1.23.0");
    let written = run(&["capabilities", "--version", "v1.12.0"]).exits(0).out.clone();
    std::fs::write(folder.path().join("caps.json"), &written).unwrap();
    run(&["check", "p.rego", "--capabilities", "caps.json"]).exits(1).complains("array.flatten");
    assert_eq!(run(&["capabilities", "--file", "caps.json"]).exits(0).out, written);
    let current = run(&["capabilities"]).exits(0).out.clone();
    assert_eq!(run(&["capabilities", "--current"]).exits(0).out, current);
    assert_eq!(run(&["capabilities", "--version", "v1.23.0"]).exits(0).out, current);
    run(&["capabilities", "--version", "v0.70.0"]).exits(1).complains("is not known");
}

#[test]
fn strict_warns_of_a_not_that_an_import_would_change() {
    let rule = "r if not input.user in {\"eve\"}\n";
    let folder = folder(&[
        ("p.rego", &format!("package p\n\n{rule}")),
        ("q.rego", &format!("package q\n\nimport future.keywords.not\n\n{rule}")),
    ]);
    let checked =
        |args: &[&str]| verdict(folder.path(), &[&["check", "p.rego", "q.rego"], args].concat()).exits(0);
    assert_eq!(checked(&[]).err, "");
    let ran = checked(&["--strict"]);
    ran.complains(
        "1 warning\np.rego:3:10: rego_negation_warning: `input.user` is evaluated before the `not`",
    )
    .complains("hint: with `import future.keywords.not` it would hold there");
    checked(&["--strict", "--format", "json"]).says("\"warnings\": [");
}

#[test]
fn schemas_are_a_file_or_a_folder() {
    let schema = r#"{"type": "object", "properties": {"user": {"type": "string"}}}"#;
    let folder = folder(&[
        ("p.rego", "package p\n\nr if input.usr == \"a\"\n"),
        (
            "q.rego",
            "package q\n\n# METADATA\n# schemas:\n#   - input.who: schema.people.user\nr if input.who.usr\n",
        ),
        ("input.json", schema),
        ("schemas/people/user.json", schema),
    ]);
    verdict(folder.path(), &["check", "p.rego"]).exits(0);
    verdict(folder.path(), &["check", "p.rego", "-s", "input.json"])
        .exits(1)
        .complains("undefined ref: input.usr")
        .complains("want (one of): [\"user\"]")
        .complains("hint: did you mean `user`?");
    verdict(folder.path(), &["check", "q.rego"]).exits(0);
    verdict(folder.path(), &["check", "q.rego", "--schema", "schemas"]).exits(1).complains("input.who.usr");
    verdict(folder.path(), &["check", "p.rego", "-s", "nope"]).exits(1).complains("cannot read `nope`");
}

#[test]
fn files_are_left_out_and_versions_are_chosen() {
    let folder = folder(&[
        ("a/p.rego", "package p\n\nr := 1\n"),
        ("a/broken.rego", "package p\n\nr :=\n"),
        ("v0.rego", "package v0\n\nr { input.x }\n"),
        ("both.rego", "package both\n\nimport rego.v1\n\nr if input.x\n"),
        ("caps.json", r#"{"builtins": [{"name": "count"}]}"#),
        ("calls.rego", "package calls\n\nr := count(upper(\"a\"))\n"),
    ]);
    let check = |args: &[&str]| verdict(folder.path(), &[&["check"], args].concat());
    check(&["a"]).exits(1).complains("a/broken.rego:4");
    check(&["a", "--ignore", "broken*"]).exits(0);
    check(&["v0.rego"]).exits(1);
    check(&["v0.rego", "--v0-compatible"]).exits(0);
    check(&["both.rego", "--v1-compatible"]).exits(0);
    check(&["both.rego", "--v0-v1"]).exits(0);
    check(&["v0.rego", "--v0-v1"]).exits(1).complains("`if` keyword is required");
    check(&["calls.rego"]).exits(0);
    check(&["calls.rego", "--capabilities", "caps.json"]).exits(1).complains("undefined function upper");
}

/// Every command of authors that loads policy reads it as `check` does.
#[test]
fn policy_is_read_alike_by_all_commands() {
    let folder = folder(&[
        ("in/p.rego", "package p\n\nimport data.unused\n\nr if upper(input.usr) == \"A\"\n"),
        ("in/p_test.rego", "package p\n\ntest_r if r with input.usr as \"a\"\n"),
        ("in/broken.rego", "package p\n\nr :=\n"),
        ("in/old.rego", "package old\n\nr { true }\n\ntest_r { r }\n"),
        ("schema.json", r#"{"type": "object", "properties": {"user": {"type": "string"}}}"#),
        ("caps.json", r#"{"builtins": [{"name": "eq"}, {"name": "equal"}]}"#),
        ("input.json", r#"{"usr": "a"}"#),
    ]);
    let commands: [&[&str]; 4] = [
        &["eval", "-d", "in", "-i", "input.json", "data.p.r"],
        &["bench", "-d", "in", "-i", "input.json", "--benchtime", "1ms", "data.p.r"],
        &["deps", "-d", "in", "data.p.r"],
        &["test", "in"],
    ];
    for command in commands {
        let run = |flags: &[&str]| verdict(folder.path(), &[command, flags].concat());
        let refused = |flags: &[&str], why: &str| {
            let ran = run(flags);
            let said = ran.out + &ran.err;
            assert!(ran.code != 0 && said.contains(why), "{command:?} {flags:?}:\n{said}");
        };
        let good = ["--ignore", "broken.*,old.rego"];
        run(&good).exits(0);
        refused(&["--ignore", "old.rego"], "broken.rego");
        refused(&["--ignore", "broken.rego"], "old.rego");
        refused(&["--ignore", "[", "--ignore", "old.rego"], "`[`");
        refused(&[&good[..], &["--strict"]].concat(), "import data.unused unused");
        refused(&[&good[..], &["--schema", "schema.json"]].concat(), "undefined ref: input.usr");
        refused(&[&good[..], &["--schema", "nowhere"]].concat(), "cannot read `nowhere`");
        refused(&[&good[..], &["--capabilities", "caps.json"]].concat(), "undefined function upper");
    }
    let old = |command: &[&str]| verdict(folder.path(), &[command, &["--v0-compatible"]].concat());
    old(&["eval", "-d", "in/old.rego", "-f", "raw", "data.old.r"]).exits(0).says("true\n");
    old(&["bench", "-d", "in/old.rego", "--benchtime", "1ms", "data.old.r"]).exits(0);
    old(&["deps", "-d", "in/old.rego", "data.old.r"]).exits(0);
    old(&["test", "in/old.rego"]).exits(0);
}
