//! Which files a database is: an unlinked file still takes writes, which nobody will ever see again.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, FileControl, MAIN_DB};

use super::error::failed;
use crate::registry::store::{StoreError, StoreErrorKind};

/// The files of a database as they were when it was opened.
#[derive(Debug)]
pub(super) struct Files {
    main: File,
    /// The log, which is there as long as the database is open.
    log: File,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl File {
    fn of(path: PathBuf) -> Result<Self, StoreError> {
        let identity = identity(&path).map_err(|error| gone(&path, &error.to_string()))?;
        Ok(Self { path, identity })
    }

    fn check(&self) -> Result<(), StoreError> {
        match identity(&self.path) {
            Ok(found) if found == self.identity => Ok(()),
            Ok(_) => Err(gone(&self.path, "another file has taken its place")),
            Err(error) => Err(gone(&self.path, &error.to_string())),
        }
    }
}

impl Files {
    /// Those of this connection, which must have read something already.
    ///
    /// # Errors
    /// They are not where they were a moment ago.
    pub(super) fn of(connection: &Connection, path: &Path) -> Result<Self, StoreError> {
        let main = File::of(path.to_owned())?;
        // SQLite follows links, and keeps the log beside the file that they lead to.
        let resolved = path.canonicalize().map_err(|error| gone(path, &error.to_string()))?;
        let mut log: OsString = resolved.into();
        log.push("-wal");
        let log = File::of(log.into())?;
        check_opened(connection, path)?;
        Ok(Self { main, log })
    }

    /// Whether they are still in their places.
    ///
    /// # Errors
    /// They are not.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.main.check()?;
        self.log.check()
    }
}

/// Whether the file that a connection has opened is still in its place.
///
/// # Errors
/// It is not.
pub(super) fn check_opened(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let mut moved = 0;
    connection.file_control(Some(MAIN_DB), FileControl::HasMoved(&mut moved)).map_err(failed)?;
    if moved == 0 {
        return Ok(());
    }
    Err(gone(path, "another file has taken its place"))
}

/// Makes a file that only its owner may read, and its folders, unless they are there.
///
/// # Errors
/// They can neither be made nor are they there.
pub(super) fn make(path: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::Full,
            io::ErrorKind::ReadOnlyFilesystem => StoreErrorKind::ReadOnly,
            _ => StoreErrorKind::Gone,
        };
        StoreError::new(kind, format!("{}: cannot be made: {error}", path.display()))
    };
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
    Ok(())
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn gone(path: &Path, why: &str) -> StoreError {
    let hint = "put it back and start verdict again";
    StoreError::new(StoreErrorKind::Gone, format!("{}: {why}; {hint}", path.display()))
}
