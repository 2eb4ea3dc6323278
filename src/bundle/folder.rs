//! Reads a bundle folder: first lists its files ([`survey`]), then reads them ([`read`]).
//!
//! Links are followed only within the bundle (which is how Kubernetes mounts a ConfigMap:
//! `policy.rego -> ..data/policy.rego`, `..data -> ..2026_11_21`). A link that leads outside is an error, so that a bundle
//! cannot be made to publish a file of its host. The bundle folder itself may be a link to anywhere.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::contents::{Collector, Contents, Extent, Limits, too_many_files, wanted};
use super::error::{ErrorKind, LoadError};
use super::name;
use super::signature::token;

/// The most levels of folders in a bundle.
const MAX_DEPTH: usize = 64;

/// The metadata of a file that changes with its contents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    path: PathBuf,
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn new(path: &Path, meta: &Metadata) -> Self {
        Self {
            path: path.to_path_buf(),
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// Whether the file was touched at or after `seconds` since the Unix epoch.
    pub(super) const fn touched_since(&self, seconds: i64) -> bool {
        self.modified.0 >= seconds || self.changed.0 >= seconds
    }
}

/// One file that is wanted.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
}

/// The result of listing a folder.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) files: Vec<Found>,
    /// Every folder in which a change could change the bundle.
    pub(super) folders: BTreeSet<PathBuf>,
    /// Which files are listed.
    extent: Option<Extent>,
    /// How many files there are, wanted or not.
    seen: usize,
}

/// Lists the files of the bundle at `root` without reading them; of a signed bundle, every file.
pub(super) fn survey(root: &Path, limits: Limits) -> Result<Survey, LoadError> {
    let found = survey_extent(root, limits, Extent::Wanted)?;
    if found.files.iter().any(|file| file.name == token::FILE) {
        return survey_extent(root, limits, Extent::All);
    }
    Ok(found)
}

/// Lists the files that `extent` selects.
pub(super) fn survey_extent(root: &Path, limits: Limits, extent: Extent) -> Result<Survey, LoadError> {
    let real = root.canonicalize().map_err(|error| unreadable(root, &error))?;
    let survey = Survey { extent: Some(extent), ..Survey::default() };
    let mut walk = Walk { root, real, limits, survey, above: Vec::new() };
    walk.folder(root, "")?;
    walk.survey.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(walk.survey)
}

/// Reads the files that [`survey`] listed.
pub(super) fn read(files: &[Found], limits: Limits) -> Result<Contents, LoadError> {
    // All listed files are wanted, whatever their names.
    let mut collector = Collector::new(limits, Extent::All);
    for found in files {
        if collector.admit(&found.name)? {
            let bytes = read_file(&found.path, collector.room())?;
            collector.count(&found.name, bytes.len() as u64)?;
            if !collector.keep(found.name.clone(), bytes) {
                return Err(LoadError::new(
                    ErrorKind::Unreadable,
                    format!("`{}` is listed twice", found.name),
                ));
            }
        }
    }
    Ok(collector.finish())
}

/// Reads a plain file, at most one byte more than `room`, which is enough to see that it is too long.
pub(super) fn read_file(path: &Path, room: u64) -> Result<Vec<u8>, LoadError> {
    let fail = |error: io::Error| unreadable(path, &error);
    let file = File::open(path).map_err(fail)?;
    if !file.metadata().map_err(fail)?.is_file() {
        return Err(not_a_file(path));
    }
    let mut bytes = Vec::new();
    file.take(room.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

struct Walk<'a> {
    root: &'a Path,
    real: PathBuf,
    limits: Limits,
    survey: Survey,
    /// The folders above the present one, resolved.
    above: Vec<PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, path: &Path, prefix: &str) -> Result<(), LoadError> {
        let fail = |error: io::Error| unreadable(path, &error);
        let real = path.canonicalize().map_err(fail)?;
        if self.above.contains(&real) || self.above.len() >= MAX_DEPTH {
            return Err(LoadError::new(
                ErrorKind::Unreadable,
                format!("`{}` is a link loop or more than {MAX_DEPTH} folders deep", path.display()),
            ));
        }
        self.survey.folders.insert(path.to_path_buf());
        self.above.push(real);
        for entry in fs::read_dir(path).map_err(fail)? {
            let file_name = entry.map_err(fail)?.file_name();
            let child = path.join(&file_name);
            let Some(segment) = file_name.to_str() else {
                return Err(LoadError::new(
                    ErrorKind::Unreadable,
                    format!("the name of `{}` is not UTF-8; rename it", child.display()),
                ));
            };
            if !name::ignored(segment) {
                let name = if prefix.is_empty() { segment.to_owned() } else { format!("{prefix}/{segment}") };
                self.entry(&child, name)?;
            }
        }
        self.above.pop();
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: String) -> Result<(), LoadError> {
        let fail = |error: io::Error| unreadable(path, &error);
        let own = match fs::symlink_metadata(path) {
            // Removed since the folder was listed: the next scan will show whether that was a change.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(fail)?,
        };
        let relevant = self.survey.extent == Some(Extent::All) || wanted(&name);
        // A broken link is an error even if its name is irrelevant: it may have been a folder.
        let meta = if own.is_symlink() { fs::metadata(path).map_err(fail)? } else { own.clone() };
        if own.is_symlink() && (relevant || meta.is_dir()) {
            self.stays_inside(path)?;
        }
        if meta.is_dir() {
            return self.folder(path, &name);
        }
        self.survey.seen = self.survey.seen.saturating_add(1);
        if self.survey.seen > self.limits.max_files {
            // Checked here as well as in `read`, so that a huge folder is not listed to its end.
            return Err(too_many_files(self.limits));
        }
        if relevant {
            if !meta.is_file() {
                return Err(not_a_file(path));
            }
            let stamp = Stamp::new(path, &meta);
            self.survey.files.push(Found { name, path: path.to_path_buf(), stamp });
        }
        Ok(())
    }

    fn stays_inside(&mut self, link: &Path) -> Result<(), LoadError> {
        let target = link.canonicalize().map_err(|error| unreadable(link, &error))?;
        if !target.starts_with(&self.real) {
            return Err(LoadError::new(
                ErrorKind::Unreadable,
                format!(
                    "`{}` is a link to `{}`, outside the bundle; copy the file into `{}`, or link the whole bundle",
                    link.display(),
                    target.display(),
                    self.root.display()
                ),
            ));
        }
        if let Some(parent) = target.parent() {
            self.survey.folders.insert(parent.to_path_buf());
        }
        Ok(())
    }
}

fn not_a_file(path: &Path) -> LoadError {
    LoadError::new(
        ErrorKind::Unreadable,
        format!("`{}` is a pipe, a socket or a device, not a regular file", path.display()),
    )
}

/// The operating system's error, the path, and what to do.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> LoadError {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "; give the user that runs verdict read permission",
        io::ErrorKind::NotFound => "; it does not exist or is a broken link",
        _ => "",
    };
    LoadError::new(ErrorKind::Unreadable, format!("cannot read `{}`: {error}{hint}", path.display()))
}
