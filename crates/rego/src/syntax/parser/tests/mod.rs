//! What is read as what.

mod bounds;
mod dump;
mod errors;
mod logical;

use super::super::ast::*;
use super::super::source::{Source, Span};
use super::super::visit::{Visitor, walk_body, walk_expr, walk_module, walk_reference, walk_rule, walk_term};
use super::*;

fn module(text: &str, version: Version) -> Result<Module, Vec<Error>> {
    parse_module(&Source::new("test.rego", text), version, Options::default())
}

/// The rules of a text without its package, as [`dump`] writes them.
fn rules(text: &str, version: Version) -> String {
    let module = module(&format!("package test\n{text}"), version);
    let module = module.unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    module.rules.iter().map(dump::rule).collect::<Vec<_>>().join("\n")
}

fn query(text: &str) -> String {
    let body = parse_query(&Source::new("query", text), Version::V1);
    dump::body(&body.unwrap_or_else(|errors| panic!("{text}: {errors:?}")))
}

#[test]
fn reads_terms() {
    for (text, want) in [
        ("-1.50", "-1.50"),
        ("- 1", "-1"),
        ("-.5", "-0.5"),
        ("1e3", "1e3"),
        ("[1, [2], ]", "[1 [2]]"),
        ("{1, 2}", "(set 1 2)"),
        ("set()", "(set )"),
        ("{}", "{}"),
        ("{1: 2, \"a\": {},}", "{1:2 \"a\":{}}"),
        ("a.b[c][\"d\"].in", "a[\"b\"][c][\"d\"][\"in\"]"),
        ("f(a, 1)", "(call f a 1)"),
        ("a.f(x)[0].y", "(call a[\"f\"] x)[0][\"y\"]"),
        ("f(x).g(y)", "(call (call f x)[\"g\"] y)"),
        ("(f)(x)", "(call f x)"),
        ("(x)[0]", "x[0]"),
        ("[1, 2][i]", "[1 2][i]"),
        ("contains(a, b)", "(call contains a b)"),
        ("some.x", "some[\"x\"]"),
        ("`a\\n`", r#""a\\n""#),
    ] {
        assert_eq!(query(text), want, "{text}");
    }
}

#[test]
fn knows_precedence() {
    for (text, want) in [
        ("a - b - c", "(Minus (Minus a b) c)"),
        ("a + b * c - d", "(Minus (Plus a (Times b c)) d)"),
        ("a * b + c", "(Plus (Times a b) c)"),
        ("a | b & c + d", "(Or a (And b (Plus c d)))"),
        ("a & b | c", "(Or (And a b) c)"),
        ("a == b | c", "(Equal a (Or b c))"),
        ("a < b == c", "(Equal (Less a b) c)"),
        ("a == b in c", "(in (Equal a b) c)"),
        ("a in b == c", "(in a (Equal b c))"),
        ("a in b in c", "(in (in a b) c)"),
        ("x := a, b in c", "(:= x (in a b c))"),
        ("a -1", "(Minus a 1)"),
        ("a - -1", "(Minus a -1)"),
        ("(a + b) * c", "(Times (Plus a b) c)"),
        ("f(a in b, c)", "(call f (in a b) c)"),
        ("f((a, b in c))", "(call f (in a b c))"),
        ("[a, b in c]", "[a (in b c)]"),
        ("x = y == z", "(= x (Equal y z))"),
    ] {
        assert_eq!(query(text), want, "{text}");
    }
}

#[test]
fn tells_comprehensions_from_collections() {
    for (text, want) in [
        ("[x | x := 1; y]", "[x | (:= x 1); y]"),
        ("{x | y}", "{x | y}"),
        ("{x: y | z}", "{x:y | z}"),
        ("{x + 1: y | z}", "{(Plus x 1):y | z}"),
        ("{a | b, c}", "(set (Or a b) c)"),
        ("[a | b, c]", "[(Or a b) c]"),
        ("{a: b | c, d: e}", "{a:(Or b c) d:e}"),
        ("{a | b, c in d}", "{a | (in b c d)}"),
        ("{a | b, c in d, e}", "(set (Or a b) (in c d) e)"),
        ("{a + b | c}", "(set (Or (Plus a b) c))"),
        ("{(a | b)}", "(set (Or a b))"),
        ("{, a | b}", "(set (Or a b))"),
        ("[x | some x, y; z]", "[x | (some x y); z]"),
        ("{x |\n a\n b[x]\n}", "{x | a; b[x]}"),
    ] {
        assert_eq!(query(text), want, "{text}");
    }
}

#[test]
fn reads_conditions() {
    for (text, want) in [
        ("not a with input.x as 1 with f as g", "not a with input[\"x\"] as 1 with f as g"),
        ("some x, y", "(some x y)"),
        ("some x in xs", "(some-in x xs)"),
        ("some k, [v] in xs with input as 1", "(some-in k [v] xs with input as 1)"),
        ("every x in xs { x > 1; y }", "(every x xs (Greater x 1); y)"),
        ("every k, v in xs { v }", "(every k v xs v)"),
        ("x := 1; y = 2\nz", "(:= x 1); (= y 2); z"),
        ("x\nin.y", "x; in[\"y\"]"),
        ("x\n[1]", "x; [1]"),
        ("f\n(x)", "f; x"),
        ("x #c\n# c\n+ 1", "(Plus x 1)"),
    ] {
        let want = want.replace("xs with input as 1)", "xs) with input as 1");
        assert_eq!(query(text), want, "{text}");
    }
}

#[test]
fn reads_templates() {
    for (text, want) in [
        (r#"$"""#, "($ )"),
        (r#"$"a {x.y} \{b} {1}""#, r#"($  "a " x["y"] " {b} " 1)"#),
        (r#"$"{ {a | b} }{f("}")}""#, r#"($  {a | b} (call f "}"))"#),
        (r#"$"{$`{x}"\n`}""#, r#"($  ($  x "\"\\n"))"#),
        (r#"$"{x with input as {"a": 1}}""#, r#"($  x with input as {"a":1})"#),
        ("$\"{\nx # c\n}\"", "($  x)"),
        (r#"$"{a in b}""#, "($  (in a b))"),
    ] {
        assert_eq!(query(text), want, "{text}");
    }
}

#[test]
fn reads_rules() {
    use Version::{V0, V1};
    for (version, text, want) in [
        (V1, "p if x", "p if x"),
        (V1, "p if { x; y }", "p if x; y"),
        (V1, "p if { x }", "p if x"),
        (V1, "p if {x | y}", "p if {x | y}"),
        (V1, "p if {}", "p if {}"),
        (V1, "p if {\"a\": x}[_]", "p if {\"a\":x}[_]"),
        (V1, "p if { x } == y", "p if (Equal (set x) y)"),
        (V1, "p if set()", "p if (set )"),
        (V1, "p := 1", "p := 1"),
        (V1, "p = 1 q := 2", "p = 1\nq := 2"),
        (V1, "p := x, y in z if w", "p := (in x y z) if w"),
        (V1, "default p := {1}", "default p := (set 1)"),
        (V1, "default p", "default p"),
        (V1, "default f(_, x) := 1", "default f(_ x) := 1"),
        (V1, "f(x) := y if z", "f(x) := y if z"),
        (V1, "f(x)", "f(x)"),
        (V1, "f (x) if y", "f(x) if y"),
        (V1, "p contains x if y", "p contains x if y"),
        (V1, "a.b contains 1", "a[\"b\"] contains 1"),
        (V1, "a.b[x].c := 1 if y", "a[\"b\"][x][\"c\"] := 1 if y"),
        (V1, "a.if.in := 1", "a[\"if\"][\"in\"] := 1"),
        (V1, "if.x := 1", "if[\"x\"] := 1"),
        (V1, "default default.x := 1", "default default[\"x\"] := 1"),
        (V1, "p[x] if y", "p[x] if y"),
        (V1, "p if x\nelse := 1 if y\nelse := 2", "p if x else 1 if y else 2"),
        (V1, "p if x else if { y } else = 3 { z }", "p if x else if y else 3 if z"),
        (V1, "p if {\n x\n} {\n y\n}", "p if x also y"),
        (V1, "p if some x in y\nq if not z", "p if (some-in x y)\nq if not z"),
        (V0, "p { x }", "p if x"),
        (V0, "p[x] { x }", "p[x] if x"),
        (V0, "p [x] = y { x }", "p[x] = y if x"),
        (V0, "p = x { y } else = z { w }", "p = x if y else z if w"),
        (V0, "p[x]", "p[x]"),
        (V0, "p { in := if; every }", "p if (:= in if); every"),
        (V0, "import future.keywords.in\np { some x in if }", "p if (some-in x if)"),
        (V0, "import future.keywords\np contains x if y", "p contains x if y"),
    ] {
        assert_eq!(rules(text, version), want, "{text}");
    }
}

#[test]
fn knows_whether_if_is_written() {
    let text = "package a\nimport future.keywords\np[x] # if\n{ x }\nq[x] if { x }\nr if x\ns := 1";
    let module = module(text, Version::V0).unwrap();
    let written: Vec<_> = module.rules.iter().map(|rule| has_if(&module.source, rule)).collect();
    assert_eq!(written, [false, true, true, false]);
}

#[test]
fn reads_packages_and_imports() {
    for (text, want) in [
        ("package a.if[\"b c\"]", "package a/if/b c\n"),
        ("package not.x\nimport data.some.x as y", "package not/x\nimport data/some/x as y\n"),
        ("\u{feff}package a\r\nimport input\r\nimport rego.v1", "package a\nimport input\nimport rego/v1\n"),
        ("package a\nimport data.in as b", "package a\nimport data/in as b\n"),
    ] {
        assert_eq!(dump::module(&module(text, Version::V1).unwrap()), want, "{text}");
    }
    let imported = module("package a\nimport rego.v1\np contains 1 if in.x", Version::V0).unwrap();
    assert_eq!(imported.version, Version::V1);
    assert_eq!(module("package a\nimport future.keywords", Version::V0).unwrap().version, Version::V0);
}

/// Everything at once.
const SAMPLE: &str = r#"# METADATA
# title: sample
package sample.x["y z"]

import data.lib as l # note

default allow := false

allow if {
	input.user.roles[_] == l.roles["admin"]
	not denied with input.x as {"a": [1, 2.5e1]}
	some i, role in input.user.roles
	every k, v in {"a": 1} { v > 0; k != "" }
	x := {r: n | some r, n in [1, 2]}
	count({y | some y; x[y]}) in {1, 2} | set()
} else := (1 + 2) * -3 if input.b

f(a, [b, _]) := $"{a} and {upper(b)} \{c}" if a.in.some
f(_, null) := `raw
\text`
p.q[f("x", []) ] contains [z | z = "\u00e9\n"] if true
"#;

/// The spans of all parts, with what each must read as.
struct Spans<'s>(&'s Source, Vec<Span>);

impl Spans<'_> {
    fn within(&mut self, span: Span, walk: impl FnOnce(&mut Self)) {
        let outer = self.1.last().copied().unwrap_or(Span { start: 0, end: self.0.text.len() as u32 });
        assert!(outer.start <= span.start && span.start < span.end && span.end <= outer.end);
        let text = self.0.slice(span);
        assert_eq!(text, text.trim(), "no space around a part");
        self.1.push(span);
        walk(self);
        self.1.pop();
    }
}

impl Visitor for Spans<'_> {
    fn rule(&mut self, rule: &Rule) {
        self.within(rule.span, |spans| walk_rule(spans, rule));
    }

    fn body(&mut self, body: &Body) {
        assert_eq!(self.0.slice(body.span).starts_with('{'), body.braces);
        self.within(body.span, |spans| walk_body(spans, body));
    }

    fn expr(&mut self, expr: &Expr) {
        let read = parse_query(&Source::new("part", self.0.slice(expr.span)), Version::V1).unwrap();
        assert_eq!(dump::body(&read), dump::expr(expr));
        self.within(expr.span, |spans| walk_expr(spans, expr));
    }

    fn term(&mut self, term: &Term) {
        let read = parse_term(&Source::new("part", self.0.slice(term.span)), Version::V1).unwrap();
        assert_eq!(dump::term(&read), dump::term(term));
        self.within(term.span, |spans| walk_term(spans, term));
    }

    fn reference(&mut self, reference: &Ref) {
        self.within(reference.span, |spans| walk_reference(spans, reference));
    }
}

#[test]
fn spans_are_the_text_of_what_they_belong_to() {
    let module = module(SAMPLE, Version::V1).unwrap();
    let slice = |span| module.source.slice(span);
    walk_module(&mut Spans(&module.source, Vec::new()), &module);
    assert_eq!(slice(module.package.span), "package sample.x[\"y z\"]");
    assert_eq!(slice(module.imports[0].span), "import data.lib as l");
    assert_eq!(module.comments.iter().map(|comment| slice(comment.span)).next_back(), Some("# note"));
    assert_eq!(slice(module.rules[0].span), "default allow := false");
    assert_eq!(slice(module.rules[0].head.span), "allow := false");
    assert_eq!(slice(module.rules[1].head.span), "allow");
    assert_eq!(slice(module.rules[1].elses[0].span), "else := (1 + 2) * -3 if input.b");
    assert_eq!(slice(module.rules[4].head.name.span), "p.q[f(\"x\", []) ]");
}
