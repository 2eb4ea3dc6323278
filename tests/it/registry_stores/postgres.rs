//! What is special about PostgreSQL: connections, passwords, TLS.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use verdict::model::clock::Clock;
use verdict::model::secret::Secret;
use verdict::registry::PostgresStore;
use verdict::registry::postgres::options::PostgresOptions;
use verdict::registry::row::Kind;
use verdict::registry::store::{Store, StoreError, StoreErrorKind, WriteError};

use super::places::{Place as _, Postgres};
use super::samples::{changes, commit, kind_of, row};
use crate::harness::postgres::{PASSWORD, Postgres as Server};

fn open(options: &PostgresOptions) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(options, &Clock::System)
}

fn write(store: &dyn Store) -> Result<u64, WriteError> {
    commit(store, &mut |transaction, seq| Ok(transaction.put(&row(seq, Kind::Agent, "a", "{}"))?))
}

/// Ends every other connection to the database.
const TERMINATE: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                         WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[test]
fn connections_that_broke_are_replaced() {
    let Some(place) = Postgres::new() else { return };
    let store = place.open();
    write(&*store).unwrap();
    let reads = || {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| store.head().unwrap());
            }
        });
    };
    reads();
    store.append_events(&[], 5).unwrap();
    assert!(place.number(TERMINATE) >= 3);
    // Each finds its own connection broken.
    assert_eq!(store.head().unwrap().seq, 1);
    assert_eq!(write(&*store).unwrap(), 2);
    store.append_events(&[], 5).unwrap();
    reads();
    place.number(TERMINATE);
    assert_eq!(changes(&*store, 0).0.len(), 1);
    assert_eq!(write(&*store).unwrap(), 3);
}

#[test]
fn a_connection_that_breaks_during_a_write_leaves_nothing() {
    let Some(place) = Postgres::new() else { return };
    let store = place.open();
    let mut called = 0;
    let broken = commit(&*store, &mut |transaction, seq| {
        called += 1;
        transaction.put(&row(seq, Kind::Agent, "a", "{}"))?;
        place.number(TERMINATE);
        Ok(transaction.put(&row(seq, Kind::Agent, "b", "{}"))?)
    });
    assert_eq!((kind_of(broken), called), (StoreErrorKind::Gone, 1));
    assert_eq!((store.head().unwrap().seq, changes(&*store, 0).0), (0, vec![]));
    assert_eq!(write(&*store).unwrap(), 1);
}

#[test]
fn nobody_knows_what_became_of_a_commit_whose_connection_broke() {
    let Some(place) = Postgres::new() else { return };
    let store = place.open();
    place
        .sql(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
             CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON {records} DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION slow()",
        )
        .unwrap();
    let written = thread::scope(|scope| {
        let writing = scope.spawn(|| write(&*store));
        let asleep = "SELECT count(*) FROM pg_stat_activity
                      WHERE datname = current_database() AND query = 'COMMIT' AND wait_event = 'PgSleep'";
        let deadline = Instant::now() + Duration::from_secs(60);
        while place.number(asleep) == 0 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        place.number(TERMINATE);
        writing.join().unwrap()
    });
    assert_eq!(kind_of(written), StoreErrorKind::Unknown);
    assert_eq!(store.head().unwrap().seq, 0);
}

#[test]
fn a_lock_of_another_sidecar_is_waited_for_but_not_for_ever() {
    let Some(mut place) = Postgres::new() else { return };
    let first = place.open();
    place.patience = Duration::from_millis(300);
    let second = place.open();
    let (held, is_held) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let first = &*first;
        let holds = scope.spawn(move || {
            let written = commit(first, &mut |_, _| {
                held.send(()).unwrap();
                may_go_on.recv().unwrap();
                Ok(())
            });
            written.unwrap()
        });
        is_held.recv().unwrap();
        let began = Instant::now();
        let refused = kind_of(write(&*second));
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(250) && took < Duration::from_secs(20), "{took:?}");
        assert_eq!(refused, StoreErrorKind::Locked);
        assert_eq!(second.head().unwrap().seq, 0);
        go_on.send(()).unwrap();
        assert_eq!(holds.join().unwrap(), 1);
    });
    assert_eq!(write(&*second).unwrap(), 2);
}

#[test]
fn a_server_that_is_away_is_found_again() {
    let Some(mut server) = Server::start(false) else { return };
    let options = PostgresOptions::new(server.url(&server.database()));
    let (store, other) = (open(&options).unwrap(), open(&options).unwrap());
    write(&store).unwrap();
    store.wait(Duration::from_millis(100));
    server.kill();
    let gone = store.head().unwrap_err();
    assert_eq!(gone.kind, StoreErrorKind::Gone, "{gone}");
    assert_eq!(kind_of(write(&store)), StoreErrorKind::Gone);
    assert_eq!(open(&options).unwrap_err().kind, StoreErrorKind::Gone);
    for _ in 0..2 {
        let began = Instant::now();
        store.wait(Duration::from_millis(300));
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(290) && took < Duration::from_secs(20), "{took:?}");
    }
    server.restart();
    assert_eq!((store.head().unwrap().seq, write(&store).unwrap()), (1, 2));
    // Rings for being back, and then for each commit.
    store.wait(Duration::from_secs(5));
    write(&other).unwrap();
    let began = Instant::now();
    store.wait(Duration::from_secs(60));
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn passwords_are_shown_by_nothing() {
    let Some(server) = Server::shared() else { return };
    let database = server.database();
    let url = server.url(&database);
    let store = open(&PostgresOptions::new(url.as_str())).unwrap();
    for shown in [store.place(), format!("{store:?}"), format!("{:?}", PostgresOptions::new(url.as_str()))] {
        assert!(!shown.contains(PASSWORD), "{shown}");
    }
    let mut options = PostgresOptions::new(server.url_without_password(&database));
    options.password = Some(Secret::new(PASSWORD.to_owned()));
    assert_eq!(open(&options).unwrap().head().unwrap(), store.head().unwrap());
    options.password = Some(Secret::new("sesame-open".to_owned()));
    let refused = open(&options).unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Gone);
    assert!(refused.detail.contains("password authentication failed"), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("sesame"), "{refused:?}");
    options.password = None;
    assert!(open(&options).unwrap_err().detail.contains("password"));
    let nowhere = open(&PostgresOptions::new(server.url("nowhere"))).unwrap_err();
    assert_eq!(nowhere.kind, StoreErrorKind::Gone);
    assert!(nowhere.detail.contains("nowhere") && !nowhere.detail.contains(PASSWORD), "{nowhere}");
}

#[test]
fn certificates_are_verified() {
    let Some(server) = Server::shared() else { return };
    let database = server.database();
    let by_name = server.url(&database).replace("127.0.0.1", "localhost");
    let authority = server.authority().display().to_string().replace('/', "%2F");
    let try_with = |url: &str, query: &str| open(&PostgresOptions::new(format!("{url}?{query}")));
    let trusted = format!("sslmode=verify-full&sslrootcert={authority}");
    let store = try_with(&by_name, &trusted).unwrap();
    assert_eq!(write(&store).unwrap(), 1);
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE ssl AND datname = current_database()";
    let count: i64 = server.connect(&database).unwrap().query_one(encrypted, &[]).unwrap().get(0);
    assert!(count >= 1);
    // The password's proof is bound to the certificate.
    try_with(&by_name, &format!("{trusted}&channel_binding=require")).unwrap();
    for (url, query) in [
        // Nobody vouches for it; it is another's name; there is no TLS to bind to.
        (by_name.as_str(), "sslmode=require".to_owned()),
        (&server.url(&database), trusted),
        (&by_name, "sslmode=disable&channel_binding=require".to_owned()),
    ] {
        let refused = try_with(url, &query).unwrap_err();
        assert!(!refused.detail.contains(PASSWORD), "{refused}");
    }
    let socket = open(&PostgresOptions::new(server.socket_url(&database))).unwrap();
    assert_eq!(socket.head().unwrap().seq, 1);
}

#[test]
fn schemas_are_apart_and_somebody_elses_is_left_alone() {
    let Some(place) = Postgres::new() else { return };
    let mut options = place.options();
    place.sql("CREATE SCHEMA verdict; CREATE TABLE {mine} (x int)").unwrap();
    let refused = open(&options).unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Damaged);
    assert!(refused.detail.contains("none of a registry"), "{refused}");
    assert_eq!(place.number("SELECT count(*) FROM pg_class WHERE relnamespace = 'verdict'::regnamespace"), 1);
    place.sql("CREATE TABLE {meta} (key text, value text)").unwrap();
    assert_eq!(open(&options).unwrap_err().kind, StoreErrorKind::Damaged);

    options.schema = "one".into();
    let one = open(&options).unwrap();
    options.schema = "two".into();
    let two = open(&options).unwrap();
    write(&one).unwrap();
    assert_eq!((one.head().unwrap().seq, two.head().unwrap().seq), (1, 0));
    assert_ne!(one.head().unwrap().database, two.head().unwrap().database);
    // Another database in the place of the one that was opened.
    place.sql("DROP SCHEMA one CASCADE").unwrap();
    assert_eq!(one.head().unwrap_err().kind, StoreErrorKind::Gone);
    place.sql("ALTER SCHEMA two RENAME TO one").unwrap();
    assert_eq!(one.head().unwrap_err().kind, StoreErrorKind::Gone);
    assert_eq!(kind_of(write(&one)), StoreErrorKind::Gone);
}

#[test]
fn a_role_that_may_not_write_is_told() {
    let Some(place) = Postgres::new() else { return };
    drop(place.open());
    let role = format!("reader_{}", place.database);
    place
        .sql(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA verdict TO {role};
             GRANT SELECT ON ALL TABLES IN SCHEMA verdict TO {role}"
        ))
        .unwrap();
    let url = place.options().url.expose().replace(&format!("verdict:{PASSWORD}"), &format!("{role}:x"));
    let store = open(&PostgresOptions::new(url)).unwrap();
    assert_eq!(store.head().unwrap().seq, 0);
    assert_eq!(kind_of(write(&store)), StoreErrorKind::ReadOnly);
    // It goes on with what it may do.
    assert_eq!(store.head().unwrap().seq, 0);
}

#[test]
fn a_store_lives_beside_a_runtime() {
    let Some(place) = Postgres::new() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(async {
        let options = place.options();
        let store = tokio::task::spawn_blocking(move || {
            let store = open(&options).unwrap();
            write(&store).unwrap();
            assert_eq!(store.head().unwrap().seq, 1);
            store
        });
        // Dropped on a thread that drives a runtime.
        drop(store.await.unwrap());
    });
}
