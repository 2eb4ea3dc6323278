//! Evaluations end with an answer or with the limit that they exceed, whatever the policy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use verdict_rego::{EvalError, EvalErrorKind, EvalLimits, Evaluation, Module, RegoVersion, Value, compile};

use super::burns::{self, Case, End};
use super::ends;

const LIMITS: EvalLimits =
    EvalLimits { depth: 100, memory: 64 << 20, ..EvalLimits::within(Duration::from_millis(500)) };

/// A long text, many digits, many numbers and words, and something deep.
fn input() -> Value {
    let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
    let many: Vec<String> = (1..1000).map(|n: u32| n.to_string()).collect();
    let words: Vec<String> = (1..1000).map(|n: u32| format!("\"word{n}\"")).collect();
    let text = format!(
        r#"{{"long": "{}", "digits": "{}", "many": [{}], "words": [{}], "deep": {deep}}}"#,
        "a".repeat(1 << 20),
        "9".repeat(500_000),
        many.join(","),
        words.join(",")
    );
    Value::from_json(text.as_bytes()).unwrap()
}

/// The evaluation, or why the text does not load.
fn evaluate(text: &str, limits: EvalLimits) -> Result<Evaluation, String> {
    let module = Module {
        id: "hostile.rego".to_owned(),
        source: Arc::from(format!("package p\n{text}\n")),
        version: RegoVersion::V1,
    };
    let program = match compile(vec![module], Value::object()) {
        Ok(program) => program,
        Err(found) => {
            return Err(found[0].message.clone());
        }
    };
    let path = ["p", "x"].map(str::to_owned);
    Ok(program.evaluate(&path, Some(input()), 1_767_258_000_000_000_000, &limits))
}

fn is_size(failure: &EvalError) -> bool {
    failure.kind == EvalErrorKind::Policy
        && ["memory limit", "larger than", "too many", "too large", "too long"]
            .iter()
            .any(|why| failure.message.contains(why))
}

fn burn_all(cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for (what, text, end) in cases {
        let begun = Instant::now();
        // What is to come to an answer gets the time for it on any machine.
        let limits = match end {
            End::Time | End::Limit => LIMITS,
            End::Fails(_) | End::Answers => EvalLimits { deadline: Duration::from_secs(60), ..LIMITS },
        };
        let got = ends(what, move || evaluate(&text, limits)).unwrap();
        let shown = match &got {
            Evaluation::Defined { value, .. } => format!("{:.60}", value.to_string()),
            Evaluation::Undefined(cause) => format!("{cause:?}"),
            Evaluation::Error(failure) => format!("{:?}: {:.120}", failure.kind, failure.message),
        };
        eprintln!("{:>7} ms  {what}: {shown}", begun.elapsed().as_millis());
        let right = match (&got, end) {
            (Evaluation::Error(failure), End::Time) => failure.kind == EvalErrorKind::Deadline,
            (Evaluation::Error(failure), End::Limit) => {
                is_size(failure) || failure.kind == EvalErrorKind::Deadline
            }
            (Evaluation::Error(failure), End::Fails(why)) => {
                failure.kind == EvalErrorKind::Policy
                    && failure.message.contains(why)
                    && !failure.message.contains("panicked")
            }
            (_, End::Answers) => !matches!(got, Evaluation::Error(_)),
            _ => false,
        };
        if !right {
            wrong.push(format!("{what}: {end:?}, but {shown}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_grows() {
    burn_all(burns::growth());
}

#[test]
fn what_takes_long() {
    burn_all(burns::time());
}

#[test]
fn a_builtins_error_denies_wherever_it_stands() {
    for text in [
        "x if not regex.match(\"(\", \"a\")",
        "x if { not net.cidr_contains(\"10.0.0.0/99\", \"10.0.0.1\") }",
        "x if { count([1 | to_number(\"a\")]) == 0 }",
        "x if { every y in [1] { not json.unmarshal(sprintf(\"{%v\", [y])) } }",
        "default x := true\nx := false if units.parse(\"a\") == 1",
        "x := true if { not y } \ny if time.parse_rfc3339_ns(\"a\") == 1",
        "x := true if { f(1) } else := true\nf(_) if base64.decode(\"?\") == \"\"",
        "x := true if not y with input as 1\ny if to_number(\"a\") == 1",
    ] {
        let Ok(Evaluation::Error(failure)) = evaluate(text, LIMITS) else { panic!("{text}") };
        assert_eq!(failure.kind, EvalErrorKind::Policy, "{text}");
        let policy = failure.policy.unwrap_or_else(|| panic!("{text}: {}", failure.message));
        assert!(!policy.message.is_empty() && policy.location.is_some(), "{text}: {policy:?}");
    }
}

/// How deep evaluations of every shape go before they are refused at load, and that the stack carries the deepest.
#[test]
fn the_stack_carries_whatever_loads() {
    let links = |count: usize, link: &dyn Fn(usize) -> String, last: &str| {
        let mut text: String = (0..count).map(|at| link(at) + "\n").collect();
        text.push_str(&last.replace('#', &count.to_string()));
        text + "\nx := x0\n"
    };
    type Link = (&'static str, Box<dyn Fn(usize) -> String>, &'static str);
    let shapes: Vec<Link> = vec![
        ("rules", Box::new(|at| format!("x{at} := x{}", at + 1)), "x# := 1"),
        ("functions", Box::new(|at| format!("f{at}(y) := f{}(y)", at + 1)), "f#(y) := y\nx0 := f0(1)"),
        ("sets", Box::new(|at| format!("x{at} contains y if some y in x{}", at + 1)), "x# contains 1"),
        ("objects", Box::new(|at| format!("x{at}[y] := z if some y, z in x{}", at + 1)), "x# := {1: 1}"),
        (
            "comprehensions",
            Box::new(|at| format!("x{at} := [[y | some y in x{}][0] | true]", at + 1)),
            "x# := [[1]]",
        ),
        (
            "every",
            Box::new(|at| format!("x{at} if {{ every y in [1] {{ x{} == (y == 1) }} }}", at + 1)),
            "x# := true",
        ),
        ("not", Box::new(|at| format!("x{at} if not x{} == input", at + 1)), "x# := 1"),
        (
            "with",
            Box::new(|at| format!("x{at} := y if y := x{} with input as 1 with data.z as 1", at + 1)),
            "x# := 1",
        ),
        (
            "with of functions",
            Box::new(|at| format!("x{at} := y if y := x{} with count as f", at + 1)),
            "f(_) := 1\nx# := count([])",
        ),
        ("else", Box::new(|at| format!("x{at} := 2 if false\nelse := x{}", at + 1)), "x# := 1"),
        (
            "defaults",
            Box::new(|at| format!("default f{at}(_) := 1\nf{at}(y) := f{}(y)", at + 1)),
            "f#(y) := y\nx0 := f0(1)",
        ),
        (
            "packages",
            Box::new(|at| format!("a{at}.x := [z | z := data.p[\"a{}\"].x][0]", at + 1)),
            "a#.x := 1\nx0 := a0.x",
        ),
        ("templates", Box::new(|at| format!("x{at} := $\"{{x{}}}\"", at + 1)), "x# := 1"),
        (
            "loops",
            Box::new(|at| {
                format!("x{at} if {{ some i in [1]; some j in [i]; some k in [j]; x{}; k }}", at + 1)
            }),
            "x# := true",
        ),
        (
            "walks",
            Box::new(|at| format!("x{at} if {{ walk([1], [_, y]); y == 1; x{} }}", at + 1)),
            "x# := true",
        ),
    ];
    for (what, link, last) in shapes {
        let loads = |count: usize| {
            let text = links(count, &*link, last);
            let limits = EvalLimits::within(Duration::from_secs(60));
            match evaluate(&text, limits) {
                Err(message) => {
                    assert!(message.contains("too deeply"), "{what}: {message}");
                    false
                }
                Ok(other) => {
                    assert!(matches!(other, Evaluation::Defined { .. }), "{what}, {count}: {other:?}");
                    true
                }
            }
        };
        // The longest row that loads, to within a quarter.
        let (mut good, mut bad) = (1, 8_192);
        while bad - good > good / 4 + 1 {
            let middle = usize::midpoint(good, bad);
            if loads(middle) { good = middle } else { bad = middle }
        }
        assert!(good > 100, "{what}: only {good} links load");
    }
}

#[test]
fn depth_is_limited_and_known_before() {
    let limits = |depth| EvalLimits { depth, ..LIMITS };
    let chain = "x := x1\nx1 := f(1)\nf(y) := g(y)\ng(y) := y";
    assert!(matches!(evaluate(chain, limits(4)), Ok(Evaluation::Defined { .. })));
    let Ok(Evaluation::Error(failure)) = evaluate(chain, limits(3)) else { panic!("it is deeper") };
    assert_eq!(failure.message, "depth limit: more than 3 rules within each other");
    assert_eq!(failure.policy.unwrap().code, "eval_limit_error");
}
