//! What was fetched and activated last, in files: for a start at which its service is not there.
//!
//! INVARIANT (whole or not at all): a bundle and what is known of it are one file, which is written beside its place, synced and
//! renamed. Whatever ends the process, there is the old one or the new one.
//! INVARIANT (believed no more than the network): what is read here is verified like what is fetched.
//!
//! A file begins with one line of JSON; the archive follows. Its time of modification is when the service last said that it is
//! current.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::fetched::Fetched;
use super::revision::Revision;
use crate::model::clock::Timestamp;

/// The most that the first line takes, in bytes.
const MAX_HEAD: usize = 8 << 10;

/// The files, below the state directory.
#[derive(Debug)]
pub(super) struct Keeper {
    folder: PathBuf,
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) fetched: Fetched,
    /// The highest revision that was in force.
    pub(super) highest: Option<Revision>,
    /// When the service last said that this is current.
    pub(super) confirmed_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Head {
    origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    sha256: String,
    revision: String,
    fetched_at: String,
    holds: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    highest: Option<String>,
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256, in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

impl Keeper {
    /// Files below the state directory, which is made when it is needed.
    pub(super) fn new(state: &Path) -> Self {
        Self { folder: state.join("bundles") }
    }

    /// Where a bundle is kept.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.fetched"))
    }

    /// The bundle of this name, if there is one.
    ///
    /// # Errors
    /// A file that cannot be read, or that is not what was written.
    pub(super) fn read(&self, name: &str, max_bytes: u64) -> Result<Option<Kept>, String> {
        let path = self.path(name);
        let metadata = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata.map_err(|error| error.to_string())?,
        };
        if metadata.len() > max_bytes.saturating_add(MAX_HEAD as u64) {
            return Err("it is larger than `bundles.max_bundle_size`".to_owned());
        }
        let bytes = fs::read(&path).map_err(|error| error.to_string())?;
        let damaged = || "it is damaged".to_owned();
        let end = bytes.iter().take(MAX_HEAD).position(|byte| *byte == b'\n').ok_or_else(damaged)?;
        let (head, archive) =
            (bytes.get(..end).ok_or_else(damaged)?, bytes.get(end + 1..).ok_or_else(damaged)?);
        let head: Head = serde_json::from_slice(head).map_err(|_| damaged())?;
        if sha256(archive) != head.sha256 {
            return Err(damaged());
        }
        let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let confirmed_at = modified.unwrap_or_default().as_nanos();
        let fetched = Fetched {
            name: name.to_owned(),
            bytes: archive.to_vec(),
            digest: head.sha256,
            etag: head.etag,
            holds: head.holds,
            revision: head.revision,
            at: Timestamp::parse_rfc3339(&head.fetched_at)?,
            origin: head.origin,
        };
        let highest = head.highest.map(|text| text.parse()).transpose()?;
        let confirmed_at = Timestamp(i64::try_from(confirmed_at).unwrap_or(i64::MAX));
        Ok(Some(Kept { fetched, highest, confirmed_at }))
    }

    /// Keeps a bundle in place of the one before.
    ///
    /// # Errors
    /// When it cannot be written; then the one before is still there.
    pub(super) fn write(
        &self,
        fetched: &Fetched,
        highest: Option<&Revision>,
        confirmed_at: Timestamp,
    ) -> io::Result<()> {
        private_folder(&self.folder)?;
        let head = Head {
            origin: fetched.origin.clone(),
            etag: fetched.etag.clone(),
            sha256: fetched.digest.clone(),
            revision: fetched.revision.clone(),
            fetched_at: fetched.at.rfc3339(),
            holds: fetched.holds,
            highest: highest.map(Revision::to_string),
        };
        let mut head = serde_json::to_vec(&head)?;
        head.push(b'\n');
        // One name for all attempts, so that none that was cut off stays for ever.
        let draft = self.folder.join(format!(".{}.draft", fetched.name));
        let mut file = File::create(&draft)?;
        file.write_all(&head)?;
        file.write_all(&fetched.bytes)?;
        file.set_modified(UNIX_EPOCH + since_epoch(confirmed_at))?;
        file.sync_all()?;
        fs::rename(&draft, self.path(&fetched.name))?;
        File::open(&self.folder)?.sync_all()
    }

    /// Notes that the service has said again that what is kept is current.
    ///
    /// # Errors
    /// When it cannot be noted.
    pub(super) fn confirm(&self, name: &str, at: Timestamp) -> io::Result<()> {
        File::options().write(true).open(self.path(name))?.set_modified(UNIX_EPOCH + since_epoch(at))
    }
}

/// Policy and data are nobody else's business.
fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn since_epoch(at: Timestamp) -> Duration {
    Duration::from_nanos(u64::try_from(at.0).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(bytes: &[u8]) -> Fetched {
        Fetched {
            name: "authz".to_owned(),
            bytes: bytes.to_vec(),
            digest: sha256(bytes),
            etag: Some("\"a\"".to_owned()),
            holds: true,
            revision: "7".to_owned(),
            at: Timestamp::from_unix_seconds(1_700_000_000),
            origin: sha256(b"https://bundles.example/authz.tar.gz"),
        }
    }

    #[test]
    fn what_is_kept_is_read_again_with_its_age() {
        let dir = tempfile::TempDir::new().unwrap();
        let keeper = Keeper::new(dir.path());
        assert!(keeper.read("authz", 1000).unwrap().is_none());
        let at = Timestamp::from_unix_seconds(1_700_000_100);
        let highest = "1.10".parse().unwrap();
        for bytes in [&b"an archive\nwith lines\n"[..], b"", b"another"] {
            keeper.write(&fetched(bytes), Some(&highest), at).unwrap();
            let kept = keeper.read("authz", 1000).unwrap().unwrap();
            assert_eq!((kept.fetched, kept.confirmed_at), (fetched(bytes), at));
            assert_eq!(kept.highest.as_ref(), Some(&highest));
        }
        let later = Timestamp::from_unix_seconds(1_700_000_200);
        keeper.confirm("authz", later).unwrap();
        assert_eq!(keeper.read("authz", 1000).unwrap().unwrap().confirmed_at, later);
    }

    #[test]
    fn every_damage_is_seen() {
        let dir = tempfile::TempDir::new().unwrap();
        let keeper = Keeper::new(dir.path());
        keeper.write(&fetched(b"an archive"), None, Timestamp(0)).unwrap();
        let whole = fs::read(keeper.path("authz")).unwrap();
        for cut in 0..whole.len() {
            fs::write(keeper.path("authz"), &whole[..cut]).unwrap();
            assert!(keeper.read("authz", 1000).is_err(), "{cut}");
        }
        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(keeper.path("authz"), &changed).unwrap();
        assert!(keeper.read("authz", 1000).is_err());
        fs::write(keeper.path("authz"), &whole).unwrap();
        assert!(keeper.read("authz", 1000).unwrap().is_some());
        assert!(keeper.read("authz", 0).unwrap().is_some(), "the first line does not count");
    }

    #[test]
    fn a_draft_that_was_cut_off_is_not_read() {
        let dir = tempfile::TempDir::new().unwrap();
        let keeper = Keeper::new(dir.path());
        keeper.write(&fetched(b"first"), None, Timestamp(0)).unwrap();
        fs::write(dir.path().join("bundles/.authz.draft"), b"{\"origin\":").unwrap();
        assert_eq!(keeper.read("authz", 1000).unwrap().unwrap().fetched.bytes, b"first");
        keeper.write(&fetched(b"second"), None, Timestamp(0)).unwrap();
        assert_eq!(keeper.read("authz", 1000).unwrap().unwrap().fetched.bytes, b"second");
    }
}
