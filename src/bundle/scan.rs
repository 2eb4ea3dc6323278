//! The watched directory: lists its bundles and reads them completely.
//!
//! Each entry is a bundle: a folder, or a `.tar.gz` / `.tgz`; it is named after the entry, without the extension. A
//! directory that directly contains `.rego`, `data.*` or `.manifest` files is one bundle, named after the directory;
//! it must not contain other bundles. Entries may be links to anywhere, because whoever can write to the directory decides
//! what is served; links inside a bundle must stay in it (see [`super::folder`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use super::archive;
use super::contents::{Contents, Digest, Form, Limits, finish_digest, hash_field};
use super::error::{ErrorKind, LoadError};
use super::folder::{self, Found, Stamp, unreadable};
use super::name::{self, Role};
use super::remote::Fetched;
use super::signature::token;

/// Where one bundle comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// A folder, with the files in it.
    Folder(Vec<Found>),
    /// An archive.
    Archive(PathBuf, Box<Stamp>),
    /// An archive that was fetched.
    Fetched(Arc<Fetched>),
    /// A folder that is no bundle, and how it is called in messages.
    LooseFolder(String, Vec<Found>),
    /// A file of policy or data.
    LooseFile(Found),
}

/// The bundles of the watched directory, with the metadata of their files; nothing has been read.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// In order of names.
    pub(super) sources: Vec<(String, Result<Source, LoadError>)>,
    /// Every folder in which a change could change a bundle.
    pub(super) folders: BTreeSet<PathBuf>,
}

/// A bundle that was fetched, or why there is none.
pub(super) type FetchedSource = Result<Arc<Fetched>, LoadError>;

/// One complete reading.
#[derive(Debug)]
pub(super) struct Scan {
    /// In order of names.
    pub(super) bundles: Vec<(String, Result<Contents, LoadError>)>,
    /// Over all names, contents and errors.
    pub(super) digest: Digest,
}

/// Lists the bundles in `dir`.
///
/// # Errors
/// When the directory cannot be listed, is ambiguous, or contains no bundle. Errors of a single bundle are part of the
/// result.
pub(super) fn survey(dir: &Path, limits: Limits) -> Result<Survey, LoadError> {
    let entries = list(dir)?;
    if entries.values().any(|entry| entry.loose) {
        return single(dir, &entries, limits);
    }
    let mut survey = Survey { sources: Vec::new(), folders: BTreeSet::from([dir.to_path_buf()]) };
    let mut names: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (file, entry) in &entries {
        let Some(name) = entry.bundle_name(file)? else { continue };
        if let Some(other) = names.insert(name.to_owned(), entry.path.clone()) {
            return Err(LoadError::new(
                ErrorKind::Layout,
                format!(
                    "`{}` and `{}` are both named `{name}`; remove one",
                    other.display(),
                    entry.path.display()
                ),
            ));
        }
        let source = entry.source(limits, &mut survey.folders).map_err(|error| error.of(name));
        survey.sources.push((name.to_owned(), source));
    }
    survey.sources.sort_by(|a, b| a.0.cmp(&b.0));
    if survey.sources.is_empty() {
        return Err(LoadError::new(
            ErrorKind::Empty,
            format!("`{}` contains no bundle; add a bundle folder or a `.tar.gz` archive", dir.display()),
        ));
    }
    Ok(survey)
}

impl Survey {
    /// Every file's stamp, for comparison with an earlier survey.
    pub(super) fn stamps(&self) -> Vec<Stamp> {
        let mut stamps = Vec::new();
        for (_, source) in &self.sources {
            match source {
                Ok(Source::Folder(files) | Source::LooseFolder(_, files)) => {
                    stamps.extend(files.iter().map(|found| found.stamp.clone()))
                }
                Ok(Source::Archive(_, stamp)) => stamps.push((**stamp).clone()),
                Ok(Source::LooseFile(found)) => stamps.push(found.stamp.clone()),
                // The shelf says itself when it changes.
                Ok(Source::Fetched(_)) | Err(_) => {}
            }
        }
        stamps
    }

    /// Adds bundles that were fetched.
    ///
    /// # Errors
    /// One that is called as another.
    pub(super) fn add_fetched(&mut self, fetched: Vec<(String, FetchedSource)>) -> Result<(), LoadError> {
        for (name, source) in fetched {
            if self.sources.iter().any(|(other, _)| *other == name) {
                let message = "is fetched (`bundles.remote`), and there is another of this name on the disk; rename one";
                return Err(LoadError::new(ErrorKind::Layout, message).of(&name));
            }
            self.sources.push((name, source.map(Source::Fetched)));
        }
        self.sources.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(())
    }

    /// Whether every bundle could be listed; the others have no stamps to compare.
    pub(super) fn is_whole(&self) -> bool {
        self.sources.iter().all(|(_, source)| source.is_ok())
    }

    /// Reads everything.
    pub(super) fn read(self, limits: Limits) -> Scan {
        let mut context = Context::new(&SHA256);
        let mut bundles = Vec::new();
        for (name, source) in self.sources {
            let contents = source.and_then(|source| source.read(limits)).map_err(|error| error.of(&name));
            hash_field(&mut context, name.as_bytes());
            match &contents {
                Ok(contents) => hash_field(&mut context, &contents.digest),
                Err(error) => hash_field(&mut context, error.to_string().as_bytes()),
            }
            bundles.push((name, contents));
        }
        Scan { bundles, digest: finish_digest(context) }
    }
}

impl Scan {
    /// The names of the entries.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.bundles.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The names of those that hold something: not a link that leads nowhere, nor a folder that is empty, as a mount point
    /// is without its mount.
    pub(super) fn present(&self) -> BTreeSet<&str> {
        let there = |contents: &Result<Contents, LoadError>| match contents {
            Ok(contents) => !contents.files.is_empty(),
            Err(error) => error.kind != ErrorKind::MissingBundle,
        };
        self.bundles.iter().filter(|(_, contents)| there(contents)).map(|(name, _)| name.as_str()).collect()
    }
}

impl Source {
    pub(super) fn read(self, limits: Limits) -> Result<Contents, LoadError> {
        match self {
            Self::Folder(files) => folder::read(&files, limits),
            Self::Archive(path, _) => read_archive(&path, limits),
            Self::Fetched(fetched) => {
                let contents = archive::read(&fetched.bytes, limits)?;
                Ok(Contents { fetched: Some(fetched), ..contents })
            }
            Self::LooseFolder(shown, files) => {
                Ok(Contents { form: Form::LooseFolder(shown), ..folder::read(&files, limits)? })
            }
            Self::LooseFile(found) => {
                Ok(Contents { form: Form::LooseFile, ..folder::read(&[found], limits)? })
            }
        }
    }
}

/// Whether the entries of a folder are bundles, rather than it being one: some of them say so.
///
/// # Errors
/// A folder that cannot be listed.
pub(super) fn holds_bundles(dir: &Path) -> Result<bool, LoadError> {
    let entries = list(dir)?;
    let says_so = |(file, entry): (&String, &Entry)| match entry.meta.is_dir() {
        true => [".manifest", token::FILE].iter().any(|file| entry.path.join(file).is_file()),
        false => name::archive_stem(file).is_some(),
    };
    Ok(!entries.values().any(|entry| entry.loose) && entries.iter().any(says_so))
}

/// Reads one archive, which may itself not be larger than what it may hold.
pub(super) fn read_archive(path: &Path, limits: Limits) -> Result<Contents, LoadError> {
    archive::read(&read_bytes(path, limits)?, limits)
}

/// The bytes of an archive's file.
pub(super) fn read_bytes(path: &Path, limits: Limits) -> Result<Vec<u8>, LoadError> {
    let bytes = folder::read_file(path, limits.max_size)?;
    if bytes.len() as u64 > limits.max_size {
        let most = crate::model::units::ByteSize(limits.max_size);
        let message =
            format!("the archive is larger than {most}; make it smaller, or raise `bundles.max_bundle_size`");
        return Err(LoadError::new(ErrorKind::Limit, message));
    }
    Ok(bytes)
}

/// One entry of the watched directory.
struct Entry {
    path: PathBuf,
    meta: fs::Metadata,
    /// A file that makes the directory itself a bundle.
    loose: bool,
    /// A broken link; `meta` is the link's own.
    dangling: bool,
}

impl Entry {
    /// The name of the bundle that this entry is, if it is one.
    fn bundle_name<'a>(&self, file: &'a str) -> Result<Option<&'a str>, LoadError> {
        if self.meta.is_dir() {
            return Ok(Some(file));
        }
        if name::foreign_archive(file) {
            return Err(LoadError::new(
                ErrorKind::Layout,
                format!("`{}` is not a supported archive; pack it as `.tar.gz`", self.path.display()),
            ));
        }
        // Nobody can tell what a broken link was: it counts as a bundle, which is then missing.
        Ok(name::archive_stem(file).or_else(|| self.dangling.then_some(file)))
    }

    fn source(&self, limits: Limits, folders: &mut BTreeSet<PathBuf>) -> Result<Source, LoadError> {
        if self.dangling {
            let message = format!("`{}` is a broken link", self.path.display());
            return Err(LoadError::new(ErrorKind::MissingBundle, message));
        }
        if self.path.is_symlink() {
            let target = self.path.canonicalize().map_err(|error| unreadable(&self.path, &error))?;
            folders.extend(target.parent().map(Path::to_path_buf));
        }
        if !self.meta.is_dir() {
            return Ok(Source::Archive(self.path.clone(), Box::new(Stamp::new(&self.path, &self.meta))));
        }
        let found = folder::survey(&self.path, limits)?;
        folders.extend(found.folders);
        Ok(Source::Folder(found.files))
    }
}

fn list(dir: &Path) -> Result<BTreeMap<String, Entry>, LoadError> {
    let fail = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => LoadError::new(
            ErrorKind::Empty,
            format!(
                "`{}` does not exist; create it, set `bundles.dir`, or name the policy to serve on the command line",
                dir.display()
            ),
        ),
        std::io::ErrorKind::NotADirectory => LoadError::new(
            ErrorKind::Layout,
            format!(
                "`{}` is not a directory; `bundles.dir` names the folder that holds the bundles",
                dir.display()
            ),
        ),
        _ => unreadable(dir, &error),
    };
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(fail)? {
        let file_name = entry.map_err(fail)?.file_name();
        let path = dir.join(&file_name);
        let Some(file) = file_name.to_str().filter(|file| !file.chars().any(char::is_control)) else {
            let message =
                format!("the name of `{}` is not UTF-8 or has control characters; rename it", path.display());
            return Err(LoadError::new(ErrorKind::Layout, message));
        };
        if name::ignored(file) {
            continue;
        }
        let gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        let (meta, dangling) = match (fs::metadata(&path), fs::symlink_metadata(&path)) {
            (Ok(meta), _) => (meta, false),
            (Err(error), Ok(link)) if gone(&error) && link.is_symlink() => (link, true),
            // Removed since the directory was listed.
            (Err(error), _) if gone(&error) => continue,
            (Err(error), _) => return Err(unreadable(&path, &error)),
        };
        let role = name::role(file);
        let loose = !meta.is_dir() && !matches!(role, Role::Other | Role::Fixture | Role::Signatures);
        entries.insert(file.to_owned(), Entry { path, meta, loose, dangling });
    }
    Ok(entries)
}

/// The directory itself is the bundle.
fn single(dir: &Path, entries: &BTreeMap<String, Entry>, limits: Limits) -> Result<Survey, LoadError> {
    let loose = entries.iter().find(|(_, entry)| entry.loose).map_or("", |(file, _)| file);
    for (file, entry) in entries {
        let archive = !entry.meta.is_dir() && !entry.dangling && entry.bundle_name(file)?.is_some();
        if archive || (entry.meta.is_dir() && entry.path.join(".manifest").exists()) {
            return Err(LoadError::new(
                ErrorKind::Layout,
                format!(
                    "`{}` holds both the bundle `{file}` and loose files such as `{loose}`, which would make the directory \
                     itself a bundle; move the loose files into a folder of their own",
                    dir.display()
                ),
            ));
        }
    }
    let name = bundle_name(dir);
    let mut survey = Survey { sources: Vec::new(), folders: BTreeSet::from([dir.to_path_buf()]) };
    let source = folder::survey(dir, limits).map(|found| {
        survey.folders.extend(found.folders);
        Source::Folder(found.files)
    });
    survey.sources.push((name.clone(), source.map_err(|error| error.of(&name))));
    Ok(survey)
}

/// A bundle's name from its path.
pub(super) fn bundle_name(path: &Path) -> String {
    let resolved = if path.file_name().is_some() { None } else { path.canonicalize().ok() };
    let file = resolved.as_deref().unwrap_or(path).file_name();
    let file = file.map_or_else(|| "bundle".to_owned(), |file| file.to_string_lossy().into_owned());
    name::archive_stem(&file).map_or_else(|| file.clone(), str::to_owned)
}
