//! What is special about a file of SQLite: other processes, disks, and those who touch the file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use verdict::model::clock::Clock;
use verdict::registry::SqliteStore;
use verdict::registry::row::Kind;
use verdict::registry::store::{Store, StoreError, StoreErrorKind, WriteError};

use super::kills::child_command;
use super::places::{Place as _, Sqlite};
use super::samples::{changes, commit, kind_of, put, row};
use crate::harness::not_tested;

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, Duration::from_millis(300), &Clock::System)
}

fn write(store: &dyn Store) -> Result<u64, WriteError> {
    commit(store, &mut |transaction, seq| Ok(transaction.put(&row(seq, Kind::Agent, "a", "{}"))?))
}

/// The database's log, or its memory that processes share.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[test]
fn files_and_folders_are_made_for_their_owner_alone() {
    let place = Sqlite::new();
    let store = place.open();
    put(&*store, &[row(0, Kind::Agent, "a", "{}")]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let path = place.path();
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!([mode(&path), mode(&beside(&path, "-wal")), mode(&beside(&path, "-shm"))], [0o600; 3]);
    assert_eq!(store.place(), format!("sqlite:{}", path.display()));
}

#[test]
fn a_lock_of_another_process_is_waited_for_but_not_for_ever() {
    let place = Sqlite::new();
    let store = open(&place.path()).unwrap();
    write(&store).unwrap();
    let other = place.connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let refused = write(&store).unwrap_err();
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(250) && took < Duration::from_secs(20), "{took:?}");
    assert!(refused.to_string().contains("locked by another process"), "{refused}");
    assert!(refused.to_string().contains(place.path().to_str().unwrap()), "{refused}");
    assert_eq!(kind_of(Err::<(), _>(refused)), StoreErrorKind::Locked);
    // Whoever reads is not concerned, nor is whoever opens what is up to date.
    assert_eq!(changes(&store, 0).0.len(), 1);
    assert_eq!(open(&place.path()).unwrap().head().unwrap().seq, 1);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(write(&store).unwrap(), 2);
}

#[test]
fn a_file_that_vanishes_takes_no_more_writes() {
    for suffix in ["", "-wal"] {
        let place = Sqlite::new();
        let store = open(&place.path()).unwrap();
        write(&store).unwrap();
        let (path, away) = (beside(&place.path(), suffix), beside(&place.path(), ".away"));
        fs::rename(&path, &away).unwrap();
        let refused = store.head().unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Gone, "{refused}");
        assert!(refused.detail.contains(path.to_str().unwrap()), "{refused}");
        assert_eq!(kind_of(write(&store)), StoreErrorKind::Gone);
        // Put back, it is the same again.
        fs::rename(&away, &path).unwrap();
        assert_eq!((store.head().unwrap().seq, write(&store).unwrap()), (1, 2));
        fs::remove_file(&path).unwrap();
        assert_eq!(kind_of(write(&store)), StoreErrorKind::Gone);
    }
}

#[test]
fn a_file_in_the_place_of_the_one_that_was_opened_is_not_taken_for_it() {
    let (place, other) = (Sqlite::new(), Sqlite::new());
    let store = open(&place.path()).unwrap();
    write(&store).unwrap();
    drop(other.open());
    fs::rename(other.path(), place.path()).unwrap();
    assert_eq!(store.head().unwrap_err().kind, StoreErrorKind::Gone);
    assert_eq!(kind_of(write(&store)), StoreErrorKind::Gone);
    assert_eq!(store.select(Kind::Agent, &Default::default()).unwrap_err().kind, StoreErrorKind::Gone);
}

#[test]
fn a_file_that_vanishes_during_a_write_is_no_success() {
    let place = Sqlite::new();
    let store = open(&place.path()).unwrap();
    let written = commit(&store, &mut |transaction, seq| {
        fs::remove_file(place.path()).unwrap();
        Ok(transaction.put(&row(seq, Kind::Agent, "a", "{}"))?)
    });
    assert_eq!(kind_of(written), StoreErrorKind::Gone);
}

#[test]
fn somebody_elses_file_is_refused_and_left_as_it_is() {
    let place = Sqlite::new();
    let path = place.path();
    fs::create_dir(path.parent().unwrap()).unwrap();
    let refused = |says: &str| {
        let before = fs::read(&path).unwrap();
        let error = open(&path).unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Damaged, "{error}");
        assert!(error.detail.contains(says), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
        fs::remove_file(&path).unwrap();
    };
    fs::write(&path, "a letter to my aunt\n".repeat(100)).unwrap();
    refused("not a database");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE meta (key, value)").unwrap();
    refused("another application");
    Connection::open(&path).unwrap().execute_batch("PRAGMA application_id = 7").unwrap();
    refused("another application");
    Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA application_id = 0x56524454; CREATE TABLE x (y)")
        .unwrap();
    refused("no table `meta`");
    fs::create_dir(&path).unwrap();
    assert_eq!(open(&path).unwrap_err().kind, StoreErrorKind::Gone);
}

#[test]
fn a_damaged_file_is_said_to_be_damaged() {
    let place = Sqlite::new();
    let store = place.open();
    put(
        &*store,
        &(0..500).map(|n| row(0, Kind::Agent, &format!("{n}"), &"x".repeat(200))).collect::<Vec<_>>(),
    );
    drop(store);
    // Who closes it last leaves one file, which can be copied.
    assert!(!beside(&place.path(), "-wal").exists() && !beside(&place.path(), "-shm").exists());
    let mut bytes = fs::read(place.path()).unwrap();
    assert!(bytes.len() > 100_000);
    bytes[8192..].fill(0xA5);
    fs::write(place.path(), bytes).unwrap();
    let read = open(&place.path()).and_then(|store| store.changes(0, &mut |_| ()));
    assert_eq!(read.unwrap_err().kind, StoreErrorKind::Damaged);

    let place = Sqlite::new();
    let store = place.open();
    place.sql("DELETE FROM {meta} WHERE key = 'audit_mac'").unwrap();
    assert_eq!(store.head().unwrap_err().kind, StoreErrorKind::Damaged);
    assert_eq!(kind_of(write(&*store)), StoreErrorKind::Damaged);
    place.sql("INSERT INTO {records} (kind, id, seq, body) VALUES ('unheard of', 'x', 1, '{}')").unwrap();
    place.sql("INSERT INTO {meta} VALUES ('audit_mac', zeroblob(32))").unwrap();
    assert_eq!(store.changes(0, &mut |_| ()).unwrap_err().kind, StoreErrorKind::Damaged);
}

/// A file system of its own.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new(size: &str) -> Option<Self> {
        let disk = Self(tempfile::TempDir::new().unwrap());
        if disk.mount(&format!("size={size}")) {
            return Some(disk);
        }
        not_tested("disks that are full or read-only: nothing can be mounted");
        None
    }

    fn mount(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(self.0.path());
        mount.output().is_ok_and(|done| done.status.success())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("state/registry.db")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_and_is_said() {
    let Some(disk) = Disk::new("1m") else { return };
    let store = open(&disk.path()).unwrap();
    let mut there = Vec::new();
    let refused = loop {
        let id = format!("{}", there.len());
        let written = commit(&store, &mut |transaction, seq| {
            Ok(transaction.put(&row(seq, Kind::Agent, &id, &"x".repeat(20_000)))?)
        });
        match written {
            Ok(_) => there.push(id),
            Err(error) => break error,
        }
        assert!(there.len() < 1000);
    };
    assert!(refused.to_string().contains("the registry's disk is full"), "{refused}");
    assert_eq!(kind_of(Err::<(), _>(refused)), StoreErrorKind::Full);
    assert!(!there.is_empty());
    let found =
        |store: &dyn Store| -> Vec<String> { changes(store, 0).0.into_iter().map(|row| row.id).collect() };
    assert_eq!(found(&store), there);
    // A failure that is passed over is no commit.
    let passed_over = commit(&store, &mut |transaction, seq| {
        let _ = transaction.put(&row(seq, Kind::Agent, "big", &"x".repeat(2_000_000)));
        let _ = transaction.put(&row(seq, Kind::Agent, "small", ""));
        Ok(())
    });
    assert_eq!(kind_of(passed_over), StoreErrorKind::Full);
    assert_eq!(found(&store), there);
    assert!(disk.mount("remount,size=16m"));
    put(&store, &[row(0, Kind::Agent, "again", "")]);
    there.push("again".to_owned());
    drop(store);
    assert_eq!(found(&open(&disk.path()).unwrap()), there);
}

/// What another process, which may not write, finds; on standard output.
pub fn try_everything(path: &Path) {
    let say = |what: &str, kind: Option<StoreErrorKind>| println!("\n{what}: {kind:?}");
    match open(path) {
        Err(error) => say("open", Some(error.kind)),
        Ok(store) => {
            say("open", None);
            say("head", store.head().err().map(|error| error.kind));
            say("write", write(&store).err().map(|error| kind_of(Err::<(), _>(error))));
        }
    }
}

#[test]
fn whoever_may_not_write_reads_or_is_told() {
    let place = Sqlite::new();
    let store = place.open();
    put(&*store, &[row(0, Kind::Agent, "a", "{}")]);
    let path = place.path();
    let folder = path.parent().unwrap();
    fs::set_permissions(folder.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let chmod = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let tried = || -> Option<Vec<String>> {
        let command = child_command(&["read-only", path.to_str().unwrap()]);
        let mut other = if rustix::process::geteuid().is_root() {
            let mut other = Command::new("setpriv");
            other.args(["--clear-groups", "--reuid=65534", "--regid=65534", "--"]).arg(command.get_program());
            other
                .args(command.get_args())
                .envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
            other
        } else {
            command
        };
        let said = String::from_utf8(other.current_dir("/").output().ok()?.stdout).unwrap();
        let lines: Vec<String> = said
            .lines()
            .filter(|line| {
                ["open", "head", "write"].iter().any(|what| line.starts_with(&format!("{what}: ")))
            })
            .map(str::to_owned)
            .collect();
        (!lines.is_empty()).then_some(lines)
    };
    // Files that may be read and not written, while another process has them open.
    chmod(folder, 0o555);
    for suffix in ["", "-wal", "-shm"] {
        chmod(&beside(&path, suffix), 0o444);
    }
    let Some(reads) = tried() else {
        not_tested("files that may not be written: no other user can run the tests");
        return;
    };
    assert_eq!(reads, ["open: None", "head: None", "write: Some(ReadOnly)"]);
    drop(store);
    // Now the log would have to be made.
    chmod(folder, 0o555);
    assert_eq!(tried().unwrap(), ["open: Some(ReadOnly)"]);
    chmod(folder, 0o755);
    chmod(&path, 0o000);
    assert_eq!(tried().unwrap(), ["open: Some(Gone)"]);
}
