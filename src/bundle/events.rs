//! The flags that wake the watcher's thread: set by notifications, signals and the owner.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};

use super::name::matters;

/// How long a file that is open for writing delays a reload. After that, two equal readings are enough.
const WRITER_GRACE: Duration = Duration::from_secs(1);
/// The most debounces that a continuous stream of events delays a reading.
const MOST_DEBOUNCES: u32 = 5;

/// Why the loop woke up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    Stop,
    Forced,
    Changed,
    Poll,
}

/// The flags.
#[derive(Debug)]
pub(super) struct Events {
    places: Vec<PathBuf>,
    flags: Mutex<Flags>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Flags {
    stop: bool,
    forced: bool,
    dirty: bool,
    first_done: bool,
    /// Confirmed removals that have not been processed.
    confirmed: BTreeSet<String>,
    last_event: Option<Instant>,
    /// Files that were written to and are still open.
    writing: HashSet<PathBuf>,
    /// Since when at least one file has been open.
    writing_since: Option<Instant>,
}

impl Events {
    pub(super) fn new(places: &[PathBuf]) -> Self {
        Self { places: places.to_vec(), flags: Mutex::default(), changed: Condvar::new() }
    }

    /// A poisoned lock does not matter: any state of the flags is valid.
    fn lock(&self) -> MutexGuard<'_, Flags> {
        self.flags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut Flags)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    pub(super) fn stop(&self) {
        self.set(|flags| flags.stop = true);
    }

    pub(super) fn force(&self) {
        self.set(|flags| flags.forced = true);
    }

    /// An operator confirms that this bundle is removed.
    pub(super) fn confirm_removal(&self, name: &str) {
        self.set(|flags| {
            flags.confirmed.insert(name.to_owned());
            flags.forced = true;
        });
    }

    /// Takes the confirmations since the last call.
    pub(super) fn take_confirmed(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().confirmed)
    }

    pub(super) fn first_done(&self) {
        self.set(|flags| flags.first_done = true);
    }

    pub(super) fn wait_first(&self, timeout: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), timeout, |flags| !flags.first_done);
        waited.unwrap_or_else(PoisonError::into_inner).0.first_done
    }

    /// Waits for a reason to read the directory, at most `poll`.
    pub(super) fn wait(&self, poll: Duration) -> Wake {
        let idle = |flags: &mut Flags| !(flags.stop || flags.forced || flags.dirty);
        let (mut flags, _) =
            self.changed.wait_timeout_while(self.lock(), poll, idle).unwrap_or_else(PoisonError::into_inner);
        if flags.stop {
            Wake::Stop
        } else if std::mem::take(&mut flags.forced) {
            Wake::Forced
        } else if flags.dirty {
            Wake::Changed
        } else {
            Wake::Poll
        }
    }

    /// Waits until the directory has been quiet for `debounce` since its last event, and, where `pause` is set, since
    /// now; `false` if it should stop. All events so far then count as seen.
    pub(super) fn quiet(&self, debounce: Duration, pause: bool) -> bool {
        let begun = Instant::now();
        let latest = begun + debounce.saturating_mul(MOST_DEBOUNCES);
        let mut flags = self.lock();
        loop {
            if flags.stop {
                return false;
            }
            let now = Instant::now();
            let after_events = flags.last_event.map(|at| (at + debounce).min(latest));
            let after_pause = pause.then(|| begun + debounce);
            let after_writers = flags.writing_since.map(|at| at + WRITER_GRACE);
            let until = [after_events, after_pause, after_writers].into_iter().flatten().max();
            let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(flags, left);
            flags = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        flags.dirty = false;
        flags.writing.clear();
        flags.writing_since = None;
        true
    }

    /// Handles one notification. Lost notifications count as a change.
    pub(super) fn notice(&self, event: notify::Result<notify::Event>) {
        let Ok(event) = event else { return self.change(None) };
        if event.need_rescan() {
            return self.change(None);
        }
        let closed = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
            // Our own reading is an access, too, and would trigger itself.
            EventKind::Access(_) => return,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => true,
            _ => false,
        };
        let written = matches!(event.kind, EventKind::Modify(ModifyKind::Data(_)));
        for path in event.paths.iter().filter(|path| self.concerns(path)) {
            self.change(Some((path, written, closed)));
        }
    }

    fn change(&self, file: Option<(&Path, bool, bool)>) {
        self.set(|flags| {
            let now = Instant::now();
            flags.dirty = true;
            flags.last_event = Some(now);
            match file {
                Some((path, true, _)) if flags.writing.len() < 1024 => {
                    flags.writing.insert(path.to_path_buf());
                    flags.writing_since.get_or_insert(now);
                }
                Some((path, _, true)) => {
                    flags.writing.remove(path);
                    if flags.writing.is_empty() {
                        flags.writing_since = None;
                    }
                }
                _ => {}
            }
        });
    }

    /// Whether a change at `path` can change what is served. Beside what is watched, only the links that Kubernetes swaps can.
    fn concerns(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(OsStr::to_str);
        if self.places.iter().any(|place| path == place) {
            return true;
        }
        let inside = self.places.iter().any(|place| path.starts_with(place));
        let beside = !inside && self.places.iter().any(|place| path.parent() == place.parent());
        if beside { name.is_some_and(|name| name.starts_with("..")) } else { name.is_none_or(matters) }
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, AccessMode, CreateKind, DataChange, Event, Flag, MetadataKind};

    use super::*;

    fn woken_by(event: notify::Result<Event>) -> bool {
        let events = Events::new(&[PathBuf::from("/srv/bundles")]);
        events.notice(event);
        events.wait(Duration::ZERO) == Wake::Changed
    }

    #[test]
    fn changes_wake_and_reading_does_not() {
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let created = EventKind::Create(CreateKind::File);
        for (kind, path, expected) in [
            (written, "/srv/bundles/authz/policy.rego", true),
            (created, "/srv/bundles/authz", true),
            (created, "/srv/bundles/authz/..data", true),
            (EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)), "/srv/bundles", true),
            (EventKind::Access(AccessKind::Close(AccessMode::Write)), "/srv/bundles/authz/policy.rego", true),
            (EventKind::Access(AccessKind::Open(AccessMode::Any)), "/srv/bundles/authz/policy.rego", false),
            (EventKind::Access(AccessKind::Close(AccessMode::Read)), "/srv/bundles/authz/policy.rego", false),
            (written, "/srv/bundles/authz/.policy.rego.swp", false),
            (written, "/srv/bundles/authz/policy.rego~", false),
            (created, "/srv/bundles", true),
            (created, "/srv/elsewhere", false),
        ] {
            assert_eq!(woken_by(Ok(Event::new(kind).add_path(path.into()))), expected, "{kind:?} {path}");
        }
    }

    #[test]
    fn beside_a_file_that_is_watched_only_a_swapped_link_matters() {
        let events = Events::new(&["/srv/p/policy.rego", "/srv/p/rules"].map(PathBuf::from));
        for (path, expected) in [
            ("/srv/p/policy.rego", true),
            ("/srv/p/rules", true),
            ("/srv/p/rules/a/data.json", true),
            ("/srv/p/decisions.jsonl", false),
            ("/srv/p/..data", true),
            ("/elsewhere/policy.rego", true),
        ] {
            assert_eq!(events.concerns(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_lost_notification_is_a_change() {
        assert!(woken_by(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan))));
        assert!(woken_by(Err(notify::Error::generic("queue"))));
    }

    #[test]
    fn what_the_owner_asks_for_comes_first() {
        let events = Events::new(&[PathBuf::from("/srv/bundles")]);
        assert_eq!(events.wait(Duration::ZERO), Wake::Poll);
        events.force();
        assert_eq!(events.wait(Duration::ZERO), Wake::Forced);
        assert_eq!(events.wait(Duration::ZERO), Wake::Poll);
        events.stop();
        events.force();
        assert_eq!(events.wait(Duration::ZERO), Wake::Stop);
        assert!(!events.quiet(Duration::from_secs(60), true));
    }
}
