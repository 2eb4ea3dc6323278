//! Reads a `.tar.gz` into memory.
//!
//! INVARIANT (complete or nothing): a truncated archive, or one with trailing data, is an error and never read in
//! part. Three things are checked: every member's size, the tar file's end-of-archive marker, and the gzip stream's
//! checksum, after which the file must end.
//! INVARIANT (never on disk): members are bytes under a name; nothing is unpacked, so no name can reach a file system.

use std::cell::Cell;
use std::io::{self, Read};

use flate2::bufread::GzDecoder;
use tar::{Archive, Entry, EntryType};

use super::contents::{Collector, Contents, Extent, Limits};
use super::error::{ErrorKind, LoadError};
use super::name::normalise;
use super::signature::token;

/// How much larger than its file an archive may be once unpacked, beyond [`RATIO_FLOOR`]. Real bundles stay below 50;
/// a bomb of zeros is at 1,030.
const MAX_RATIO: u64 = 250;
/// Bytes up to which the ratio is not checked.
const RATIO_FLOOR: u64 = 4 << 20;
/// A tar block. Two blocks of zeros end an archive.
const BLOCK: u64 = 512;
/// What the tar format itself may add to a member: headers, long names, padding.
const MEMBER_OVERHEAD: u64 = 16 * BLOCK;
/// What may follow the end mark as padding: tar's record size, with room for large ones.
const MAX_PADDING: u64 = 1 << 20;

/// Reads the archive in `bytes`; of a signed bundle, every file.
pub(super) fn read(bytes: &[u8], limits: Limits) -> Result<Contents, LoadError> {
    let contents = read_extent(bytes, limits, Extent::Wanted)?;
    // The signature may be the last member, so only now is it known whether there is one.
    if contents.files.contains_key(token::FILE) {
        return read_extent(bytes, limits, Extent::All);
    }
    Ok(contents)
}

/// Reads the files that `extent` selects.
pub(super) fn read_extent(bytes: &[u8], limits: Limits, extent: Extent) -> Result<Contents, LoadError> {
    let overhead = MEMBER_OVERHEAD.saturating_mul(limits.max_files as u64).saturating_add(MAX_PADDING);
    let by_ratio = (bytes.len() as u64).saturating_mul(MAX_RATIO).max(RATIO_FLOOR);
    let stopped = Cell::new(false);
    let stream = Bounded {
        inner: GzDecoder::new(bytes),
        left: limits.max_size.saturating_add(overhead).min(by_ratio),
        stopped: &stopped,
    };
    let mut archive = Archive::new(stream);
    let members = collect(&mut archive, limits, extent);
    if stopped.get() {
        return Err(LoadError::new(
            ErrorKind::Limit,
            format!(
                "unpacks to more than its limits allow (`bundles.max_bundle_size`, or {MAX_RATIO} times the archive's size); \
                 check where the archive comes from"
            ),
        ));
    }
    let members = members?;
    end(archive.into_inner())?;
    Ok(members.finish())
}

fn collect<R: Read>(
    archive: &mut Archive<R>,
    limits: Limits,
    extent: Extent,
) -> Result<Collector, LoadError> {
    let mut collector = Collector::new(limits, extent);
    let mut last = String::new();
    let mut seen = std::collections::BTreeSet::new();
    let entries = archive.entries().map_err(|error| damaged(&last, &error))?;
    for entry in entries {
        let mut entry = entry.map_err(|error| damaged(&last, &error))?;
        if entry.header().entry_type() == EntryType::XGlobalHeader {
            drain(&mut entry, "pax_global_header", &mut collector)?;
            continue;
        }
        let name = member_name(&mut entry)?;
        if entry.header().entry_type() == EntryType::Directory {
            collector.admit(&name)?;
            drain(&mut entry, &name, &mut collector)?;
            continue;
        }
        if !seen.insert(name.clone()) {
            return Err(refused(&name, "duplicate member; pack each file once"));
        }
        if collector.admit(&name)? {
            let bytes = whole(&mut entry, &name, &mut collector)?;
            if !collector.keep(name.clone(), bytes) {
                return Err(refused(&name, "duplicate member; pack each file once"));
            }
        } else {
            drain(&mut entry, &name, &mut collector)?;
        }
        last = name;
    }
    Ok(collector)
}

/// The member's name, if it is a regular file or a folder.
fn member_name<R: Read>(entry: &mut Entry<'_, R>) -> Result<String, LoadError> {
    let raw = entry.path_bytes().into_owned();
    let shown = String::from_utf8_lossy(&raw).into_owned();
    let kind = match entry.header().entry_type() {
        EntryType::Regular | EntryType::Directory => None,
        EntryType::Symlink => Some("a symbolic link"),
        EntryType::Link => Some("a hard link"),
        EntryType::Char | EntryType::Block => Some("a device"),
        EntryType::Fifo => Some("a pipe"),
        EntryType::GNUSparse => Some("a sparse file"),
        _ => Some("of an unknown type"),
    };
    if let Some(kind) = kind {
        return Err(refused(&shown, &format!("it is {kind}; only regular files and folders are allowed")));
    }
    if let Some(extensions) = entry.pax_extensions().map_err(|error| damaged(&shown, &error))? {
        for extension in extensions {
            let extension = extension.map_err(|error| damaged(&shown, &error))?;
            if extension.key_bytes().starts_with(b"GNU.sparse") {
                return Err(refused(
                    &shown,
                    "it is a sparse file; only regular files and folders are allowed",
                ));
            }
        }
    }
    let name = normalise(&raw).map_err(|why| refused(&shown, why))?;
    if name.is_empty() && entry.header().entry_type() != EntryType::Directory {
        return Err(refused(&shown, "it has no name"));
    }
    Ok(name)
}

/// Reads a member to its end. The tar reader does not report a truncated archive, hence the second check.
fn whole<R: Read>(
    entry: &mut Entry<'_, R>,
    name: &str,
    collector: &mut Collector,
) -> Result<Vec<u8>, LoadError> {
    let size = entry.size();
    collector.count(name, size)?;
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|error| damaged(name, &error))?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(cut_short(name)) }
}

fn drain<R: Read>(entry: &mut Entry<'_, R>, name: &str, collector: &mut Collector) -> Result<(), LoadError> {
    let size = entry.size();
    collector.count(name, size)?;
    let copied = io::copy(entry, &mut io::sink()).map_err(|error| damaged(name, &error))?;
    if copied == size { Ok(()) } else { Err(cut_short(name)) }
}

/// Checks what follows the last member: the second block of the end mark, padding of zeros, the gzip checksum, and
/// then nothing.
fn end(mut stream: Bounded<'_, GzDecoder<&[u8]>>) -> Result<(), LoadError> {
    let mut padding = 0_u64;
    let mut buffer = [0_u8; 4096];
    loop {
        let read = stream.read(&mut buffer).map_err(|error| damaged("the end", &error))?;
        if read == 0 {
            break;
        }
        let (chunk, _) = buffer.split_at(read.min(buffer.len()));
        padding = padding.saturating_add(read as u64);
        if padding > MAX_PADDING || chunk.iter().any(|byte| *byte != 0) {
            return Err(archive_error(
                "the tar file continues after its end-of-archive marker; pack the bundle again",
            ));
        }
    }
    if padding < BLOCK {
        return Err(archive_error(
            "the tar file has no end-of-archive marker and is truncated; copy or pack the bundle again",
        ));
    }
    match stream.inner.into_inner() {
        [] => Ok(()),
        rest => Err(archive_error(&format!(
            "{} bytes of trailing data after the gzip stream; pack the bundle again",
            rest.len()
        ))),
    }
}

fn archive_error(message: &str) -> LoadError {
    LoadError::new(ErrorKind::Archive, message)
}

fn refused(member: &str, why: &str) -> LoadError {
    archive_error(&format!("member `{}` is refused: {why}", member.escape_debug()))
}

fn damaged(member: &str, error: &io::Error) -> LoadError {
    let near = if member.is_empty() { "its beginning".to_owned() } else { format!("`{member}`") };
    archive_error(&format!("the archive is corrupt or truncated near {near}: {error}; copy or pack it again"))
}

fn cut_short(member: &str) -> LoadError {
    archive_error(&format!("the archive is truncated in `{member}`; copy or pack it again"))
}

/// A reader that fails, rather than ends, at its limit.
struct Bounded<'a, R> {
    inner: R,
    left: u64,
    stopped: &'a Cell<bool>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                self.stopped.set(true);
                return Err(io::Error::other("over the limit"));
            }
        }
        Ok(read)
    }
}
