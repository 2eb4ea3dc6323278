//! From the paths on a command line to bundles, as the server would take them.
//!
//! A path is a bundle (a folder, or an archive), a directory of bundles, which is taken as the watched directory is: all
//! of them together, or a file. All files on a command line are taken together.

use std::path::{Path, PathBuf};

use super::reading::ReadingArgs;
use super::verification::WithoutKey;
use crate::bundle::{self, Bundle, Limits, LoadError, Reading, Verification};
use crate::testing::{FixtureFile, Suite, is_fixture_file};
use verdict_rego::diagnostic::{SHOWN, listed};
use verdict_rego::{Diagnostic, Module, Program, RegoVersion, Value, compile_checked};

/// The bundles of one path, or all the files.
#[derive(Debug, Clone)]
pub struct Source {
    /// How reports call it.
    pub name: String,
    /// Its bundles, each with the path that its files are shown under.
    bundles: Vec<(String, Bundle)>,
    /// Fixture files that were named themselves; if there are any, the bundles' own are not used.
    fixtures: Vec<FixtureFile>,
}

/// Why there is nothing to work on.
#[derive(Debug, Clone)]
pub enum Problem {
    /// A path cannot be used.
    Path(String),
    /// A bundle does not load, or several do not go together.
    Load(LoadError),
    /// The policy does not compile.
    Policy(Vec<Diagnostic>),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(message) => f.write_str(message),
            Self::Load(error) => error.fmt(f),
            Self::Policy(diagnostics) => f.write_str(&listed(diagnostics, SHOWN)),
        }
    }
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

/// Loads every path; with `as_bundle` each is one bundle, whatever lies in it. Says which were taken unverified.
///
/// # Errors
/// The first path that cannot be loaded.
pub fn load(paths: &[PathBuf], as_bundle: bool, args: &ReadingArgs) -> Result<Vec<Source>, Problem> {
    let verification = args.verification.verification(WithoutKey::Warn).map_err(Problem::Path)?;
    let reading = Reading { verification: &verification, ignore: &args.ignore };
    let mut sources = load_with(paths, as_bundle, &reading)?;
    args.verification.warn(sources.iter().flat_map(|source| source.bundles.iter().map(|(_, bundle)| bundle)));
    if let Some(version) = args.version() {
        sources.iter_mut().for_each(|source| source.set_version(version));
    }
    Ok(sources)
}

fn load_with(paths: &[PathBuf], as_bundle: bool, reading: &Reading<'_>) -> Result<Vec<Source>, Problem> {
    let mut sources = Vec::new();
    let (mut files, mut fixtures) = (Vec::new(), Vec::new());
    for path in paths {
        let meta = std::fs::metadata(path)
            .map_err(|error| Problem::Path(format!("cannot read `{}`: {error}", path.display())))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if meta.is_dir() {
            sources.push(folder(path, as_bundle, reading)?);
        } else if is_fixture_file(&name) {
            fixtures.push(path.clone());
        } else if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
            sources.push(Source {
                name: shown(path),
                bundles: vec![one(path, reading)?],
                fixtures: Vec::new(),
            });
        } else {
            files.push(path.clone());
        }
    }
    if !files.is_empty() {
        sources.push(loose(&files, &fixtures)?);
    } else {
        for fixture in &fixtures {
            let mut source = folder(&bundle_of(fixture), true, reading)?;
            source.fixtures.push(read_fixture(fixture)?);
            sources.push(source);
        }
    }
    Ok(sources)
}

/// Loads bundles, and files or folders of policy and data, compiles them all together, and holds them to what the flags
/// ask for.
///
/// # Errors
/// What cannot be loaded, does not go together, or does not compile.
pub fn load_together(bundles: &[PathBuf], data: &[PathBuf], args: &ReadingArgs) -> Result<Program, Problem> {
    let mut all = Source { name: String::new(), bundles: Vec::new(), fixtures: Vec::new() };
    // Signatures are those of bundles; what is named as data is taken as it is.
    let unverified = Verification::skip();
    let data = load_with(data, true, &Reading { verification: &unverified, ignore: &args.ignore })?;
    for source in load(bundles, false, args)?.into_iter().chain(data) {
        all.bundles.extend(source.bundles);
    }
    if let Some(version) = args.version() {
        all.set_version(version);
    }
    let program = all.compile()?;
    hold(program.modules(), program.data(), args)?;
    Ok(program)
}

/// Holds policy that compiles to what the flags ask for.
///
/// # Errors
/// What is wrong with it, or with the flags.
pub fn hold(modules: &[Module], data: &Value, args: &ReadingArgs) -> Result<(), Problem> {
    let checks = args.checks().map_err(Problem::Path)?;
    if checks.are_usual() {
        return Ok(());
    }
    compile_checked(modules.to_vec(), data.clone(), &checks).map(drop).map_err(Problem::Policy)
}

/// Loads bundles and compiles them together, their signatures dealt with as `verification` says.
///
/// # Errors
/// What cannot be loaded or verified, does not go together, or does not compile.
pub fn load_verified(bundles: &[PathBuf], verification: &Verification) -> Result<Program, Problem> {
    let mut all = Source { name: String::new(), bundles: Vec::new(), fixtures: Vec::new() };
    for source in load_with(bundles, false, &Reading::all(verification))? {
        all.bundles.extend(source.bundles);
    }
    all.compile()
}

/// What is wrong with bundles that were loaded together.
pub fn explain(error: LoadError) -> Problem {
    if error.diagnostics.is_empty() {
        return Problem::Load(error);
    }
    Problem::Policy(error.diagnostics)
}

impl Source {
    /// Policy and data, as they would be served.
    ///
    /// # Errors
    /// Bundles that do not go together, or do not compile.
    pub fn compile(&self) -> Result<Program, Problem> {
        let bundles: Vec<Bundle> = self.bundles.iter().map(|(_, bundle)| bundle.clone()).collect();
        bundle::compile(&bundles).map_err(explain)
    }

    /// All policy, tests included.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.bundles.iter().flat_map(|(_, bundle)| bundle.modules.iter().chain(&bundle.tests))
    }

    /// Reads all policy as being of one version.
    pub fn set_version(&mut self, version: RegoVersion) {
        for (_, bundle) in &mut self.bundles {
            bundle.modules.iter_mut().chain(&mut bundle.tests).for_each(|module| module.version = version);
        }
    }

    /// Everything that can be tested in `program`, which is this source compiled.
    ///
    /// # Errors
    /// A fixture file that is not UTF-8, or whose name is only nearly one of a fixture file.
    pub fn suite(&self, program: &Program) -> Result<Suite, Problem> {
        let mut suite = Suite {
            modules: program.modules().to_vec(),
            data: program.data().clone(),
            fixtures: self.fixtures.clone(),
        };
        for (prefix, bundle) in &self.bundles {
            suite.modules.extend(bundle.tests.iter().cloned());
            if self.fixtures.is_empty() {
                let files =
                    bundle.fixtures.iter().map(|fixture| (fixture.name.as_str(), fixture.bytes.as_slice()));
                let fixtures = crate::testing::fixture_files(prefix, files);
                suite.fixtures.extend(fixtures.map_err(Problem::Path)?);
            }
        }
        Ok(suite)
    }
}

fn folder(path: &Path, as_bundle: bool, reading: &Reading<'_>) -> Result<Source, Problem> {
    let bundles = if as_bundle || !holds_bundles(path)? {
        vec![one(path, reading)?]
    } else {
        let entries = entries(path)?.into_iter().filter(|entry| entry.is_dir() || is_archive(entry));
        entries.map(|entry| one(&entry, reading)).collect::<Result<_, _>>()?
    };
    Ok(Source { name: shown(path), bundles, fixtures: Vec::new() })
}

/// Whether the folder's entries are bundles, rather than the folder itself being one.
fn holds_bundles(path: &Path) -> Result<bool, Problem> {
    let entries = entries(path)?;
    let is_policy = |entry: &PathBuf| {
        let name = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        !entry.is_dir()
            && (name.ends_with(".rego") || matches!(name.as_str(), "data.json" | "data.yaml" | "data.yml"))
    };
    if path.join(".manifest").exists() || entries.iter().any(is_policy) {
        return Ok(false);
    }
    Ok(entries.iter().any(|entry| is_archive(entry) || entry.join(".manifest").exists()))
}

/// What lies in the folder, in order of names, without what begins with a dot.
fn entries(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    let unreadable = |error| Problem::Path(format!("cannot read `{}`: {error}", path.display()));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    entries.sort();
    Ok(entries)
}

fn is_archive(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(".tar.gz") || name.ends_with(".tgz")
}

fn one(path: &Path, reading: &Reading<'_>) -> Result<(String, Bundle), Problem> {
    let limits = Limits::from(&bundle::Config::default());
    let mut bundle = bundle::load_reading(path, limits, reading)?;
    // Files of the current folder are shown by their names alone.
    let here = |name: &mut String| {
        if let Some(short) = name.strip_prefix("./") {
            *name = short.to_owned();
        }
    };
    bundle.modules.iter_mut().chain(&mut bundle.tests).for_each(|module| here(&mut module.id));
    bundle.documents.iter_mut().for_each(|document| here(&mut document.file));
    Ok((shown(path), bundle))
}

/// Files that were named one by one: one bundle.
fn loose(files: &[PathBuf], fixtures: &[PathBuf]) -> Result<Source, Problem> {
    let mut whole: Option<(String, Bundle)> = None;
    for file in files {
        let (prefix, bundle) = one(file, &Reading::all(&Verification::skip()))?;
        match &mut whole {
            None => whole = Some((prefix, bundle)),
            Some((_, whole)) => {
                whole.modules.extend(bundle.modules);
                whole.tests.extend(bundle.tests);
                whole.documents.extend(bundle.documents);
            }
        }
    }
    let fixtures = fixtures.iter().map(|path| read_fixture(path)).collect::<Result<_, _>>()?;
    let names: Vec<String> = files.iter().map(|file| shown(file)).collect();
    Ok(Source { name: names.join(" "), bundles: whole.into_iter().collect(), fixtures })
}

/// The bundle that a fixture file belongs to: the nearest folder above it with a manifest, else its own folder.
fn bundle_of(fixture: &Path) -> PathBuf {
    let parent = fixture.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    parent.ancestors().find(|folder| folder.join(".manifest").exists()).unwrap_or(parent).to_owned()
}

fn read_fixture(path: &Path) -> Result<FixtureFile, Problem> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Problem::Path(format!("cannot read `{}`: {error}", path.display())))?;
    Ok(FixtureFile { file: shown(path), text })
}

fn shown(path: &Path) -> String {
    let shown = path.display().to_string();
    shown.strip_prefix("./").unwrap_or(&shown).trim_end_matches('/').to_owned()
}
