use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::{Module, RegoVersion, compile};

const LIMITS: EvalLimits = EvalLimits::within(Duration::from_secs(10));
const AT: i64 = 1_767_258_000_000_000_000;

fn module(source: &str) -> Module {
    Module { id: "p.rego".to_owned(), source: Arc::from(source), version: RegoVersion::V1 }
}

fn path_of(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn program(source: &str, data: &str) -> Program {
    compile(vec![module(source)], Value::from_json(data.as_bytes()).unwrap()).unwrap()
}

fn ask(program: &Program, path: &str, input: &str) -> String {
    let input = (!input.is_empty()).then(|| Value::from_json(input.as_bytes()).unwrap());
    match program.evaluate(&path_of(path), input, AT, &LIMITS) {
        Evaluation::Defined { value, left_out: None } => value.to_string(),
        Evaluation::Defined { value, left_out: Some(error) } => format!("{value} without {}", error.code),
        Evaluation::Undefined(cause) => format!("{cause:?}"),
        Evaluation::Error(failure) => format!("{:?}: {}", failure.kind, failure.message),
    }
}

const POLICY: &str = r#"package app
import data.lib
default allow := false
allow if input.user == "alice"
nothing if input.never
number := to_number(input.n)
negated if not regex.match("(", "x")
conflict := 1 if input.c
conflict := 2 if input.c
double(x) := lib.twice(x)
by_user[name] := count(u.roles) if some name, u in data.users
reasons contains "x"
a.b.c := 1
scattered[x].y := 1 if x := "k"
now := time.now_ns()
"odd name" := 1
slow if { some i in numbers.range(1, 1000000); some j in numbers.range(1, 1000000); i + j == -1 }
"#;

const DATA: &str = r#"{"users": {"alice": {"roles": ["a", "b"]}}, "app": {"base": {"deep": [1]}}}"#;

fn app() -> Program {
    let lib = Module {
        id: "lib.rego".to_owned(),
        source: Arc::from("package lib\ntwice(x) := x * 2\n"),
        version: RegoVersion::V1,
    };
    let source = POLICY.replace("\"odd name\" := 1\n", "");
    compile(vec![module(&source), lib], Value::from_json(DATA.as_bytes()).unwrap()).unwrap()
}

#[test]
fn every_kind_of_document_has_its_answer() {
    let app = app();
    for (path, input, expected) in [
        ("app/allow", r#"{"user": "alice"}"#, "true"),
        ("app/allow", r#"{"user": "bob"}"#, "false"),
        ("app/allow", "", "false"),
        ("app/nothing", "{}", "NoRuleHolds"),
        ("app/no_such", "{}", "NoSuchPath"),
        ("app/double", "{}", "Function"),
        ("app/by_user", "{}", r#"{"alice":2}"#),
        ("app/by_user/alice", "{}", "2"),
        ("app/by_user/bob", "{}", "NotInDocument"),
        ("app/reasons/x", "{}", "\"x\""),
        ("app/a", "{}", r#"{"b":{"c":1}}"#),
        ("app/a/b/c", "{}", "1"),
        ("app/scattered", "{}", r#"{"k":{"y":1}}"#),
        ("app/scattered/k/y", "{}", "1"),
        ("app/base/deep/0", "{}", "1"),
        ("users/alice/roles/1", "{}", "\"b\""),
        ("users/bob", "{}", "NoSuchPath"),
        ("app/now", "{}", "1767258000000000000"),
        ("lib", "{}", "{}"),
    ] {
        assert_eq!(ask(&app, path, input), expected, "{path} {input}");
    }
}

#[test]
fn a_builtins_error_is_an_error_and_not_an_undefined_that_not_turns_around() {
    let app = app();
    assert!(ask(&app, "app/number", r#"{"n": "x"}"#).starts_with("Policy"));
    assert!(ask(&app, "app/negated", "{}").starts_with("Policy"));
    let conflict = ask(&app, "app/conflict", r#"{"c": true}"#);
    assert!(
        conflict.contains("rule data.app.conflict produced conflicting values:\n  rule at "),
        "{conflict}"
    );
}

#[test]
fn a_package_leaves_out_what_a_builtins_error_keeps_from_it() {
    let source = "package app\nallow := true\nbad := to_number(input.n)\nworse if not regex.match(\"(\", \"x\")\nf(x) := x\na.b := 1\n";
    let program = program(source, r#"{"app": {"base": 1}, "other": {}}"#);
    let expected = r#"{"a":{"b":1},"allow":true,"base":1} without eval_builtin_error"#;
    assert_eq!(ask(&program, "app", r#"{"n": "x"}"#), expected);
    assert!(
        ask(&program, "", r#"{"n": "x"}"#)
            .starts_with(r#"{"app":{"a":{"b":1},"allow":true,"base":1},"other":{}}"#)
    );
}

#[test]
fn the_deadline_ends_an_evaluation() {
    let app = app();
    let limits = EvalLimits::within(Duration::from_millis(20));
    let Evaluation::Error(failure) = app.evaluate(&path_of("app/slow"), None, AT, &limits) else {
        panic!("it ended");
    };
    assert_eq!(failure.kind, EvalErrorKind::Deadline);
}

#[test]
fn nothing_of_one_decision_reaches_the_next() {
    let app = app();
    assert_eq!(ask(&app, "app/allow", r#"{"user": "alice"}"#), "true");
    assert!(ask(&app, "app/conflict", r#"{"c": true}"#).starts_with("Policy"));
    assert_eq!(ask(&app, "app/allow", "{}"), "false");
}

#[test]
fn hostile_builtin_calls_are_errors() {
    for (expression, why) in [
        ("numbers.range(0, 100000000)", "more than 1000000 numbers"),
        ("numbers.range(0, 1000000000000000000)", "more than 1000000 numbers"),
        ("numbers.range(1, 1e30)", "more than 1000000 numbers"),
        ("bits.lsh(1, 100000000)", "too large"),
        ("net.cidr_expand(\"0.0.0.0/0\")", "too many addresses"),
        ("net.cidr_expand(\"::/0\")", "too many addresses"),
        ("concat(\"\", [input.big | some _ in numbers.range(1, 100)])", "larger than"),
        ("replace(input.big, \"\", input.big)", "larger than"),
    ] {
        let program = program(&format!("package p\nx := {expression}\n"), "{}");
        let input = format!("{{\"big\": \"{}\"}}", "x".repeat(1 << 20));
        let got = ask(&program, "p/x", &input);
        assert!(got.starts_with("Policy") && got.contains(why), "{expression}: {got:.200}");
    }
    for (expression, value) in [
        ("strings.count(\"abc\", \"\")", "4"),
        ("time.format([0, \"UTC\", \"2006–01\"])", "\"1970–01\""),
        ("sprintf(\"%999999999d\", [1])", "\"%!(NOVERB)%!(EXTRA int=1)\""),
        ("numbers.range(1, 3)", "[1,2,3]"),
        ("concat(\", \", [\"a\", \"b\"])", "\"a, b\""),
        ("strings.count(\"abab\", \"a\")", "2"),
        ("sprintf(\"%05d|%s\", [7, \"x\"])", "\"00007|x\""),
        ("bits.lsh(1, 10)", "1024"),
        ("time.format([0, \"UTC\", \"2006-01-02\"])", "\"1970-01-01\""),
    ] {
        assert_eq!(
            ask(&program(&format!("package p\nx := {expression}\n"), "{}"), "p/x", "{}"),
            value,
            "{expression}"
        );
    }
}

#[test]
fn a_replaced_function_is_replaced_though_it_is_guarded() {
    let source = "package p\nx := v if { v := time.now_ns() with time.now_ns as 7 }\nfake(_, _) := \"f\"\ny := v if { v := concat(\"\", [\"a\"]) with concat as fake }\n";
    let program = program(source, "{}");
    assert_eq!(ask(&program, "p", "{}"), r#"{"x":7,"y":"f"}"#);
}

fn refused(source: &str) -> String {
    let Err(errors) = compile(vec![module(source)], Value::object()) else { return "accepted".to_owned() };
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn hostile_policies_are_refused_at_load_with_their_place() {
    let chain = |n: usize| (0..n).map(|i| format!("r{i} if r{}\n", i + 1)).collect::<String>();
    for (source, code, place) in [
        ("package p\nf(x) := f(x)\n".to_owned(), "rego_recursion_error", "p.rego:2:1"),
        ("package p\nf(x) := g(x)\ng(x) := f(x)\n".to_owned(), "rego_recursion_error", "p.rego:2:1"),
        ("package p\nf(x) := data.p.f(x)\n".to_owned(), "rego_recursion_error", "p.rego:2:1"),
        (
            "package p\nimport data.p as me\nf(x) := me.f(x)\n".to_owned(),
            "rego_recursion_error",
            "p.rego:3:1",
        ),
        ("package p\na if b\nb if a\n".to_owned(), "rego_recursion_error", "p.rego:2:1"),
        ("package p\na if data.p[x]\n".to_owned(), "rego_recursion_error", "p.rego:2:1"),
        (
            "package p\na := [y | y := data.p.b[_]]\nb contains a\n".to_owned(),
            "rego_recursion_error",
            "p.rego:",
        ),
        (
            format!("package p\nx := {}1{}\n", "[".repeat(300), "]".repeat(300)),
            "rego_parse_error",
            "p.rego:2:",
        ),
        (format!("package p\n{}r5000 := 1\n", chain(5000)), "rego_compile_error", "p.rego:"),
        (format!("package p\nx := {}\n", vec!["1"; 3000].join("+")), "rego_parse_error", "p.rego:2:"),
        ("package p\nx := nope(1)\n".to_owned(), "rego_type_error", "p.rego:2:6"),
        ("package p\nx := \n".to_owned(), "rego_parse_error", "p.rego:"),
        ("package p\nx := y\n".to_owned(), "rego_", "p.rego:2:"),
        ("".to_owned(), "rego_parse_error", "p.rego:1:1"),
        (format!("package p\nx := {}1\n", "-".repeat(5000)), "rego_", "p.rego:"),
        (format!("package p\nx if {}true\n", "not ".repeat(5000)), "rego_", "p.rego:"),
    ] {
        let got = refused(&source);
        assert!(got.contains(code) && got.contains(place), "{:.60}…: {got:.300}", source);
    }
}

#[test]
fn a_chain_within_the_bound_is_evaluated_on_any_thread() {
    let chain: String = (0..1500).map(|i| format!("r{i} if r{}\n", i + 1)).collect();
    let program = program(&format!("package p\n{chain}r1500 := true\n"), "{}");
    assert_eq!(ask(&program, "p/r0", "{}"), "true");
    let sum = vec!["1"; 900].join("+");
    let wide = self::program(&format!("package p\nx := {sum}\n"), "{}");
    assert_eq!(ask(&wide, "p/x", "{}"), "900");
}

#[test]
fn names_that_rules_use_for_locals_are_not_recursion() {
    for source in [
        "package p\nf(f) := f\n",
        "package p\nx := y if { x := 1; y := x }\n",
        "package p\nb if every b in [true] { b }\n",
        "package p\nusers := data.users\n",
    ] {
        assert!(compile(vec![module(source)], Value::object()).is_ok(), "{source}: {}", refused(source));
    }
}

#[test]
fn several_errors_are_reported_at_once_and_data_conflicts_named() {
    let second = Module { id: "q.rego".to_owned(), ..module("package q\ny := \n") };
    let errors = compile(vec![module("package p\nx := \n"), second], Value::object()).map(drop).unwrap_err();
    assert_eq!(errors.len(), 2);
    let data = Value::from_json(br#"{"p": {"x": 1}}"#).unwrap();
    let errors = compile(vec![module("package p\nx := 1\n")], data).map(drop).unwrap_err();
    assert_eq!(errors[0].message, "conflicting rule for data path p/x found");
}

#[test]
fn rego_v0_is_read_where_the_module_says_so() {
    let v0 = Module {
        version: RegoVersion::V0,
        ..module("package p\nallow { input.x == 1 }\nnames[n] { n := \"a\" }\n")
    };
    let program = compile(vec![v0], Value::object()).unwrap();
    assert_eq!(ask(&program, "p", r#"{"x": 1}"#), r#"{"allow":true,"names":["a"]}"#);
}

#[test]
fn answers_do_not_depend_on_what_was_asked_before() {
    let app = app();
    let questions = [
        ("app/allow", r#"{"user": "alice"}"#),
        ("app/allow", "{}"),
        ("app/by_user", "{}"),
        ("app/nothing", r#"{"never": true}"#),
        ("app/nothing", "{}"),
        ("app/number", r#"{"n": "x"}"#),
        ("app/number", r#"{"n": "4"}"#),
        ("app/number", "{}"),
        ("app/conflict", r#"{"c": true}"#),
        ("app/conflict", "{}"),
        ("lib", "{}"),
        ("app/reasons", ""),
    ];
    let alone: Vec<String> = questions.iter().map(|(path, input)| ask(&self::app(), path, input)).collect();
    // Every ordered pair of questions, one after the other.
    for first in 0..questions.len() {
        for second in 0..questions.len() {
            ask(&app, questions[first].0, questions[first].1);
            let got = ask(&app, questions[second].0, questions[second].1);
            assert_eq!(got, alone[second], "{:?} after {:?}", questions[second], questions[first]);
        }
    }
}

/// Blocks that are tried in vain at each level, within each other: nothing that ends in this world.
#[test]
fn loading_has_a_deadline() {
    let mut text = String::from("true");
    for level in 0..60 {
        text = format!("count([1 | {text}]) == z{level} with input as 1; z{level} = 1");
    }
    let modules = vec![module(&format!("package p\nx if {{ {text} }}\n"))];
    let errors = compile_within(
        Duration::from_millis(300),
        modules,
        Value::object(),
        &Checks::default(),
        CompileOptions::default(),
        &mut Vec::new(),
    )
    .unwrap_err();
    assert_eq!(errors[0].message, "the policy takes too long to load");
}

#[test]
fn what_the_arguments_do_not_determine_is_the_same_for_a_decision_and_in_its_replay() {
    let source = r#"package p
all := [f(1), f(2), rand.intn("x", 1000000), uuid.rfc4122("a"), uuid.rfc4122("b"), time.now_ns(), opa.runtime()]
f(x) := [rand.intn("x", 1000000), uuid.rfc4122("a")] if x > 0
"#;
    let program = program(source, "{}");
    let path = path_of("p/all");
    let decide = |effects: &mut Effects, at| match program.evaluate_in(&path, None, at, &LIMITS, effects) {
        Evaluation::Defined { value, .. } => value,
        other => panic!("{other:?}"),
    };
    let mut effects = Effects::default();
    let first = decide(&mut effects, AT);
    let parts = first.elements();
    assert_eq!(parts[0], parts[1]);
    assert_eq!(parts[0].elements(), [parts[2], parts[3]]);
    assert_ne!(parts[3], parts[4]);
    assert_ne!(decide(&mut Effects::default(), AT), first);

    let record = Value::from_json(effects.record().unwrap().get().as_bytes()).unwrap();
    assert_eq!(record.at(["rand.intn", "[\"x\",1000000]"]), Some(parts[2]), "{record}");
    assert_eq!(record.at(["time.now_ns", "[]"]), Some(parts[5]), "{record}");
    let later = AT + 5;
    let mut whole = Value::object();
    whole.insert("nd_builtin_cache", record.clone());
    for given in [record, whole] {
        assert_eq!(decide(&mut Effects::default().replay(&given).unwrap(), later), first);
    }
    let none = Value::from_json(br#"{"decision_id": "0b5f", "path": "app/allow"}"#).unwrap();
    assert_ne!(decide(&mut Effects::default().replay(&none).unwrap(), later), first);
    for (given, want) in [
        ("[]", "must be an object"),
        (r#"{"rand.intn": 1}"#, "must be an object"),
        (r#"{"count": {}}"#, "`count` is no built-in whose results are recorded"),
        (r#"{"rand.intn": {"x": 1}}"#, "`rand.intn`: the arguments `x`"),
    ] {
        let refused = Effects::default().replay(&Value::from_json(given.as_bytes()).unwrap()).unwrap_err();
        assert!(refused.contains(want), "{given}: {refused}");
    }
}

#[test]
fn tokens_and_keys_are_not_in_what_is_recorded_and_the_time_that_they_were_looked_at_is() {
    let source = r#"package p
ok := io.jwt.decode_verify("e30.e30.e30", {"secret": "hush"})
"#;
    let mut effects = Effects::default();
    let path = path_of("p/ok");
    program(source, "{}").evaluate_in(&path, None, AT, &LIMITS, &mut effects);
    let record = effects.record().unwrap();
    assert_eq!(record.get(), format!(r#"{{"time.now_ns":{{"[]":{}}}}}"#, AT));
}

#[test]
fn the_plan_knows_which_documents_may_wait_for_others() {
    let source = r#"package app
direct := http.send({"method": "get", "url": "http://a/"})
through if f(1)
f(x) if count(direct) > x
later := net.lookup_ip_addr("a") if false
inside if every x in [1] { not f(x) }
mocked if lookup with lookup as net.lookup_ip_addr
lookup := 1
default fallback := false
dynamic if data.app[input.x]
fallback := [y | y := data.app.sub.deep]
plain := time.now_ns()
"#;
    let sub = Module {
        id: "sub.rego".to_owned(),
        source: Arc::from("package app.sub\ndeep := http.send(input.x)\nflat := 1\n"),
        version: RegoVersion::V1,
    };
    // A rule that may refer to any of its package would refer to itself.
    let source = source
        .replace("dynamic if data.app[input.x]\n", "")
        .replace("mocked if lookup with lookup as net.lookup_ip_addr\nlookup := 1\n", "");
    let program = compile(vec![module(&source), sub], Value::object()).unwrap();
    for (path, blocks) in [
        ("app/direct", true),
        ("app/direct/body", true),
        ("app/through", true),
        ("app/later", true),
        ("app/inside", true),
        ("app/fallback", true),
        ("app/plain", false),
        ("app/f", false),
        ("app", true),
        ("app/sub", true),
        ("app/sub/flat", false),
        ("", true),
        ("app/nothing", false),
    ] {
        assert_eq!(program.blocks(&path_of(path)), blocks, "{path}");
    }
    let calls: Vec<_> = program.blocking_calls().map(|(name, at)| (name, at.unwrap().row)).collect();
    assert_eq!(calls, [("http.send", 2), ("net.lookup_ip_addr", 5), ("http.send", 2)]);
}

#[test]
fn constant_expressions_are_compiled_once() {
    let mut policy = String::from("package app\n");
    for n in 0..300 {
        policy.push_str(&format!("allow if regex.match(`^{n}x$`, input.a)\n"));
        policy.push_str(&format!("allow if regex.replace(input.a, `{n}y`, \"\") == \"\"\n"));
    }
    // At load or, where it takes long to compile, when it is needed.
    policy.push_str(&format!("heavy if regex.match(`{}`, input.a)\n", "(a|b){1000}".repeat(6)));
    let count = crate::builtins::compiled_expressions;
    let before = count();
    let program = program(&policy, "{}");
    for _ in 0..3 {
        assert_eq!(ask(&program, "app/allow", r#"{"a": "x"}"#), "NoRuleHolds");
        assert_eq!(ask(&program, "app/allow", r#"{"a": "299x"}"#), "true");
    }
    assert_eq!(count() - before, 600);
    assert_eq!(ask(&program, "app/heavy", r#"{"a": "x"}"#), "NoRuleHolds");
    assert_eq!(count() - before, 601);
}

#[test]
fn a_template_takes_one_value_of_each_expression() {
    let policy = "package p\na := $\"{input.xs[_]}\"\nb := $\"{input.none}\"\nc := x if {\n\tx := $\"{input.xs[_]}\"\n} else := 1\n";
    let app = compile(vec![module(policy)], Value::object()).unwrap();
    assert_eq!(ask(&app, "p/b", "{}"), "\"<undefined>\"");
    assert_eq!(ask(&app, "p/a", r#"{"xs": [1, 1]}"#), "\"1\"");
    for path in ["p/a", "p/c"] {
        let told = ask(&app, path, r#"{"xs": [1, 2]}"#);
        assert!(told.contains("template-strings must not produce multiple outputs"), "{told}");
    }
}

#[test]
fn rules_that_hold_bring_their_labels() {
    let inner = "# METADATA\n# scope: subpackages\n# labels: {org: acme, tier: free}\n\
        # METADATA\n# labels: {service: auth, level: low}\npackage corp.authz\n\n\
        # METADATA\n# scope: document\n# labels: {level: medium, tier: paid}\n\
        # METADATA\n# labels: {level: high, id: 1}\nallow if input.a\n\n\
        allow if input.b\n\nother := true if input.c else := false\n\nboth if {\n\tallow\n\tnot data.plain.no\n}\n";
    let below = "# METADATA\n# labels: {x: 1}\npackage corp.authz.below\n\np if input.a\n";
    let plain = "package plain\n\n# METADATA\n# labels: [\nyes := true\n\nno if input.x\n";
    let module = |id: &str, source: &str| Module { id: id.to_owned(), ..module(source) };
    let modules = vec![module("a.rego", inner), module("b.rego", below), module("c.rego", plain)];
    let program = compile(modules, Value::object()).unwrap();
    let allow = r#"{"level":"medium","org":"acme","service":"auth","tier":"paid"}"#;
    let first = r#"{"id":1,"level":"high","org":"acme","service":"auth","tier":"paid"}"#;
    let package = r#"{"level":"low","org":"acme","service":"auth","tier":"free"}"#;
    for (path, input, want) in [
        ("corp/authz/allow", r#"{"a": true}"#, vec![first]),
        ("corp/authz/allow", r#"{"b": true}"#, vec![allow]),
        ("corp/authz/allow", "{}", vec![]),
        ("corp/authz/other", "{}", vec![package]),
        ("corp/authz/both", r#"{"b": true}"#, vec![package, allow]),
        ("corp/authz/below/p", r#"{"a": 1}"#, vec![r#"{"org":"acme","tier":"free","x":1}"#]),
        ("plain/yes", "{}", vec![]),
    ] {
        let mut effects = Effects::default();
        let input = Value::from_json(input.as_bytes()).unwrap();
        program.evaluate_in(&path_of(path), Some(input), AT, &LIMITS, &mut effects);
        let got = effects.rule_labels().map_or_else(|| "[]".to_owned(), |labels| labels.get().to_owned());
        assert_eq!(got, format!("[{}]", want.join(",")), "{path}");
    }
}

#[test]
fn of_equal_numbers_the_first_is_kept_as_it_is_written() {
    let program = program(
        "package app\nx := {3.5, 3.50, 35e-1}\ny := {k: v | some k, v in {3.50: 1}}\nz := {input.a, input.b}\n",
        "{}",
    );
    assert_eq!(ask(&program, "app/x", ""), "[3.5]");
    assert_eq!(ask(&program, "app/y", ""), r#"{"3.50":1}"#);
    assert_eq!(ask(&program, "app/z", r#"{"a": 1.0, "b": 1}"#), "[1.0]");
}
