//! Files and folders that are named on a command line, as OPA takes them: together they are one tree.
//!
//! Every `.json`, `.yaml` and `.yml` file is data at the path of its folder, and every `.rego` file is policy, tests
//! included. Nothing is passed over for its name, hidden files included, unless that is asked for. Two differences from
//! OPA: fixture files are for tests and no data, and neither are signatures.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contents::Limits;
use super::error::{ErrorKind, LoadError};
use super::folder::{read_file, unreadable};
use super::load::{Bundle, Document, Fixture, Reading, document, parse, text};
use super::name::{Role, archive_stem, ignored, is_fixture_file};
use super::pattern::Pattern;
use super::scan;
use super::signature::{Verification, token};
use verdict_rego::{Module, RegoVersion};

/// How deep folders may lie.
const MAX_DEPTH: usize = 64;
/// Authors look at whatever there is.
const UNLIMITED: Limits = Limits { max_size: u64::MAX / 2, max_files: usize::MAX / 2 };

/// A file or a folder, and where its data is to be below `data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Where: nowhere but at the top if it is empty.
    pub below: Vec<String>,
    /// The file or folder.
    pub path: PathBuf,
}

impl Root {
    /// Reads `users.json`, `app.users:users.json` (its data is `data.app.users`), or `file:///srv/users.json`. What is there
    /// under the whole name is that.
    ///
    /// # Errors
    /// A URL that names no file.
    pub fn parse(given: &Path) -> Result<Self, LoadError> {
        let here = |path: &Path| Self { below: Vec::new(), path: path.to_owned() };
        let Some(text) = given.to_str().filter(|text| text.contains(':') && !given.exists()) else {
            return Ok(here(given));
        };
        if let Some((scheme, _)) = text.split_once("://")
            && !scheme.contains(':')
        {
            return Ok(here(&of_url(text)?));
        }
        match text.split_once(':') {
            Some((below, path)) if !below.is_empty() => {
                let path = if path.contains("://") { of_url(path)? } else { PathBuf::from(path) };
                Ok(Self { below: below.split('.').map(str::to_owned).collect(), path })
            }
            _ => Ok(here(given)),
        }
    }
}

/// The path of a `file` URL.
fn of_url(text: &str) -> Result<PathBuf, LoadError> {
    let path = text.strip_prefix("file://").and_then(|path| {
        // Without a host, or with that which is this one.
        let path = path.strip_prefix("localhost").unwrap_or(path);
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
        path.starts_with('/').then(|| PathBuf::from(decoded.as_ref()))
    });
    path.ok_or_else(|| {
        let message = format!("`{text}` is not the URL of a file; write `file:///path`, or the path alone");
        LoadError::new(ErrorKind::Layout, message)
    })
}

/// What the tree is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be evaluated: everything is read, bundles in archives included.
    Evaluate,
    /// To be checked: of folders, only policy is read.
    Check,
    /// To be built into a bundle, which has no hidden files and no archives.
    Build,
}

/// Reads files and folders as one tree, which is a bundle that claims no roots.
///
/// # Errors
/// What cannot be read, or is neither policy nor data.
pub fn load(roots: &[Root], purpose: Purpose, ignore: &[Pattern]) -> Result<Bundle, LoadError> {
    let mut tree = Tree { whole: Bundle::tree(), purpose, ignore, seen: BTreeSet::new(), above: Vec::new() };
    for root in roots {
        let meta = fs::metadata(&root.path).map_err(|error| unreadable(&root.path, &error))?;
        if meta.is_dir() {
            tree.folder(&root.path, &mut root.below.clone())?;
        } else {
            tree.named_file(&root.path, &root.below)?;
        }
    }
    Ok(tree.whole)
}

/// How a path is shown: as it was given, without what says nothing.
pub fn shown(path: &Path) -> String {
    let shown = path.display().to_string();
    let shown = shown.strip_prefix("./").unwrap_or(&shown);
    let short = shown.trim_end_matches('/');
    if short.is_empty() && !shown.starts_with('/') { ".".to_owned() } else { short.to_owned() }
}

struct Tree<'a> {
    whole: Bundle,
    purpose: Purpose,
    ignore: &'a [Pattern],
    /// Files, and where their data is; what is named twice counts once.
    seen: BTreeSet<(String, Vec<String>)>,
    /// The folders above the present one, resolved.
    above: Vec<PathBuf>,
}

impl Tree<'_> {
    fn folder(&mut self, path: &Path, place: &mut Vec<String>) -> Result<(), LoadError> {
        let fail = |error: io::Error| unreadable(path, &error);
        let real = path.canonicalize().map_err(fail)?;
        if self.above.contains(&real) || self.above.len() >= MAX_DEPTH {
            let message =
                format!("`{}` is a link loop or more than {MAX_DEPTH} folders deep", path.display());
            return Err(LoadError::new(ErrorKind::Unreadable, message));
        }
        self.above.push(real);
        let mut entries = fs::read_dir(path).map_err(fail)?.collect::<Result<Vec<_>, _>>().map_err(fail)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !self.is_left_out(&name) {
                self.entry(&path.join(&name), name, place)?;
            }
        }
        self.above.pop();
        Ok(())
    }

    fn is_left_out(&self, name: &str) -> bool {
        self.ignore.iter().any(|pattern| pattern.matches(name))
            || name == token::FILE
            || (self.purpose == Purpose::Build && ignored(name))
    }

    /// What lies in a folder.
    fn entry(&mut self, path: &Path, name: String, place: &mut Vec<String>) -> Result<(), LoadError> {
        let kind = kind_of(&name);
        let meta = match fs::metadata(path) {
            // A link that leads nowhere matters only if it should lead to something that is read.
            Err(error) if error.kind() == io::ErrorKind::NotFound && kind.is_none() => return Ok(()),
            other => other.map_err(|error| unreadable(path, &error))?,
        };
        if meta.is_dir() {
            place.push(name);
            let done = self.folder(path, place);
            place.pop();
            return done;
        }
        match kind {
            Some(Kind::Archive) if self.purpose != Purpose::Evaluate => Ok(()),
            Some(Kind::Data(_)) if self.purpose == Purpose::Check => Ok(()),
            Some(kind) => self.add(path, kind, place),
            None => Ok(()),
        }
    }

    /// A file that was named itself, which must be of use.
    fn named_file(&mut self, path: &Path, place: &[String]) -> Result<(), LoadError> {
        let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
        match kind_of(&file) {
            Some(Kind::Archive) if self.purpose == Purpose::Build => {
                let message = format!("`{}` is an archive; use `-b` to build from bundles", shown(path));
                Err(LoadError::new(ErrorKind::Layout, message))
            }
            Some(kind) => self.add(path, kind, place),
            None => {
                let message = format!(
                    "`{}` is neither policy nor data: not a folder, and not a `.rego`, `.json`, `.yaml` or `.tar.gz` file",
                    shown(path)
                );
                Err(LoadError::new(ErrorKind::Layout, message))
            }
        }
    }

    fn add(&mut self, path: &Path, kind: Kind, place: &[String]) -> Result<(), LoadError> {
        let id = shown(path);
        if kind == Kind::Archive {
            return self.archive(path, &id, place);
        }
        let bytes = read_file(path, UNLIMITED.max_size)?;
        self.whole.size = self.whole.size.saturating_add(bytes.len() as u64);
        match kind {
            Kind::Archive => {}
            Kind::Policy => {
                let source = Arc::from(text(&id, bytes)?);
                self.policy(Module { id, source, version: RegoVersion::V1 });
            }
            Kind::Fixture => self.whole.fixtures.push(Fixture { name: id, bytes }),
            Kind::Data(role) => self.data(document(id, place.to_vec(), role, bytes)?),
        }
        Ok(())
    }

    fn policy(&mut self, module: Module) {
        if self.seen.insert((module.id.clone(), Vec::new())) {
            self.whole.modules.push(module);
        }
    }

    fn data(&mut self, document: Document) {
        if self.seen.insert((document.file.clone(), document.path.clone())) {
            self.whole.documents.push(document);
        }
    }

    /// A bundle in the tree: its policy, and its data below the folder that it lies in.
    fn archive(&mut self, path: &Path, id: &str, place: &[String]) -> Result<(), LoadError> {
        let unverified = Verification::skip();
        let bundle = scan::read_archive(path, UNLIMITED)
            .and_then(|contents| {
                parse(id, id, contents, &Reading { verification: &unverified, ignore: self.ignore })
            })
            .map_err(|error| error.of(id))?;
        bundle.modules.into_iter().chain(bundle.tests).for_each(|module| self.policy(module));
        for Document { file, path, value } in bundle.documents {
            let path = place.iter().cloned().chain(path).collect();
            self.data(Document { file, path, value });
        }
        Ok(())
    }
}

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Policy,
    /// JSON or YAML.
    Data(Role),
    Fixture,
    Archive,
}

fn kind_of(name: &str) -> Option<Kind> {
    if is_fixture_file(name) {
        return Some(Kind::Fixture);
    }
    if archive_stem(name).is_some() {
        return Some(Kind::Archive);
    }
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("rego") => Some(Kind::Policy),
        Some("json") => Some(Kind::Data(Role::DataJson)),
        Some("yaml" | "yml") => Some(Kind::Data(Role::DataYaml)),
        _ => None,
    }
}
