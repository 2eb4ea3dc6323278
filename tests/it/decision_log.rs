//! The decision log through its public face: what a record says, and that none is lost, doubled or torn.

mod inputs;
mod kept;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;
use verdict::decision_log::journal::{Appending, Entry, Journal};
use verdict::decision_log::{Config, ConfigError, Console, DecisionLog, FileConfig, Journals, Unrecorded};
use verdict::model::clock::Timestamp;
use verdict::model::decision::{Decision, Outcome, Recorded, Timings};
use verdict::model::failure::{Failure, FailureKind};
use verdict::model::limits::Restrictions;
use verdict::model::principal::{AuthContext, Prepared, Principal, Proof, Verified};
use verdict::model::request::{EntryPath, RequestContext, TraceContext};
use verdict::model::revision::{BundleRevision, Revision};
use verdict::model::units::ByteSize;
use verdict::telemetry::inert;
use verdict::telemetry::metrics::LogMetrics;
use verdict_rego::{Location, PolicyError};

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2lnbmF0dXJl";

fn raw(value: &Value) -> Option<verdict_rego::Value> {
    verdict_rego::Value::from_serialize(value).ok()
}

fn alice() -> AuthContext {
    let claims = json!({"sub": "alice", "email": "alice@example.com", "raw": TOKEN});
    let principal = Principal {
        id: "alice".into(),
        kind: "user".into(),
        issuer: "https://issuer.example".into(),
        method: "jwt",
        roles: vec!["editor".into()],
        scopes: vec![],
        permissions: vec![],
        tenant: Some("acme".into()),
        agent: None,
        actors: Vec::new(),
        attributes: serde_json::Map::new(),
        claims: claims.as_object().unwrap().clone(),
        proof: Proof::Bearer,
        prepared: Prepared::default(),
    };
    let expires_at = Some(Timestamp::from_unix_seconds(1_795_000_000));
    let restrictions = Restrictions::default();
    AuthContext::Verified(Verified {
        principal: Arc::new(principal),
        expires_at,
        key: None,
        transaction: None,
        delegation: None,
        restrictions,
        next_token: None,
    })
}

fn allowed() -> Decision {
    let bundles = BTreeMap::from([("app".to_owned(), BundleRevision { revision: "rev-1".into() })]);
    Decision {
        id: Uuid::new_v4(),
        batch_id: None,
        path: Some(EntryPath::parse("app/allow").unwrap()),
        revision: Arc::new(Revision { generation: 3, bundles }),
        outcome: Outcome::Allow,
        reason: None,
        result: raw(&json!(true)),
        input: raw(&json!({
            "subject": {"id": "alice", "type": "user", "roles": ["editor"], "claims": {"email": "alice@example.com"}},
            "action": "read",
            "resource": {"type": "document", "id": "7"},
        })),
        beside: None,
        nd_builtin_cache: None,
        rule_labels: None,
        explanation: None,
        failure: None,
        ruling: None,
        auth: alice(),
        rate: None,
        context: RequestContext {
            requested_by: Some("127.0.0.1:50258".into()),
            protocol: "opa",
            operation: None,
            req_id: 1,
            request_id: Some("req-42".into()),
            trace: TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            user_agent: Some("curl/8.5.0".into()),
        },
        at: Timestamp::parse_rfc3339("2026-11-21T02:11:14.829396687Z").unwrap(),
        timings: Timings {
            input_parse: Duration::from_nanos(4_100),
            authenticate: Duration::from_nanos(1_900),
            eval: Duration::from_nanos(8_400),
            total: Duration::from_nanos(21_700),
        },
    }
}

fn file_log(path: &Path, max_size: u64, keep: usize) -> Result<DecisionLog, ConfigError> {
    let config = Config {
        console: Console::Off,
        file: Some(FileConfig { path: path.to_owned(), max_size: ByteSize(max_size), keep }),
        labels: [("env".to_owned(), "test".to_owned())].into(),
        ..Config::default()
    };
    DecisionLog::new(&config, Path::new("/nowhere"), "instance-1", true, LogMetrics::default())
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{}: torn", path.display());
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// The lines that are records.
fn records(path: &Path) -> Vec<Value> {
    lines(path).into_iter().filter(|line| line.get("notice").is_none()).collect()
}

/// Keeps what it is given, or refuses it.
#[derive(Debug, Default, Clone)]
struct Memory {
    lines: Arc<Mutex<Vec<u8>>>,
    broken: Arc<AtomicBool>,
}

impl Journal for Memory {
    fn name(&self) -> String {
        "memory".into()
    }

    fn append(&self, entry: &Entry<'_>) -> Appending {
        if self.broken.load(Ordering::SeqCst) {
            return Appending::done(Err(io::ErrorKind::StorageFull.into()));
        }
        self.lines.lock().unwrap().extend_from_slice(entry.line);
        Appending::done(Ok(()))
    }
}

impl Memory {
    /// A log that keeps everything here.
    fn log(&self, metrics: LogMetrics) -> DecisionLog {
        let journal = || Some(Arc::new(self.clone()) as Arc<dyn Journal>);
        let journals = Journals { decisions: journal(), refusals: journal() };
        DecisionLog::with_journals(journals, &Config::default(), "instance-1", metrics).unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8(self.lines.lock().unwrap().clone()).unwrap()
    }
}

/// Records, where what is awaited is there at once.
fn record(log: &DecisionLog, decision: Decision) -> Result<Recorded<Decision>, Unrecorded> {
    let mut recording = pin!(log.record(decision));
    match recording.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(recorded) => recorded,
        Poll::Pending => panic!("a file acknowledges at once"),
    }
}

fn line_of(decision: Decision) -> String {
    let memory = Memory::default();
    record(&memory.log(LogMetrics::default()), decision).unwrap();
    memory.text()
}

fn record_of(decision: Decision) -> Value {
    serde_json::from_str(&line_of(decision)).unwrap()
}

#[test]
fn a_record_has_opas_shape_and_ours_beside_it() {
    let decision = Decision { batch_id: Some(Uuid::from_u128(7)), ..allowed() };
    let id = decision.id.to_string();
    let record = record_of(decision);
    let expected = json!({
        "labels": {"id": "instance-1", "version": env!("CARGO_PKG_VERSION")},
        "decision_id": id,
        "batch_decision_id": "00000000-0000-0000-0000-000000000007",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": "00f067aa0ba902b7",
        "bundles": {"app": {"revision": "rev-1"}},
        "generation": 3,
        "path": "app/allow",
        "input": {
            "subject": {"id": "alice", "type": "user", "roles": ["editor"]},
            "action": "read",
            "resource": {"type": "document", "id": "7"},
        },
        "result": true,
        "outcome": "allow",
        "subject": {"id": "alice", "type": "user", "issuer": "https://issuer.example", "tenant": "acme", "method": "jwt"},
        "protocol": "opa",
        "requested_by": "127.0.0.1:50258",
        "timestamp": "2026-11-21T02:11:14.829396687Z",
        "metrics": {
            "timer_authenticate_ns": 1900,
            "timer_rego_input_parse_ns": 4100,
            "timer_rego_query_eval_ns": 8400,
            "timer_server_handler_ns": 21700,
        },
        "req_id": 1,
        "request_context": {"http": {"headers": {"User-Agent": ["curl/8.5.0"], "X-Request-ID": ["req-42"]}}},
    });
    assert_eq!(record, expected, "{record:#}");
}

#[test]
fn the_example_in_the_documentation_is_a_record() {
    let page = include_str!("../../docs/decision-log.md");
    let example = page.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut example: Value = serde_json::from_str(example).unwrap();
    example["labels"]["version"] = env!("CARGO_PKG_VERSION").into();
    let id = example["decision_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(record_of(Decision { id, ..allowed() }), example);
}

#[test]
fn a_refusal_says_why_and_has_nothing_that_it_does_not_know() {
    let record = record_of(Decision {
        path: None,
        outcome: Outcome::Refused,
        result: None,
        input: None,
        failure: Some(Failure::new(FailureKind::CredentialExpired, "the token has expired")),
        auth: AuthContext::Anonymous,
        context: RequestContext { protocol: "opa", ..RequestContext::default() },
        timings: Timings::default(),
        ..allowed()
    });
    assert_eq!(record["outcome"], "refused");
    assert_eq!(record["reason"], "the token has expired");
    let error = json!({"code": "credential_expired", "kind": "credential_expired", "message": "the token has expired"});
    assert_eq!(record["error"], error);
    assert_eq!(record["subject"], json!({"type": "anonymous"}));
    assert_eq!(record["metrics"], json!({"timer_server_handler_ns": 0}));
    for absent in
        ["path", "input", "result", "requested_by", "trace_id", "request_context", "batch_decision_id"]
    {
        assert_eq!(record.get(absent), None, "{absent}");
    }
    assert_eq!(record_of(Decision { auth: AuthContext::Unchecked, ..allowed() }).get("subject"), None);
}

#[test]
fn a_policy_error_keeps_opas_code_and_its_location() {
    let location = Some(Location { file: "app/policy.rego".into(), row: 22, col: 9 });
    let message = "to_number: invalid syntax".to_owned();
    let policy = PolicyError { code: "eval_builtin_error", message, location };
    let failure = Failure {
        policy: Some(Box::new(policy)),
        ..Failure::new(FailureKind::EvaluationFailed, "evaluation failed")
    };
    let record = record_of(Decision { outcome: Outcome::Error, failure: Some(failure), ..allowed() });
    let expected = json!({
        "code": "eval_builtin_error",
        "kind": "evaluation_failed",
        "message": "to_number: invalid syntax",
        "location": {"file": "app/policy.rego", "row": 22, "col": 9},
    });
    assert_eq!(record["error"], expected);
    assert_eq!(record["reason"], "evaluation failed");
}

#[test]
fn claims_and_tokens_are_in_no_record() {
    let line = line_of(allowed());
    for secret in [TOKEN, "claims", "email", "alice@example.com", "prepared"] {
        assert!(!line.contains(secret), "{secret} in {line}");
    }
}

#[test]
fn a_decision_whose_record_is_refused_is_not_given() {
    let (memory, metrics) = (Memory::default(), LogMetrics::default());
    let log = memory.log(metrics.clone());
    memory.broken.store(true, Ordering::SeqCst);
    let decision = allowed();
    let id = decision.id;
    let unrecorded = record(&log, decision).unwrap_err();
    assert_eq!(unrecorded.id, id);
    assert_eq!(unrecorded.failure().kind, FailureKind::RecordUnavailable);
    assert_eq!((metrics.records.get(), metrics.failures.get()), (0, 1));
    memory.broken.store(false, Ordering::SeqCst);
    assert_eq!(record(&log, allowed()).unwrap().outcome, Outcome::Allow);
    assert_eq!((metrics.records.get(), metrics.failures.get()), (1, 1));
}

#[test]
fn a_full_disk_refuses_decisions() {
    let path = Path::new("/dev/full");
    if !path.exists() {
        crate::harness::skipped("a full disk: there is no /dev/full");
        return;
    }
    let log = file_log(path, 1 << 20, 1).unwrap();
    for _ in 0..3 {
        assert!(record(&log, allowed()).is_err());
    }
}

#[test]
fn labels_that_verdict_sets_are_reserved() {
    let labels = [("version".to_owned(), "9".to_owned())].into();
    let config = Config { labels, ..Config::default() };
    let log = DecisionLog::with_journals(Journals::default(), &config, "i", LogMetrics::default());
    let error = log.unwrap_err().to_string();
    assert_eq!(error, "`version` is set by Verdict itself; choose another name");
}

#[test]
fn the_file_and_its_folders_are_made_for_owner_and_group_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("var/log/decisions.log");
    let log = file_log(&path, 1 << 20, 1).unwrap();
    record(&log, allowed()).unwrap();
    let records = records(&path);
    assert_eq!(records[0]["labels"]["env"], "test");
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & !0o640, 0, "{mode:o}");
}

/// The file and its rotated ones.
fn all_files(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let entries = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(name)).collect()
}

fn ids(path: &Path) -> Vec<String> {
    all_files(path)
        .iter()
        .flat_map(|file| records(file))
        .map(|r| r["decision_id"].as_str().unwrap().into())
        .collect()
}

#[test]
fn no_record_is_lost_doubled_or_torn_by_rotation() {
    const THREADS: usize = 8;
    const EACH: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.log");
    let log = file_log(&path, 5_000, THREADS * EACH).unwrap();
    let given: Vec<String> = std::thread::scope(|scope| {
        let write = || (0..EACH).map(|_| record(&log, allowed()).unwrap().id.to_string()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(write)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let kept = ids(&path);
    assert_eq!(kept.len(), THREADS * EACH);
    assert_eq!(kept.into_iter().collect::<HashSet<_>>(), given.into_iter().collect());
    let files = all_files(&path);
    assert!(files.len() > 100, "{} files", files.len());
    for file in files {
        assert!(fs::metadata(&file).unwrap().len() <= 5_000, "{}", file.display());
    }
}

#[test]
fn rotation_keeps_the_newest_and_as_many_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.log");
    for keep in [0, 1, 3] {
        let log = file_log(&path, 1, keep).unwrap();
        let given: Vec<String> = (0..8).map(|_| record(&log, allowed()).unwrap().id.to_string()).collect();
        assert_eq!(all_files(&path).len(), keep + 1, "keep {keep}");
        let kept: HashSet<_> = ids(&path).into_iter().collect();
        assert_eq!(kept, given.into_iter().skip(8 - keep - 1).collect(), "keep {keep}");
    }
}

#[test]
fn after_a_move_from_outside_reopen_begins_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("decisions.log"), folder.path().join("moved"));
    let log = file_log(&path, 1 << 20, 1).unwrap();
    record(&log, allowed()).unwrap();
    fs::rename(&path, &moved).unwrap();
    record(&log, allowed()).unwrap();
    log.reopen().unwrap();
    record(&log, allowed()).unwrap();
    log.reopen().unwrap();
    record(&log, allowed()).unwrap();
    assert_eq!((records(&moved).len(), records(&path).len()), (2, 2));
}

#[test]
fn a_torn_record_of_a_killed_process_is_removed_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.log");
    record(&file_log(&path, 1 << 20, 1).unwrap(), allowed()).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    for cut in [1, 2, 100, whole.len() - 1] {
        fs::write(&path, format!("{whole}{}", &whole[..cut])).unwrap();
        record(&file_log(&path, 1 << 20, 1).unwrap(), allowed()).unwrap();
        assert_eq!(records(&path).len(), 2, "cut at {cut}");
    }
}

#[test]
fn what_cannot_be_a_log_is_said_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("blocker"), "").unwrap();
    fs::write(at("passwd"), "root:x:0:0").unwrap();
    let _open = file_log(&at("taken.log"), 1 << 20, 1).unwrap();
    for (path, expected) in [
        (folder.path().to_owned(), "is a directory; name a file in it"),
        (at("blocker/sub/decisions.log"), "cannot create the folder"),
        (at("passwd"), "ends in a line that is no decision record"),
        (at("taken.log"), "is written by another process"),
        (at(&"x".repeat(300)), "cannot open `"),
    ] {
        let error = file_log(&path, 1 << 20, 1).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(fs::read_to_string(at("passwd")).unwrap(), "root:x:0:0");
}

#[test]
fn line_breaks_in_documents_are_no_line_breaks_in_the_log() {
    let pretty = "{\n  \"a\": \"x\\ny\",\r\n  \"b\": [1,\n 2]\r}";
    let input = verdict_rego::Value::from_json(pretty.as_bytes()).unwrap();
    let line = line_of(Decision { input: Some(input), ..allowed() });
    assert_eq!(line.matches(['\n', '\r']).count(), 1);
    let record: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(record["input"], json!({"a": "x\ny", "b": [1, 2]}));
}

/// Strings as nobody wants them: control characters, quotes, separators, anything of Unicode.
fn text() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        '\n', '\r', '\0', '"', '\\', '\u{1b}', '\u{2028}', '\u{2029}', '\u{85}', '\u{feff}',
    ]);
    prop::collection::vec(prop_oneof![nasty, any::<char>()], 0..12).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_decision_is_one_line_that_reads_back(
        texts in prop::collection::vec(text(), 10),
        segments in prop::collection::vec(text(), 0..3),
        at in any::<i64>(),
        nanos in any::<u64>(),
    ) {
        let document = json!({texts[0].clone(): [texts[1], null, {"k": texts[2]}]});
        let mut decision = allowed();
        decision.path = Some(EntryPath::from_segments(segments.clone()));
        decision.input = raw(&document);
        decision.result = raw(&document);
        decision.reason = Some(texts[3].clone());
        decision.failure = Some(Failure::new(FailureKind::Internal, texts[4].clone()));
        decision.context.request_id = Some(texts[5].clone());
        decision.context.user_agent = Some(texts[6].clone());
        decision.context.requested_by = Some(texts[7].clone());
        let bundles = [(texts[8].clone(), BundleRevision { revision: texts[9].clone() })];
        decision.revision = Arc::new(Revision { generation: nanos, bundles: bundles.into() });
        decision.at = Timestamp(at);
        decision.timings.total = Duration::from_nanos(nanos);
        let line = line_of(decision);
        let acts = |c: char| matches!(c, '\n' | '\r') || inert::acts(c);
        prop_assert_eq!(line.find(acts), Some(line.len() - 1));
        let record: Value = serde_json::from_str(&line).unwrap();
        let headers = &record["request_context"]["http"]["headers"];
        prop_assert_eq!(&record["path"], &segments.join("/"));
        prop_assert_eq!(&record["input"], &document);
        prop_assert_eq!(&record["result"], &document);
        prop_assert_eq!(&record["reason"], &texts[3]);
        prop_assert_eq!(&record["error"]["message"], &texts[4]);
        prop_assert_eq!(&headers["X-Request-ID"][0], &texts[5]);
        prop_assert_eq!(&headers["User-Agent"][0], &texts[6]);
        prop_assert_eq!(&record["requested_by"], &texts[7]);
        prop_assert_eq!(&record["bundles"][&texts[8]]["revision"], &texts[9]);
        prop_assert_eq!(&record["generation"], nanos);
        prop_assert_eq!(Timestamp::parse_rfc3339(record["timestamp"].as_str().unwrap()), Ok(Timestamp(at)));
    }
}
