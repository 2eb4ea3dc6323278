//! From a bundle's files to modules, documents and manifest.

use std::path::Path;
use std::sync::Arc;

use super::config::Config;
use super::contents::{Contents, Form, Limits, wanted};
use super::error::{ErrorKind, LoadError};
use super::manifest::Manifest;
use super::name::{Role, role};
use super::pattern::Pattern;
use super::places::Places;
use super::remote::Fetched;
use super::scan::{self, bundle_name};
use super::signature::{Signed, Verification};
use super::{folder, name};
use crate::model::clock::Timestamp;
use verdict_rego::{Location, PolicyError};
use verdict_rego::{Module, Value};

/// One bundle, read completely; nothing has been compiled.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The entry's name in the watched directory, without the archive's ending.
    pub name: String,
    /// The organisation that it is for; not its own word, but that of the configuration (`bundles.organisations`).
    pub organisation: Option<String>,
    /// Its manifest.
    pub manifest: Manifest,
    /// Policy modules.
    pub modules: Vec<Module>,
    /// `*_test.rego` modules, which are not served.
    pub tests: Vec<Module>,
    /// Base documents, in order of their files.
    pub documents: Vec<Document>,
    /// JSON and YAML files that are not `data.*`: what tests may use as fixtures.
    pub fixtures: Vec<Fixture>,
    /// Bytes of all of these.
    pub size: u64,
    /// Whether it is signed, and by whom.
    pub signed: Signed,
    /// Whether it is no bundle, but files and folders that were named: they claim no roots, so that any bundle goes with
    /// them.
    pub is_tree: bool,
    /// What it was read from, where it was fetched.
    pub fetched: Option<Arc<Fetched>>,
}

/// One data file.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file, as messages name it, e.g. `authz/users/data.json`.
    pub file: String,
    /// Its path below `data`.
    pub path: Vec<String>,
    /// Its value.
    pub value: Value,
}

/// A file that tests may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixture {
    /// The file, as the bundle calls it, e.g. `app/cases.yaml`.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// How bundles are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// How signatures are dealt with.
    pub verification: &'a Verification,
    /// Files and folders to ignore by name; signatures still cover them.
    pub ignore: &'a [Pattern],
}

impl<'a> Reading<'a> {
    /// All of their files.
    pub const fn all(verification: &'a Verification) -> Self {
        Self { verification, ignore: &[] }
    }
}

/// Reads one bundle from a folder, an archive, or a single `.rego`, JSON or YAML file. Modules are named by the path as
/// given, so that messages refer to the file.
///
/// # Errors
/// The same as for a bundle in the watched directory.
pub fn load_path(path: &Path, limits: Limits) -> Result<Bundle, LoadError> {
    load_reading(path, limits, &Reading::all(&Verification::default()))
}

/// The same, with options. A single file is always read, without verification.
///
/// # Errors
/// The same as for a bundle in the watched directory.
pub fn load_reading(path: &Path, limits: Limits, reading: &Reading<'_>) -> Result<Bundle, LoadError> {
    let name = bundle_name(path);
    let shown = path.display().to_string();
    let shown = shown.strip_prefix("./").unwrap_or(&shown).trim_end_matches('/');
    let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
    let meta = std::fs::metadata(path).map_err(|error| folder::unreadable(path, &error))?;
    let bundle = if meta.is_dir() {
        folder::survey(path, limits)
            .and_then(|found| folder::read(&found.files, limits))
            .and_then(|contents| parse(&name, shown, contents, reading))
    } else if name::archive_stem(&file).is_some() {
        scan::read_archive(path, limits).and_then(|contents| parse(&name, shown, contents, reading))
    } else {
        single_file(path, shown, &file, limits)
    };
    bundle.map_err(|error| error.of(&name))
}

/// Reads the watched directory once, as it is now. The server uses [`super::watch::Watcher`], which also makes sure that
/// the directory is not being written to.
///
/// # Errors
/// The first bundle that does not load, or a directory without bundles.
pub fn load_dir(config: &Config) -> Result<Vec<Bundle>, LoadError> {
    let limits = Limits::from(config);
    let verification = verification(config)?;
    let scan = Places::from(config).survey(limits)?.read(limits);
    parse_all(scan, &verification, config).into_iter().map(|(_, bundle)| bundle).collect()
}

/// The verification that the configuration asks for.
pub(super) fn verification(config: &Config) -> Result<Verification, LoadError> {
    Verification::from_config(config.verification.as_ref())
        .map_err(|why| LoadError::new(ErrorKind::Signature, format!("`bundles.verification`: {why}")))
}

/// Whether what a bundle's signature says of it holds now.
///
/// # Errors
/// A claim that does not fit, or is missing where all are asked for.
pub(super) fn hold(bundle: &Bundle, verification: &Verification, now: Timestamp) -> Result<(), LoadError> {
    let Signed::By(_, bound) = &bundle.signed else { return Ok(()) };
    bound
        .check((&bundle.name, &bundle.manifest.revision), now, verification.is_bound())
        .map_err(|why| LoadError::new(ErrorKind::Signature, why).of(&bundle.name))
}

/// Parses every bundle of a scan, and binds it as the configuration says; errors name their bundle.
pub(super) fn parse_all(
    scan: scan::Scan,
    verification: &Verification,
    config: &Config,
) -> Vec<(String, Result<Bundle, LoadError>)> {
    let reading = Reading::all(verification);
    let parse_one = |(name, contents): (String, Result<Contents, LoadError>)| {
        let bundle = contents.and_then(|contents| match contents.form.clone() {
            Form::Bundle => parse(&name, &name, contents, &reading),
            Form::LooseFolder(shown) => {
                parse(&name, &shown, contents, &reading).map(|bundle| Bundle { is_tree: true, ..bundle })
            }
            Form::LooseFile => loose_file(&name, contents, &reading),
        });
        let organisation = config.organisations.get(&name).cloned();
        let bundle = bundle.map(|bundle| Bundle { organisation, ..bundle });
        (name.clone(), bundle.map_err(|error| error.of(&name)))
    };
    scan.bundles.into_iter().map(parse_one).collect()
}

/// Parses the files of a bundle; `prefix` is prepended to file names in messages.
///
/// INVARIANT (verified first): this is the one way from a bundle's files to anything that is made of them.
pub(super) fn parse(
    name: &str,
    prefix: &str,
    contents: Contents,
    reading: &Reading<'_>,
) -> Result<Bundle, LoadError> {
    let signed = reading.verification.check(&contents.files)?;
    let fetched = contents.fetched.clone();
    let mut bundle = Bundle { size: contents.size, signed, fetched, ..Bundle::empty(name) };
    let read = |file: &str| wanted(file) && !Pattern::leave_out(reading.ignore, file);
    if let Some(bytes) = contents.files.get(".manifest").filter(|_| read(".manifest")) {
        bundle.manifest = Manifest::parse(bytes).map_err(|error| within(prefix, error))?;
    }
    // Of a signed bundle all files were read, because the signature covers them.
    for (file, bytes) in contents.files.into_iter().filter(|(file, _)| read(file)) {
        bundle.add(prefix, file, bytes)?;
    }
    if bundle.modules.is_empty() && bundle.documents.is_empty() {
        return Err(LoadError::new(
            ErrorKind::Empty,
            "contains no policy and no data; to withdraw a bundle, remove all of it",
        ));
    }
    Ok(bundle)
}

/// Policy or data in a file of its own. Whether it may be unsigned is asked as of a bundle.
fn loose_file(name: &str, contents: Contents, reading: &Reading<'_>) -> Result<Bundle, LoadError> {
    let signed = reading.verification.check(&contents.files)?;
    let mut bundle = Bundle { signed, is_tree: true, ..Bundle::empty(name) };
    for (shown, bytes) in contents.files {
        let file = shown.rsplit('/').next().unwrap_or(&shown);
        bundle.add_alone(&shown, single_role(file).unwrap_or(Role::Policy), bytes)?;
    }
    Ok(bundle)
}

impl Bundle {
    /// Until when it may be served, if its signature says so.
    pub(super) fn expires(&self) -> Option<Timestamp> {
        match &self.signed {
            Signed::By(_, bound) => bound.expires,
            Signed::No | Signed::Unchecked => None,
        }
    }

    fn empty(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            organisation: None,
            manifest: Manifest::default(),
            modules: Vec::new(),
            tests: Vec::new(),
            documents: Vec::new(),
            fixtures: Vec::new(),
            size: 0,
            signed: Signed::No,
            is_tree: false,
            fetched: None,
        }
    }

    /// Files and folders that are taken together, before they are read.
    pub(super) fn tree() -> Self {
        Self { is_tree: true, ..Self::empty("") }
    }

    /// The error, with the bundle at fault where it is one.
    pub(super) fn blamed(&self, error: LoadError) -> LoadError {
        if self.is_tree { error } else { error.of(&self.name) }
    }

    fn add(&mut self, prefix: &str, file: String, bytes: Vec<u8>) -> Result<(), LoadError> {
        let id = format!("{prefix}/{file}");
        match role(&file) {
            Role::Manifest if file == ".manifest" => {}
            Role::Manifest => {
                return Err(LoadError::new(
                    ErrorKind::Layout,
                    format!("`{id}` is not at the top level; bundles cannot be nested"),
                ));
            }
            Role::Delta => {
                return Err(LoadError::new(
                    ErrorKind::Layout,
                    "is a delta bundle (`patch.json`), which is not supported; publish whole bundles",
                ));
            }
            kind @ (Role::Policy | Role::PolicyTest) => {
                let version = self.manifest.version_of(&file)?;
                let module = Module { source: Arc::from(text(&id, bytes)?), id, version };
                if kind == Role::Policy { self.modules.push(module) } else { self.tests.push(module) }
            }
            kind @ (Role::DataJson | Role::DataYaml) => {
                let mut path: Vec<String> = file.split('/').map(str::to_owned).collect();
                path.pop();
                let document = document(id, path, kind, bytes)?;
                if let Some(other) = self.documents.iter().find(|other| other.path == document.path) {
                    return Err(LoadError::new(
                        ErrorKind::Data,
                        format!(
                            "`{}` and `{}` are both data of the same folder; keep one",
                            other.file, document.file
                        ),
                    ));
                }
                self.documents.push(document);
            }
            Role::Fixture => self.fixtures.push(Fixture { name: file, bytes }),
            Role::Signatures | Role::Other => {}
        }
        Ok(())
    }

    /// A file that was named itself; data is at the top.
    fn add_alone(&mut self, shown: &str, role: Role, bytes: Vec<u8>) -> Result<(), LoadError> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if matches!(role, Role::DataJson | Role::DataYaml) {
            self.documents.push(document(shown.to_owned(), Vec::new(), role, bytes)?);
            return Ok(());
        }
        let version = self.manifest.version_of(shown)?;
        let module = Module { id: shown.to_owned(), source: Arc::from(text(shown, bytes)?), version };
        if role == Role::PolicyTest {
            self.tests.push(module)
        } else {
            self.modules.push(module)
        }
        Ok(())
    }
}

fn single_file(path: &Path, shown: &str, file: &str, limits: Limits) -> Result<Bundle, LoadError> {
    let Some(role) = single_role(file) else {
        return Err(LoadError::new(
            ErrorKind::Layout,
            format!("`{shown}` is not a folder, a `.tar.gz`, or a `.rego`, `.json` or `.yaml` file"),
        ));
    };
    let bytes = folder::read_file(path, limits.max_size)?;
    if bytes.len() as u64 > limits.max_size {
        return Err(LoadError::new(ErrorKind::Limit, format!("`{shown}` is larger than a bundle may be")));
    }
    let mut bundle = Bundle::empty(file);
    bundle.add_alone(shown, role, bytes)?;
    Ok(bundle)
}

/// What a file is that was named itself: all JSON and YAML is data then.
fn single_role(file: &str) -> Option<Role> {
    match role(file) {
        role @ (Role::Policy | Role::PolicyTest) => Some(role),
        _ if file.ends_with(".json") => Some(Role::DataJson),
        _ if file.ends_with(".yaml") || file.ends_with(".yml") => Some(Role::DataYaml),
        _ => None,
    }
}

pub(super) fn document(
    file: String,
    path: Vec<String>,
    role: Role,
    bytes: Vec<u8>,
) -> Result<Document, LoadError> {
    let value = if role == Role::DataJson {
        Value::from_json(&bytes)
            .map_err(|error| bad_data(&file, &error.message, Some((error.line, error.column))))?
    } else {
        let source = text(&file, bytes)?;
        super::yaml::read(&source).map_err(|message| bad_data(&file, &message, place_in(&message)))?
    };
    if path.is_empty() && !value.is_object() {
        let message = "data at the top must be an object, whose keys are its names; put it into a folder, or below a key";
        return Err(bad_data(&file, message, None));
    }
    Ok(Document { file, path, value })
}

fn bad_data(file: &str, message: &str, place: Option<(usize, usize)>) -> LoadError {
    let at = |n: usize| u32::try_from(n.max(1)).unwrap_or(u32::MAX);
    let location =
        place.map(|(line, column)| Location { file: file.to_owned(), row: at(line), col: at(column) });
    let error = PolicyError { code: "bundle_data_error", message: message.to_owned(), location };
    let mut load = LoadError::new(ErrorKind::Data, format!("data file `{file}` is malformed"));
    load.errors.push(error);
    load
}

/// The line and column that the message of a reader ends with, where it knows them.
fn place_in(message: &str) -> Option<(usize, usize)> {
    let (before, column) = message.rsplit_once(" column ")?;
    let (_, line) = before.rsplit_once("line ")?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

pub(super) fn text(file: &str, bytes: Vec<u8>) -> Result<String, LoadError> {
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        LoadError::new(ErrorKind::Data, format!("`{file}` is not UTF-8, at byte {offset}; save it as UTF-8"))
    })
}

/// Prepends the bundle's prefix to the file names of an error.
fn within(prefix: &str, mut error: LoadError) -> LoadError {
    for location in error.errors.iter_mut().filter_map(|error| error.location.as_mut()) {
        location.file = format!("{prefix}/{}", location.file);
    }
    error
}
