//! Random commits, held against a map.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use verdict::registry::rejection::Rejection;
use verdict::registry::row::{Kind, Row, Select};
use verdict::registry::store::{Store, WriteError};

use super::places::{Place, Postgres, Sqlite};
use super::samples::{changes, commit};

#[derive(Debug, Clone)]
struct Commit {
    puts: Vec<Row>,
    rejected: bool,
}

fn rows() -> impl Strategy<Value = Row> {
    let name = prop::sample::select(vec!["a", "B", "b", "\u{E9}", "a.b"]);
    let maybe = prop::option::of(prop::sample::select(vec!["o", "p"]));
    let bytes = prop::option::of(prop::collection::vec(any::<u8>(), 0..4));
    let kind = prop::sample::select(vec![Kind::Agent, Kind::Key, Kind::Secret]);
    let body = prop::option::of("[^\\x00]{0,8}");
    (kind, name, maybe.clone(), maybe, body, bytes).prop_map(
        |(kind, id, organisation, owner, body, sealed)| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            Row {
                kind,
                id: id.into(),
                organisation: own(organisation),
                owner: own(owner),
                seq: 0,
                body,
                sealed,
            }
        },
    )
}

fn commits() -> impl Strategy<Value = Vec<Commit>> {
    let commit = (prop::collection::vec(rows(), 0..5), prop::bool::weighted(0.2))
        .prop_map(|(puts, rejected)| Commit { puts, rejected });
    prop::collection::vec(commit, 1..12)
}

type Model = BTreeMap<(Kind, String), Row>;

fn run(store: &dyn Store, commits: &[Commit]) {
    let mut model = Model::new();
    let mut done = 0;
    for Commit { puts, rejected } in commits {
        let mut next = model.clone();
        let result = commit(store, &mut |transaction, seq| {
            for put in puts {
                let put = Row { seq, ..put.clone() };
                transaction.put(&put)?;
                let sealed = put.sealed.clone().filter(|_| put.body.is_some());
                let kept = Row { sealed, ..put };
                let there = Some(kept.clone()).filter(|row| row.body.is_some());
                assert_eq!(transaction.get(kept.kind, &kept.id)?, there);
                next.insert((kept.kind, kept.id.clone()), kept);
            }
            if *rejected { Err(Rejection::conflict("no").into()) } else { Ok(()) }
        });
        match result {
            Ok(seq) => {
                done += 1;
                assert_eq!(seq, done);
                model = next;
            }
            Err(WriteError::Rejected(_)) => assert!(rejected),
            Err(WriteError::Store(error)) => panic!("{error}"),
        }
        compare(store, &model, done);
    }
}

fn compare(store: &dyn Store, model: &Model, done: u64) {
    let open = |row: &Row| Row { sealed: None, ..row.clone() };
    for after in 0..=done {
        let (mut found, head) = changes(store, after);
        assert!(found.is_sorted_by_key(|row| row.seq));
        found.sort_by_key(|row| (row.kind, row.id.clone()));
        let changed = |row: &&Row| row.seq > after && (after > 0 || row.body.is_some());
        assert_eq!(found, model.values().filter(changed).map(open).collect::<Vec<_>>());
        assert_eq!(head.seq, done);
    }
    for kind in [Kind::Agent, Kind::Key, Kind::Secret] {
        for organisation in [None, Some("o".to_owned())] {
            let which = Select { organisation: organisation.clone(), limit: 99, ..Default::default() };
            let fits = |row: &&Row| {
                row.kind == kind
                    && row.body.is_some()
                    && (organisation.is_none() || row.organisation == organisation)
            };
            let wanted: Vec<Row> = model.values().filter(fits).map(open).collect();
            assert_eq!(store.select(kind, &which).unwrap(), wanted);
        }
    }
    for row in model.values() {
        assert_eq!(store.sealed(row.kind, &row.id).unwrap(), row.sealed);
    }
}

fn hold(cases: u32, place: impl Fn() -> Box<dyn Place>) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&commits(), |commits| {
            run(&*place().open(), &commits);
            Ok(())
        })
        .unwrap();
}

#[test]
fn sqlite_is_what_a_map_is() {
    hold(40, || Box::new(Sqlite::new()));
}

#[test]
fn postgres_is_what_a_map_is() {
    if Postgres::new().is_some() {
        hold(15, || Box::new(Postgres::new().unwrap()));
    }
}
