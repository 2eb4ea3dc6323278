use super::super::Checks;
use super::{said, table};
use crate::RegoVersion::{V0, V1};

fn strict() -> Checks {
    Checks { strict: true, ..Checks::default() }
}

#[test]
fn variables_are_declared_once_and_used() {
    table(
        V1,
        &Checks::default(),
        &[
            ("r if { input.x == x; x := 1 }", &["2: var x referenced above"]),
            ("r if { x := 1; x := 2; x == 1 }", &["2: var x assigned above"]),
            ("r if { some x; x := 2; x == 1 }", &["2: var x declared above"]),
            ("f(x) := 1 if { x := 2 }", &["2: arg x redeclared"]),
            ("r if { some z; true }", &["2: declared var z unused"]),
            ("r if every k, v in [1] { v > 0 }", &["2: declared var k unused"]),
            ("r if not a := 1", &["2: cannot assign vars inside negated expression"]),
            ("r if 1 := 2", &["2: cannot assign to number"]),
            ("f(count(x)) := 1", &["2: rule arguments cannot contain calls"]),
            ("r if { count := 1; count([]) == 1 }", &["2: called function count shadowed"]),
            ("r if print(x)", &["2: var x is undeclared"]),
            ("r := print(1)", &["2: print(1) used as value"]),
            ("r := $\"{x}\"", &["2: var x is undeclared"]),
            ("r := $\"{x} {x + 1}\"", &["2: var x is undeclared"]),
            ("r := $\"{input.xs[i]}\"", &["2: var i is undeclared"]),
            ("r := $\"{[x | x := input.y]} {[y | y = input.z]}\"", &[]),
            (
                "r := $\"{walk(input)}\"",
                &["2: illegal call to relation built-in 'walk' that may cause multiple outputs"],
            ),
            ("r := $\"{[x | walk(input, x)]}\"", &[]),
            ("r if { x = 1; $\"{x}\" == \"1\" }", &[]),
            ("r[x] := $\"{x}\" if some x in input.xs", &[]),
            ("f(x) := $\"{x}\"", &[]),
            ("r := $\"{f(1) with input.x as 2}\"\nf(x) := x + input.x", &[]),
            ("import data.y\nr := $\"{input.x with input.x as y}\"", &[]),
            ("r if { x := 1; [1 | x := 2; x == 2]; x == 1 }", &[]),
            ("r if { some x in [1]; [1 | some x in [2]] }", &[]),
            ("r contains x if { some x; input.xs[x] }", &[]),
            ("r if { x := 1; true }\nf(x) := 1", &[]),
            ("x := 1\nr if { x := 2; x == 2 }", &[]),
            ("r if { print(x); x := 1 }", &[]),
        ],
    );
}

#[test]
fn functions_are_there_and_take_so_many_arguments() {
    table(
        V1,
        &Checks::default(),
        &[
            ("r := nosuch(1)", &["2: undefined function nosuch"]),
            ("f(x) := x\nr if f(1, 2, 3)", &["3: function data.p.f has arity 1, got 3 arguments"]),
            ("f(x, y) := x\nr := f(1)", &["3: function data.p.f has arity 2, got 1 argument"]),
            ("r := count([1], 2, 3)", &["2: count: arity mismatch"]),
            (
                "r if true with walk as count",
                &["2: with keyword replacing built-in function: target must not be a relation"],
            ),
            ("f(x) := x\nr if f(1, 1)", &[]),
        ],
    );
}

#[test]
fn v1_refuses_what_hides_other_names_and_v0_where_it_is_strict() {
    let v1 = "package p\nimport data.foo\nimport data.bar.foo\ninput := 1\nf(data) := 1\nr if { input := 2; input }\ns if any([foo])";
    let expected = [
        "3: import must not shadow import data.foo",
        "4: rules must not shadow input (use a different rule name)",
        "5: args must not shadow data (use a different variable name)",
        "6: variables must not shadow input (use a different variable name)",
        "7: deprecated built-in function calls in expression: any",
    ];
    assert_eq!(said(&[v1], V1, &Checks::default()), expected);
    let v0 =
        "package p\nimport data.foo\nimport data.bar.foo\nr { any([foo]) }\ns { re_match(\"a\", \"b\") }";
    assert!(said(&[v0], V0, &Checks::default()).is_empty());
    assert_eq!(
        said(&[v0], V0, &strict()),
        [
            "3: import must not shadow import data.foo",
            "4: deprecated built-in function calls in expression: any",
            "5: deprecated built-in function calls in expression: re_match",
        ]
    );
}

#[test]
fn strict_asks_that_everything_is_used() {
    let rows: &[(&str, &[&str])] = &[
        ("import data.foo\nr := 1", &["2: import data.foo unused"]),
        ("import data.foo as bar\nr if bar", &[]),
        ("import data.foo\nr if input.x with data.foo as 1", &["2: import data.foo unused"]),
        ("import input.foo\nr if { foo := 1; foo == 1 }", &["2: import input.foo unused"]),
        ("r if { x := 1; true }", &["2: assigned var x unused"]),
        ("r if { [x, y] := [1, 2]; y == 2 }", &["2: assigned var x unused"]),
        ("r := [1 | x := 1]", &["2: assigned var x unused"]),
        ("r := x if { x := 1 }", &[]),
        ("r if { x := 1; y := x; y == 1 }", &[]),
        ("r if { x := 1; [1 | x == 1] }", &[]),
        ("r if { _ := 1; true }", &[]),
        ("f(x) := 1", &["2: unused argument x. (hint: use _ (wildcard variable) instead)"]),
        ("f(x) := 1 if input.y\nelse := x", &[]),
        ("f([x, _]) := x\ng(_) := 1\nh(x) := 1 if x\ni(x, x) := 1", &[]),
    ];
    table(V1, &strict(), rows);
    for (rules, _) in rows {
        table(V1, &Checks::default(), &[(rules, &[])]);
    }
}

#[test]
fn rules_of_one_name_go_together() {
    table(
        V1,
        &Checks::default(),
        &[
            ("r := 1\nr contains 2 if true", &["2: conflicting rules data.p.r found"]),
            ("r := 1\nr(x) := x", &["2: conflicting rules data.p.r found"]),
            ("r(x) := x\nr(x, y) := x", &["2: conflicting rules data.p.r found"]),
            ("r[x] := 1 if x := input.x\nr contains 1", &["2: conflicting rules data.p.r found"]),
            ("r := 1\nr.s := 2", &["2: rule data.p.r conflicts with:\n  rule data.p.r.s at m0:3"]),
            ("r contains 1\nr[\"k\"] := 2", &["2: rule data.p.r conflicts with:\n  rule data.p.r.k at m0:3"]),
            ("r contains 1\nr.a contains 2", &["2: conflicting rules data.p.r found"]),
            ("r contains 1\nr[x] contains 2 if some x in [3]", &["2: conflicting rules data.p.r found"]),
            (
                "r[x] := 1 if some x in [3]\nr.f(x) := x",
                &["2: rule data.p.r conflicts with:\n  rule data.p.r.f at m0:3"],
            ),
            ("default r := 1\ndefault r := 2", &["2: multiple default rules data.p.r found at m0:2, m0:3"]),
            ("default r := 1\nr := 2 if input.x", &[]),
            ("r[x] := 1 if x := input.x\nr.a := 2\nr[\"b c\"] := 3", &[]),
            ("a.b := 1\na.c contains 1", &[]),
        ],
    );
    let package = said(&["package a\nb := 1", "package a.b"], V1, &Checks::default());
    assert_eq!(package, ["m1:1: package a.b conflicts with rule b defined at m0:2"]);
}

#[test]
fn one_flaw_does_not_hide_another() {
    let texts = [
        "package p\nr if { nosuch(1, y); y > 1 }\ns if { x == 1 }\nt := count(1)",
        "package q\nr if {",
        "package q2\nr if { x := 1; x := 2; x == 1 }",
    ];
    let all = said(&[texts[0], texts[2]], V1, &Checks::default());
    assert_eq!(
        all,
        [
            "2: undefined function nosuch",
            "3: var x is unsafe",
            "4: count: invalid argument(s)",
            "m1:2: var x assigned above",
        ]
    );
    let found = said(&texts, V1, &Checks::default());
    assert!(found.iter().any(|found| found.starts_with("m1:2: unexpected")), "{found:?}");
    assert!(found.contains(&"m2:2: var x assigned above".to_owned()), "{found:?}");
}

#[test]
fn operands_and_negated_bodies_are_scopes() {
    let both = "import rego.v2\n";
    for (rule, want) in [
        ("r if x := 1 or input.y", vec!["3: cannot assign vars inside implicit or operand"]),
        ("r if input.y and x := 1", vec!["3: cannot assign vars inside implicit and operand"]),
        ("r if not x := 1", vec!["3: cannot assign vars inside negated expression"]),
        ("r if { { x := 1; x == 1 } or input.y; x := 2; x == 2 }", vec![]),
        ("r if { x := 1; not { x := 2; x == 2 }; x == 1 }", vec![]),
        ("r if not { some x; input.y }", vec!["3: declared var x unused"]),
        ("r if { x := 1; { x := 2; x := 3; x == 3 } or x == 1 }", vec!["3: var x assigned above"]),
        ("r if not no_function(1)", vec!["3: undefined function no_function"]),
        ("r if input.y or count(1, 2, 3)", vec!["3: count: arity mismatch"]),
        ("r if input.y or count(1) > 0", vec!["3: count: invalid argument(s)"]),
        ("r if not { x := \"a\"; x + 1 == 2 }", vec!["3: plus: invalid argument(s)"]),
        ("r if { x := 1; { x := \"a\"; startswith(x, \"a\") } or x + 1 == 2 }", vec![]),
    ] {
        let got = said(&[&format!("package p\n{both}{rule}")], V1, &Checks::default());
        assert_eq!(got, want, "{rule}");
    }
    let unused = said(&["package p\nimport rego.v2\nr if { x := 1 } or input.y"], V1, &strict());
    assert_eq!(unused, ["3: assigned var x unused"]);
}

/// What is warned of in modules `m0`, `m1`, …
fn warned(texts: &[&str]) -> Vec<String> {
    let module = |(number, text): (usize, &&str)| crate::Module {
        id: format!("m{number}"),
        source: (*text).into(),
        version: V1,
    };
    let modules: Vec<_> = texts.iter().enumerate().map(module).collect();
    let found = crate::findings(modules, crate::Value::object(), &strict()).warnings;
    found.iter().map(|found| found.message.clone()).collect()
}

#[test]
fn a_not_that_an_import_would_change_is_warned_of() {
    let rules = "package p\nf(x) := x if x > 1\ndefault level := 1\nlevel := 2 if input.x\nnames contains x if x := input.n\nlimits := {\"a\": 1}\nowner := input.owner\n";
    for (condition, part) in [
        ("not f(input.x)", Some("input.x")),
        ("not input.x > 1", Some("input.x")),
        ("not input.x in {\"a\"}", Some("input.x")),
        ("not \"a\" in input.list", Some("input.list")),
        ("not data.roles[input.user]", Some("input.user")),
        ("not [input.x] == [1]", Some("input.x")),
        ("not count(input.list) > 1", Some("input.list")),
        ("not f(f(2)) == 2", Some("f(f(2))")),
        ("not f(f(2))", Some("f(2)")),
        ("not f(2) + 1 == 3", Some("f(2)")),
        ("not f(2).x", Some("f(2)")),
        ("not owner in {\"a\"}", Some("owner")),
        ("not data.p.owner in {\"a\"}", Some("data.p.owner")),
        ("x := input.x; not f(x.y)", Some("x.y")),
        ("every x in input.xs { not f(x.y) }", Some("x.y")),
        ("not input.x with input.x as input.y", None),
        ("not input.x", None),
        ("not input.x == 1", None),
        ("not input.a.b[1].c", None),
        ("not f(2)", None),
        ("x := input.x; not f(x)", None),
        ("x := input.x; not x > 1; not x in {1, 2}; not [x] == [1]", None),
        ("x := input.x; not x in names; not level > x; not limits == x; not x in limits", None),
        ("x := input.x; not x in data.p.names", None),
        ("not {x | x := input.xs[_]} == set()", None),
        ("not $\"{input.x}\" == \"a\"", None),
        ("not count([x | x := input.x]) > 1", None),
    ] {
        let texts = [rules.to_owned(), format!("package p\nr if {{ {condition} }}")];
        let got = warned(&texts.each_ref().map(String::as_str));
        let want = part.map(|part| {
            format!("`{part}` is evaluated before the `not`: where it is undefined, the `not` does not hold")
        });
        assert_eq!(got, Vec::from_iter(want), "{condition}");
        let imported = format!("package p\nimport future.keywords.not\nr if {{ {condition} }}");
        assert_eq!(warned(&[rules, &imported]), Vec::<String>::new(), "{condition}");
    }
}
