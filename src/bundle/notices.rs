//! The folders for which file notifications are requested: those that the last survey found.
//!
//! Each folder is watched by itself, with its inode remembered: a recursive watch would miss files in folders made at
//! once, and a folder that was renamed away and made anew would stay silent.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::events::Events;

/// Identifies the folder at a path. A file system may reuse the inode of a deleted folder, hence the creation time, if the
/// file system has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    born: Option<SystemTime>,
}

impl Identity {
    /// `None` where there is no folder.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_dir)?;
        Some(Self { device: meta.dev(), inode: meta.ino(), born: meta.created().ok() })
    }
}

/// The folders that are watched.
pub(super) struct Notices {
    watcher: Option<RecommendedWatcher>,
    /// Each folder, as it was when it was watched.
    watched: HashMap<PathBuf, Identity>,
    warned: bool,
}

impl Notices {
    /// Works without notifications if the system has none: polling then finds changes, only later.
    pub(super) fn new(events: Arc<Events>) -> Self {
        let watcher = notify::recommended_watcher(move |event| events.notice(event));
        let watcher = watcher
            .inspect_err(|error| {
                tracing::warn!("file notifications are not available, polling: {error}");
            })
            .ok();
        Self { watcher, watched: HashMap::new(), warned: false }
    }

    /// Watches `places` and `folders`, as far as they are folders, and nothing else. Not the folder that holds the directory of
    /// bundles: whatever else is written there, such as a log, would be reported, too; the loop looks for a moved directory
    /// itself.
    pub(super) fn follow(&mut self, places: &[PathBuf], folders: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        let mut wanted: HashMap<PathBuf, Identity> = HashMap::new();
        for folder in places.iter().chain(folders) {
            if let Some(identity) = Identity::of(folder) {
                wanted.insert(folder.clone(), identity);
            }
        }
        for (folder, identity) in &self.watched {
            if wanted.get(folder) != Some(identity) {
                // Fails if the folder is gone; nothing needs to be done then.
                let _gone = watcher.unwatch(folder);
            }
        }
        let mut now_watched = HashMap::new();
        for (folder, identity) in wanted {
            let kept = self.watched.get(&folder) == Some(&identity);
            match if kept { Ok(()) } else { watcher.watch(&folder, RecursiveMode::NonRecursive) } {
                Ok(()) => {
                    now_watched.insert(folder, identity);
                }
                Err(error) if !self.warned => {
                    self.warned = true;
                    tracing::warn!(
                        "file notifications are not available for `{}`, polling it: {error}",
                        folder.display()
                    );
                }
                Err(_) => {}
            }
        }
        self.watched = now_watched;
    }
}
