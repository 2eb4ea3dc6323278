//! Rows, and the transactions that change them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use verdict::registry::rejection::Rejection;
use verdict::registry::row::{Kind, Row, Select, SelectAudit, SelectEvents};
use verdict::registry::store::{StoreError, StoreErrorKind, Transaction, WriteError};

use super::places::Place;
use super::samples::{changes, commit, entry, event, hash, ids, kind_of, mac, put, row, tombstone};

pub fn an_empty_database_has_a_head_and_nothing_else(place: &dyn Place) {
    let store = place.open();
    let head = store.head().unwrap();
    assert_eq!((head.seq, head.audit_hash, head.audit_mac), (0, [0; 32], [0; 32]));
    assert_eq!(head.database.len(), 36);
    assert_eq!(changes(&*store, 0), (vec![], head.clone()));
    assert_eq!(store.get(Kind::Agent, "a").unwrap(), None);
    assert_eq!(store.audit(&SelectAudit { limit: 9, ..Default::default() }).unwrap(), []);
    assert_eq!(store.events(&SelectEvents { limit: 9, ..Default::default() }).unwrap(), []);
    assert_eq!(store.uses(&["k".to_owned()]).unwrap(), []);
    assert_eq!(store.audit_chain(&mut |_| panic!("an entry")).unwrap(), head);
}

pub fn rows_are_put_changed_and_deleted(place: &dyn Place) {
    let store = place.open();
    let full = Row {
        organisation: Some("o'\u{1F511}\"".into()),
        owner: Some("a\\b".into()),
        ..row(1, Kind::Key, "k", "{\"a\":\"\\u0000\\n\u{FFFD}\"}")
    };
    assert_eq!(put(&*store, &[full.clone(), row(1, Kind::Agent, "k", "other")]), 1);
    assert_eq!(store.get(Kind::Key, "k").unwrap(), Some(full.clone()));
    assert_eq!(store.get(Kind::Agent, "k").unwrap(), Some(row(1, Kind::Agent, "k", "other")));
    assert_eq!(store.get(Kind::Key, "K").unwrap(), None);

    let changed = Row { organisation: None, owner: None, ..row(2, Kind::Key, "k", "{}") };
    assert_eq!(put(&*store, std::slice::from_ref(&changed)), 2);
    assert_eq!(store.get(Kind::Key, "k").unwrap(), Some(changed));

    put(&*store, &[tombstone(3, Kind::Key, "k"), tombstone(3, Kind::Role, "never")]);
    assert_eq!(store.get(Kind::Key, "k").unwrap(), None);
    assert_eq!(store.select(Kind::Key, &Select { limit: 9, ..Default::default() }).unwrap(), []);
    assert_eq!(store.get(Kind::Agent, "k").unwrap(), Some(row(1, Kind::Agent, "k", "other")));

    put(&*store, std::slice::from_ref(&full));
    assert_eq!(store.get(Kind::Key, "k").unwrap(), Some(Row { seq: 4, ..full }));
    assert_eq!(store.head().unwrap().seq, 4);
}

pub fn changes_are_those_after_a_commit(place: &dyn Place) {
    let store = place.open();
    let (a, b, c) =
        (row(0, Kind::Agent, "a", "1"), row(0, Kind::Agent, "b", "1"), row(0, Kind::Role, "c", "1"));
    put(&*store, &[c]);
    put(&*store, std::slice::from_ref(&b));
    put(&*store, &[a]);
    put(&*store, &[tombstone(0, Kind::Agent, "b")]);
    let (all, head) = changes(&*store, 0);
    assert_eq!((ids(&all), head.seq), (vec!["c", "a"], 4));
    let (after, head) = changes(&*store, 1);
    assert_eq!((ids(&after), head.seq), (vec!["a", "b"], 4));
    assert_eq!(after[1], tombstone(4, Kind::Agent, "b"));
    assert_eq!(changes(&*store, 3).0, [tombstone(4, Kind::Agent, "b")]);
    assert_eq!(changes(&*store, 4).0, []);
    assert_eq!(changes(&*store, u64::MAX).0, []);
    put(&*store, &[b]);
    assert_eq!(changes(&*store, 4).0, [row(5, Kind::Agent, "b", "1")]);
    assert_eq!(ids(&changes(&*store, 0).0), ["c", "a", "b"]);
}

pub fn what_is_rejected_leaves_nothing(place: &dyn Place) {
    let store = place.open();
    put(&*store, &[row(0, Kind::Agent, "a", "1")]);
    let before = store.head().unwrap();
    let mut called = 0;
    let rejected = store.write(&mut |transaction| {
        called += 1;
        transaction.put(&row(2, Kind::Agent, "a", "2"))?;
        transaction.put(&row(2, Kind::Agent, "b", "2"))?;
        transaction.append_event(&event(1, Some("o"), "authenticated"))?;
        transaction.append_audit(&entry(2, None, "test.write"), &mac(2))?;
        Err(Rejection::conflict("no").into())
    });
    assert_eq!((rejected, called), (Err(WriteError::Rejected(Rejection::conflict("no"))), 1));
    assert_eq!(changes(&*store, 0), (vec![row(1, Kind::Agent, "a", "1")], before));
    assert_eq!(store.audit(&SelectAudit { limit: 9, ..Default::default() }).unwrap().len(), 1);
    assert_eq!(store.events(&SelectEvents { limit: 9, ..Default::default() }).unwrap(), []);
    assert_eq!(put(&*store, &[row(0, Kind::Agent, "a", "2")]), 2);
}

pub fn rows_change_only_with_an_audit_entry_and_the_next_number(place: &dyn Place) {
    let store = place.open();
    let write = |work: &mut dyn FnMut(&mut dyn Transaction) -> Result<(), StoreError>| {
        kind_of(store.write(&mut |transaction| Ok(work(transaction)?)))
    };
    let alone = write(&mut |transaction| transaction.put(&row(1, Kind::Agent, "a", "")));
    let ahead = write(&mut |transaction| transaction.put(&row(2, Kind::Agent, "a", "")));
    let gap = write(&mut |transaction| transaction.append_audit(&entry(2, None, "x"), &mac(2)));
    let twice = write(&mut |transaction| {
        transaction.append_audit(&entry(1, None, "x"), &mac(1))?;
        transaction.append_audit(&entry(1, None, "x"), &mac(1))
    });
    // A failure that is passed over does not become a commit.
    let passed_over = write(&mut |transaction| {
        transaction.append_audit(&entry(1, None, "x"), &mac(1))?;
        let _ = transaction.put(&row(2, Kind::Agent, "a", ""));
        Ok(())
    });
    assert_eq!([alone, ahead, gap, twice, passed_over], [StoreErrorKind::Other; 5]);
    assert_eq!((changes(&*store, 0).0, store.head().unwrap().seq), (vec![], 0));
    store.write(&mut |_| Ok(())).unwrap();
    assert_eq!(store.head().unwrap().seq, 0);
}

pub fn a_transaction_that_panics_leaves_nothing(place: &dyn Place) {
    let store = place.open();
    let panics = catch_unwind(AssertUnwindSafe(|| {
        let _ = commit(&*store, &mut |transaction, seq| {
            transaction.put(&row(seq, Kind::Agent, "a", ""))?;
            std::panic::resume_unwind(Box::new("on purpose"))
        });
    }));
    assert!(panics.is_err());
    assert_eq!(put(&*store, &[row(0, Kind::Agent, "b", "")]), 1);
    assert_eq!(ids(&changes(&*store, 0).0), ["b"]);
}

pub fn sealed_values_come_only_when_asked_for(place: &dyn Place) {
    let store = place.open();
    let sealed =
        Row { owner: Some("a".into()), sealed: Some(vec![0, 1, 255]), ..row(1, Kind::Secret, "s", "{}") };
    put(&*store, &[sealed.clone(), row(1, Kind::Secret, "plain", "{}")]);
    let open = Row { sealed: None, ..sealed.clone() };
    assert_eq!(store.get(Kind::Secret, "s").unwrap(), Some(open.clone()));
    assert!(changes(&*store, 0).0.contains(&open));
    let which = Select { owner: Some("a".into()), limit: 9, ..Default::default() };
    assert_eq!(store.select(Kind::Secret, &which).unwrap(), [open]);
    assert_eq!(store.sealed(Kind::Secret, "s").unwrap(), Some(vec![0, 1, 255]));
    assert_eq!(store.sealed(Kind::Secret, "plain").unwrap(), None);
    assert_eq!(store.sealed(Kind::Secret, "none").unwrap(), None);
    store
        .write(&mut |transaction| {
            assert_eq!(transaction.get(Kind::Secret, "s")?, Some(sealed.clone()));
            assert_eq!(transaction.owned("a", None)?, std::slice::from_ref(&sealed));
            assert_eq!(transaction.all(Kind::Secret, Some("plain"), 9)?, std::slice::from_ref(&sealed));
            Ok(())
        })
        .unwrap();
    // What is deleted takes what was sealed with it, even if somebody hands it over once more.
    put(&*store, &[Row { body: None, ..sealed }]);
    assert_eq!(store.sealed(Kind::Secret, "s").unwrap(), None);
    assert_eq!(place.number("SELECT count(*) FROM {records} WHERE sealed IS NOT NULL"), 0);
}

pub fn rows_are_read_in_pages(place: &dyn Place) {
    let store = place.open();
    // By bytes: capitals first, then small letters, then the rest; whatever the language of the database.
    let ids_in_order = ["-", "A", "B", "Z", "a", "b", "z", "\u{E4}", "\u{1F511}"];
    let rows: Vec<Row> = ids_in_order
        .iter()
        .rev()
        .zip(0_usize..)
        .map(|(id, n)| Row {
            organisation: Some(["o", "p"][n % 2].into()),
            owner: Some(["x", "y", "z"][n % 3].into()),
            ..row(1, Kind::Agent, id, "{}")
        })
        .collect();
    put(&*store, &rows);
    put(&*store, &[row(2, Kind::Role, "C", "{}"), tombstone(2, Kind::Agent, "b")]);
    let read = |which: &Select| -> Vec<String> {
        store.select(Kind::Agent, which).unwrap().into_iter().map(|row| row.id).collect()
    };
    let mut paged = Vec::new();
    loop {
        let page = read(&Select { after: paged.last().cloned(), limit: 3, ..Default::default() });
        assert!(page.len() <= 3);
        let Some(_) = page.last() else { break };
        paged.extend(page);
    }
    let there: Vec<&str> = ids_in_order.into_iter().filter(|id| *id != "b").collect();
    assert_eq!(paged, there);
    let of = |organisation: Option<&str>, owner: Option<&str>| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let which = Select { organisation: own(organisation), owner: own(owner), after: None, limit: 99 };
        let found = read(&which);
        let fits = |row: &&Row| {
            row.id != "b"
                && organisation.is_none_or(|wanted| row.organisation.as_deref() == Some(wanted))
                && owner.is_none_or(|wanted| row.owner.as_deref() == Some(wanted))
        };
        let mut wanted: Vec<String> = rows.iter().filter(fits).map(|row| row.id.clone()).collect();
        wanted.sort();
        assert_eq!(found, wanted, "{organisation:?} {owner:?}");
        found.len()
    };
    assert_eq!(of(Some("o"), None) + of(Some("p"), None), 8);
    assert_eq!(of(None, Some("x")) + of(None, Some("y")) + of(None, Some("z")), 8);
    assert!(of(Some("o"), Some("x")) > 0);
    assert_eq!(of(Some("nobody"), None), 0);
    assert_eq!(read(&Select { limit: 0, ..Default::default() }), [""; 0]);
}

pub fn a_transaction_sees_what_it_has_done(place: &dyn Place) {
    let store = place.open();
    put(
        &*store,
        &[
            Row { owner: Some("o".into()), ..row(1, Kind::Key, "k2", "1") },
            Row { owner: Some("o".into()), ..row(1, Kind::Secret, "s", "1") },
            Row { owner: Some("p".into()), ..row(1, Kind::Key, "k1", "1") },
        ],
    );
    commit(&*store, &mut |transaction, seq| {
        assert_eq!(transaction.head().seq, 1);
        assert_eq!(transaction.head().audit_hash, hash(1));
        assert_eq!(ids(&transaction.owned("o", None)?), ["k2", "s"]);
        assert_eq!(ids(&transaction.owned("o", Some(Kind::Key))?), ["k2"]);
        transaction.put(&tombstone(seq, Kind::Secret, "s"))?;
        transaction.put(&Row { owner: Some("o".into()), ..row(seq, Kind::Key, "k0", "2") })?;
        assert_eq!(transaction.get(Kind::Secret, "s")?, None);
        assert_eq!(transaction.get(Kind::Key, "k0")?.unwrap().body.as_deref(), Some("2"));
        assert_eq!(ids(&transaction.owned("o", None)?), ["k0", "k2"]);
        assert_eq!(ids(&transaction.all(Kind::Key, None, 2)?), ["k0", "k1"]);
        assert_eq!(ids(&transaction.all(Kind::Key, Some("k1"), 2)?), ["k2"]);
        // Nobody else sees it before it is committed.
        assert_eq!(store.get(Kind::Key, "k0").unwrap(), None);
        assert_eq!(store.head().unwrap().seq, 1);
        Ok(())
    })
    .unwrap();
    assert!(store.get(Kind::Key, "k0").unwrap().is_some());
}
