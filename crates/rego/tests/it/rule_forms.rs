//! What the forms of a rule's head define, and what happens when rules disagree.

use std::time::Duration;

use verdict_rego::{EvalLimits, Evaluation, Module, RegoVersion, Value, compile};

const NOW: i64 = 1_735_689_600_000_000_000;

/// The document `data.a` as JSON, or the error.
fn document(version: RegoVersion, files: &[(&str, &str)]) -> String {
    let module = |(id, source): &(&str, &str)| Module {
        id: (*id).to_owned(),
        source: format!("package a\n\n{source}").into(),
        version,
    };
    let program = match compile(files.iter().map(module).collect(), Value::object()) {
        Ok(program) => program,
        Err(found) => return found.iter().map(|found| found.message.clone()).collect::<Vec<_>>().join("; "),
    };
    match program.evaluate(&["a".to_owned()], None, NOW, &EvalLimits::within(Duration::from_secs(5))) {
        Evaluation::Defined { value, .. } => value.to_string(),
        Evaluation::Undefined(_) => "undefined".to_owned(),
        Evaluation::Error(error) => error.message,
    }
}

#[test]
fn a_head_says_what_its_rule_defines() {
    let v0 = "import future.keywords.if\nimport future.keywords.in\nimport future.keywords.contains\n";
    for (version, source, expected) in [
        (RegoVersion::V1, "f() := 7\np := f", r#"{"f":7,"p":7}"#),
        (RegoVersion::V1, "f() := 7\np := f()", r#"{"f":7,"p":7}"#),
        (RegoVersion::V1, "f() if true", r#"{"f":true}"#),
        (RegoVersion::V1, "p[t.x] if some t in [{\"x\": \"k\"}]", r#"{"p":{"k":true}}"#),
        (RegoVersion::V1, "p[t.x] := 1 if some t in [{\"x\": \"k\"}]", r#"{"p":{"k":1}}"#),
        (RegoVersion::V1, "p[x] if some x in [\"k\"]", r#"{"p":{"k":true}}"#),
        (
            RegoVersion::V1,
            "p[x] { x := 1 }",
            "`contains` keyword is required for partial set rules; `if` keyword is required before rule body",
        ),
        (RegoVersion::V0, "p[x] { x := \"k\" }", r#"{"p":["k"]}"#),
        (RegoVersion::V0, "p.k { true }", r#"{"p":["k"]}"#),
        (RegoVersion::V0, "p.k.l { true }", r#"{"p":{"k":{"l":true}}}"#),
        (RegoVersion::V0, "p[x] if some x in [\"k\"]", r#"{"p":{"k":true}}"#),
        (RegoVersion::V0, "p[t.x] if some t in [{\"x\": \"k\"}]", r#"{"p":{"k":true}}"#),
        (RegoVersion::V0, "p.k if true", r#"{"p":{"k":true}}"#),
        (RegoVersion::V0, "p contains x if some x in [\"k\"]", r#"{"p":["k"]}"#),
        (RegoVersion::V0, "f() = 7\np = f", r#"{"f":7,"p":7}"#),
    ] {
        let imports = if version == RegoVersion::V0 { v0 } else { "" };
        assert_eq!(document(version, &[("a.rego", &format!("{imports}{source}"))]), expected, "{source}");
    }
}

#[test]
fn a_conflict_names_the_document_and_its_rules() {
    let many: String = (0..11).map(|n| format!("p := {n} if true\n")).collect();
    let listed: String = (3..13).map(|row| format!("\n  rule at a.rego:{row}")).collect();
    for (files, expected) in [
        (&[("a.rego", "p := x if some x in [1, 2]")][..], "rule data.a.p produced conflicting values"),
        (
            &[("a.rego", "p := 1\np := 2 if true"), ("b.rego", "p := 1 if true")],
            "rule data.a.p produced conflicting values:\n  rule at a.rego:3\n  rule at a.rego:4\n  rule at b.rego:3",
        ),
        (&[("a.rego", &many)], &format!("rule data.a.p produced conflicting values:{listed}\n  ...")),
        (
            &[("a.rego", "p[\"b-c\"] := 1\np[\"b-c\"] := 2 if true")],
            "rule data.a.p[\"b-c\"] produced conflicting values:\n  rule at a.rego:3\n  rule at a.rego:4",
        ),
        (
            &[("a.rego", "p := f(1)\nf(x) := x\nf(x) := y if y := x + 1")],
            "function data.a.f produced conflicting values for the same inputs:\n  rule at a.rego:4\n  rule at a.rego:5",
        ),
        // What else goes wrong while the rules are collected is not what the policy is told.
        (
            &[("a.rego", "p := 1\np := 2 if true\np := to_number(\"x\")")],
            "rule data.a.p produced conflicting values:\n  rule at a.rego:3\n  rule at a.rego:4",
        ),
        (&[("a.rego", "p[x] := y if some x, y in {\"k\": 1}\np[\"k\"] := 2")], "object keys must be unique"),
        (&[("a.rego", "p := 1\np := 1 if true\np := 1 if { false }")], r#"{"p":1}"#),
    ] {
        let got = document(RegoVersion::V1, files);
        assert!(got.ends_with(expected), "{files:?}: {got}");
    }
}

#[test]
fn what_nothing_gives_a_value_to_is_unsafe() {
    for (rule, unsafe_var) in [
        ("p := _", "_"),
        ("p if _ == 1", "_"),
        ("p contains _ if true", "_"),
        ("p[_] := 1", "_"),
        ("p if startswith(_, \"x\")", "_"),
        ("p := count(_)", "_"),
        ("p if input.x == _", "_"),
        ("p if not input.x[_]", "_"),
        ("p := [1 | _ == 1]", "_"),
        // What is assigned gives no value to what it is assigned from.
        ("p if { x := y; x = 7 }", "y"),
        ("p if { [x, z] := [y, 2]; x = 1; z = 2 }", "y"),
    ] {
        assert_eq!(
            document(RegoVersion::V1, &[("a.rego", rule)]),
            format!("var {unsafe_var} is unsafe"),
            "{rule}"
        );
    }
    for (rule, expected) in [
        ("p if { x := y; y = 7; x == 7 }", r#"{"p":true}"#),
        ("p := v if { some k; v := {\"q\": 1}[k] }", r#"{"p":1}"#),
        ("p := x if { [x, _] = [1, 2] }", r#"{"p":1}"#),
        ("p if { some _ in [1] }", r#"{"p":true}"#),
        ("p := [1 | [1, 2][_]]", r#"{"p":[1,1]}"#),
        ("p if not count([1 | [1, 2][_]]) == 3", r#"{"p":true}"#),
        ("f(_) := 1\np := f(2)", r#"{"p":1}"#),
    ] {
        assert_eq!(document(RegoVersion::V1, &[("a.rego", rule)]), expected, "{rule}");
    }
}

#[test]
fn rules_of_one_object_may_ask_for_each_other() {
    let recursive = "rule data.a.p is recursive: data.a.p -> data.a.p";
    for (rules, expected) in [
        (
            "p[x].price := 10 if some x in [\"k\"]\np[x].tax := p[x].price * 2 if some x in [\"k\"]",
            r#"{"p":{"k":{"price":10,"tax":20}}}"#,
        ),
        (
            "p[x].a := 1 if some x in [\"k\"]\np[x].b := n if { some x in [\"k\"]; n := p.k.a + p[x].a }\np[x].c := p[x].b if some x in [\"k\"]",
            r#"{"p":{"k":{"a":1,"b":2,"c":2}}}"#,
        ),
        ("p[x].a := p[x].a if some x in [\"k\"]\np[x].b := 1 if some x in [\"k\"]", recursive),
        ("p[x].a := p[x].b if some x in [\"k\"]\np[x].b := p[x].a if some x in [\"k\"]", recursive),
        ("p[x].a := 1 if some x in [\"k\"]\np[x].b := p[x][y] if some x, y in {\"k\": \"a\"}", recursive),
        ("p[x] := p[y] if some x, y in {\"k\": 1}", recursive),
    ] {
        let got = document(RegoVersion::V1, &[("a.rego", rules)]);
        assert!(got.starts_with(expected), "{rules}: {got}");
    }
}
