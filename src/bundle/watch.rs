//! The loop that keeps the active snapshot up to date with the directory.
//!
//! INVARIANT (stable reading): contents are activated only after two readings, a debounce apart, had equal stamps and equal
//! bytes, the directory was quiet, and no file in it was open for writing. So a half-written file, or one of two files that
//! belong together, is not served.
//! INVARIANT (never deaf): notifications only speed things up. What they miss (an overflow, a replaced directory, a network file
//! system, no inotify at all) is found by polling, which compares names, inodes, sizes and times of all files.
//!
//! Notifications are kept as flags, not in a queue: any number of them takes no memory and causes one reading.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::contents::{Digest, Limits};
use super::error::{ErrorKind, LoadError};
use super::events::{Events, Wake};
use super::folder::Stamp;
use super::notices::{Identity, Notices};
use super::places::Places;
use super::reload::{Reloader, Setup};
use super::remote::Shelf;
use super::scan::{Scan, Survey};
use super::status::Status;
use super::written::{Change, WriteError};
use crate::model::clock::Timestamp;

/// A directory that changes for this many debounces without a pause is reported as failing; 10 s by default.
const UNSETTLED_DEBOUNCES: u32 = 100;
/// The least number of changes for that: on a busy machine, a single reading may take as long.
const UNSETTLED_CHANGES: u32 = 3;
/// Stamps younger than this are not trusted: two writes within one tick of the file system's clock look the same.
const RACY_SECONDS: i64 = 2;

/// The running loop. Dropping it stops the loop and waits for its end.
#[derive(Debug)]
pub struct Watcher {
    trigger: Trigger,
    thread: Option<JoinHandle<()>>,
}

/// Requests reloads from elsewhere, e.g. on SIGHUP.
#[derive(Debug, Clone)]
pub struct Trigger {
    events: Arc<Events>,
    status: Arc<Status>,
    expected: Arc<[String]>,
    reloader: Shared,
    shelf: Arc<Shelf>,
}

/// What handles readings and writes, one at a time.
#[derive(Clone)]
struct Shared(Arc<Mutex<Reloader>>);

impl Shared {
    /// A poisoned lock does not matter: what is in force was swapped whole.
    fn lock(&self) -> MutexGuard<'_, Reloader> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reloader")
    }
}

/// Why the removal of a bundle was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRemovable {
    /// It is in the directory, or was never active.
    #[error("no bundle `{0}` is missing from the directory")]
    NotMissing(String),
    /// It is listed in `bundles.expected` or `bundles.remote`.
    #[error(
        "the configuration lists the bundle `{0}` (`bundles.expected`, `bundles.remote`); take it out and restart"
    )]
    Expected(String),
}

impl Trigger {
    /// Reads the directory again now, asks services for their bundles, and retries what failed before.
    pub fn reload(&self) {
        self.shelf.ask();
        self.events.force();
    }

    /// Confirms that the bundle `name`, which is active and vanished from the directory, is removed for good, and reads the
    /// directory again. Its contents are then activated without the bundle, if nothing else is wrong.
    /// Does not wait for that. The confirmation is void once the bundle is back.
    ///
    /// # Errors
    /// A bundle that is not reported as missing, or that the configuration expects.
    pub fn confirm_removal(&self, name: &str) -> Result<(), NotRemovable> {
        if !self.status.report().missing.contains(name) {
            return Err(NotRemovable::NotMissing(name.to_owned()));
        }
        if self.expected.iter().any(|expected| expected == name) {
            return Err(NotRemovable::Expected(name.to_owned()));
        }
        self.events.confirm_removal(name);
        Ok(())
    }

    /// Writes policy or data beside the bundles, and puts what comes of it in force. Waits for that, and for others who write or
    /// reload; says whether it changed anything.
    ///
    /// # Errors
    /// Why nothing was written.
    pub fn write(&self, change: &Change) -> Result<bool, WriteError> {
        let mut reloader = self.reloader.lock();
        let changed = reloader.write(change)?;
        // What was refused because of what was written may come into force now.
        if changed && reloader.failed() {
            self.events.force();
        }
        Ok(changed)
    }
}

impl Watcher {
    /// Starts watching; the first reading begins at once, on the watcher's own thread.
    ///
    /// # Errors
    /// An invalid configuration, or a thread that cannot be started.
    pub fn start(setup: Setup) -> Result<Self, LoadError> {
        let places = Places::from(&setup.config);
        let fetched = setup.config.remote.keys();
        let expected = setup.config.expected.iter().chain(fetched).cloned().collect();
        let (status, shelf) = (Arc::clone(&setup.status), Arc::clone(&setup.shelf));
        let (again, limits) = (setup.clone(), Limits::from(&setup.config));
        let reloader = Shared(Arc::new(Mutex::new(Reloader::new(setup)?)));
        let events = Arc::new(Events::new(places.paths()));
        let notices = Notices::new(Arc::clone(&events));
        let mut watch = Loop {
            places,
            setup: again,
            limits,
            reloader: reloader.clone(),
            events: Arc::clone(&events),
            notices,
            seen: None,
            roots: Vec::new(),
            taken: Vec::new(),
            shelved: 0,
        };
        let spawned = std::thread::Builder::new().name("bundles".to_owned()).spawn(move || watch.run());
        let thread = spawned.map_err(|error| {
            LoadError::new(ErrorKind::Internal, format!("cannot start the bundle watcher's thread: {error}"))
        })?;
        Ok(Self { trigger: Trigger { events, status, expected, reloader, shelf }, thread: Some(thread) })
    }

    /// Waits until the first reading has been handled, successfully or not; `false` if that takes longer than `timeout`.
    pub fn wait_first(&self, timeout: Duration) -> bool {
        self.trigger.events.wait_first(timeout)
    }

    /// Reads the directory again now, and retries what failed before.
    pub fn reload(&self) {
        self.trigger.reload();
    }

    /// A handle for requesting reloads.
    pub fn trigger(&self) -> Trigger {
        self.trigger.clone()
    }

    /// Stops the loop and waits for its end; an activation in progress is completed.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.trigger.events.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the loop has been printed already.
            let _ended = thread.join();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How often the directory itself is checked: no notification tells that it was created, moved or replaced.
const ROOT_CHECK: Duration = Duration::from_millis(250);

struct Loop {
    places: Places,
    setup: Setup,
    limits: Limits,
    reloader: Shared,
    events: Arc<Events>,
    notices: Notices,
    /// The stamps of the last handled reading, unless they are too young to trust.
    seen: Option<Vec<Stamp>>,
    /// The directories that were read last, noted before reading: if one is replaced meanwhile, it differs.
    roots: Vec<Option<Identity>>,
    /// What the paths were taken for last.
    taken: Vec<String>,
    /// The version of the shelf that was read last.
    shelved: u64,
}

/// The result of one look at the directory.
enum Look {
    /// The stamps have not changed, so nothing was read.
    Same,
    Read(Vec<Stamp>, Scan),
    Unusable(LoadError),
}

/// What is compared between two looks.
type Key = Result<(Vec<Stamp>, Digest), LoadError>;

impl Loop {
    fn run(&mut self) {
        let poll = self.setup.config.poll_interval.0.max(Duration::from_millis(10));
        let mut again = false;
        while self.settle(again) {
            self.events.first_done();
            let looked = Instant::now();
            again = loop {
                match self.events.wait(poll.min(ROOT_CHECK)) {
                    Wake::Stop => return,
                    Wake::Forced => break true,
                    Wake::Changed => break false,
                    Wake::Poll
                        if looked.elapsed() >= poll
                            || self.identities() != self.roots
                            || self.setup.shelf.version() != self.shelved =>
                    {
                        break false;
                    }
                    Wake::Poll => {}
                }
            };
        }
    }

    /// Looks until two looks agree, then handles the reading; `false` if it should stop.
    fn settle(&mut self, again: bool) -> bool {
        let debounce = self.setup.config.debounce.0;
        let started = Instant::now();
        let mut previous: Option<Key> = None;
        let (mut changes, mut reported) = (0_u32, false);
        self.reloader.lock().confirm(self.events.take_confirmed());
        while self.events.quiet(debounce, previous.is_some()) {
            let now = self.setup.clock.now();
            self.setup.status.scanned(now);
            let look = self.look(previous.is_none() && !again);
            let key = match &look {
                Look::Same => return true,
                Look::Read(stamps, scan) => Ok((stamps.clone(), scan.digest)),
                Look::Unusable(error) => Err(error.clone()),
            };
            let known = !again && key.as_ref().is_ok_and(|(_, digest)| self.reloader.lock().knows(digest));
            if known || previous.as_ref() == Some(&key) {
                self.finish(look, now, again);
                return true;
            }
            changes = changes.saturating_add(u32::from(previous.replace(key).is_some()));
            if !reported
                && changes >= UNSETTLED_CHANGES
                && started.elapsed() > debounce.saturating_mul(UNSETTLED_DEBOUNCES)
            {
                self.reloader.lock().unsettled();
                self.events.first_done();
                reported = true;
            }
        }
        false
    }

    fn identities(&self) -> Vec<Option<Identity>> {
        self.places.paths().iter().map(|path| Identity::of(path)).collect()
    }

    fn say_what_is_taken(&mut self) {
        let taken = self.places.taken();
        for line in taken.iter().filter(|line| !self.taken.contains(line)) {
            tracing::info!("{line}");
        }
        self.taken = taken;
    }

    /// Lists the directory, requests notifications for it, and reads it unless the stamps are unchanged.
    fn look(&mut self, trust_stamps: bool) -> Look {
        let limits = self.limits;
        self.roots = self.identities();
        self.say_what_is_taken();
        let shelf = Arc::clone(&self.setup.shelf);
        let version = shelf.version();
        let news = version != std::mem::replace(&mut self.shelved, version);
        match self.survey(&shelf, limits) {
            Err(error) => {
                self.notices.follow(self.places.paths(), &BTreeSet::new());
                Look::Unusable(error)
            }
            Ok(survey) => {
                self.notices.follow(self.places.paths(), &survey.folders);
                let stamps = survey.stamps();
                if trust_stamps && !news && self.seen.as_ref() == Some(&stamps) && survey.is_whole() {
                    return Look::Same;
                }
                Look::Read(stamps, survey.read(limits))
            }
        }
    }

    /// What is in the directory and what was fetched. Where bundles are fetched, there need be none in the directory.
    fn survey(&self, shelf: &Shelf, limits: Limits) -> Result<Survey, LoadError> {
        let mut survey = match self.places.survey(limits) {
            Err(error) if error.kind == ErrorKind::Empty && !shelf.is_unused() => Survey::default(),
            survey => survey?,
        };
        survey.add_fetched(shelf.sources())?;
        Ok(survey)
    }

    fn finish(&mut self, look: Look, now: Timestamp, again: bool) {
        self.seen = None;
        match look {
            Look::Same => {}
            Look::Unusable(error) => self.reloader.lock().unusable(error, again),
            Look::Read(stamps, scan) => {
                self.reloader.lock().handle(scan, again);
                let young = now.unix_seconds().saturating_sub(RACY_SECONDS);
                if !stamps.iter().any(|stamp| stamp.touched_since(young)) {
                    self.seen = Some(stamps);
                }
            }
        }
    }
}
