//! `and`, `or`, and the `not` of the future.

use super::*;

/// Keywords, by their first letters.
fn keywords(letters: &str) -> Keywords {
    let has = |letter| letters.contains(letter);
    Keywords { and: has('a'), or: has('o'), not: has('n'), ..Keywords::V1 }
}

/// A condition as it is read, or why it is not.
fn read(letters: &str, text: &str) -> String {
    let options = Options { keywords: keywords(letters), ..Options::default() };
    match parse_query_with(&Source::new("query", text), Version::V1, options) {
        Ok(body) => dump::body(&body),
        Err(errors) => errors[0].to_string(),
    }
}

#[test]
fn reads_operands_by_how_tightly_they_bind() {
    for (text, want) in [
        ("a and b", "(and a b)"),
        ("a or b and c", "(or a (and b c))"),
        ("a and b or c", "(or (and a b) c)"),
        ("a or b or c", "(or (or a b) c)"),
        ("a and b and c", "(and (and a b) c)"),
        ("a and b or c and d", "(or (and a b) (and c d))"),
        ("1 + 1 == 2 and x in s", "(and (Equal (Plus 1 1) 2) (in x s))"),
        ("not a and b", "(and (not a) b)"),
        ("a or not b == c", "(or a (not (Equal b c)))"),
        ("x = 1 or y", "(or (= x 1) y)"),
        ("x := 1 or y", "(or (:= x 1) y)"),
        ("a\nor\nb", "(or a b)"),
        ("a; b or c; d", "a; (or b c); d"),
    ] {
        assert_eq!(read("aon", text), want, "{text}");
    }
}

#[test]
fn reads_groups_and_bodies() {
    for (text, want) in [
        ("(a or b) and c", "(and (or a b) c)"),
        ("a and (b or c)", "(and a (or b c))"),
        ("a or (b or c)", "(or a (or b c))"),
        ("((a or b))", "(or a b)"),
        ("(((((a or ((b)))) and c)))", "(and (or a b) c)"),
        ("(a) and (b)", "(and a b)"),
        ("z and (1 + 2) > 3", "(and z (Greater (Plus 1 2) 3))"),
        ("({1, 2}) & s == t and z", "(and (Equal (And (set 1 2) s) t) z)"),
        ("(not a)", "(not a)"),
        ("(not a or b)", "(or (not a) b)"),
        ("not (a)", "(not a)"),
        ("not (a or b)", "(not (or a b))"),
        ("not (a or b) and c", "(and (not (or a b)) c)"),
        ("x and not (a or b)", "(and x (not (or a b)))"),
        ("not (1 + 2) > 3", "(not (Greater (Plus 1 2) 3))"),
        ("not (not a)", "(not (not a))"),
        ("not { a; b }", "(not {a; b})"),
        ("not {a} and b", "(and (not {a}) b)"),
        ("not ({a})", "(not (set a))"),
        ("{a} and {b}", "(and {a} {b})"),
        ("{ some x in xs; x } or b", "(or {(some-in x xs); x} b)"),
        ("a or { x; y } and z", "(or a (and {x; y} z))"),
        ("a and {b or c}", "(and a {(or b c)})"),
        ("({a}) and ({b})", "(and (set a) (set b))"),
        ("a or ({})", "(or a {})"),
        ("({a})", "(set a)"),
        ("{a} == b", "(Equal (set a) b)"),
        ("{\"a\": 1}[_]", "{\"a\":1}[_]"),
        ("{ (x | y) } or z", "(or {(Or x y)} z)"),
        ("{ or(x, y) } or z", "(or {(call or x y)} z)"),
    ] {
        assert_eq!(read("aon", text), want, "{text}");
    }
}

#[test]
fn with_applies_to_the_whole_or_to_what_is_in_brackets() {
    for (text, want) in [
        ("a or b with input as x", "(or a b) with input as x"),
        ("a or (b with input as x)", "(or a b with input as x)"),
        ("a or {b with input as x}", "(or a {b with input as x})"),
        ("(a with input as x) and b", "(and a with input as x b)"),
        ("(a or b with input as x) and c", "(and (or a b) with input as x c)"),
        ("(a or b) with input as x", "(or a b) with input as x"),
        ("not a with input as x", "(not a) with input as x"),
        ("not (a with input as x)", "(not a with input as x)"),
        ("not (a or b) with input as x", "(not (or a b)) with input as x"),
        ("not {a} with input as x", "(not {a}) with input as x"),
        ("not {a} and b with input as x", "(and (not {a}) b) with input as x"),
    ] {
        assert_eq!(read("aon", text), want, "{text}");
    }
}

#[test]
fn a_keyword_is_one_only_where_it_is_imported_and_an_operator_may_stand() {
    for (letters, text, want) in [
        ("", "and := or", "(:= and or)"),
        ("o", "and == x or y", "(or (Equal and x) y)"),
        ("a", "not {1} and z", "(and not (set 1) z)"),
        ("ao", "or({1}, {2}) == x", "(Equal (call or (set 1) (set 2)) x)"),
        ("ao", "x := and(a, b)", "(:= x (call and a b))"),
        ("ao", "or(a, b) or or(b, a)", "(or (call or a b) (call or b a))"),
        ("ao", "x and(b)", "(and x b)"),
        ("ao", "x and[1]", "(and x [1])"),
        ("ao", "x.and or and.x", "(or x[\"and\"] and[\"x\"])"),
        ("ao", "[x | x or y]", "[x | (or x y)]"),
        ("ao", "every x in y { x or z }", "(every x y (or x z))"),
    ] {
        assert_eq!(read(letters, text), want, "{text}");
    }
}

#[test]
fn says_what_is_wrong_with_an_operand() {
    for (letters, text, want) in [
        ("aon", "x and", "unexpected eof token"),
        ("aon", "and y", "unexpected and keyword"),
        ("aon", "x or or y", "unexpected or keyword"),
        ("aon", "f(x or y)", "unexpected or keyword"),
        ("aon", "{x or y | x}", "unexpected or keyword"),
        ("aon", "every x in y or z {x}", "unexpected or keyword"),
        ("aon", "some x in xs and y", "unexpected and keyword"),
        ("aon", "x := or", "unexpected or keyword"),
        ("aon", "or (a, b)", "unexpected or keyword"),
        ("aon", "a or ()", "empty parenthesized group"),
        ("aon", "not ()", "empty parenthesized group"),
        ("aon", "() and a", "unexpected ) token"),
        ("aon", "a and (b or c", "expected ) to close parenthesized group"),
        ("aon", "a or (x = 1)", "non-terminated expression"),
        ("aon", "(a or b) == c", "unexpected equal token"),
        ("aon", "a and (some x in xs)", "unexpected some keyword"),
        (
            "aon",
            "a and ({b or c})",
            "`(...)` in an operand position cannot contain a body (hint: drop the parens to keep the body: `{b or c}`)",
        ),
        ("o", "not (a or b)", "non-terminated expression"),
        (
            "aon",
            "a with input as v and b",
            "`with` modifier is not allowed on operand of `and` (hint: Wrap the operand in",
        ),
        ("aon", "(a with input as v or b)", "`with` modifier is not allowed on operand of `or`"),
        ("aon", "a and b with input as v or c", "unexpected or keyword"),
        ("aon", "{} and z", "found empty body"),
        ("aon", "z or { }", "found empty body"),
        ("aon", "not {}", "found empty body"),
        (
            "ao",
            "{1, 2} & s == t and z",
            "operand of `and` cannot begin with `{` unless the braces hold a body (hint: wrap the operand to keep the value: `({1, 2} & s == t) and ...`)",
        ),
        ("ao", "z or {\"a\": 1}.a", "(hint: wrap the operand to keep the value: `({\"a\": 1}.a) or ...`)"),
        (
            "n",
            "not {1, 2} & s == t",
            "`{...}` in an operand position must contain expression(s), got: set (hint: write `not ({1, 2} & s == t)` to negate the value, or `not {{1, 2} & s == t}` for a body holding it)",
        ),
        (
            "n",
            "not {x | y}",
            "ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension (hint: write `not ({x | y})` for the comprehension, or `not {(x | y)}` for the set union)",
        ),
        ("o", "a or {x | y; z}", "for the comprehension, or `{(x | y); z}` for the set union)"),
        ("o", "a or print(x)", "operand of `or` cannot consist only of calls to `print`"),
        ("n", "not some x in xs", "unexpected some keyword: illegal negation of 'some'"),
        ("n", "not every x in xs { x }", "unexpected every keyword: illegal negation of 'every'"),
    ] {
        let got = read(letters, text);
        assert!(got.contains(want), "{text}\n  got  {got}\n  want {want}");
    }
}

#[test]
fn imports_switch_keywords_on_in_their_module() {
    let rule = "p if not (x or y) and { z }";
    for (version, imports) in [
        (Version::V1, "import future.keywords.not\nimport future.keywords.and\nimport future.keywords.or"),
        (Version::V1, "import future.keywords"),
        (Version::V0, "import future.keywords"),
        (Version::V1, "import rego.v2"),
        (Version::V0, "import rego.v2"),
        (Version::V2, ""),
    ] {
        let read = module(&format!("package a\n{imports}\n{rule}"), version).unwrap();
        assert_eq!(dump::rule(&read.rules[0]), "p if (and (not (or x y)) {z})", "{imports}");
        assert_eq!(read.keywords, Keywords::ALL);
        let v0 = version == Version::V0 && imports.contains("future");
        assert_eq!(read.version, if v0 { Version::V0 } else { Version::V1 }, "{imports}");
    }
    for (imports, want) in [
        (
            "import rego.v1",
            "var cannot be used for rule name (hint: `import future.keywords.or` makes `or` a keyword)",
        ),
        (
            "import future.keywords.nor",
            "unexpected keyword, must be one of [and contains every if in not or]",
        ),
        ("import rego.v3", "invalid import `rego.v3`, must be `rego.v1` or `rego.v2`"),
        ("import rego.v2 as v", "`rego` imports cannot be aliased"),
    ] {
        let errors = module(&format!("package a\n{imports}\np if x or y"), Version::V1).unwrap_err();
        assert!(errors.iter().any(|error| error.to_string().contains(want)), "{imports}: {errors:?}");
    }
}

#[test]
fn a_value_is_none() {
    for text in ["p := x or y", "x and y", "p contains x or y"] {
        let errors = module(&format!("package a\nimport rego.v2\n{text}"), Version::V1).unwrap_err();
        assert_eq!(errors[0].message, "expression cannot be used for rule head", "{text}");
    }
    for (text, want) in [
        ("p if {x} or y", "p if (or {x} y)"),
        ("p if {x or y}", "p if (or x y)"),
        ("p if {\n{x} or y\nz\n}", "p if (or {x} y); z"),
        ("p if { {x} or y } else := 1", "p if (or {x} y) else 1"),
        ("p if {x | y}", "p if {x | y}"),
        ("p if not {x}", "p if (not {x})"),
        ("p if {{x}}", "p if (set x)"),
    ] {
        let read = module(&format!("package a\nimport rego.v2\n{text}"), Version::V1).unwrap();
        assert_eq!(dump::rule(&read.rules[0]), want, "{text}");
    }
}

#[test]
fn guesses_and_nesting_are_bounded() {
    let nested = |open: &str, times: usize, close: &str| {
        let text = format!("{}a{}", open.repeat(times), close.repeat(times));
        let options = Options { keywords: Keywords::ALL, ..Options::default() };
        parse_query_with(&Source::new("query", &*text), Version::V1, options).is_ok()
    };
    for (open, close) in
        [("(", " or b)"), ("{", "} or b"), ("not (", " and b)"), ("not {", "}"), ("(not ", ")"), ("((", "))")]
    {
        assert!(nested(open, 8, close), "{open}");
        assert!(!nested(open, 100_000, close), "{open}");
    }
    // Braces and parentheses that turn out to hold terms.
    for (open, close) in [("{", ", 1}"), ("(", ")"), ("{(", ") == 1}"), ("[x | {", "} == 1]")] {
        nested(open, 60, close);
    }
    let rules: String = (0..2_000).map(|n| format!("p{n} if {{\n{{a}} or b\nc[{n}] == d\n}}\n")).collect();
    module(&format!("package a\nimport rego.v2\n{rules}"), Version::V1).unwrap();
    let chain = |times: usize| format!("a{}", " or a".repeat(times));
    let options = Options { keywords: Keywords::ALL, ..Options::default() };
    let reads = |text: &str| parse_query_with(&Source::new("query", text), Version::V1, options).is_ok();
    assert!(reads(&chain(450)) && !reads(&chain(MAX_HEIGHT)));
}
