//! What is left of queries, as data, and what is not supported.

use super::{json, left, program};

const DATA: &str = r#"{"roles": {"ann": ["admin"], "bob": ["reader", "writer"]}, "ids": {"5": "x"}}"#;

fn rest(rules: &str, query: &str) -> Result<String, String> {
    let policy = format!("package p\n\n{rules}\n");
    let plain = program(&[("p.rego", &policy)], &json(DATA));
    let known = json(r#"{"user": "bob"}"#);
    left(&plain, query, Some(&known), &["input.row", "data.later"]).map(|(queries, support)| {
        let queries: Vec<String> = queries.iter().map(|query| query.join("; ")).collect();
        let support = support.map(|module| module.replace("package partial\n", "")).unwrap_or_default();
        queries.join(" || ") + &support.replace("\n__", " ## __").replace('\n', "")
    })
}

#[test]
fn what_is_known_is_gone() {
    for (rules, query, expected) in [
        ("a if input.row.x == 1", "data.p.a", "input.row.x == 1"),
        ("a if input.user == \"bob\"", "data.p.a", ""),
        ("a if input.user == \"eve\"", "not data.p.a", ""),
        ("a if input.row.x == input.user", "data.p.a == true", "input.row.x == \"bob\""),
        ("a if input.row.x in data.roles[input.user]", "data.p.a", "input.row.x in [\"reader\", \"writer\"]"),
        (
            "a if {\n\tsome r in data.roles[input.user]\n\tinput.row.x == r\n}",
            "data.p.a",
            "input.row.x == \"reader\" || input.row.x == \"writer\"",
        ),
        ("default a := false\n\na if input.row.x", "data.p.a", "input.row.x"),
        ("default a := false\n\na if input.row.x", "data.p.a == false", "not input.row.x"),
        ("a if { x := input.row.x; not x == 1 }", "data.p.a", "_ = input.row.x; not input.row.x == 1"),
        ("a if { x := input.row.x; x > 1 }", "data.p.a", "input.row.x > 1"),
        ("f(x) := y if y := lower(x)", "data.p.f(input.row.x) == \"a\"", "lower(input.row.x) == \"a\""),
        (
            "a if input.row.x == 1\n\na if input.row.y == 2",
            "not data.p.a",
            "not input.row.x == 1; not input.row.y == 2",
        ),
        (
            "a if { input.row.x == 1; input.row.y == 2 }",
            "not data.p.a",
            "not data.partial.__holds0__ ## __holds0__ if { input.row.x == 1; input.row.y == 2 }",
        ),
        // What stands within an operand of `not` would be found before it.
        (
            "default a := false\n\na if input.row.xs[input.row.n] == 1",
            "data.p.a == false",
            "not data.partial.__holds0__ ## __holds0__ if { input.row.xs[input.row.n] == 1 }",
        ),
        (
            "default a := false\n\na if lower(input.row.x) == \"a\"",
            "data.p.a == false",
            "not data.partial.__holds0__ ## __holds0__ if { lower(input.row.x) == \"a\" }",
        ),
        (
            "default a := false\n\na if input.row.x > 1",
            "data.p.a == false",
            "not data.partial.__holds0__ ## __holds0__ if { input.row.x > 1 }",
        ),
        ("a if not input.row.x > 1", "data.p.a", "_ = input.row.x; not input.row.x > 1"),
        ("r := 1 if input.row.x else := 2 if input.row.y", "data.p.r == 2", "not input.row.x; input.row.y"),
        ("s contains x if some x in input.row.xs", "1 in data.p.s", "1 == input.row.xs[__v0__]"),
        ("a if data.later[input.user]", "data.p.a", "data.later.bob"),
        ("a if data.roles.ann[0] == \"admin\"", "x := data.p.a", "x = true"),
        ("", "x := input.row.x; x > 1", "x = input.row.x; input.row.x > 1"),
        ("", "data.ids[input.row.id] == \"x\"", "input.row.id == \"5\" || input.row.id == 5"),
        ("a if every x in [1, 2] { input.row.x != x }", "data.p.a", "input.row.x != 1; input.row.x != 2"),
        ("a if input.row.x == 1\n\nb if a with input.row.x as 1", "data.p.b", ""),
        ("a if time.now_ns() > input.row.x", "data.p.a", "time.now_ns() > input.row.x"),
        ("a if input.row.x == 1", "data.p.a; input.row.x == 2", "never"),
    ] {
        let got = rest(rules, query).unwrap_or_else(|error| format!("error: {error}"));
        if expected == "never" {
            assert_eq!(got, "", "{rules}: {query}");
            continue;
        }
        // Names of variables are whatever they are.
        let unnamed = |text: &str| {
            let parts: Vec<&str> = text.split("__v").collect();
            let rest = parts.iter().skip(1).map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
            parts[0].to_owned() + &rest.map(|part| format!("__v{part}")).collect::<String>()
        };
        assert_eq!(unnamed(&got), unnamed(expected), "{rules}: {query}");
    }
}

/// An honest error rather than a wrong answer.
#[test]
fn what_cannot_be_left_is_an_error() {
    for (rules, query, why) in [
        ("a if input.row.x", "data.p", "all of `data.p` is asked for"),
        ("a if walk(input.row, [_, 1])", "data.p.a", "`walk` goes through something unknown"),
        (
            "r := 1 if input.row.x\n\nr := 2 if input.row.y",
            "not data.p.r == 1",
            "where two of its values differ",
        ),
        (
            "o[k] := 1 if some k in input.row.ks\n\no[k] := 2 if some k in input.row.ls",
            "data.p.o.x == 1",
            "keys are unique",
        ),
        ("o[a].b := 1 if a := input.row.a", "data.p.o.x.b == 1", "an object within an object"),
        ("a if input.row", "data.p.a with input.row.x as 1", "`with` replaces a part"),
        ("r := x if some x in input.row.xs", "[1 | data.p.r == 1] == [1]", ""),
    ] {
        let error = rest(rules, query);
        assert!(error.as_ref().is_err_and(|error| error.contains(why)), "{rules}: {query}: {error:?}");
    }
}

/// Two rules with different values fail where both hold; what is left must then not hold.
#[test]
fn values_that_conflict_exclude_each_other() {
    let rules = "r := 1 if input.row.x\n\nr := 2 if input.row.y";
    assert_eq!(rest(rules, "data.p.r == 1").unwrap(), "input.row.x; not input.row.y");
    let distinct = "r := 1 if input.row.x == 1\n\nr := 2 if input.row.x == 2";
    assert_eq!(rest(distinct, "data.p.r == 1").unwrap(), "input.row.x == 1");
}
