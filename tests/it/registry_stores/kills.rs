//! Processes that write and are killed while they do: what they were told is there survives.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::Connection;
use verdict::model::clock::Clock;
use verdict::registry::postgres::options::PostgresOptions;
use verdict::registry::row::{Kind, SelectAudit};
use verdict::registry::sqlite::PATIENCE;
use verdict::registry::store::Store;
use verdict::registry::{PostgresStore, SqliteStore};

use super::places::{Place as _, Sqlite};
use super::samples::{changes, commit, put, row};
use crate::harness::postgres::Postgres;

const ROLE: &str = "VERDICT_TEST_CHILD";

/// Runs this test binary as another process, which does what `child` does with these words.
pub fn child_command(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "registry_stores::kills::child", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, words.join("\n")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// What other processes do; in the process of the tests, nothing.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test's own environment, not the server's")]
fn child() {
    let Ok(words) = std::env::var(ROLE) else { return };
    let words: Vec<&str> = words.split('\n').collect();
    match words[..] {
        ["write", "sqlite", path] => {
            write_on(&SqliteStore::open(Path::new(path), PATIENCE, &Clock::System).unwrap())
        }
        ["write", "postgres", url] => {
            write_on(&PostgresStore::open(&PostgresOptions::new(url), &Clock::System).unwrap());
        }
        ["read-only", path] => super::sqlite::try_everything(Path::new(path)),
        _ => panic!("{words:?}"),
    }
}

/// Writes without end, and says what has been acknowledged.
fn write_on(store: &dyn Store) {
    loop {
        let write = &mut |transaction: &mut dyn verdict::registry::store::Transaction, seq: u64| {
            transaction.put(&row(seq, Kind::Agent, &format!("{seq}"), &"x".repeat(500)))?;
            Ok(transaction.put(&row(seq, Kind::Setting, "last", &format!("{seq}")))?)
        };
        let seq = commit(store, write).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nacknowledged {seq}").unwrap();
        out.flush().unwrap();
    }
}

/// Numbers that differ from run to run.
fn random(below: u64) -> u64 {
    u64::try_from(uuid::Uuid::new_v4().as_u128() % u128::from(below)).unwrap()
}

/// Lets two processes write, kills both at some moment, and adds what was acknowledged.
fn write_and_kill(words: &[&str], acknowledged: &mut BTreeSet<u64>) {
    let heard = Mutex::new(std::mem::take(acknowledged));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let mut child: Child = child_command(words).spawn().unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let (first, began) = std::sync::mpsc::channel();
            let heard = &heard;
            scope.spawn(move || {
                for line in lines.map_while(Result::ok) {
                    if let Some(seq) = line.strip_prefix("acknowledged ") {
                        heard.lock().unwrap().insert(seq.parse().unwrap());
                        let _ = first.send(());
                    }
                }
            });
            scope.spawn(move || {
                began.recv_timeout(Duration::from_secs(60)).unwrap();
                std::thread::sleep(Duration::from_micros(random(20_000)));
                child.kill().unwrap();
                child.wait().unwrap();
            });
        }
    });
    *acknowledged = heard.into_inner().unwrap();
}

/// Whether everything that was acknowledged is there, and nothing is there by halves.
fn check(store: &dyn Store, acknowledged: &BTreeSet<u64>) {
    let (rows, head) = changes(store, 0);
    let there: BTreeSet<u64> = rows
        .iter()
        .filter(|row| row.kind == Kind::Agent)
        .map(|row| {
            assert_eq!((row.id.parse().unwrap(), row.body.as_ref().unwrap().len()), (row.seq, 500));
            row.seq
        })
        .collect();
    // Those that the test itself has written are settings alone.
    let missing: Vec<&u64> = acknowledged.difference(&there).collect();
    assert!(missing.is_empty(), "{missing:?} were acknowledged, and are not there");
    let mut next = 1;
    let end = store
        .audit_chain(&mut |entry| {
            assert_eq!(entry.seq, next);
            next += 1;
        })
        .unwrap();
    assert_eq!((next - 1, &end), (head.seq, &head));
    let last = store.audit(&SelectAudit { limit: 1, ..Default::default() }).unwrap();
    assert_eq!(last[0].hash, head.audit_hash);
    assert_eq!(store.get(Kind::Setting, "last").unwrap().unwrap().seq, head.seq);
}

#[test]
fn a_process_that_is_killed_loses_nothing_in_sqlite() {
    let place = Sqlite::new();
    let path = place.path();
    let mut acknowledged = BTreeSet::new();
    for _ in 0..50 {
        // Two processes each time.
        write_and_kill(&["write", "sqlite", path.to_str().unwrap()], &mut acknowledged);
        let raw = Connection::open(&path).unwrap();
        let healthy: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(healthy, "ok");
        drop(raw);
        check(&*place.open(), &acknowledged);
    }
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
}

#[test]
fn a_process_that_is_killed_loses_nothing_in_postgres() {
    let Some(mut server) = Postgres::start(true) else { return };
    let url = server.url(&server.database());
    let open = || PostgresStore::open(&PostgresOptions::new(url.as_str()), &Clock::System).unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..10 {
        write_and_kill(&["write", "postgres", &url], &mut acknowledged);
        if round % 5 == 4 {
            // A crash of the server as well.
            server.restart();
        }
        let store = open();
        // What is still under way ends before the next write.
        put(&store, &[row(0, Kind::Setting, "last", "0")]);
        check(&store, &acknowledged);
    }
    assert!(acknowledged.len() >= 20, "{}", acknowledged.len());
}

#[test]
fn a_server_that_crashes_loses_nothing() {
    let Some(mut server) = Postgres::start(true) else { return };
    let url = server.url(&server.database());
    let store = PostgresStore::open(&PostgresOptions::new(url.as_str()), &Clock::System).unwrap();
    for _ in 0..3 {
        let mut acknowledged = 0;
        let (wrote, began) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let store = &store;
            let writing = scope.spawn(move || {
                let mut last = 0;
                let write = &mut |transaction: &mut dyn verdict::registry::store::Transaction, seq: u64| {
                    Ok(transaction.put(&row(seq, Kind::Setting, "last", &format!("{seq}")))?)
                };
                while let Ok(seq) = commit(store, write) {
                    last = seq;
                    let _ = wrote.send(());
                }
                last
            });
            began.recv_timeout(Duration::from_secs(60)).unwrap();
            std::thread::sleep(Duration::from_millis(random(200)));
            server.kill();
            acknowledged = writing.join().unwrap();
        });
        server.restart();
        let head = store.head().unwrap();
        // One more may have been committed, but not acknowledged.
        assert!(head.seq == acknowledged || head.seq == acknowledged + 1, "{acknowledged} {head:?}");
        check(&store, &BTreeSet::new());
    }
}
