use std::sync::Arc;

use super::*;
use crate::model::clock::Timestamp;
use crate::model::failure::FailureKind;
use crate::registry::row::{AuthEvent, SelectEvents};
use crate::registry::sqlite::SqliteStore;
use crate::registry::store::WriteError;

fn open(folder: &tempfile::TempDir) -> SqliteStore {
    let path = folder.path().join("registry.db");
    SqliteStore::open(&path, Duration::from_millis(5), &Clock::System).unwrap()
}

fn log(keep: u64) -> AuthLog {
    AuthLog::new(Clock::fixed(Timestamp(7)), keep, AuthEventMetrics::default())
}

fn of(agent: &str) -> Attempt<'_> {
    let (organisation, agent) = (Some("acme"), Some(agent));
    Attempt { organisation, agent, key_prefix: None, action: Action::Authenticated, peer: None }
}

const STRANGER: Attempt<'static> = Attempt {
    organisation: None,
    agent: None,
    key_prefix: None,
    action: Action::Failed(FailureKind::CredentialInvalid),
    peer: None,
};

fn events(store: &SqliteStore) -> Vec<AuthEvent> {
    let which = SelectEvents { limit: 10_000, ..SelectEvents::default() };
    let mut events: Vec<_> = store.events(&which).unwrap().into_iter().map(|(_, event)| event).collect();
    events.reverse();
    events
}

#[test]
fn what_is_noted_is_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let (store, log) = (open(&folder), log(100));
    assert_eq!(log.flush(&store), Ok(0));
    [of("a"), of("a"), of("b"), STRANGER].iter().for_each(|attempt| log.note(attempt));
    assert_eq!(log.flush(&store), Ok(4));
    assert_eq!(log.flush(&store), Ok(0));
    let stored = events(&store);
    assert_eq!(stored.iter().map(|event| event.count).sum::<u64>(), 4);
    let a = stored.iter().find(|event| event.agent.as_deref() == Some("a")).unwrap();
    let expected = AuthEvent {
        at: Timestamp(7),
        organisation: Some("acme".to_owned()),
        agent: Some("a".to_owned()),
        key_prefix: None,
        action: "authenticated".to_owned(),
        reason: None,
        peer: None,
        count: 2,
    };
    assert_eq!(a, &expected);
    let stranger = stored.iter().find(|event| event.agent.is_none()).unwrap();
    assert_eq!(
        (stranger.action.as_str(), stranger.reason.as_deref()),
        ("auth_failed", Some("credential_invalid"))
    );
}

#[test]
fn what_the_database_does_not_take_stays_and_is_stored_later() {
    let folder = tempfile::tempdir().unwrap();
    let (store, other, log) = (open(&folder), open(&folder), log(100));
    log.note(&of("a"));
    let held = other.write(&mut |_| {
        for _ in 0..3 {
            assert!(log.flush(&store).is_err(), "another process holds the database");
            log.note(&of("a"));
        }
        log.note(&of("b"));
        Err(WriteError::Store(StoreError::new(crate::registry::store::StoreErrorKind::Other, "enough")))
    });
    assert!(held.is_err());
    assert!(events(&store).is_empty());
    assert_eq!(log.flush(&store), Ok(5));
    let counts: Vec<_> = events(&store).iter().map(|event| (event.agent.clone(), event.count)).collect();
    assert_eq!(counts.len(), 2);
    assert!(counts.contains(&(Some("a".to_owned()), 4)) && counts.contains(&(Some("b".to_owned()), 1)));
}

/// The strangers' quota is full over and over; that of those who are known is not touched.
#[test]
fn a_flood_of_strangers_pushes_out_none_that_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let (store, log) = (open(&folder), log(50));
    log.note(&of("a"));
    for n in 0..40_u8 {
        for m in 0..20_u8 {
            log.note(&Attempt { peer: Some([n, m, 0, 1].into()), ..STRANGER });
        }
        log.flush(&store).unwrap();
    }
    let stored = events(&store);
    assert_eq!(stored.iter().filter(|event| event.agent.is_some()).count(), 1);
    assert_eq!(stored.iter().filter(|event| event.agent.is_none()).count(), 50);
}

#[test]
fn many_threads_note_and_one_stores_and_all_are_counted() {
    const EACH: u64 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let (store, log) = (open(&folder), Arc::new(log(1_000_000)));
    let stored = std::thread::scope(|scope| {
        let noting: Vec<_> = (0..3)
            .map(|thread| {
                let log = Arc::clone(&log);
                scope.spawn(move || {
                    for n in 0..EACH {
                        let agent = format!("agent-{thread}-{}", n % 50);
                        log.note(&of(&agent));
                    }
                })
            })
            .collect();
        let mut stored = 0;
        while noting.iter().any(|thread| !thread.is_finished()) {
            stored += log.flush(&store).unwrap();
        }
        stored
    });
    assert_eq!(stored + log.flush(&store).unwrap(), 3 * EACH);
    assert_eq!(
        store
            .events(&SelectEvents { limit: u32::MAX, ..SelectEvents::default() })
            .unwrap()
            .iter()
            .map(|(_, event)| event.count)
            .sum::<u64>(),
        3 * EACH
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_is_woken_while_there_is_nothing_to_store() {
    let log = log(100);
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, log.collect()).await.is_err());
    log.note(&of("a"));
    assert!(tokio::time::timeout(INTERVAL * 2, log.collect()).await.is_ok());
    let pauses: Vec<_> = [0, 1, 3, 9, u32::MAX].map(AuthLog::pause).map(|pause| pause.as_millis()).into();
    assert_eq!(pauses, [200, 400, 1600, 10_000, 10_000]);
}
