//! The audit log, events, and when keys were used.

use verdict::registry::row::{AuditRow, AuthEvent, Kind, SelectAudit, SelectEvents};
use verdict::registry::store::{Store, Transaction};

use super::places::Place;
use super::samples::{at, entry, event, hash, mac, put, row};

pub fn the_audit_log_is_a_chain_that_nobody_can_change(place: &dyn Place) {
    let store = place.open();
    for _ in 0..12 {
        put(&*store, &[row(0, Kind::Agent, "a", "{}")]);
    }
    let mut chain = Vec::new();
    let head = store.audit_chain(&mut |entry| chain.push(entry)).unwrap();
    let wanted: Vec<AuditRow> = (1..=12).map(|seq| entry(seq, None, "test.write")).collect();
    assert_eq!(chain, wanted);
    assert_eq!((head.seq, head.audit_hash, head.audit_mac), (12, hash(12), mac(12)));
    for sql in [
        "UPDATE {audit} SET body = '{}' WHERE seq = 3",
        "DELETE FROM {audit} WHERE seq = 12",
        "DELETE FROM {audit}",
        "INSERT INTO {audit} SELECT seq + 5, at, organisation, action, body, hash FROM {audit} WHERE seq = 12",
    ] {
        let refused = place.sql(sql).unwrap_err();
        assert!(refused.contains("the audit log can only be appended to"), "{sql}: {refused}");
    }
    let mut again = Vec::new();
    store.audit_chain(&mut |entry| again.push(entry)).unwrap();
    assert_eq!(again, wanted);
}

pub fn audit_entries_are_selected(place: &dyn Place) {
    let store = place.open();
    let actions = ["key.create", "key.rotate", "keys.x", "agent.create", "key", "key.rotate.more"];
    for (action, n) in actions.iter().zip(0..) {
        let write = |transaction: &mut dyn Transaction| {
            let seq = transaction.head().seq + 1;
            let organisation = (n % 2 == 0).then_some("o");
            Ok(transaction.append_audit(&entry(seq, organisation, action), &mac(seq))?)
        };
        store.write(&mut { write }).unwrap();
    }
    let read = |which: SelectAudit| -> Vec<u64> {
        store.audit(&which).unwrap().into_iter().map(|entry| entry.seq).collect()
    };
    let all = SelectAudit { limit: 99, ..Default::default() };
    let action = |action: &str| SelectAudit { action: Some(action.into()), ..all.clone() };
    assert_eq!(read(all.clone()), [6, 5, 4, 3, 2, 1]);
    assert_eq!(read(SelectAudit { limit: 2, ..all.clone() }), [6, 5]);
    assert_eq!(read(SelectAudit { before: Some(5), limit: 2, ..all.clone() }), [4, 3]);
    assert_eq!(read(SelectAudit { organisation: Some("o".into()), ..all.clone() }), [5, 3, 1]);
    assert_eq!(read(SelectAudit { from: Some(at(2)), until: Some(at(4)), ..all.clone() }), [3, 2]);
    assert_eq!(read(action("key.rotate")), [2]);
    assert_eq!(read(action("key.")), [6, 2, 1]);
    assert_eq!(read(action("key")), [5]);
    assert_eq!(read(action("%")), [0; 0]);
    assert_eq!(store.audit(&action("agent.")).unwrap(), [entry(4, None, "agent.create")]);
}

pub fn events_are_kept_up_to_two_quotas(place: &dyn Place) {
    let store = place.open();
    let read = |named: bool| -> Vec<u64> {
        let all = store.events(&SelectEvents { limit: 999, ..Default::default() }).unwrap();
        let mut numbers: Vec<u64> = all.iter().map(|(number, _)| *number).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), all.len());
        assert!(numbers.is_sorted_by(|a, b| a > b), "{numbers:?}");
        let of = all.into_iter().filter(|(_, event)| event.organisation.is_some() == named);
        of.map(|(_, event)| event.count).collect()
    };
    // Strangers push out strangers alone; organisations have one quota together.
    let known: Vec<AuthEvent> =
        (0..6).map(|n| event(n, Some(["o", "p"][usize::from(n > 2)]), "authenticated")).collect();
    store.append_events(&known, 4).unwrap();
    assert_eq!(read(true), [5, 4, 3, 2]);
    let strangers: Vec<AuthEvent> = (10..30).map(|n| event(n, None, "auth_failed")).collect();
    store.append_events(&strangers, 4).unwrap();
    assert_eq!((read(true), read(false)), (vec![5, 4, 3, 2], vec![29, 28, 27, 26]));
    store.append_events(&[event(6, Some("o"), "authenticated")], 4).unwrap();
    assert_eq!((read(true), read(false)), (vec![6, 5, 4, 3], vec![29, 28, 27, 26]));
    let highest =
        |store: &dyn Store| store.events(&SelectEvents { limit: 1, ..Default::default() }).unwrap()[0].0;
    let before = highest(&*store);
    store.append_events(&[event(7, None, "auth_failed")], 0).unwrap();
    assert_eq!((read(true), read(false)), (vec![], vec![]));
    // Numbers are not given out twice.
    store.append_events(&[event(8, None, "auth_failed")], 4).unwrap();
    assert!(highest(&*store) > before + 1);
    assert_eq!(store.head().unwrap().seq, 0);
}

pub fn events_are_selected(place: &dyn Place) {
    let store = place.open();
    let mut inside = |transaction: &mut dyn Transaction| {
        transaction.append_event(&event(1, Some("o"), "key_rotated"))?;
        Ok(())
    };
    store.write(&mut inside).unwrap();
    let more = [
        event(2, None, "auth_failed"),
        event(3, Some("p"), "authenticated"),
        event(4, Some("o"), "authenticated"),
    ];
    store.append_events(&more, 100).unwrap();
    let read = |which: SelectEvents| -> Vec<u64> {
        store.events(&which).unwrap().into_iter().map(|(_, event)| event.count).collect()
    };
    let all = SelectEvents { limit: 99, ..Default::default() };
    assert_eq!(read(all.clone()), [4, 3, 2, 1]);
    assert_eq!(read(SelectEvents { organisation: Some("o".into()), ..all.clone() }), [4, 1]);
    assert_eq!(read(SelectEvents { agent: Some("agent of p".into()), ..all.clone() }), [3]);
    assert_eq!(read(SelectEvents { action: Some("authenticated".into()), ..all.clone() }), [4, 3]);
    assert_eq!(read(SelectEvents { from: Some(at(2)), until: Some(at(4)), ..all.clone() }), [3, 2]);
    let stored = store.events(&SelectEvents { limit: 2, ..Default::default() }).unwrap();
    assert_eq!(stored[0].1, more[2]);
    let next = SelectEvents { before: Some(stored[1].0), ..all };
    assert_eq!(store.events(&next).unwrap()[0].1, more[0]);
    assert_eq!(read(next), [2, 1]);
}

pub fn uses_only_move_forward(place: &dyn Place) {
    let store = place.open();
    let use_of = |key: &str, n| (key.to_owned(), at(n));
    store.note_uses(&[use_of("a", 5), use_of("b", 5), use_of("a", 7), use_of("a", 6)]).unwrap();
    store.note_uses(&[use_of("b", 4), use_of("c", 1)]).unwrap();
    let mut found = store.uses(&["a".into(), "b".into(), "nobody".into(), "c".into()]).unwrap();
    found.sort();
    assert_eq!(found, [use_of("a", 7), use_of("b", 5), use_of("c", 1)]);
    assert_eq!(store.uses(&[]).unwrap(), []);
    store.note_uses(&[]).unwrap();
}
