use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::program::{CompileOptions, compile_for};

const LIMITS: EvalLimits = EvalLimits::within(Duration::from_secs(10));

fn program() -> Program {
    let text = "package app\nimport data.lib as l\nallow := input.x > 1\nf(x) := x + 1\nxs := [1, 2, 3]\n\
                loud := 1 if { print(\"x is\", input.x, input.nope); true }\nbad := 1 / 0\n";
    let lib = "package lib\nname := \"lib\"\n";
    let module = |id: &str, text: &str| Module {
        id: id.to_owned(),
        source: Arc::from(text),
        version: RegoVersion::V1,
    };
    let modules = vec![module("app.rego", text), module("lib.rego", lib)];
    compile_for(modules, Value::object(), CompileOptions { debug: true, tests: false }).unwrap()
}

fn asking(input: &Value) -> Asking<'_> {
    Asking {
        input: Some(input),
        now_ns: 0,
        limits: LIMITS,
        strict: Strict::Functions,
        effects: Effects::default(),
        watch: None,
    }
}

/// The results as one line each: values, then bindings.
fn ask(program: &Program, query: &str, scope: &Scope) -> Vec<String> {
    let query = match program.prepare(query, scope) {
        Ok(query) => query,
        Err(errors) => return errors.iter().map(|e| format!("{}: {}", e.code, e.message)).collect(),
    };
    let input = Value::from_json(br#"{"x": 2}"#).unwrap();
    let rows = match program.ask(&query, asking(&input)) {
        Ok(rows) => rows,
        Err(failure) => return vec![format!("{}: {:?}", failure.message, failure.policy)],
    };
    let texts = |row: &Row| {
        let values: Vec<String> = row.values.iter().map(ToString::to_string).collect();
        let bindings: Vec<String> =
            row.bindings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        [values.join(" "), bindings.join(" ")].join(" | ").trim_end_matches(" | ").to_owned()
    };
    rows.iter().map(texts).collect()
}

#[test]
fn every_expression_has_the_value_that_opa_gives_it() {
    let program = program();
    for (query, expected) in [
        ("1 + 2", &["3"][..]),
        ("1 == 2", &["false"]),
        ("(1 == 2)", &["false"]),
        ("not 1 == 2", &["true"]),
        ("false", &["false"]),
        ("1 == 2; true", &[]),
        ("true; 2", &["true 2"]),
        ("x := 1; y := 2; x < y", &["true true true | x=1 y=2"]),
        ("x := false", &["true | x=false"]),
        ("x = data.app.xs[_]; x > 1", &["true true | x=2", "true true | x=3"]),
        ("[true, false][_]", &["true"]),
        ("[true, false][i]", &["true | i=0"]),
        ("[x | x := [true, false][_]]", &["[true,false]"]),
        ("some x in [1, 2]", &["true | x=1", "true | x=2"]),
        ("some x; x = 3", &["true | x=3"]),
        ("every x in [1, 2] { x > 0 }", &["true"]),
        ("_x := 1", &["true | _x=1"]),
        ("data.app.allow", &["true"]),
        ("data.app.allow with input.x as 0", &["false"]),
        ("input.x == 2 with input.x as 3", &["false"]),
        ("data.app.nope", &[]),
        ("data.app.f(1)", &["2"]),
        ("data.app.f(1, 2)", &["true"]),
        ("walk([1], [p, v])", &["true | p=[] v=[1]", "true | p=[0] v=1"]),
        ("print(\"x\")", &["true"]),
        ("set()", &["[]"]),
        ("x", &["rego_unsafe_var_error: var x is unsafe"]),
        ("_", &["rego_unsafe_var_error: var _ is unsafe"]),
        ("x := x", &["rego_unsafe_var_error: var x is unsafe"]),
        ("allow", &["rego_unsafe_var_error: var allow is unsafe"]),
        ("count(1)", &["rego_type_error: count: invalid argument(s)"]),
        ("x := 1; x == \"a\"", &["rego_type_error: match error"]),
        ("data.app.f(\"a\")", &["rego_type_error: data.app.f: invalid argument(s)"]),
        ("nosuch(1)", &["rego_type_error: undefined function nosuch"]),
    ] {
        assert_eq!(ask(&program, query, &Scope::default()), expected, "{query}");
    }
    assert!(ask(&program, "x :=", &Scope::default())[0].starts_with("rego_parse_error: "));
    let failed = ask(&program, "x := 1;\n  data.app.bad", &Scope::default());
    assert!(failed[0].contains("eval_builtin_error") && failed[0].contains("app.rego"), "{failed:?}");
    let failed = ask(&program, "true;\n  1 / 0", &Scope::default());
    assert!(failed[0].contains(r#"Location { file: "", row: 2, col: 3 }"#), "{failed:?}");
}

#[test]
fn names_mean_what_package_and_imports_say() {
    let program = program();
    let scope = |package: Option<&str>, imports: &[&str]| Scope {
        package: package.map(str::to_owned),
        imports: imports.iter().map(|import| (*import).to_owned()).collect(),
    };
    for (scope, query, expected) in [
        (scope(Some("app"), &[]), "allow; f(2)", "true 3"),
        (scope(Some("app"), &[]), "xs[f(9)]", ""),
        (scope(None, &["data.lib"]), "lib.name", "\"lib\""),
        (scope(Some("app"), &["data.lib as l", "future.keywords.in"]), "l.name; xs[0]", "\"lib\" 1"),
        (scope(Some("nosuch"), &[]), "data.app.allow", "true"),
        (scope(Some("a b"), &[]), "1", "rego_parse_error"),
        (scope(None, &["lib"]), "1", "rego_parse_error"),
    ] {
        let got = ask(&program, query, &scope).join("\n");
        let same = if expected.is_empty() { got.is_empty() } else { got.starts_with(expected) };
        assert!(same, "{query}: {got}");
    }
}

#[test]
fn expressions_have_their_text_and_place() {
    let query = program().prepare("some x; x = 1\n  not x == 2 with input as 3", &Scope::default()).unwrap();
    let got: Vec<_> = query.expressions().iter().map(|e| (e.text.as_str(), e.row, e.col)).collect();
    assert_eq!(got, [("x = 1", 1, 9), ("not x == 2 with input as 3", 2, 3)]);
}

#[test]
fn prints_and_errors_of_built_ins_are_told() {
    use crate::plan::watch::Several;
    use crate::program::observe::{BuiltinErrors, Prints};
    use std::cell::RefCell;
    use std::rc::Rc;

    let program = program();
    let query =
        program.prepare("print(\"q\", {1}); not data.app.bad; data.app.loud", &Scope::default()).unwrap();
    let (printed, errors) = (RefCell::new(Vec::new()), Rc::new(RefCell::new(BuiltinErrors::default())));
    let prints = Prints(|line: &str| printed.borrow_mut().push(line.to_owned()));
    let watch = Several(vec![Box::new(prints), Box::new(Rc::clone(&errors))]);
    let input = Value::from_json(br#"{"x": 2}"#).unwrap();
    let asking = Asking { strict: Strict::No, watch: Some(Box::new(watch)), ..asking(&input) };
    assert_eq!(program.ask(&query, asking).unwrap().len(), 1);
    assert_eq!(*printed.borrow(), ["q {1}", "x is 2 <undefined>"]);
    let errors = errors.borrow().of(&program);
    assert_eq!(
        (errors.len(), errors[0].code, errors[0].location.as_ref().unwrap().row),
        (1, "eval_builtin_error", 7)
    );
}
