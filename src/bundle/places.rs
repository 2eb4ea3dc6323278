//! What is watched: a directory of bundles (`bundles.dir`), or files and folders as they are (`bundles.paths`).
//!
//! Of what is named by its path, each is what it holds: an archive or a folder with a `.manifest` is a bundle, a folder of
//! bundles is all of them, and anything else is loose. Loose policy and data claim no roots, so that several go together;
//! in all else they are bundles, and keep to the same invariants.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::config::Config;
use super::contents::Limits;
use super::error::{ErrorKind, LoadError};
use super::folder::{self, Found, Stamp, unreadable};
use super::name::{archive_stem, foreign_archive};
use super::scan::{self, Source, Survey, bundle_name};
use super::signature::token;

/// What is watched.
#[derive(Debug, Clone)]
pub(super) struct Places {
    paths: Vec<PathBuf>,
    /// Whether they are named one by one, rather than a directory of bundles.
    named: bool,
}

/// What a path was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Archive,
    Bundle,
    Bundles,
    LooseFolder,
    LooseFile,
}

impl From<&Config> for Places {
    fn from(config: &Config) -> Self {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let named = !config.paths.is_empty();
        let paths =
            if named { config.paths.iter().map(absolute).collect() } else { vec![absolute(&config.dir)] };
        Self { paths, named }
    }
}

impl Places {
    /// All of them, absolute.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// For messages.
    pub(super) fn shown(&self) -> String {
        let shown: Vec<String> = self.paths.iter().map(|path| shown(path)).collect();
        shown.join("`, `")
    }

    /// Lists the bundles.
    ///
    /// # Errors
    /// When the directory cannot be listed, is ambiguous, or contains no bundle. Errors of a single bundle are part of the
    /// result.
    pub(super) fn survey(&self, limits: Limits) -> Result<Survey, LoadError> {
        if !self.named {
            return scan::survey(self.paths.first().map_or(Path::new(""), PathBuf::as_path), limits);
        }
        let mut whole = Survey::default();
        for path in &self.paths {
            add(path, limits, &mut whole)?;
        }
        whole.sources.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(whole)
    }

    /// What each path is taken for now, in words; nothing where there is only the directory of bundles.
    pub(super) fn taken(&self) -> Vec<String> {
        let named = self.paths.iter().filter(|_| self.named);
        let known = named.filter_map(|path| Some((path, kind(path).ok()?)));
        known.map(|(path, kind)| format!("`{}` is taken as {}", shown(path), kind.words())).collect()
    }
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Archive => "a bundle, packed",
            Self::Bundle => "a bundle: it has a `.manifest`",
            Self::Bundles => "a directory of bundles",
            Self::LooseFolder => "a folder of policy and data",
            Self::LooseFile => "a single file",
        }
    }
}

/// Checks a path that somebody has just written.
///
/// # Errors
/// Why it cannot be served, and what to write instead.
pub fn check_path(path: &Path) -> Result<(), String> {
    let there = kind(path).map_err(|error| error.message);
    if path.exists() {
        return there.map(drop);
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    let there = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = there.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let near = names
        .map(|name| (strsim::damerau_levenshtein(&name, &wanted), name))
        .filter(|(distance, name)| *distance <= 2 && *distance < name.chars().count())
        .min();
    let hint = near.map_or_else(
        || "name a `.rego` file, a folder, or a `.tar.gz` bundle".to_owned(),
        |(_, name)| format!("did you mean `{}`?", shown(&path.with_file_name(name))),
    );
    Err(format!("`{}` does not exist; {hint}", path.display()))
}

/// The path from here, where it lies below.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let short = path.strip_prefix(&here).unwrap_or(path);
    if short.as_os_str().is_empty() { ".".to_owned() } else { short.display().to_string() }
}

fn kind(path: &Path) -> Result<Kind, LoadError> {
    let meta = fs::metadata(path).map_err(|error| gone(path, &error))?;
    let wrong = |message: String| LoadError::new(ErrorKind::Layout, message);
    let Some(file) =
        path.file_name().map(|name| name.to_string_lossy()).or(meta.is_dir().then(|| ".".into()))
    else {
        return Err(wrong(format!("`{}` is no file", path.display())));
    };
    if meta.is_dir() {
        let is_bundle = [".manifest", token::FILE].iter().any(|file| path.join(file).is_file());
        return Ok(match is_bundle {
            true => Kind::Bundle,
            false if scan::holds_bundles(path)? => Kind::Bundles,
            false => Kind::LooseFolder,
        });
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    match (&*file, &*extension) {
        ("verdict.yaml" | "verdict.yml", _) => Err(wrong(format!(
            "`{}` is a configuration, not policy; write `--config {}`",
            path.display(),
            path.display()
        ))),
        (file, _) if archive_stem(file).is_some() => Ok(Kind::Archive),
        (file, _) if foreign_archive(file) => {
            Err(wrong(format!("`{}` is not a supported archive; pack it as `.tar.gz`", path.display())))
        }
        (_, "rego" | "json" | "yaml" | "yml") => Ok(Kind::LooseFile),
        _ => Err(wrong(format!(
            "`{}` is neither policy nor data; name a folder, or a `.rego`, `.json`, `.yaml` or `.tar.gz` file",
            path.display()
        ))),
    }
}

fn gone(path: &Path, error: &std::io::Error) -> LoadError {
    if error.kind() != std::io::ErrorKind::NotFound {
        return unreadable(path, error);
    }
    let message = format!("`{}` does not exist; put it back, or start without it", shown(path));
    LoadError::new(ErrorKind::MissingBundle, message)
}

/// Adds what one path holds.
fn add(path: &Path, limits: Limits, whole: &mut Survey) -> Result<(), LoadError> {
    // What it is can change, and so what it is a part of is watched, too.
    whole.folders.extend(path.parent().map(Path::to_path_buf));
    let kind = match kind(path) {
        Ok(Kind::Bundles) => {
            let Survey { sources, folders } = scan::survey(path, limits)?;
            whole.folders.extend(folders);
            let seen: BTreeSet<String> = whole.sources.iter().map(|(name, _)| name.clone()).collect();
            if let Some((name, _)) = sources.iter().find(|(name, _)| seen.contains(name)) {
                let message = format!("`{}` holds another bundle called `{name}`; rename one", shown(path));
                return Err(LoadError::new(ErrorKind::Layout, message));
            }
            whole.sources.extend(sources);
            return Ok(());
        }
        kind => kind,
    };
    let short = match &kind {
        Ok(Kind::LooseFile) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        _ => bundle_name(path),
    };
    let taken = |name: &String| whole.sources.iter().any(|(other, _)| other == name);
    let name = if taken(&short) { shown(path) } else { short };
    if taken(&name) {
        // The same path, twice.
        return Ok(());
    }
    let source = kind.and_then(|kind| source(path, kind, limits, &mut whole.folders));
    let source = source.map_err(|error| error.of(&name));
    whole.sources.push((name, source));
    Ok(())
}

fn source(
    path: &Path,
    kind: Kind,
    limits: Limits,
    folders: &mut BTreeSet<PathBuf>,
) -> Result<Source, LoadError> {
    if path.is_symlink() {
        let target = path.canonicalize().map_err(|error| unreadable(path, &error))?;
        folders.extend(target.parent().map(Path::to_path_buf));
    }
    let stamp = || -> Result<Stamp, LoadError> {
        Ok(Stamp::new(path, &fs::metadata(path).map_err(|error| unreadable(path, &error))?))
    };
    match kind {
        Kind::Archive => Ok(Source::Archive(path.to_path_buf(), Box::new(stamp()?))),
        Kind::LooseFile => {
            let found = Found { name: shown(path), path: path.to_path_buf(), stamp: stamp()? };
            Ok(Source::LooseFile(found))
        }
        Kind::Bundle | Kind::Bundles | Kind::LooseFolder => {
            let found = folder::survey(path, limits)?;
            folders.extend(found.folders);
            Ok(match kind {
                Kind::LooseFolder => Source::LooseFolder(shown(path), found.files),
                _ => Source::Folder(found.files),
            })
        }
    }
}
