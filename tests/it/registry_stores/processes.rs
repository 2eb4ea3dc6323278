//! Several who have the same database open, and one that opens it again.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use verdict::registry::row::Kind;
use verdict::registry::store::{Store, StoreErrorKind, Transaction};

use super::places::{MADE, Place};
use super::samples::{changes, commit, hash, kind_of, put, row};

pub fn what_one_process_writes_another_sees(place: &dyn Place) {
    let (one, other) = (place.open(), place.open());
    assert_eq!(one.head().unwrap(), other.head().unwrap());
    for n in 1..=10 {
        let (writes, reads) = if n % 2 == 0 { (&one, &other) } else { (&other, &one) };
        assert_eq!(put(&**writes, &[row(0, Kind::Agent, &format!("a{n}"), "{}")]), n);
        assert_eq!(changes(&**reads, n - 1).0, [row(n, Kind::Agent, &format!("a{n}"), "{}")]);
    }
}

pub fn waiting_ends_when_another_writes(place: &dyn Place) {
    let (one, other) = (place.open(), place.open());
    put(&*one, &[row(0, Kind::Agent, "a", "{}")]);
    // What rings already, and the first connection.
    other.wait(Duration::from_secs(1));
    other.wait(Duration::from_millis(100));
    for _ in 0..3 {
        let took = thread::scope(|scope| {
            let waits = scope.spawn(|| {
                let began = Instant::now();
                other.wait(Duration::from_secs(60));
                began.elapsed()
            });
            thread::sleep(Duration::from_millis(100));
            put(&*one, &[row(0, Kind::Agent, "a", "{}")]);
            waits.join().unwrap()
        });
        assert!(took >= Duration::from_millis(90) && took < Duration::from_secs(20), "{took:?}");
    }
    let began = Instant::now();
    other.wait(Duration::from_millis(300));
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(290) && took < Duration::from_secs(20), "{took:?}");
    // What was written between two waits rings, too.
    put(&*one, &[row(0, Kind::Agent, "a", "{}")]);
    let began = Instant::now();
    other.wait(Duration::from_secs(60));
    assert!(began.elapsed() < Duration::from_secs(20));
}

pub fn writers_take_turns(place: &dyn Place) {
    let stores = [place.open(), place.open()];
    put(&*stores[0], &[row(0, Kind::Setting, "count", "0")]);
    let increment = |store: &dyn Store| {
        let count = &mut |transaction: &mut dyn Transaction, seq| {
            let now: u32 = transaction.get(Kind::Setting, "count")?.unwrap().body.unwrap().parse().unwrap();
            Ok(transaction.put(&row(seq, Kind::Setting, "count", &(now + 1).to_string()))?)
        };
        commit(store, count).unwrap()
    };
    let seqs: BTreeSet<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let store = &*stores[n % 2];
                scope.spawn(move || (0..50).map(|_| increment(store)).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(seqs, (2..=201).collect());
    assert_eq!(stores[1].get(Kind::Setting, "count").unwrap(), Some(row(201, Kind::Setting, "count", "200")));
}

pub fn rows_and_head_are_of_one_moment(place: &dyn Place) {
    let (writer, reader) = (place.open(), place.open());
    put(&*writer, &[row(0, Kind::Agent, "last", "{}")]);
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for n in 0..100 {
                put(
                    &*writer,
                    &[row(0, Kind::Agent, "last", "{}"), row(0, Kind::Role, &format!("{n}"), "{}")],
                );
            }
        });
        let mut known = 0;
        let mut read = 0;
        while !writing.is_finished() || known < 101 {
            let (rows, head) = changes(&*reader, known);
            assert!(rows.iter().all(|row| row.seq > known && row.seq <= head.seq));
            assert!(rows.iter().map(|row| row.seq).is_sorted());
            // Every commit writes this row: the last of them is the head's.
            if head.seq > known {
                assert_eq!(rows.iter().find(|row| row.id == "last").unwrap().seq, head.seq);
                assert_eq!(head.audit_hash, hash(head.seq));
            }
            read += rows.iter().filter(|row| row.kind == Kind::Role).count();
            known = head.seq;
        }
        assert_eq!((known, read), (101, 100));
    });
}

pub fn a_database_is_the_same_when_it_is_opened_again(place: &dyn Place) {
    let store = place.open();
    put(&*store, &[row(0, Kind::Agent, "a", "{}")]);
    let before = changes(&*store, 0);
    drop(store);
    let again = place.open();
    assert_eq!(changes(&*again, 0), before);
    assert_eq!(put(&*again, &[row(0, Kind::Agent, "b", "{}")]), 2);
}

pub fn steps_of_the_schema_are_recorded(place: &dyn Place) {
    drop(place.open());
    drop(place.open());
    assert_eq!(place.number("SELECT count(*) FROM {migrations}"), 1);
    assert_eq!(
        place.number("SELECT applied_at FROM {migrations} WHERE version = 1 AND name = 'first'"),
        MADE.0
    );
}

pub fn a_newer_schema_is_refused(place: &dyn Place) {
    let store = place.open();
    place.sql("UPDATE {meta} SET value = 99 WHERE key = 'schema'").unwrap();
    let refused = place.try_open().unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::NewerSchema);
    assert!(
        refused.detail.contains("version 99") && refused.to_string().contains("upgrade verdict"),
        "{refused}"
    );
    // Also whoever has it open already.
    assert_eq!(store.head().unwrap_err().kind, StoreErrorKind::NewerSchema);
    let written = commit(&*store, &mut |_, _| Ok(()));
    assert_eq!(kind_of(written), StoreErrorKind::NewerSchema);
}

pub fn many_open_a_new_database_at_once(place: &dyn Place) {
    let together = Barrier::new(6);
    let databases: BTreeSet<String> = thread::scope(|scope| {
        let opening: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    together.wait();
                    place.open().head().unwrap().database
                })
            })
            .collect();
        opening.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(databases.len(), 1);
    assert_eq!(place.number("SELECT count(*) FROM {migrations}"), 1);
}
