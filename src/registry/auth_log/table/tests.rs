use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use super::super::attempt::{Action, KeyPrefix};
use super::*;
use crate::model::failure::FailureKind;

const INVALID: Action = Action::Failed(FailureKind::CredentialInvalid);
const REVOKED: Action = Action::Failed(FailureKind::CredentialRevoked);

fn peer(n: u32) -> Option<IpAddr> {
    Some(Ipv4Addr::from(n).into())
}

fn stranger(key: u32, from: u32) -> Attempt<'static> {
    let key_prefix = KeyPrefix::of(&format!("{key:08}-and-so-on-and-so-on"));
    Attempt { organisation: None, agent: None, key_prefix, action: INVALID, peer: peer(from) }
}

fn known<'a>(organisation: &'a str, agent: &'a str, action: Action) -> Attempt<'a> {
    let (organisation, agent) = (Some(organisation), Some(agent));
    Attempt { organisation, agent, key_prefix: None, action, peer: peer(1) }
}

/// Counts each once, at the time of its place among them.
fn counted<'a>(table: &mut Table, attempts: impl IntoIterator<Item = Attempt<'a>>) {
    for (at, attempt) in (0..).zip(attempts) {
        table.count(attempt, 1, || Timestamp(at));
    }
}

/// `time action organisation agent prefix peer count`, in the order of their times.
fn shown(table: &Table) -> Vec<String> {
    let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let events = table.events().into_iter();
    events
        .map(|event| {
            let (organisation, agent) = (text(event.organisation), text(event.agent));
            let (prefix, peer) = (text(event.key_prefix), text(event.peer));
            format!("{} {} {organisation} {agent} {prefix} {peer} {}", event.at.0, event.action, event.count)
        })
        .collect()
}

#[test]
fn what_is_alike_is_counted_together_since_the_first() {
    let mut table = Table::default();
    let (a, b) = (known("acme", "a", Action::Authenticated), known("acme", "a", REVOKED));
    let elsewhere = Attempt { peer: peer(2), ..a };
    counted(&mut table, [a, a, b, a, stranger(1, 9), elsewhere, stranger(1, 9), a]);
    let expected = [
        "0 authenticated acme a - 0.0.0.1 4",
        "2 auth_failed acme a - 0.0.0.1 1",
        "4 auth_failed - - 00000001 0.0.0.9 2",
        "5 authenticated acme a - 0.0.0.2 1",
    ];
    assert_eq!(shown(&table), expected);
    assert_eq!((table.attempts(), table.folded), (8, 0));
}

#[test]
fn a_stranger_with_many_keys_has_few_entries() {
    let mut table = Table::default();
    counted(&mut table, (0..1000).map(|key| stranger(key, 9)).chain([stranger(5, 8)]));
    let events = table.events();
    assert_eq!(events.len(), MOST_VARIANTS as usize + 2);
    let rest: Vec<_> = events.iter().filter(|event| event.key_prefix.is_none()).collect();
    assert_eq!((rest.len(), rest[0].peer.as_deref()), (1, Some("0.0.0.9")));
    let folded = 1000 - u64::from(MOST_VARIANTS);
    assert_eq!((rest[0].count, table.folded, table.attempts()), (folded, folded, 1001));
}

#[test]
fn a_revoked_key_has_few_entries_wherever_it_comes_from() {
    let mut table = Table::default();
    let from = |n| Attempt { peer: peer(n), ..known("acme", "a", REVOKED) };
    counted(&mut table, (0..1000).map(from));
    let events = table.events();
    assert_eq!((events.len(), table.attempts()), (MOST_VARIANTS as usize + 1, 1000));
    assert!(events.iter().all(|event| event.agent.as_deref() == Some("a")));
}

#[test]
fn strangers_take_no_place_of_those_who_are_known() {
    let mut table = Table::default();
    counted(&mut table, (0..100_000).map(|n| stranger(n, n)));
    counted(&mut table, [known("acme", "a", Action::Authenticated), known("acme", "b", REVOKED)]);
    let events = table.events();
    assert!(events.len() <= MOST_STRANGERS + 3, "{}", events.len());
    assert_eq!(table.attempts(), 100_002);
    let of = |agent| events.iter().filter(|event| event.agent.as_deref() == Some(agent)).count();
    assert_eq!((of("a"), of("b")), (1, 1));
    let others = events.iter().find(|event| event.peer.is_none()).unwrap();
    assert_eq!((&others.key_prefix, others.reason.as_deref()), (&None, Some("credential_invalid")));
    assert_eq!(others.count, table.folded);
}

#[test]
fn of_too_many_known_callers_the_organisation_is_known() {
    let mut table = Table::default();
    let agents: Vec<_> = (0..30_000).map(|n| format!("agent-{n}")).collect();
    let organisations: Vec<_> = (0..6_000).map(|n| format!("organisation-{n}")).collect();
    counted(&mut table, agents.iter().map(|agent| known("acme", agent, Action::Authenticated)));
    counted(&mut table, organisations.iter().map(|id| known(id, "agent", Action::Authenticated)));
    let events = table.events();
    assert!(events.len() <= MOST_KNOWN + MOST_ORGANISATIONS + 1, "{}", events.len());
    assert_eq!(table.attempts(), 36_000);
    let rest =
        events.iter().find(|event| event.organisation.as_deref() == Some("acme") && event.agent.is_none());
    assert_eq!(rest.unwrap().count, 30_000 - MOST_KNOWN as u64);
    let apart: HashSet<_> = events.iter().filter_map(|event| event.organisation.as_deref()).collect();
    assert_eq!(apart.len(), MOST_ORGANISATIONS);
}

#[test]
fn two_tables_make_one_within_the_same_bounds() {
    let (mut one, mut other) = (Table::default(), Table::default());
    let a = known("acme", "a", Action::Authenticated);
    counted(&mut one, (0..1000).map(|n| stranger(n, n)).chain([a]));
    counted(&mut other, (1000..2000).map(|n| stranger(n, n)).chain([a, a]));
    one.merge(other);
    assert_eq!(one.attempts(), 2003);
    assert!(one.events().len() <= MOST_STRANGERS + 2);
    let known = one.events().into_iter().find(|event| event.agent.is_some()).unwrap();
    assert_eq!((known.count, known.at), (3, Timestamp(1000)));
    let mut empty = Table::default();
    empty.merge(one);
    assert_eq!(empty.attempts(), 2003);
}
