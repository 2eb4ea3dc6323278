use super::super::lexer::lex;
use super::*;

fn parsed(text: &str, version: Version) -> Module {
    let source = Source::new("a.rego", text);
    parse_module(&source, version, parser::Options::default())
        .unwrap_or_else(|errors| panic!("{}", excerpts(&source, errors)))
}

fn v1(text: &str) -> String {
    format(&parsed(text, Version::V1), Options::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What a rule looks like after `package a`.
fn rule(text: &str) -> String {
    let out = v1(&format!("package a\n\n{text}\n"));
    out.strip_prefix("package a\n\n").unwrap().to_owned()
}

/// The same for conditions.
fn body(text: &str) -> String {
    let out = rule(&format!("p if {{\n{text}\n}}"));
    out.strip_prefix("p if {\n").unwrap().strip_suffix("}\n").unwrap().replace('\t', "·")
}

#[test]
fn lays_out_files() {
    let text = "#h\n\npackage  a.b[\"c d\"] # p\nimport data.z\nimport data.a  as q # a\n\nimport input.x\nx:=1\n\n\ny:=2 #y\n#e\n";
    let want = "#h\n\npackage a.b[\"c d\"] # p\n\nimport data.a as q # a\nimport data.z\n\nimport input.x\n\nx := 1\n\ny := 2 #y\n\n#e\n";
    assert_eq!(v1(text), want);
    assert_eq!(v1("package a # x"), "package a # x\n");
    assert_eq!(v1("package a\r\n\r\np if {\r\n  x # c\r\n}\r\n"), "package a\n\np if {\n\tx # c\n}\n");
    assert_eq!(v1("package a\nimport data.x[\"in\"] as b"), "package a\n\nimport data.x[\"in\"] as b\n");
}

#[test]
fn lays_out_rules() {
    for (text, want) in [
        ("p = 1", "p := 1\n"),
        ("f() := 7", "f := 7\n"),
        ("f() if { x }", "f if x\n"),
        ("f(x) := 1 if x else := 2\ng(x) := 1", "f(x) := 1 if x\n\nelse := 2\ng(x) := 1\n"),
        ("f(x) := 1 if x else := 2\n\ng(x) := 1", "f(x) := 1 if x\n\nelse := 2\n\ng(x) := 1\n"),
        ("f(x) := 1 if x\nelse := 2\ng(x) := 1", "f(x) := 1 if x\n\nelse := 2\n\ng(x) := 1\n"),
        ("p := {\"k\": 1, \"k\": 2}", "p := {\"k\": 2}\n"),
        ("p := {x: 1, \"b\": {1: 2, 1: 3}, x: 2, _: 4, _: 5}", "p := {x: 2, \"b\": {1: 3}, _: 4, _: 5}\n"),
        ("p := count(a | b |\n\tc)", "p := count((a | b) | c)\n"),
        ("p := count((a | b))", "p := count((a | b))\n"),
        (
            "# METADATA\n# title: a\n# METADATA\n# title: b\np := 1",
            "# METADATA\n# title: a\n\n# METADATA\n# title: b\np := 1\n",
        ),
        ("p if { true }", "p := true\n"),
        ("p if true", "p := true\n"),
        ("f(x) if true", "f(x) := true\n"),
        ("f(1)", "f(1)\n"),
        ("p := true if {\n  x\n}", "p if {\n\tx\n}\n"),
        ("p[x] := true if { x }", "p[x] := true if x\n"),
        ("p if { x }", "p if x\n"),
        ("p if {\n x }", "p if {\n\tx\n}\n"),
        ("p if { {1} }", "p if {\n\t{1}\n}\n"),
        ("p if { x; y }", "p if {\n\tx\n\ty\n}\n"),
        ("p if { x } { y }", "p if x\n\np if y\n"),
        ("p contains x if { true }", "p contains x\n"),
        ("p.q := 1", "p[\"q\"] := 1\n"),
        ("p.q := 1\na.b.c := 2", "p.q := 1\na.b.c := 2\n"),
        ("p := 1\n\n\n\nq := 2", "p := 1\n\nq := 2\n"),
        ("p := 1\nq if {\n x }", "p := 1\nq if {\n\tx\n}\n"),
        ("default p = false\np if x", "default p := false\n\np if x\n"),
        ("p if x else := 1", "p if x\n\nelse := 1\n"),
        ("p if {\n x\n} else if { y } else = 2", "p if {\n\tx\n} else if y\n\nelse := 2\n"),
        ("p if {\n x\n}\nelse if {\n true\n}", "p if {\n\tx\n}\n\nelse := true\n"),
        ("f(a,\n b) := 1", "f(\n\ta,\n\tb,\n) := 1\n"),
    ] {
        assert_eq!(rule(text), want, "{text}");
    }
}

#[test]
fn lays_out_conditions_and_terms() {
    for (text, want) in [
        ("x  :=  1;y=2", "·x := 1\n·y = 2\n"),
        ("x\n\n\ny", "·x\n\n·y\n"),
        ("not  x", "·not x\n"),
        ("some x,y\nsome k,v in z", "·some x, y\n·some k, v in z\n"),
        ("every x in y { x }", "·every x in y { x }\n"),
        ("every k, v in y {\nx }", "·every k, v in y {\n··x\n·}\n"),
        ("x with input as 1 with data.a as 2", "·x with input as 1 with data.a as 2\n"),
        ("x with input as 1\nwith data.a as 2", "·x with input as 1\n··with data.a as 2\n"),
        ("1+2*3 == x-1-2", "·1 + (2 * 3) == (x - 1) - 2\n"),
        ("plus(1, 2) == x; plus(1, 2, y)", "·1 + 2 == x\n·y = 1 + 2\n"),
        ("x == (y == z)", "·x == (y == z)\n"),
        ("(x in y) == z; x in (y in z)", "·(x in y) == z\n·x in (y in z)\n"),
        ("x := (k, v in y); k, v in y", "·x := (k, v in y)\n·k, v in y\n"),
        ("x[\"a\"][`b`][\"c d\"].e[f][1]", "·x.a.b[\"c d\"].e[f][1]\n"),
        ("x[\"in\"].in", "·x[\"in\"].in\n"),
        ("x == [1,2,]; x == {1:2}; x == {1}", "·x == [1, 2]\n·x == {1: 2}\n·x == {1}\n"),
        ("x == [\n1, 2]", "·x == [1, 2]\n"),
        ("x == [1,\n2]", "·x == [\n··1,\n··2,\n·]\n"),
        ("x == {1, 2, 1, _, _}", "·x == {1, 2, _, _}\n"),
        ("x == set(); x == {}; x == []", "·x == set()\n·x == {}\n·x == []\n"),
        ("x == [(a|b)]", "·x == [(a | b)]\n"),
        (
            "x == [a|b,]; x == {1: a|b,}; x == {a|b,}",
            "·x == [(a | b)]\n·x == {1: (a | b)}\n·x == {(a | b)}\n",
        ),
        ("x == [a|b, c]", "·x == [a | b, c]\n"),
        ("x == [y|y:=1;z]", "·x == [y | y := 1; z]\n"),
        ("x == {y|\ny:=1}", "·x == {y |\n··y := 1\n·}\n"),
        ("x == {\nk: v|k := 1}", "·x == {k: v | k := 1}\n"),
        ("x == \"\\u00e9\\n\"; y == `a\nb`", "·x == \"\\u00e9\\n\"\n·y == `a\nb`\n"),
        ("x == - 1; y == .5; z == -.5e1", "·x == -1\n·y == .5\n·z == -.5e1\n"),
        ("x # a\n(-1) == y; -1 == z", "·x; # a\n·-1 == y;\n·-1 == z\n"),
        ("f(\n[__local1__,\n2])", "·f([__local1__, 2])\n"),
    ] {
        assert_eq!(body(text), want, "{text}");
    }
}

#[test]
fn keeps_comments_in_their_places() {
    for (text, want) in [
        ("#a\nx #b\n#c\n\n#d\ny\n#e", "·#a\n·x #b\n\n·#c\n\n·#d\n·y\n·#e\n"),
        ("x := [ #a\n1, #b\n2]", "·x := [ #a\n1, #b\n2]\n"),
        ("x := [\n1, #b\n2, #c\n#d\n] #e", "·x := [\n··1, #b\n··2, #c\n··#d\n·] #e\n"),
        ("x := {\n# a\n\"k\": 1,\n\"l\": 2}", "·x := {\n··# a\n··\"k\": 1,\n··\"l\": 2,\n·}\n"),
        ("x == `a\nb` #c", "·x == `a\nb` #c\n"),
        ("x == f(1,\n2\n#c\n)", "·x == f(\n··1,\n··2,\n··#c\n·)\n"),
        ("x #a\nwith input as 1 #b", "·x #a\nwith input as 1 #b\n"),
    ] {
        assert_eq!(body(text), want, "{text}");
    }
    let deny = "deny contains x if { # open\n\tx := 1\n\t# last\n} # behind\n";
    assert_eq!(rule(deny), deny);
    let odd = "f(x) := [ # open\n  1, # one\n  2] if x # end\n";
    assert_eq!(rule(odd), odd, "comments that leave no place for each other: the rule stays as it is");
}

#[test]
fn converts_between_versions() {
    let text = "package a\n\nimport future.keywords.in\n\ndefault a = false\n\na { 1 in [1] }\n\nb[x] { x = 1 }\n\nb[x] = y { x; y }\n\nc = 1 { x } else = 2\n\nd.e { x }\n";
    let of = |target, drop_v0_imports| {
        format(&parsed(text, Version::V0), Options { target, drop_v0_imports }).unwrap()
    };
    let v0 = "package a\n\nimport future.keywords.in\n\ndefault a = false\n\na {\n\t1 in [1]\n}\n\nb[x] {\n\tx = 1\n}\n\nb[x] = y {\n\tx\n\ty\n}\n\nc = 1 {\n\tx\n}\n\nelse = 2\n\nd[\"e\"] {\n\tx\n}\n";
    let v1 = "default a := false\n\na if 1 in [1]\n\nb contains x if x = 1\n\nb[x] := y if {\n\tx\n\ty\n}\n\nc := 1 if x\n\nelse := 2\n\nd contains \"e\" if x\n";
    assert_eq!(of(Target::V0, false), v0);
    assert_eq!(of(Target::V0AndV1, false), format!("package a\n\nimport rego.v1\n\n{v1}"));
    assert_eq!(of(Target::V1, false), format!("package a\n\nimport future.keywords.in\n\n{v1}"));
    assert_eq!(of(Target::V1, true), format!("package a\n\n{v1}"));
    let both = parsed("package a\n\nimport rego.v1\n\np := 1\n", Version::V1);
    let drop = Options { target: Target::V1, drop_v0_imports: true };
    assert_eq!(format(&both, drop).unwrap(), "package a\n\np := 1\n");
}

#[test]
fn comments_that_a_copy_cannot_keep_go_before_their_rule() {
    let text = "package a\n\nb[ # one\nx] { x = 1; true # two\n} # three\n";
    let options = Options { target: Target::V1, drop_v0_imports: false };
    let want = "package a\n\n# one\n# two\nb contains x if {\n\tx = 1\n\ttrue\n} # three\n";
    assert_eq!(format(&parsed(text, Version::V0), options).unwrap(), want);
}

#[test]
fn refuses_what_the_target_cannot_say() {
    let module = parsed("package a\n\nif = 1\n", Version::V0);
    let Err(Refused::Invalid(why)) = format(&module, Options::default()) else { panic!("`if` is no name") };
    assert!(why.contains("formatted:3:"), "{why}");
    assert_eq!(format_unchecked(&module, Options::default()), "package a\n\nif := 1\n");
}

#[test]
fn notices_what_is_lost_or_changed() {
    let before = parsed("package a\n\np if { x + 1 == 2 } # c\n", Version::V1);
    for (after, same) in [
        ("package a\n\np if { plus(x, 1) == 2 } # c", true),
        ("package a\n\n# c\np := true if ((x + 1)) == 2", true),
        ("package a\n\np if { x + 1 == 2 }", false),
        ("package a\n\np if { x + 1 == 3 } # c", false),
        ("package a\n\np if { x + 1 == 2 } # d", false),
        ("package a\n\np if { x + 1 == 2 } else := 1 # c", false),
        ("package a\n\np contains x if { x + 1 == 2 } # c", false),
    ] {
        assert_eq!(compare(&before, &parsed(after, Version::V1)).is_ok(), same, "{after}");
    }
}

#[test]
fn a_rule_that_is_called_as_an_operator_is_no_operator() {
    let text = "package a\n\nplus(x, y) := x\n\np := plus(1, 2)\n";
    assert_eq!(v1(text), text);
}

#[test]
fn long_and_deep_texts_are_laid_out_or_refused() {
    let sum = format!("package a\n\np := {}1\n", "1 + ".repeat(900));
    assert_eq!(v1(&sum), sum);
    for depth in [100, 240] {
        let deep = format!("package a\n\np := {}{}\n", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(v1(&deep), deep);
        let lines = format!("package a\n\np := {}1{}\n", "f(1,\n".repeat(depth), ")".repeat(depth));
        assert_eq!(v1(&v1(&lines)), v1(&lines));
    }
}

/// The example policies of the project.
fn examples() -> Vec<String> {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rego") {
                texts.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    assert!(texts.len() > 5);
    texts.sort();
    texts
}

/// Lays a text out if it parses: without a panic, the same again, and with every comment.
fn holds(text: &str) {
    let source = Source::new("a.rego", text);
    let Ok(module) = parse_module(&source, Version::V1, parser::Options::default()) else { return };
    if let Ok(out) = format(&module, Options::default()) {
        assert_eq!(v1(&out), out, "of {text}");
        let comments = |text: &str| {
            let of = |comment: &super::super::ast::Comment| {
                text[comment.span.start as usize..comment.span.end as usize].trim_end().to_owned()
            };
            let mut all: Vec<String> = lex(text).comments.iter().map(of).collect();
            all.sort();
            all
        };
        assert_eq!(comments(&out), comments(text), "of {text}");
    }
}

#[test]
fn example_policies_are_laid_out() {
    for text in examples() {
        let module = parsed(&text, Version::V1);
        format(&module, Options::default()).unwrap();
        holds(&text);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

    #[test]
    fn changed_policies_never_panic_and_keep_their_comments(
        which in proptest::prelude::any::<proptest::sample::Index>(),
        changes in proptest::collection::vec(
            (0..5, proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<proptest::sample::Index>()),
            1..6,
        ),
    ) {
        let examples = examples();
        let mut text = which.get(&examples).clone();
        for (number, (kind, at, other)) in changes.into_iter().enumerate() {
            let tokens = lex(&text).tokens;
            let range = |span: super::super::source::Span| span.start as usize..span.end as usize;
            let (at, other) = (range(at.get(&tokens).span), range(other.get(&tokens).span));
            let copied = text[other].to_owned();
            match kind {
                0 => text.insert_str(at.start, &format!(" # {number}\n")),
                1 => text.insert(at.start, '\n'),
                2 => text.replace_range(at, ""),
                3 => text.insert_str(at.start, &copied),
                _ => text.replace_range(at, &copied),
            }
        }
        holds(&text);
    }

    #[test]
    fn soups_of_tokens_never_panic(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "p", "x", "if", "{", "}", "[", "]", "(", ")", ":=", "=", "==", "in", "|", "1", "\"a\"", "`b`", ",", ":", ".",
            "\n", "\n", "# c\n", "not", "some", "every", "else", "contains", "default", "with", "as", "input", "+", "set()",
        ]), 0..40),
    ) {
        holds(&format!("package a\n\n{}", words.join(" ")));
        holds(&format!("package a\n\np if {{\n{}\n}}", words.join(" ")));
        holds(&format!("package a\n\np if {{\nx\n}} {}", words.concat()));
    }
}
