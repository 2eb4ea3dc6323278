//! A watched directory with a real watcher, and what was heard of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use verdict::bundle::Config;
use verdict::bundle::remote::Shelf;
use verdict::bundle::{ErrorKind, LoadError, Observer, Report, Setup, Status, TestRunner, Watcher};
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::request::EntryPath;
use verdict::model::units::Period;
use verdict::pdp::Limits;
use verdict::pdp::snapshot::{Snapshot, SnapshotSlot};
use verdict_rego::{EvalLimits, Evaluation};

use crate::bundle_format::write_all;

/// How long a condition may take; far beyond what it does take, so that a busy machine fails nothing.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What an observer heard.
#[derive(Default)]
pub struct Heard {
    pub activated: AtomicU64,
    pub failed: Mutex<Vec<ErrorKind>>,
}

impl Observer for Heard {
    fn activated(&self, _: &Snapshot, _: &Report) {
        self.activated.fetch_add(1, Ordering::SeqCst);
    }
    fn failed(&self, error: &LoadError, _: &Report) {
        self.failed.lock().unwrap().push(error.kind);
    }
}

/// A watched directory with its watcher.
pub struct World {
    pub home: TempDir,
    pub dir: PathBuf,
    pub store: Arc<SnapshotStore>,
    pub status: Arc<Status>,
    pub heard: Arc<Heard>,
    pub watcher: Option<Watcher>,
}

pub struct Options {
    pub poll: Period,
    pub debounce: Period,
    pub required: Vec<String>,
    pub runner: Option<Arc<TestRunner>>,
    /// What else the configuration says.
    pub configure: fn(&mut Config),
}

/// Holds the snapshot in force, as the server does, and nothing else.
pub struct SnapshotStore(Mutex<Arc<Snapshot>>);

impl SnapshotStore {
    fn new(snapshot: Snapshot) -> Self {
        Self(Mutex::new(Arc::new(snapshot)))
    }

    pub fn load(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.lock().unwrap())
    }
}

impl SnapshotSlot for SnapshotStore {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.load()
    }

    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn activate(&self, snapshot: Snapshot) {
        *self.0.lock().unwrap() = Arc::new(snapshot);
    }
}

/// Unless a test is about polling, only notifications can be what makes it pass.
impl Default for Options {
    fn default() -> Self {
        Self {
            poll: Period::secs(3600),
            debounce: Period::millis(30),
            required: Vec::new(),
            runner: None,
            configure: |_| (),
        }
    }
}

impl World {
    /// Starts to watch `bundles/`, which `prepare` fills before (or does not even create).
    pub fn start(options: Options, prepare: impl FnOnce(&Path)) -> Self {
        let home = TempDir::new().unwrap();
        let dir = home.path().join("bundles");
        prepare(&dir);
        let mut world = Self {
            dir,
            home,
            store: Arc::new(SnapshotStore::new(Snapshot::empty(Timestamp(0)).unwrap())),
            status: Arc::default(),
            heard: Arc::default(),
            watcher: None,
        };
        let mut config = Config {
            dir: world.dir.clone(),
            poll_interval: options.poll,
            debounce: options.debounce,
            required_entrypoints: options.required,
            run_tests: options.runner.is_some(),
            ..Config::default()
        };
        (options.configure)(&mut config);
        let setup = Setup {
            config,
            slot: Arc::clone(&world.store) as Arc<dyn SnapshotSlot>,
            status: Arc::clone(&world.status),
            clock: Clock::System,
            runner: options.runner,
            observers: vec![Arc::clone(&world.heard) as Arc<dyn Observer>],
            no_calls: false,
            allow_unmasked: false,
            writes: None,
            shelf: Arc::new(Shelf::new(world.home.path())),
        };
        world.watcher = Some(Watcher::start(setup).unwrap());
        assert!(world.watcher.as_ref().unwrap().wait_first(PATIENCE), "the first reading never ended");
        world
    }

    /// One bundle `authz` with `package app` where `v` is the given number.
    pub fn with_version(version: u64) -> Self {
        Self::with_options(Options::default(), version)
    }

    /// The same, looked at all the time.
    pub fn polled(version: u64) -> Self {
        Self::with_options(Options { poll: Period::millis(100), ..Options::default() }, version)
    }

    pub fn with_options(options: Options, version: u64) -> Self {
        Self::start(options, |dir| write_all(&dir.join("authz"), &[("policy.rego", &policy(version))]))
    }

    pub fn bundle(&self) -> PathBuf {
        self.dir.join("authz")
    }

    /// What `data.<path>` is now; `-` when it is undefined.
    pub fn value(&self, path: &str) -> String {
        value_in(&self.store.load(), path)
    }

    pub fn generation(&self) -> u64 {
        self.store.load().generation
    }

    #[track_caller]
    pub fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let started = Instant::now();
        while !condition() {
            let report = self.status.report();
            assert!(started.elapsed() < PATIENCE, "waited in vain until {what}: {:?}", report.error);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    pub fn until_version(&self, version: u64) {
        self.until(&format!("version {version} is served"), || self.value("app/v") == version.to_string());
        self.until("the status is clean", || self.status.report().failing_since.is_none());
    }

    #[track_caller]
    pub fn until_failed(&self, kind: ErrorKind) {
        self.until(&format!("{kind:?} is reported"), || self.status.report().error_kind == Some(kind));
        self.until("the observer heard", || self.heard.failed.lock().unwrap().last() == Some(&kind));
        assert!(self.status.report().failing_since.is_some());
    }

    /// Lets the watcher look again, so that whatever it was going to do is done.
    pub fn settle(&self) {
        for _ in 0..2 {
            let before = self.status.report().last_scan;
            self.until("another look", || self.status.report().last_scan != before);
        }
    }
}

pub fn policy(version: u64) -> String {
    format!(
        "package app\n\nimport rego.v1\n\ndefault allow := false\n\nv := {version}\n\nallow if input.ok\n"
    )
}

pub fn value_in(snapshot: &Snapshot, path: &str) -> String {
    let limits = EvalLimits::within(Duration::from_secs(5));
    match snapshot.shared.program.evaluate(&EntryPath::parse(path).unwrap(), None, 0, &limits) {
        Evaluation::Defined { value, .. } => value.to_string(),
        Evaluation::Undefined(_) => "-".to_owned(),
        Evaluation::Error(failure) => panic!("{path}: {failure}"),
    }
}

/// As careful publishers do: beside it, then renamed over it.
pub fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("tmp");
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}
