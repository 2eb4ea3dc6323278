//! What one decision costs: role-based policy, with a thousand and with a million users in `data`.

#![expect(clippy::unwrap_used, reason = "a bench stops at what it did not expect")]

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use verdict::model::clock::Timestamp;
use verdict::model::decision::Outcome;
use verdict::model::principal::AuthContext;
use verdict::model::request::EntryPath;
use verdict::pdp;
use verdict_rego::{Effects, EvalLimits, Module, Program, RegoVersion, Value, compile};

const POLICY: &str = r"package rbac

default allow := false

allow if {
	some role in data.users[input.subject.id].roles
	input.action in data.grants[role][input.resource.type]
}
";

const INPUT: &str = r#"{"subject": {"id": "user77", "type": "user", "roles": []}, "action": "update",
    "resource": {"type": "doc", "id": "d-1", "owner": "bob"}, "context": {"ip": "10.0.0.7"}}"#;

fn program(users: usize) -> Program {
    let mut data = String::from(
        r#"{"grants": {"viewer": {"doc": ["read"]}, "editor": {"doc": ["read", "update"]}}, "users": {"#,
    );
    for user in 0..users {
        let comma = if user == 0 { "" } else { "," };
        let role = if user % 7 == 0 { "editor" } else { "viewer" };
        write!(data, r#"{comma}"user{user}": {{"name": "User {user}", "roles": ["{role}"]}}"#).unwrap();
    }
    data.push_str("}}");
    of(POLICY, Value::from_json(data.as_bytes()).unwrap())
}

fn of(policy: &str, data: Value) -> Program {
    let module = Module { id: "rbac.rego".to_owned(), source: Arc::from(policy), version: RegoVersion::V1 };
    compile(vec![module], data).unwrap()
}

/// Ten rules, none of which holds: what a denial costs, and what it costs more to say why.
fn explain(group: &mut BenchmarkGroup<'_, WallTime>, limits: &EvalLimits) {
    let mut policy = String::from("package rbac\n\ndefault allow := false\n");
    for n in 0..10 {
        write!(
            policy,
            "\n# METADATA\n# title: Rule {n}\nallow if {{\n\tinput.subject.type == \"user\"\n\t\
             is_role{n}\n}}\n\nis_role{n} if \"role{n}\" in input.subject.roles\n"
        )
        .unwrap();
    }
    let program = of(&policy, Value::object());
    let path = EntryPath::parse("rbac/allow").unwrap();
    let input = Value::from_json(INPUT.as_bytes()).unwrap();
    group.bench_function("denial", |b| {
        b.iter(|| pdp::decide(black_box(&program), &path, Some(input.clone()), Timestamp(1), limits));
    });
    group.bench_function("denial, explained", |b| {
        b.iter(|| {
            let answer = pdp::decide(black_box(&program), &path, Some(input.clone()), Timestamp(1), limits);
            let why = pdp::explain(
                &program,
                &path,
                Some(&input),
                Timestamp(1),
                limits,
                false,
                &mut Effects::default(),
            )
            .unwrap();
            assert_eq!(why.candidates.len(), 10);
            (answer, why)
        });
    });
}

fn decide(c: &mut Criterion) {
    let path = EntryPath::parse("rbac/allow").unwrap();
    let package = EntryPath::parse("rbac").unwrap();
    let limits = EvalLimits::within(Duration::from_millis(50));
    let mut group = c.benchmark_group("decide");
    for users in [1_000, 1_000_000] {
        let program = program(users);
        let input = Value::from_json(INPUT.as_bytes()).unwrap();
        let answer = pdp::decide(&program, &path, Some(input.clone()), Timestamp(1), &limits);
        assert_eq!(answer.outcome, Outcome::Allow);
        group.bench_with_input(BenchmarkId::new("rule", users), &program, |b, program| {
            b.iter(|| pdp::decide(black_box(program), &path, Some(input.clone()), Timestamp(1), &limits));
        });
        group.bench_with_input(BenchmarkId::new("package", users), &program, |b, program| {
            b.iter(|| pdp::decide(black_box(program), &package, Some(input.clone()), Timestamp(1), &limits));
        });
    }
    explain(&mut group, &limits);
    group.bench_function("read the input", |b| {
        b.iter(|| Value::from_json(black_box(INPUT.as_bytes())).unwrap())
    });
    group.bench_function("assemble the input", |b| {
        let input = Value::from_json(INPUT.as_bytes()).unwrap();
        b.iter(|| pdp::input::assemble(black_box(&AuthContext::Anonymous), Some(input.clone())).unwrap());
    });
    group.bench_function("write the input", |b| {
        let input = Value::from_json(INPUT.as_bytes()).unwrap();
        b.iter(|| black_box(&input).to_raw());
    });
    group.finish();
}

criterion_group!(benches, decide);
criterion_main!(benches);
