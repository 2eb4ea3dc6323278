//! What one decision costs: role-based policy, with a thousand and with a million users in `data`.

#![expect(clippy::unwrap_used, reason = "a bench stops at what it did not expect")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use verdict::model::clock::Timestamp;
use verdict::model::decision::Outcome;
use verdict::model::principal::AuthContext;
use verdict::model::request::EntryPath;
use verdict::pdp::{self, snapshot::Snapshot};
use verdict::rego::{EvalLimits, Module, RegoVersion, Value, compile};

const POLICY: &str = r"package rbac

default allow := false

allow if {
	some role in data.users[input.subject.id].roles
	input.action in data.grants[role][input.resource.type]
}
";

const INPUT: &str = r#"{"subject": {"id": "user77", "type": "user", "roles": []}, "action": "update",
    "resource": {"type": "doc", "id": "d-1", "owner": "bob"}, "context": {"ip": "10.0.0.7"}}"#;

fn snapshot(users: usize) -> Snapshot {
    let mut data = String::from(
        r#"{"grants": {"viewer": {"doc": ["read"]}, "editor": {"doc": ["read", "update"]}}, "users": {"#,
    );
    for user in 0..users {
        let comma = if user == 0 { "" } else { "," };
        let role = if user % 7 == 0 { "editor" } else { "viewer" };
        write!(data, r#"{comma}"user{user}": {{"name": "User {user}", "roles": ["{role}"]}}"#).unwrap();
    }
    data.push_str("}}");
    let module = Module { id: "rbac.rego".to_owned(), source: Arc::from(POLICY), version: RegoVersion::V1 };
    let program = compile(vec![module], Value::from_json(data.as_bytes()).unwrap()).unwrap();
    Snapshot::new(1, BTreeMap::new(), program, Timestamp(0))
}

fn decide(c: &mut Criterion) {
    let path = EntryPath::parse("rbac/allow").unwrap();
    let package = EntryPath::parse("rbac").unwrap();
    let limits = EvalLimits { deadline: Duration::from_millis(50) };
    let mut group = c.benchmark_group("decide");
    for users in [1_000, 1_000_000] {
        let snapshot = snapshot(users);
        let input = Value::from_json(INPUT.as_bytes()).unwrap();
        let answer = pdp::decide(&snapshot, &path, Some(input.clone()), Timestamp(1), &limits);
        assert_eq!(answer.outcome, Outcome::Allow);
        group.bench_with_input(BenchmarkId::new("rule", users), &snapshot, |b, snapshot| {
            b.iter(|| pdp::decide(black_box(snapshot), &path, Some(input.clone()), Timestamp(1), &limits));
        });
        group.bench_with_input(BenchmarkId::new("package", users), &snapshot, |b, snapshot| {
            b.iter(|| pdp::decide(black_box(snapshot), &package, Some(input.clone()), Timestamp(1), &limits));
        });
    }
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
