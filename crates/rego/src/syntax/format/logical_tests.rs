//! The layout of `and`, `or` and the `not` of the future.

use super::super::ast::Version;
use super::super::parser::{self, parse_module};
use super::super::source::Source;
use super::{Options, Target, excerpts, format};

fn laid_out(text: &str, version: Version, options: Options) -> String {
    let source = Source::new("a.rego", text);
    let module = parse_module(&source, version, parser::Options::default())
        .unwrap_or_else(|errors| panic!("{}", excerpts(&source, errors)));
    format(&module, options).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Conditions in a rule of their own, with a dot for each tab.
fn body(text: &str) -> String {
    let module = format!("package a\n\nimport rego.v2\n\np if {{\n{text}\n}}\n");
    let out = laid_out(&module, Version::V1, Options::default());
    let rule = out.strip_prefix("package a\n\nimport rego.v2\n\np if {\n").unwrap();
    rule.strip_suffix("}\n").unwrap().replace('\t', "·")
}

#[test]
fn lays_out_conditions() {
    for (text, want) in [
        ("a  and b", "·a and b\n"),
        ("a or b   and c", "·a or b and c\n"),
        ("(a and b) or c", "·a and b or c\n"),
        ("(a or b) and c", "·(a or b) and c\n"),
        ("(a or b) or c", "·a or b or c\n"),
        ("a or (b or c)", "·a or (b or c)\n"),
        ("a and (b and c)", "·a and (b and c)\n"),
        ("(((((a or ((b)))) and c)))", "·(a or b) and c\n"),
        ("(a) and (b == c)", "·a and b == c\n"),
        ("({a}) or b", "·({a}) or b\n"),
        ("({a} == x) or b", "·({a} == x) or b\n"),
        ("{a} and b", "·{ a } and b\n"),
        ("{a; b} and {c}", "·{ a; b } and { c }\n"),
        ("a or {\nb\nc}", "·a or {\n··b\n··c\n·}\n"),
        ("a or {b or c}", "·a or { b or c }\n"),
        ("{ (x | y) } or z", "·{ (x | y) } or z\n"),
        ("{ or(x, y) } or z", "·{ (x | y) } or z\n"),
        ("not  (a)", "·not a\n"),
        ("(not a)", "·not a\n"),
        ("not (a or b)", "·not (a or b)\n"),
        ("not (not a)", "·not (not a)\n"),
        ("not ({x})", "·not ({x})\n"),
        ("not {x}", "·not { x }\n"),
        ("not {x; y}", "·not { x; y }\n"),
        ("not {\nx\ny}", "·not {\n··x\n··y\n·}\n"),
        ("not { (x | y); z }", "·not { (x | y); z }\n"),
        ("not {x} and not {y}", "·not { x } and not { y }\n"),
        ("a or b with input as 1", "·a or b with input as 1\n"),
        ("(a or b) with input as 1", "·a or b with input as 1\n"),
        ("a or (b with input as 1)", "·a or (b with input as 1)\n"),
        ("not (a with input as 1)", "·not (a with input as 1)\n"),
        ("(a or b with input as 1) and c", "·(a or b with input as 1) and c\n"),
        ("[x | a or b]", "·[x | a or b]\n"),
        ("every x in y { a or b }", "·every x in y { a or b }\n"),
    ] {
        assert_eq!(body(text), want, "{text}");
    }
}

#[test]
fn an_operand_that_began_a_line_begins_one() {
    for (text, want) in [
        ("a and\nb", "·a and\n··b\n"),
        ("a\nand b", "·a and\n··b\n"),
        ("a or\nb or\nc", "·a or\n··b or\n··c\n"),
        ("a or b or\nc", "·a or b or\n··c\n"),
        ("a and\n(b or\nc)", "·a and\n··(b or\n···c)\n"),
        ("{\na\n} or\n{\nb\n}", "·{\n··a\n·} or\n··{\n···b\n··}\n"),
        ("a or # one\nb # two", "·a or # one\n··b # two\n"),
        ("# before\na or\n# between\nb", "·# before\n·a or\n··# between\n··b\n"),
        ("not {\n# why\na # it\n# is\n}", "·not {\n··# why\n··a # it\n··# is\n·}\n"),
        ("{\na # x\n# y\n} and b # z", "·{\n··a # x\n··# y\n·} and b # z\n"),
    ] {
        assert_eq!(body(text), want, "{text}");
    }
}

#[test]
fn rules_with_a_single_condition_stay_on_a_line() {
    let head = "package a\n\nimport rego.v2\n\n";
    for (text, want) in [
        ("p if a or b", "p if a or b\n"),
        ("p if { a or b }", "p if a or b\n"),
        ("p if {a} or b", "p if { a } or b\n"),
        ("p if { {a} or b }", "p if { a } or b\n"),
        ("p if not { a; b }", "p if not { a; b }\n"),
        ("p if not {\n\ta\n}", "p if not {\n\ta\n}\n"),
        ("p if every x in xs { x > 0 and x < 10 }", "p if every x in xs { x > 0 and x < 10 }\n"),
    ] {
        let out = laid_out(&format!("{head}{text}\n"), Version::V1, Options::default());
        assert_eq!(out, format!("{head}{want}"), "{text}");
    }
}

#[test]
fn imports_that_no_version_can_do_without_stay() {
    let rule = "p {\n\tinput.a or not { input.b }\n}\n";
    let to_v1 = Options { target: Target::V0AndV1, drop_v0_imports: false };
    let drop = Options { target: Target::V1, drop_v0_imports: true };
    let every = "import future.keywords.every\nimport future.keywords.not\nimport future.keywords.or\n";
    let kept = "import future.keywords.not\nimport future.keywords.or\n";
    for (text, version, options, want) in [
        (format!("{every}{rule}"), Version::V0, to_v1, format!("{kept}import rego.v1\n")),
        (format!("import future.keywords\n{rule}"), Version::V0, to_v1, format!("{kept}import rego.v1\n")),
        (
            format!("import rego.v2\n{}", rule.replace("p {", "p if {")),
            Version::V0,
            to_v1,
            "import rego.v2\n".into(),
        ),
        (format!("{every}import rego.v1\n{}", rule.replace("p {", "p if {")), Version::V1, drop, kept.into()),
        ("import future.keywords\np if input.a".into(), Version::V1, drop, String::new()),
    ] {
        let out = laid_out(&format!("package a\n\n{text}"), version, options);
        let imports: String =
            out.lines().filter(|line| line.starts_with("import")).map(|line| format!("{line}\n")).collect();
        assert_eq!(imports, want, "{text}");
    }
}

#[test]
fn random_layouts_of_chains_keep_their_meaning_and_are_stable() {
    let mut state = 11_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    for _ in 0..600 {
        let text = condition(&mut random, 4);
        // `laid_out` fails where the layout says something else, or has another layout.
        let module = format!("package a\nimport rego.v2\np if {{\n{text}\nlast\n}}\n");
        let once = laid_out(&module, Version::V1, Options::default());
        assert_eq!(laid_out(&once, Version::V1, Options::default()), once, "{module}");
    }
}

/// A condition that says anything, laid out in any way.
fn condition(random: &mut dyn FnMut(u32) -> u32, depth: u32) -> String {
    let space = |random: &mut dyn FnMut(u32) -> u32| {
        ["", " ", "\n", " # c\n", "\n# d\n"][random(5) as usize].to_owned()
    };
    if depth == 0 {
        return ["a", "b == 1", "c in d", "f(x)", "not e", "x[_].y"][random(6) as usize].to_owned();
    }
    let part = |random: &mut dyn FnMut(u32) -> u32| condition(random, depth - 1);
    let (left, before, after) = (part(random), space(random), space(random));
    match random(8) {
        0 => format!("({left}) and{after} ({})", part(random)),
        1 => format!("({left}){before} or{after} {}", part(random)),
        2 => format!("{left}{before} and {}", part(random)),
        3 => format!("not {{{before}{left}{after}}}"),
        4 => format!("not ({left})"),
        5 => format!("{{{before}{left};{after} {}\n}} or{before} {}", part(random), part(random)),
        6 => format!("a and ({left} with input as 1)"),
        _ => left,
    }
}
