//! What makes way, and what strangers may take: rotation with its notices, refusals with their quota and rate.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use verdict::decision_log::{Config, Console, DecisionLog, FileConfig, RefusalsConfig};
use verdict::model::decision::{Decision, Outcome};
use verdict::model::failure::{Failure, FailureKind};
use verdict::model::principal::AuthContext;
use verdict::model::units::ByteSize;
use verdict::telemetry::metrics::{DropReason, LogMetrics};

use super::{alice, all_files, allowed, ids, lines, record, records};

fn open(
    folder: &Path,
    max_size: u64,
    keep: usize,
    refusals: RefusalsConfig,
    metrics: &LogMetrics,
) -> DecisionLog {
    let path = folder.join("decisions.log");
    let file = Some(FileConfig { path, max_size: ByteSize(max_size), keep });
    let config = Config { console: Console::Off, file, refusals, ..Config::default() };
    DecisionLog::new(&config, Path::new("/nowhere"), "instance-1", true, metrics.clone()).unwrap()
}

fn refused() -> Decision {
    Decision {
        outcome: Outcome::Refused,
        result: None,
        input: None,
        failure: Some(Failure::new(FailureKind::CredentialInvalid, "the token's signature does not verify")),
        auth: AuthContext::Unchecked,
        ..allowed()
    }
}

fn notices(path: &Path) -> Vec<Value> {
    lines(path).into_iter().filter(|line| line.get("notice").is_some()).collect()
}

#[test]
fn a_rotation_that_drops_records_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let (path, metrics) = (folder.path().join("decisions.log"), LogMetrics::default());
    let mut given: Vec<String> = Vec::new();
    // Twice: files of an earlier process are counted, too.
    for _ in 0..2 {
        let log = open(folder.path(), 3_000, 2, RefusalsConfig::default(), &metrics);
        given.extend((0..40).map(|_| record(&log, allowed()).unwrap().id.to_string()));
    }
    let kept: HashSet<String> = ids(&path).into_iter().collect();
    let dropped = given.len() - kept.len();
    assert!(dropped > 50, "{dropped}");
    assert_eq!(given.iter().skip(dropped).cloned().collect::<HashSet<_>>(), kept);
    assert_eq!(metrics.dropped(DropReason::Rotation).get(), dropped as u64);

    let first = lines(&path).swap_remove(0);
    assert_eq!(first["notice"], "records_dropped", "{first:#}");
    assert_eq!((&first["reason"], &first["file"]), (&"rotation".into(), &"decisions.log.2".into()));
    let records = first["records"].as_u64().unwrap() as usize;
    assert_eq!(first["last"]["decision_id"], given[dropped - 1]);
    assert_eq!(first["first"]["decision_id"], given[dropped - records]);
    assert_eq!(first["first"]["timestamp"], "2026-11-21T02:11:14.829396687Z");
    let since_start = first["records_since_start"].as_u64().unwrap() as usize;
    assert!(since_start > records && since_start <= dropped, "{first:#}");
    assert_eq!(notices(&path).len(), 1);
}

#[test]
fn strangers_push_no_record_of_others_out_and_fill_no_disk() {
    const QUOTA: u64 = 8_000;
    let folder = tempfile::tempdir().unwrap();
    let (path, metrics) = (folder.path().join("decisions.log"), LogMetrics::default());
    let refusals =
        RefusalsConfig { max_size: ByteSize(QUOTA), keep: 1, rate: 1_000_000, ..RefusalsConfig::default() };
    let log = open(folder.path(), 20_000, 1, refusals, &metrics);
    let mut given = HashSet::new();
    for _ in 0..5 {
        given.insert(record(&log, allowed()).unwrap().id.to_string());
        // Refused, but by somebody who is known: the others' file.
        let known = record(&log, Decision { auth: alice(), ..refused() }).unwrap();
        given.insert(known.id.to_string());
        for _ in 0..200 {
            assert_eq!(record(&log, refused()).unwrap().outcome, Outcome::Refused);
        }
    }
    assert_eq!(ids(&path).into_iter().collect::<HashSet<_>>(), given);
    let files = all_files(&folder.path().join("decisions.refused.log"));
    let taken: u64 = files.iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    // A notice may stand before the first record of a file.
    assert!(files.len() == 2 && taken <= 2 * (QUOTA + 500), "{} files, {taken} bytes", files.len());
    let kept = ids(&folder.path().join("decisions.refused.log")).len() as u64;
    assert_eq!(metrics.dropped(DropReason::RefusalsRotation).get(), 1000 - kept);
    assert_eq!(metrics.dropped(DropReason::Rotation).get(), 0);
}

#[test]
fn refusals_above_the_rate_are_counted_and_summarised() {
    const SENT: u64 = 5_000;
    let folder = tempfile::tempdir().unwrap();
    let (path, metrics) = (folder.path().join("decisions.refused.log"), LogMetrics::default());
    let refusals = RefusalsConfig { rate: 10, ..RefusalsConfig::default() };
    let log = open(folder.path(), 1 << 20, 1, refusals, &metrics);
    for _ in 0..SENT {
        assert_eq!(record(&log, refused()).unwrap().outcome, Outcome::Refused);
    }
    log.close();
    let recorded = ids(&path).len() as u64;
    let summaries = notices(&path);
    let counted: u64 = summaries.iter().map(|summary| summary["records"].as_u64().unwrap()).sum();
    assert_eq!(recorded + counted, SENT);
    assert!((10..SENT).contains(&recorded), "{recorded}");
    assert_eq!(metrics.dropped(DropReason::RefusalsRate).get(), counted);
    let last = summaries.last().unwrap();
    assert_eq!((&last["notice"], &last["reason"]), (&"refusals_left_out".into(), &"rate".into()));
    assert_eq!(last["records_since_start"], counted);
    assert_eq!(last["since"], "2026-11-21T02:11:14.829396687Z");
    assert_eq!(last["labels"]["id"], "instance-1");
    assert!(records(&folder.path().join("decisions.log")).is_empty());
}

#[test]
fn what_cannot_be_a_log_of_refusals_is_said_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("decisions.refused.log")).unwrap();
    let file = FileConfig { path: folder.path().join("decisions.log"), max_size: ByteSize(1 << 20), keep: 1 };
    let config = Config { console: Console::Off, file: Some(file), ..Config::default() };
    let log = DecisionLog::new(&config, Path::new("/nowhere"), "i", true, LogMetrics::default());
    let error = log.unwrap_err().to_string();
    assert!(
        error.contains("`decision_log.file.path` unless it is set") && error.contains("is a directory"),
        "{error}"
    );
}
