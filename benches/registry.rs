//! What a registry of many keys costs: finding a key, putting a change in force, starting, memory.
//!
//! `VERDICT_KEYS=100000` takes another number of keys than a million. Memory is that of a process of its own, which opens
//! a file of SQLite and does nothing else before.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench stops at what it did not expect")]

use std::hint::black_box;
use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use verdict::model::clock::{Clock, Timestamp};
use verdict::registry::actor::Actor;
use verdict::registry::command::Command;
use verdict::registry::freshness::Monotonic;
use verdict::registry::key_tag::TagKey;
use verdict::registry::row::{AuditRow, Kind, Row};
use verdict::registry::rules::Rules;
use verdict::registry::service::{Opening, Registry};
use verdict::registry::store::Store as _;
use verdict::registry::{KeyHash, Records, SqliteStore, State};
use verdict::sealing::{Keyring, MasterKey};

const PATIENCE: Duration = Duration::from_secs(60);
const MADE: &str = "2026-11-21T02:11:14.000000000Z";
/// So many keys an agent has, and so many agents an organisation.
const KEYS_OF_AGENT: usize = 10;
const AGENTS_OF_ORGANISATION: usize = 100;
/// How many of the keys are looked for.
const SAMPLE: usize = 4096;
const BATCH: usize = 10_000;

fn text_of(n: usize) -> String {
    format!("sk_agent_{n:036}")
}

fn agent_of(key: usize) -> String {
    format!("agent_{:016x}", key / KEYS_OF_AGENT)
}

fn organisation_of(key: usize) -> String {
    format!("org_{:012x}", key / KEYS_OF_AGENT / AGENTS_OF_ORGANISATION)
}

/// The rows of a key, and of the agent and organisation that begin with it.
fn rows_of(key: usize, tag_key: &TagKey) -> Vec<Row> {
    let (agent, organisation) = (agent_of(key), organisation_of(key));
    let row = |kind, id: &str, owner: Option<&str>, body: serde_json::Value| Row {
        kind,
        id: id.to_owned(),
        organisation: Some(organisation.clone()),
        owner: owner.map(str::to_owned),
        seq: 0,
        body: Some(body.to_string()),
        sealed: None,
    };
    let mut rows = Vec::new();
    if key.is_multiple_of(KEYS_OF_AGENT * AGENTS_OF_ORGANISATION) {
        let body = json!({ "id": organisation, "state": "active", "created_at": MADE });
        rows.push(row(Kind::Organisation, &organisation, None, body));
    }
    if key.is_multiple_of(KEYS_OF_AGENT) {
        let body = json!({
            "id": agent, "organisation": organisation, "name": "Payments", "roles": ["payer"], "permissions": [],
            "state": "active", "created_at": MADE,
        });
        rows.push(row(Kind::Agent, &agent, Some(&organisation), body));
    }
    let body = json!({
        "id": format!("key_{key:016x}"), "kind": "agent", "agent": agent, "organisation": organisation,
        "tag": tag_key.tag(&KeyHash::of(&text_of(key))), "prefix": "sk_agent", "state": "active", "created_at": MADE,
        "text_prefix": "sk_agent",
    });
    rows.push(row(Kind::Key, &format!("key_{key:016x}"), Some(&agent), body));
    rows
}

/// Records with so many keys.
fn records(keys: usize) -> Records {
    let tag_key = Arc::new(TagKey::new(&[7; 32]));
    let mut records = Records::empty(Arc::clone(&tag_key));
    for row in (0..keys).flat_map(|key| rows_of(key, &tag_key)) {
        let body = row.body.unwrap();
        match row.kind {
            Kind::Organisation => records.put_organisation(serde_json::from_str(&body).unwrap()),
            Kind::Agent => records.put_agent(serde_json::from_str(&body).unwrap()),
            _ => records.put_key(serde_json::from_str(&body).unwrap()),
        }
    }
    records
}

/// Nanoseconds to find a key; the best of several rounds.
fn look_up(records: &Records, keys: usize) -> f64 {
    let hashes: Vec<KeyHash> =
        (0..SAMPLE).map(|n| KeyHash::of(&text_of(n.wrapping_mul(2_654_435_761) % keys))).collect();
    let rounds = (0..20).map(|_| {
        let begun = Instant::now();
        for hash in &hashes {
            let key = records.key_by_hash(black_box(hash)).unwrap();
            black_box(records.key_standing(key));
        }
        begun.elapsed().as_nanos() as f64 / SAMPLE as f64
    });
    rounds.fold(f64::MAX, f64::min)
}

fn open(path: &Path) -> Registry {
    let opening = Opening {
        keyring: Keyring::new(MasterKey::from_bytes(std::array::from_fn(|n| n as u8)), Vec::new()),
        rules: Rules::default(),
        clock: Clock::System,
        monotonic: Monotonic::default(),
        max_age: Duration::from_secs(10),
    };
    Registry::open(Box::new(SqliteStore::open(path, PATIENCE, &Clock::System).unwrap()), opening).unwrap()
}

/// Writes so many keys past the commands.
fn fill(path: &Path, keys: usize) {
    let registry = open(path);
    let known = registry.known();
    let store = SqliteStore::open(path, PATIENCE, &Clock::System).unwrap();
    for begin in (0..keys).step_by(BATCH) {
        let rows: Vec<Row> =
            (begin..keys.min(begin + BATCH)).flat_map(|key| rows_of(key, known.tag_key())).collect();
        let written = store.write(&mut |transaction| {
            let seq = transaction.head().seq + 1;
            for row in &rows {
                transaction.put(&Row { seq, ..row.clone() })?;
            }
            let (at, action) = (Timestamp(0), "bench.fill".to_owned());
            let entry =
                AuditRow { seq, at, organisation: None, action, body: "{}".into(), hash: [seq as u8; 32] };
            Ok(transaction.append_audit(&entry, &[0; 32])?)
        });
        written.unwrap();
    }
}

/// A number of kilobytes that the system knows of this process.
fn kilobytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse().ok()
}

/// Opens the file, in a process of its own, and says what that takes.
fn measure(path: &Path, keys: usize) {
    let empty = kilobytes("VmRSS").unwrap_or_default();
    let begun = Instant::now();
    let registry = open(path);
    let started = begun.elapsed();
    let (now, most) = (kilobytes("VmRSS").unwrap_or_default(), kilobytes("VmHWM").unwrap_or_default());
    println!("start with {keys} keys: {:.2} s", started.as_secs_f64());
    println!(
        "resident: {} MiB more ({} bytes a key); at most {} MiB",
        (now - empty) / 1024,
        (now - empty) * 1024 / keys as u64,
        most / 1024
    );
    println!("look-up in them: {:.0} ns", look_up(&registry.known(), keys));
    let other = open(path);
    let mut times = (Vec::new(), Vec::new());
    for n in 0..50 {
        let (id, state) = (format!("key_{:016x}", n * keys / 50), State::Disabled);
        let begun = Instant::now();
        registry.execute(&Actor::system(), &Command::SetKeyState { id, state }).unwrap();
        times.0.push(begun.elapsed());
        let begun = Instant::now();
        assert!(other.catch_up().unwrap());
        times.1.push(begun.elapsed());
    }
    times.0.sort();
    times.1.sort();
    println!("a change, stored and in force: {:?} (median), {:?} (longest)", times.0[25], times.0[49]);
    println!(
        "a change of another process, put in force: {:?} (median), {:?} (longest)",
        times.1[25], times.1[49]
    );
}

fn main() {
    #[expect(clippy::disallowed_methods, reason = "the bench's own environment, not the server's")]
    let keys = std::env::var("VERDICT_KEYS").map_or(1_000_000, |keys| keys.parse().unwrap());
    let mut arguments = std::env::args().skip_while(|argument| argument != "--measure").skip(1);
    if let Some(path) = arguments.next() {
        return measure(Path::new(&path), keys);
    }
    for keys in [10, 10_000, keys] {
        println!("look-up among {keys} keys: {:.0} ns", look_up(&records(keys), keys));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.db");
    let begun = Instant::now();
    fill(&path, keys);
    let bytes = std::fs::metadata(&path).unwrap().len();
    println!("written in {:.1} s: {} MiB", begun.elapsed().as_secs_f64(), bytes / 1024 / 1024);
    let measured =
        Process::new(std::env::current_exe().unwrap()).arg("--measure").arg(&path).status().unwrap();
    assert!(measured.success());
}
