//! What is refused, and in which words.

use super::*;

/// Line, column and message of each error.
fn errors(text: &str, version: Version) -> Vec<String> {
    let source = Source::new("test.rego", text);
    let errors =
        parse_module(&source, version, Options { is_builtin: |name| name == "print", ..Options::default() });
    let place = |error: &Error| source.position(error.span.start);
    let errors = errors.err().unwrap_or_default();
    errors.iter().map(|error| format!("{:?} {}", place(error), error.message)).collect()
}

#[test]
fn says_what_is_wrong_in_a_rule() {
    for (text, want) in [
        ("p { x }", "`if` keyword is required before rule body"),
        ("f(x) { x }", "`if` keyword is required before function body"),
        ("p[1]", "`contains` keyword is required for partial set rules"),
        ("p.q.r", "rule must have value assignment and/or body declaration"),
        ("p", "var cannot be used for rule name"),
        ("\"p\" := 1", "string cannot be used for rule name"),
        ("p == 1", "rule name conflicts with built-in function"),
        ("print(1)", "rule name conflicts with built-in function"),
        ("f()", "rule argument list must take at least one argument"),
        ("not p", "negated expressions cannot be used for rule head"),
        ("p := 1 with input as 2", "expressions using with keyword cannot be used for rule head"),
        ("p := 1;", "multiple expressions cannot be used for rule head"),
        ("some x", "'some' declarations cannot be used for rule head"),
        (
            "f(x) contains y",
            "unexpected contains keyword: the contains keyword can only be used with multi-value rule definitions (e.g., f contains <VALUE> { ... })",
        ),
        ("default p := x", "illegal default rule (value cannot contain var)"),
        ("default p := [input]", "illegal default rule (value cannot contain ref)"),
        ("default p contains 1", "illegal default rule (must have a value)"),
        ("default f(x, x) := 1", "illegal default rule (arguments cannot be repeated x)"),
        ("default f(1) := 1", "illegal default rule (arguments cannot contain number)"),
        ("default 1", "unexpected default keyword"),
        ("p[x] if y else := 1", "else keyword cannot be used on rules with variables in head"),
        ("p contains 1 if y else := 1", "else keyword cannot be used on multi-value rules"),
        ("p if {", "unexpected eof token"),
        ("p if { }{", "unexpected eof token"),
        ("p if x := ", "unexpected eof token"),
        ("p if { x y }", "unexpected identifier token: expected \\n or ; or }"),
        ("p if not some x in y", "unexpected some keyword: illegal negation of 'some'"),
        ("p if every x in y", "unexpected eof token: missing body"),
        ("p if every [x] in y {z}", "unexpected { token: expected value to be a variable"),
        ("p if some f(x)", "unexpected eof token: expected `x in xs` or `x, y in xs` expression"),
        ("p := a.", "unexpected eof token: expected identifier"),
        ("p := 01", "unexpected number token: expected number without leading zero"),
        ("p := -x", "unexpected identifier token: expected number"),
        ("p := 1e99999", "number too big"),
        ("p := \"a\".b", "illegal ref (head cannot be string)"),
        ("p := [1 2]", "unexpected number token: expected \",\" or \"]\""),
        ("p := {1: 2, 3}", "unexpected } token: expected \":\""),
        ("p := {1 2}", "unexpected number token: non-terminated set"),
        ("p := (1", "non-terminated expression"),
        ("p := \"a", "non-terminated string"),
        ("p := @", "illegal token"),
        ("p := $\"{not x}\"", "unexpected negation ('not') in template-string expression"),
        ("p := $\"{x = 1}\"", "unexpected unification ('=') in template-string expression"),
        ("p := x[1 in y]]", "unexpected ] token"),
        ("p if x with 1 as 2", "unexpected number token: expected ident"),
        ("p if x with input 2", "unexpected number token: expected as keyword"),
        ("p if else := 1", "unexpected else keyword"),
        ("p := in", "unexpected in keyword"),
    ] {
        let all = errors(&format!("package a\n{text}"), Version::V1);
        assert!(all.first().is_some_and(|first| first.ends_with(&format!(") {want}"))), "{text}: {all:?}");
    }
}

#[test]
fn says_what_is_wrong_around_rules() {
    for (text, want) in [
        ("", "(1, 1) empty module"),
        ("p := 1", "(1, 1) package expected"),
        ("package", "(1, 8) unexpected eof token: expected identifier"),
        ("package a.", "(1, 11) unexpected eof token: expected identifier"),
        ("package a[x]", "(1, 11) unexpected var token: expecting string"),
        ("package a\npackage b", "(2, 1) unexpected package"),
        (
            "package a\nimport foo",
            "(2, 8) unexpected import path, must begin with one of: {data, future, input, rego}, got: foo",
        ),
        ("package a\nimport data[x]", "(2, 13) unexpected var token: expecting string"),
        ("package a\nimport data.if", "(2, 8) unexpected import path, must not end with a keyword, got: if"),
        ("package a\nimport data.b as if", "(2, 18) unexpected if keyword: expected var"),
        ("package a\nimport rego.v3", "(2, 8) invalid import `rego.v3`, must be `rego.v1` or `rego.v2`"),
        ("package a\nimport future.x", "(2, 8) invalid import, must be `future.keywords`"),
    ] {
        assert_eq!(errors(text, Version::V1).first().map(String::as_str), Some(want), "{text}");
    }
    let imported = "package a\nimport rego.v1\np { x }";
    assert_eq!(errors(imported, Version::V0), ["(3, 1) `if` keyword is required before rule body"]);
}

#[test]
fn reports_several_errors_in_order_and_once() {
    let text = "package a\n\np if {\n\tx := \n}\n\nq if y\n\nr := \"z\n\ns { t }\n";
    let want = [
        "(5, 1) unexpected } token",
        "(9, 6) non-terminated string",
        "(11, 1) `if` keyword is required before rule body",
    ];
    assert_eq!(errors(text, Version::V1), want);
    let many = format!("package a\n{}", "p if )\n".repeat(1_000));
    assert_eq!(errors(&many, Version::V1).len(), MAX_ERRORS);
}

#[test]
fn hints_at_keywords_of_v1() {
    let errors = module("package a\np { some x in y }", Version::V0).unwrap_err();
    assert_eq!(errors[0].hint.as_deref(), Some("`import future.keywords.in` makes `in` a keyword"));
}

#[test]
fn a_term_is_one_and_a_reference_is_one() {
    let source = |text: &str| Source::new("part", text);
    assert!(parse_term(&source("a; b"), Version::V1).is_err());
    assert!(parse_term(&source("a := b"), Version::V1).is_err());
    assert!(parse_term(&source(""), Version::V1).is_err());
    assert!(parse_ref(&source("data.a[\"b\"]"), Version::V1).is_ok());
    assert!(parse_ref(&source("input"), Version::V1).unwrap().parts.is_empty());
    assert_eq!(parse_ref(&source("a"), Version::V1).unwrap_err()[0].message, "expected ref but got var");
}

#[test]
fn a_text_that_is_no_module_has_an_error() {
    for text in ["package.b.p c.empty\n", "package", "", "package[1] := 2\n"] {
        assert!(!errors(text, Version::V1).is_empty() && !errors(text, Version::V0).is_empty(), "{text:?}");
    }
}
