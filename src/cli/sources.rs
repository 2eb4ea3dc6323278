//! From the paths on a command line to what is worked on.
//!
//! That is bundles, as the server would take them: a folder or an archive, or a directory of bundles, which is taken as
//! the watched directory is, all of them together. Or it is files and folders, which are one tree together, as with OPA.

use std::path::{Path, PathBuf};

use super::print::warn;
use super::reading::ReadingArgs;
use super::verification::WithoutKey;
use crate::bundle::load::Fixture;
use crate::bundle::tree::{self, Purpose, Root};
use crate::bundle::{self, Bundle, ErrorKind, Limits, LoadError, Reading, Verification, is_fixture_file};
use crate::document::hint;
use crate::testing::{FixtureFile, Suite};
use verdict_rego::diagnostic::{SHOWN, listed};
use verdict_rego::{Diagnostic, Location, Module, PolicyError, Program, RegoVersion, Value, compile_checked};

/// The bundles of one path, or all the files.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// How reports call it.
    pub name: String,
    /// Its bundles, each with the path that its files are shown under.
    bundles: Vec<(String, Bundle)>,
    /// Fixture files that were named themselves; if there are any, the bundles' own are not used.
    fixtures: Vec<FixtureFile>,
    /// Whether nothing but fixture files was named: the bundle is there for them, and its other tests are not run.
    fixtures_only: bool,
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
            Self::Load(error) => {
                let diagnostics = with_lines(error);
                f.write_str(&LoadError { diagnostics, ..error.clone() }.explained())
            }
            Self::Policy(diagnostics) => f.write_str(&listed(diagnostics, SHOWN)),
        }
    }
}

/// The errors in data with their lines, which are read again: what a server logs has none, because data may be secret.
pub fn with_lines(error: &LoadError) -> Vec<Diagnostic> {
    let line = |at: &Location| {
        let text = std::fs::read_to_string(&at.file).ok()?;
        text.lines().nth(at.row.saturating_sub(1) as usize).map(str::to_owned)
    };
    let with_line = |error: &PolicyError| {
        let (location, excerpt) = (error.location.clone(), error.location.as_ref().and_then(line));
        let hint = hint::hint(&error.message).map(str::to_owned);
        Diagnostic {
            location,
            excerpt,
            length: 1,
            hint,
            ..Diagnostic::new(error.code, error.message.as_str())
        }
    };
    let in_data = error.errors.iter().filter(|_| error.kind == ErrorKind::Data);
    in_data.map(with_line).collect()
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

/// How the paths on a command line are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Each is one bundle, whatever lies in it.
    Bundle,
    /// Each is a bundle, or a directory of bundles as the server has it.
    Bundles,
    /// They are bundles and directories of bundles if all of them are, else one tree of files and folders.
    Anything,
}

/// Loads every path. Says which bundles were taken unverified.
///
/// # Errors
/// The first path that cannot be loaded.
pub fn load(
    paths: &[PathBuf],
    named: Named,
    purpose: Purpose,
    args: &ReadingArgs,
) -> Result<Vec<Source>, Problem> {
    let verification = args.verification.verification(WithoutKey::Warn).map_err(Problem::Path)?;
    let reading = Reading { verification: &verification, ignore: &args.ignore };
    // A key is there to verify bundles: what is named with one must not get by it as files.
    let keyed = named == Named::Anything && args.verification.verification_key.is_some();
    let named = if keyed { Named::Bundle } else { named };
    let mut sources = load_with(&roots(paths)?, named, purpose, &reading)?;
    args.verification.warn(sources.iter().flat_map(|source| source.bundles.iter().map(|(_, bundle)| bundle)));
    if let Some(version) = args.version.chosen() {
        sources.iter_mut().for_each(|source| source.set_version(version));
    }
    Ok(sources)
}

fn roots(paths: &[PathBuf]) -> Result<Vec<Root>, Problem> {
    let readable = |path: &PathBuf| {
        let root = Root::parse(path)?;
        let cannot = |error| Problem::Path(format!("cannot read `{}`: {error}", root.path.display()));
        std::fs::metadata(&root.path).map_err(cannot)?;
        Ok(root)
    };
    paths.iter().map(readable).collect()
}

fn load_with(
    roots: &[Root],
    named: Named,
    purpose: Purpose,
    reading: &Reading<'_>,
) -> Result<Vec<Source>, Problem> {
    let is_fixture = |root: &&Root| is_file(root) && is_fixture_file(&root.path.to_string_lossy());
    let (fixtures, roots): (Vec<&Root>, Vec<&Root>) = roots.iter().partition(is_fixture);
    let (mut sources, is_tree) = match apart(&roots, named, purpose, reading)? {
        Some(sources) => (sources, false),
        None => (vec![tree(&roots, purpose, reading)?], true),
    };
    let fixtures = fixtures.into_iter().map(|root| &root.path);
    match sources.first_mut().filter(|_| is_tree) {
        Some(tree) => tree.fixtures = fixtures.map(|path| read_fixture(path)).collect::<Result<_, _>>()?,
        None => {
            for fixture in fixtures {
                sources.push(with_bundle(fixture, purpose, reading)?);
            }
        }
    }
    Ok(sources)
}

/// Each path for itself; `None` if they are one tree.
fn apart(
    roots: &[&Root],
    named: Named,
    purpose: Purpose,
    reading: &Reading<'_>,
) -> Result<Option<Vec<Source>>, Problem> {
    let (files, whole): (Vec<&Root>, Vec<&Root>) = roots.iter().copied().partition(|root| is_file(root));
    if named == Named::Anything && !files.is_empty() {
        return Ok(None);
    }
    let mut sources = Vec::new();
    for root in whole {
        match bundles(root, named, purpose, reading)? {
            Some(source) => sources.push(source),
            None => return Ok(None),
        }
    }
    if !files.is_empty() {
        sources.push(tree(&files, purpose, reading)?);
    }
    Ok(Some(sources))
}

/// Whether it is neither a folder nor an archive.
fn is_file(root: &Root) -> bool {
    !root.path.is_dir() && !is_archive(&root.path)
}

/// Loads bundles, and files or folders of policy and data, compiles them all together, and holds them to what the flags
/// ask for.
///
/// # Errors
/// What cannot be loaded, does not go together, or does not compile.
pub fn load_together(bundles: &[PathBuf], data: &[PathBuf], args: &ReadingArgs) -> Result<Program, Problem> {
    let mut all = Source::default();
    for source in load(bundles, Named::Bundles, Purpose::Evaluate, args)? {
        all.bundles.extend(source.bundles);
    }
    if !data.is_empty() {
        let roots = roots(data)?;
        let tree = tree::load(&roots, Purpose::Evaluate, &args.ignore)?;
        all.bundles.push((String::new(), tree));
    }
    if let Some(version) = args.version.chosen() {
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
pub fn load_verified(
    bundles: &[PathBuf],
    verification: &Verification,
    version: Option<RegoVersion>,
) -> Result<Program, Problem> {
    let mut all = Source::default();
    let reading = Reading::all(verification);
    for source in load_with(&roots(bundles)?, Named::Bundles, Purpose::Evaluate, &reading)? {
        all.bundles.extend(source.bundles);
    }
    if let Some(version) = version {
        all.set_version(version);
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

    /// The paths below `data` that only its bundles may fill.
    pub fn roots(&self) -> Vec<Vec<String>> {
        let bundles = self.bundles.iter().map(|(_, bundle)| bundle).filter(|bundle| !bundle.is_tree);
        bundles.flat_map(|bundle| bundle.manifest.roots.iter().cloned()).collect()
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
            fixtures_only: self.fixtures_only,
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

/// The bundles of one path; `None` if it is a folder of something else.
fn bundles(
    root: &Root,
    named: Named,
    purpose: Purpose,
    reading: &Reading<'_>,
) -> Result<Option<Source>, Problem> {
    let path = &root.path;
    let source = |bundles| Source { name: tree::shown(path), bundles, ..Source::default() };
    if named == Named::Anything && !root.below.is_empty() {
        return Ok(None);
    }
    if is_archive(path) || named == Named::Bundle {
        return Ok(Some(source(vec![one(path, reading)?])));
    }
    let all = match holds_bundles(path)? {
        Some(held) if held.nothing_else || named == Named::Bundles => {
            held.bundles.iter().map(|entry| one(entry, reading)).collect()
        }
        _ if is_bundle(path) || named == Named::Bundles => one(path, reading).map(|one| vec![one]),
        _ => return Ok(None),
    };
    match all {
        // Here bundles and a tree would differ in silence.
        Ok(all) if named == Named::Anything && purpose == Purpose::Evaluate && hide_data(&all) => Ok(None),
        // What lies within a bundle is none, as nothing is to OPA.
        Err(Problem::Load(error)) if named == Named::Anything && error.kind == ErrorKind::Layout => Ok(None),
        all => all.map(|all| Some(source(all))),
    }
}

/// Whether there are files that would be data in a tree. What is nearly named as a fixture file is complained of later.
fn hide_data(bundles: &[(String, Bundle)]) -> bool {
    let is_data = |file: &Fixture| !file.name.rsplit('/').next().unwrap_or_default().contains("fixture");
    bundles.iter().flat_map(|(_, bundle)| &bundle.fixtures).any(is_data)
}

/// Whether the folder says that it is a bundle.
fn is_bundle(path: &Path) -> bool {
    [".manifest", ".signatures.json"].into_iter().any(|file| path.join(file).is_file())
}

/// A directory of bundles.
struct Held {
    bundles: Vec<PathBuf>,
    /// Whether each folder in it says that it is one, which the server needs for more than one to go together.
    nothing_else: bool,
}

/// What the folder holds, if its entries are bundles rather than it being one.
fn holds_bundles(path: &Path) -> Result<Option<Held>, Problem> {
    let entries = entries(path)?;
    let is_policy = |entry: &PathBuf| {
        let name = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        !entry.is_dir()
            && (name.ends_with(".rego") || matches!(name.as_str(), "data.json" | "data.yaml" | "data.yml"))
    };
    if is_bundle(path) || entries.iter().any(is_policy) {
        return Ok(None);
    }
    let bundles: Vec<PathBuf> =
        entries.into_iter().filter(|entry| entry.is_dir() || is_archive(entry)).collect();
    let says_so = |entry: &PathBuf| is_archive(entry) || is_bundle(entry);
    let nothing_else = bundles.iter().all(says_so);
    Ok(bundles.iter().any(says_so).then_some(Held { bundles, nothing_else }))
}

/// Files and folders, as OPA takes them.
fn tree(roots: &[&Root], purpose: Purpose, reading: &Reading<'_>) -> Result<Source, Problem> {
    for root in roots {
        let held = || Ok::<_, Problem>(root.path.is_dir() && holds_bundles(&root.path)?.is_some());
        if is_bundle(&root.path) || held()? {
            warn(&format!(
                "`{}` is read as files and folders, as by OPA: every JSON and YAML file is data, and `.manifest` is ignored; \
                 `-b` reads a bundle as the server does",
                tree::shown(&root.path)
            ));
        }
    }
    let roots: Vec<Root> = roots.iter().copied().cloned().collect();
    let bundle = tree::load(&roots, purpose, reading.ignore)?;
    let names: Vec<String> = roots.iter().map(|root| tree::shown(&root.path)).collect();
    Ok(Source { name: names.join(" "), bundles: vec![(String::new(), bundle)], ..Source::default() })
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
    Ok((tree::shown(path), bundle))
}

/// A fixture file that was named itself, with what it tests.
fn with_bundle(fixture: &Path, purpose: Purpose, reading: &Reading<'_>) -> Result<Source, Problem> {
    let root = Root { below: Vec::new(), path: bundle_of(fixture) };
    let found = bundles(&root, Named::Anything, purpose, reading)?;
    let mut source = found.map_or_else(|| tree(&[&root], purpose, reading), Ok)?;
    source.fixtures.push(read_fixture(fixture)?);
    source.fixtures_only = true;
    Ok(source)
}

/// The bundle that a fixture file belongs to: the nearest folder above it with a manifest, else its own folder.
fn bundle_of(fixture: &Path) -> PathBuf {
    let parent = fixture.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    parent.ancestors().find(|folder| folder.join(".manifest").exists()).unwrap_or(parent).to_owned()
}

fn read_fixture(path: &Path) -> Result<FixtureFile, Problem> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Problem::Path(format!("cannot read `{}`: {error}", path.display())))?;
    Ok(FixtureFile { file: tree::shown(path), text })
}
