//! A bundle's contents in memory: the files that Verdict reads, by name, within the limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use super::error::{ErrorKind, LoadError};
use super::name::{Role, ignored, role};
use super::remote::Fetched;

/// The limits of one bundle.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Unpacked size in bytes; every file counts, read or not.
    pub max_size: u64,
    /// Number of files; every file counts, read or not.
    pub max_files: usize,
}

/// SHA-256.
pub(super) type Digest = [u8; 32];

/// Which files of a bundle are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Those that Verdict reads.
    Wanted,
    /// All: a signature covers every file.
    All,
}

/// The relevant files of one bundle, complete.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    /// If the bundle is signed, all of its files.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// Total size of the files, in bytes.
    pub(super) size: u64,
    /// SHA-256 over names and bytes.
    pub(super) digest: Digest,
    /// What they are together.
    pub(super) form: Form,
    /// What they were read from, where that was fetched.
    pub(super) fetched: Option<Arc<Fetched>>,
}

/// What the files are together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// A bundle.
    Bundle,
    /// A folder that is none, and how it is called in messages.
    LooseFolder(String),
    /// One file that was named itself.
    LooseFile,
}

/// Collects a bundle's files and stops at the limits.
pub(super) struct Collector {
    limits: Limits,
    extent: Extent,
    files: BTreeMap<String, Vec<u8>>,
    count: usize,
    total: u64,
}

impl Collector {
    pub(super) fn new(limits: Limits, extent: Extent) -> Self {
        Self { limits, extent, files: BTreeMap::new(), count: 0, total: 0 }
    }

    /// Counts one more file; tells whether to read its bytes.
    pub(super) fn admit(&mut self, name: &str) -> Result<bool, LoadError> {
        self.count = self.count.saturating_add(1);
        if self.count > self.limits.max_files {
            return Err(too_many_files(self.limits));
        }
        Ok(self.extent == Extent::All || wanted(name))
    }

    /// How many more bytes may follow.
    pub(super) const fn room(&self) -> u64 {
        self.limits.max_size.saturating_sub(self.total)
    }

    /// Counts bytes that were read, kept or not.
    pub(super) fn count(&mut self, name: &str, bytes: u64) -> Result<(), LoadError> {
        if bytes > self.room() {
            return Err(LoadError::new(
                ErrorKind::Limit,
                format!(
                    "is larger than {} unpacked, at `{name}`; make it smaller, or raise `bundles.max_bundle_size`",
                    crate::model::units::ByteSize(self.limits.max_size)
                ),
            ));
        }
        self.total = self.total.saturating_add(bytes);
        Ok(())
    }

    /// Adds a file; `false` if there is one of this name.
    #[must_use]
    pub(super) fn keep(&mut self, name: String, bytes: Vec<u8>) -> bool {
        self.files.insert(name, bytes).is_none()
    }

    pub(super) fn finish(self) -> Contents {
        let mut context = Context::new(&SHA256);
        let mut size = 0_u64;
        for (name, bytes) in &self.files {
            hash_field(&mut context, name.as_bytes());
            hash_field(&mut context, bytes);
            size = size.saturating_add(bytes.len() as u64);
        }
        let digest = finish_digest(context);
        Contents { files: self.files, size, digest, form: Form::Bundle, fetched: None }
    }
}

pub(super) fn too_many_files(limits: Limits) -> LoadError {
    let most = limits.max_files;
    LoadError::new(
        ErrorKind::Limit,
        format!(
            "contains more than {most} files; remove files that are not policy or data, or raise `bundles.max_bundle_files`"
        ),
    )
}

/// Whether a file of this name is read at all.
pub(super) fn wanted(name: &str) -> bool {
    !name.split('/').any(ignored) && role(name) != Role::Other
}

/// Hashes one field with its length, so that different sequences of fields have different digests.
pub(super) fn hash_field(context: &mut Context, bytes: &[u8]) {
    context.update(&(bytes.len() as u64).to_be_bytes());
    context.update(bytes);
}

/// The digest of what was fed.
pub(super) fn finish_digest(context: Context) -> Digest {
    let mut digest = Digest::default();
    let finished = context.finish();
    for (to, from) in digest.iter_mut().zip(finished.as_ref()) {
        *to = *from;
    }
    digest
}
