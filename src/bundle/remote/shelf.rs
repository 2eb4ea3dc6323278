//! What was fetched last: between those who fetch and the loop that activates.
//!
//! INVARIANT (together): what one round brought comes onto the shelf at once, and the loop reads the whole shelf.
//! INVARIANT (kept when in force): a bundle goes to the disk once it is in force, so that a start without its service finds what
//! was served last, and not what was refused. The highest revision that was in force is kept with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::fetched::Fetched;
use super::keep::{Keeper, Kept};
use super::revision::Revision;
use crate::bundle::error::{ErrorKind, LoadError};
use crate::bundle::scan::FetchedSource;
use crate::model::clock::Timestamp;

/// The bundles that are fetched, by name.
#[derive(Debug)]
pub struct Shelf {
    slots: Mutex<BTreeMap<String, Slot>>,
    version: AtomicU64,
    keeper: Keeper,
    /// Counts how often somebody asked for all of them now.
    asked: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Slot {
    from: String,
    /// Whether its revisions are numbers that never fall.
    rising: bool,
    fetched: Option<Arc<Fetched>>,
    /// Why it could not be fetched last.
    trouble: Option<String>,
    /// The digest of what is on the disk.
    kept: Option<String>,
    /// The highest revision that was in force.
    highest: Option<Revision>,
}

impl Shelf {
    /// A shelf without bundles; what is fetched is kept below `state`.
    pub fn new(state: &Path) -> Self {
        let (slots, version) = (Mutex::default(), AtomicU64::new(0));
        Self { slots, version, keeper: Keeper::new(state), asked: watch::Sender::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is fetched at all.
    pub(in crate::bundle) fn is_unused(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether every bundle is there, if only from an earlier run.
    pub fn is_whole(&self) -> bool {
        self.lock().values().all(|slot| slot.fetched.is_some())
    }

    /// Changes whenever what [`Shelf::sources`] says changes.
    pub(in crate::bundle) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// All bundles, in order of their names.
    pub(in crate::bundle) fn sources(&self) -> Vec<(String, FetchedSource)> {
        let slots = self.lock();
        let source = |(name, slot): (&String, &Slot)| (name.clone(), slot.source(name));
        slots.iter().map(source).collect()
    }

    /// Somebody asks for all of them now.
    pub(in crate::bundle) fn ask(&self) {
        self.asked.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Wakes when somebody asks.
    pub(super) fn asks(&self) -> watch::Receiver<u64> {
        self.asked.subscribe()
    }

    /// Makes room for a bundle that comes from there.
    pub(super) fn expect(&self, name: &str, from: &str, rising: bool) {
        let slot = Slot { from: from.to_owned(), rising, ..Slot::default() };
        self.lock().insert(name.to_owned(), slot);
    }

    /// What is kept of a bundle on the disk.
    ///
    /// # Errors
    /// A file that cannot be read, or that is not what was written.
    pub(super) fn kept(&self, name: &str, max_bytes: u64) -> Result<Option<Kept>, String> {
        let shown = |why| format!("`{}`: {why}", self.keeper.path(name).display());
        self.keeper.read(name, max_bytes).map_err(shown)
    }

    /// Puts back what was kept.
    pub(super) fn restore(&self, kept: Kept) {
        if let Some(slot) = self.lock().get_mut(&kept.fetched.name) {
            slot.kept = Some(kept.fetched.digest.clone());
            slot.fetched = Some(Arc::new(kept.fetched));
        }
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// Whatever becomes of what was kept, no lower revision than this is taken.
    pub(super) fn remember(&self, name: &str, highest: Option<Revision>) {
        if let Some(slot) = self.lock().get_mut(name).filter(|slot| slot.rising) {
            slot.highest = highest;
        }
    }

    /// What is there now of a bundle.
    pub(super) fn now(&self, name: &str) -> Option<Arc<Fetched>> {
        self.lock().get(name)?.fetched.clone()
    }

    /// The highest revision that was in force.
    pub(super) fn highest(&self, name: &str) -> Option<Revision> {
        self.lock().get(name)?.highest.clone()
    }

    /// Puts bundles there, all at once.
    pub(super) fn put(&self, all: BTreeMap<String, Arc<Fetched>>) {
        let mut slots = self.lock();
        for (name, fetched) in all {
            if let Some(slot) = slots.get_mut(&name) {
                (slot.fetched, slot.trouble) = (Some(fetched), None);
            }
        }
        drop(slots);
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// A bundle could not be fetched.
    pub(super) fn trouble(&self, name: &str, why: &str) {
        let mut slots = self.lock();
        let Some(slot) = slots.get_mut(name) else { return };
        let news = slot.fetched.is_none() && slot.trouble.as_deref() != Some(why);
        slot.trouble = Some(why.to_owned());
        drop(slots);
        if news {
            self.version.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// The service has said that what is there of a bundle is current: noted on the disk, where that is what is kept.
    pub(super) fn confirm(&self, name: &str, at: Timestamp) {
        let mut slots = self.lock();
        let Some(slot) = slots.get_mut(name) else { return };
        slot.trouble = None;
        let is_kept =
            slot.kept.is_some() && slot.fetched.as_ref().map(|fetched| &fetched.digest) == slot.kept.as_ref();
        drop(slots);
        if is_kept && let Err(error) = self.keeper.confirm(name, at) {
            tracing::debug!(bundle = name, %error, "cannot note on the disk that the bundle is current");
        }
    }

    /// This bundle is in force: it is kept, unless it is already.
    ///
    /// # Errors
    /// When it cannot be written. It stays in force all the same.
    pub(in crate::bundle) fn activated(&self, fetched: &Fetched, now: Timestamp) -> std::io::Result<()> {
        let mut slots = self.lock();
        let Some(slot) = slots.get_mut(&fetched.name) else { return Ok(()) };
        if slot.rising
            && let Ok(revision) = fetched.revision.parse::<Revision>()
        {
            slot.highest = slot.highest.take().max(Some(revision));
        }
        if slot.kept.as_ref() == Some(&fetched.digest) {
            return Ok(());
        }
        let highest = slot.highest.clone();
        drop(slots);
        self.keeper.write(fetched, highest.as_ref(), now)?;
        if let Some(slot) = self.lock().get_mut(&fetched.name) {
            slot.kept = Some(fetched.digest.clone());
        }
        Ok(())
    }
}

impl Slot {
    fn source(&self, name: &str) -> FetchedSource {
        self.fetched.clone().ok_or_else(|| {
            let why = self.trouble.as_ref().map_or_else(|| "no answer yet".to_owned(), String::clone);
            let message = format!("could not be fetched from `{}`: {why}", self.from);
            LoadError::new(ErrorKind::MissingBundle, message).of(name)
        })
    }
}
