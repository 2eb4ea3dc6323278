//! Which folders the operating system is asked to report on: always those that the last survey came by.
//!
//! Each folder is watched by itself, with its inode remembered: a recursive watch would miss files in folders made at
//! once, and a folder that was renamed away and made anew would stay silent.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::events::Events;

/// The folders that are watched.
pub(super) struct Notices {
    watcher: Option<RecommendedWatcher>,
    /// Folder to device and inode, as they were when it was watched.
    watched: HashMap<PathBuf, (u64, u64)>,
    warned: bool,
}

impl Notices {
    /// Without notifications, where the system has none to give: the poll does it then, only later.
    pub(super) fn new(events: Arc<Events>, dir: &Path) -> Self {
        let watcher = notify::recommended_watcher(move |event| events.notice(event));
        let watcher = watcher
            .inspect_err(|error| {
                tracing::warn!("no notifications of changes, `{}` is only polled: {error}", dir.display());
            })
            .ok();
        Self { watcher, watched: HashMap::new(), warned: false }
    }

    /// Watches `dir`, the folder that holds it (also that of its target, where it is a link) and `folders`, and
    /// nothing else.
    pub(super) fn follow(&mut self, dir: &Path, folders: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        let resolved = dir.canonicalize().ok();
        let parents = [Some(dir), resolved.as_deref()].into_iter().flatten().filter_map(Path::parent);
        let mut wanted: HashMap<PathBuf, (u64, u64)> = HashMap::new();
        for folder in parents.chain([dir]).chain(folders.iter().map(PathBuf::as_path)) {
            if let Ok(meta) = std::fs::metadata(folder)
                && meta.is_dir()
            {
                wanted.insert(folder.to_path_buf(), (meta.dev(), meta.ino()));
            }
        }
        for (folder, inode) in &self.watched {
            if wanted.get(folder) != Some(inode) {
                // It is an error to stop watching what has gone; there is nothing to do about it.
                let _gone = watcher.unwatch(folder);
            }
        }
        let mut now_watched = HashMap::new();
        for (folder, inode) in wanted {
            let kept = self.watched.get(&folder) == Some(&inode);
            match if kept { Ok(()) } else { watcher.watch(&folder, RecursiveMode::NonRecursive) } {
                Ok(()) => {
                    now_watched.insert(folder, inode);
                }
                Err(error) if !self.warned => {
                    self.warned = true;
                    tracing::warn!(
                        "no notifications of changes in `{}`, it is only polled: {error}",
                        folder.display()
                    );
                }
                Err(_) => {}
            }
        }
        self.watched = now_watched;
    }
}
