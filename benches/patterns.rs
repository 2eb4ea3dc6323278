//! What patterns cost, by how many different ones an evaluation tries: constants, and texts of `data`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench stops at what it did not expect")]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use verdict_rego::{EvalLimits, Evaluation, Module, Program, RegoVersion, Value, compile};

const INPUT: &str = r#"{"action": "team:42:read:item"}"#;

/// A rule for each pattern.
fn constants(count: usize, condition: impl Fn(usize) -> String) -> Program {
    let mut policy = String::from("package app\n\ndefault allow := false\n");
    for number in 0..count {
        write!(policy, "\nallow if {}\n", condition(number)).unwrap();
    }
    program(&policy, "{}")
}

/// One rule for all patterns of `data`.
fn of_data(count: usize, condition: &str, pattern: impl Fn(usize) -> String) -> Program {
    let policy = format!(
        "package app\n\ndefault allow := false\n\nallow if {{\n\tsome pattern in data.patterns\n\t{condition}\n}}\n"
    );
    let patterns: Vec<String> = (0..count).map(|number| format!("\"{}\"", pattern(number))).collect();
    program(&policy, &format!("{{\"patterns\": [{}]}}", patterns.join(", ")))
}

fn program(policy: &str, data: &str) -> Program {
    let module = Module { id: "app.rego".to_owned(), source: policy.into(), version: RegoVersion::V1 };
    compile(vec![module], Value::from_json(data.as_bytes()).unwrap()).unwrap()
}

fn patterns(c: &mut Criterion) {
    let limits = EvalLimits::within(Duration::from_secs(60));
    let path = ["app".to_owned(), "allow".to_owned()];
    let input = Value::from_json(INPUT.as_bytes()).unwrap();
    let glob = |number: usize| format!("team:*:read:item{number}");
    let regex = |number: usize| format!("^team:[0-9]+:read:item{number}$");
    let mut group = c.benchmark_group("patterns");
    group.sample_size(10).measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(300));
    for count in [10, 256, 257, 1_000, 10_000] {
        for (name, program) in [
            (
                "glob.match",
                constants(count, |number| format!(r#"glob.match("{}", [":"], input.action)"#, glob(number))),
            ),
            (
                "regex.match",
                constants(count, |number| format!("regex.match(`{}`, input.action)", regex(number))),
            ),
            ("glob.match of data", of_data(count, r#"glob.match(pattern, [":"], input.action)"#, glob)),
            ("regex.match of data", of_data(count, "regex.match(pattern, input.action)", regex)),
        ] {
            group.bench_with_input(BenchmarkId::new(name, count), &program, |b, program| {
                b.iter(|| match black_box(program).evaluate(&path, Some(input.clone()), 1, &limits) {
                    Evaluation::Defined { value, .. } => assert_eq!(value, Value::from(false)),
                    other => panic!("{other:?}"),
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, patterns);
criterion_main!(benches);
