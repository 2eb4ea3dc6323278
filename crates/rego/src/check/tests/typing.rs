use super::super::Checks;
use super::{said, table};
use crate::RegoVersion::V1;

#[test]
fn what_cannot_be_is_refused() {
    table(
        V1,
        &Checks::default(),
        &[
            ("r if 1 + \"a\" == 2", &["2: plus: invalid argument(s)"]),
            ("r := count(1)", &["2: count: invalid argument(s)"]),
            ("r if count(\"ab\", \"x\")", &["2: count: invalid argument(s)"]),
            ("r := concat(\",\", [1, 2])", &["2: concat: invalid argument(s)"]),
            ("r if startswith(q, \"x\")\nq := 3", &["2: startswith: invalid argument(s)"]),
            ("f(x) := x + 1\nr := f(\"a\")", &["3: data.p.f: invalid argument(s)"]),
            ("f(1)\nf(\"a\")\nr if f([])", &["4: data.p.f: invalid argument(s)"]),
            ("r if 1 == \"a\"", &["2: match error"]),
            ("r if 1 = \"a\"", &["2: match error"]),
            ("r if { x := [1, 2]; x[_] == \"a\" }", &["2: match error"]),
            ("r if [1] == [1, 2]", &["2: match error"]),
            ("r if { {\"a\": x} = {\"b\": 1}; x }", &["2: match error"]),
            ("r if { x := [y | y := 1]; x[_] == \"a\" }", &["2: match error"]),
            ("r if { x := {\"k\": 1}; x.j == 1 }", &["2: undefined ref: x.j"]),
            ("q := 1\nr if q.foo", &["3: undefined ref: data.p.q.foo"]),
            ("q := {\"a\": 1}\nr if q.b", &["3: undefined ref: data.p.q.b"]),
            ("f(x) := x\nr := f", &["3: undefined ref: data.p.f"]),
            ("q contains \"a\"\nr if q[1]", &["3: undefined ref: data.p.q[1]"]),
            ("r if { some x in [1]; startswith(x, \"a\") }", &["2: startswith: invalid argument(s)"]),
            ("r := [1 | startswith(1, \"a\")]", &["2: startswith: invalid argument(s)"]),
            ("r := $\"{1 + \"a\"}\"", &["2: plus: invalid argument(s)"]),
            ("r if every x in [1] { x == [y | y := 1 + \"a\"] }", &["2: plus: invalid argument(s)"]),
            ("f(x) := 1\ng(x, y) := 1\nr if f(1) with f as g", &["4: data.p.f: arity mismatch"]),
            (
                "r if { x := input.a; y := x[0] + 1; startswith(y, \"\") }",
                &["2: startswith: invalid argument(s)"],
            ),
            ("r if true else := \"x\" if count(1) > 0", &["2: count: invalid argument(s)"]),
            ("q[k] := 1 if some k in [\"a\"]\nr if q[1] == 1", &["3: undefined ref: data.p.q[1]"]),
        ],
    );
}

#[test]
fn what_can_be_is_accepted() {
    for rules in [
        "r if { x := input.foo; x + 1 == 2; startswith(x, \"a\") }",
        "r if data.base.doc[_].name == 1",
        "r if { walk(input, [path, value]); path[_] == \"a\"; value + 1 == 2 }",
        "q := 1 if input.x\nq := \"a\" if input.y\nr if q == \"a\"\ns if q + 1 == 2",
        "q := {\"a\": 1} if input.x\nq := {\"b\": 2} if input.y\nr if q.b == 2",
        "q contains 1\nq contains \"a\"\nr if \"a\" in q\ns if q[\"a\"]",
        "r if every x in [1] { startswith(x, \"a\") }",
        "r if { x = [1, y]; y = 2; x[1] == 2 }",
        "r := set() | {1}\ns := [] == array.concat([], [1])",
        "q[k] := v if some k, v in input.obj\nr if q[1] == \"x\"\ns if q.foo.bar == 2",
        "a.b.c := 1\na.b[x] := 2 if x := input.x\nr if a.b.d == 2\ns if a.b.c == 1",
        "r if { startswith(x, \"a\"); x = input.y; x + 1 == 2 }",
        "f(x) := x\nr if { f(1) == 1; f(\"a\") == \"a\" }",
        "r if { not q; count(s) > 0 }\nq if input.z\ns := {x | some x in input.xs}",
        "r if { x := object.get(input, \"a\", {}); x.b == 1 }",
        "r if input[0] == 1\ns if data.base[input.x] == 1",
        "default r := 1\nr := \"a\" if input.x\ns if r == \"a\"",
        "r := json.unmarshal(\"{}\").a.b\ns := io.jwt.decode(\"x\")[1].sub",
        "r if { some i; input.xs[i] == 1; i == \"a\" }",
        "p1 contains x if { x := input.x }\nr := count({x | p1[x]; startswith(x, \"a\")})",
    ] {
        let said = said(&[&format!("package p\n{rules}")], V1, &Checks::default());
        assert!(said.is_empty(), "{rules}: {said:?}");
    }
}

#[test]
fn modules_see_each_others_types() {
    let uses = "package p\nimport data.q.lib\nr if lib.f(\"x\") == 1\ns if lib.nosuch\nt if lib.c.d.e";
    let lib = "package q.lib\nf(x) := upper(x)\nc := {\"d\": 1}\nbad := count(1)";
    assert_eq!(
        said(&[uses, lib], V1, &Checks::default()),
        ["3: match error", "5: undefined ref: data.q.lib.c.d.e", "m1:4: count: invalid argument(s)"]
    );
}

#[test]
fn details_say_what_there_is_and_what_was_wanted() {
    let text = "package p\nq := {\"name\": 1}\nr if q.nam\ns := concat(\",\", [1])\n";
    let module = crate::Module { id: "m".to_owned(), source: text.into(), version: V1 };
    let found = crate::compile(vec![module], crate::Value::object()).unwrap_err();
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "m:3:6: rego_type_error: undefined ref: data.p.q.nam\n    data.p.q.nam\n             ^\n             \
             have: \"nam\"\n             want (one of): [\"name\"]\n 3 | r if q.nam\n   |      ^^^^^\n   = hint: did \
             you mean `name`?",
            "m:4:6: rego_type_error: concat: invalid argument(s)\n    have: (string, array<number>, ???)\n    want: \
             (string, any<array[string], set[string]>, string)\n 4 | s := concat(\",\", [1])\n   |      ^^^^^^^^^^^^^^^^\n   = hint: \
             argument 2 is of the type `array<number>`, and has to be `any<array[string], set[string]>`",
        ]
    );
}

#[test]
fn hostile_types_end() {
    let mut text = "package p\np0 := [1, \"a\"]\n".to_owned();
    let mut deep = "package p\nd0 := 1\n".to_owned();
    for number in 1..200 {
        let before = number - 1;
        text += &format!("p{number} := [p{before}, p{before}, {{\"k\": p{before}}}]\n");
        deep += &format!("d{number} := [d{before}]\n");
    }
    text += "r if p199 == p198\ns := count(p199)\n";
    let many: Vec<String> = (0..3_000).map(|n| format!("{{\"k{n}\": {n}}}")).collect();
    text += &format!("t := [{}]\nu if t[_].k1 == 1\n", many.join(", "));
    assert!(said(&[&text, &deep.replace("package p", "package q")], V1, &Checks::default()).is_empty());
}
