//! Builds a bundle: one archive from folders, archives and files.
//!
//! INVARIANT (reproducible): the same files give the same bytes, wherever and whenever they are built.
//! INVARIANT (nothing lost): the archive is read back, and refused if anything is missing.
//!
//! Policy files are kept unchanged, data is merged into one `data.json`; other files are left out, as in OPA.
//!
//! Reading order: [`Inputs`] → [`Draft`] → [`Draft::seal`] → [`Draft::archive`].

mod inputs;
mod pack;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use super::contents::{Extent, Limits};
use super::error::{ErrorKind, LoadError};
use super::load::{Bundle, Reading, parse};
use super::merge::merge;
use super::pattern::Pattern;
use super::scope::Scope;
use super::signature::keys::SigningKey;
use super::signature::{Verification, token};
use super::{activate, archive, folder, name, scan};
use crate::model::request::EntryPath;
use verdict_rego::{Checks, RegoVersion};

/// The inputs of a build.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// Bundles, or folders and files of policy and data.
    pub paths: &'a [PathBuf],
    /// Whether the paths are bundles.
    pub as_bundle: bool,
    /// Files and folders to ignore by name.
    pub ignore: &'a [Pattern],
    /// How signed bundles are verified.
    pub verification: &'a Verification,
    /// The limits of each bundle.
    pub limits: Limits,
    /// The Rego version that all policy is read as, where it is not for manifests to say.
    pub version: Option<RegoVersion>,
}

impl Inputs<'_> {
    fn read_as_asked(&self, bundle: &mut Bundle) {
        if let Some(version) = self.version {
            bundle.modules.iter_mut().chain(&mut bundle.tests).for_each(|module| module.version = version);
        }
    }
}

/// A bundle that is being built.
#[derive(Debug)]
pub struct Draft {
    /// The bundles that it is built from.
    pub bundles: Vec<Bundle>,
    /// Notices for the user.
    pub notices: Vec<String>,
    /// Its files, by name.
    files: BTreeMap<String, Vec<u8>>,
    manifest: Map<String, Json>,
}

/// How to sign the bundle.
#[derive(Debug)]
pub struct Seal<'a> {
    /// The signing key.
    pub key: &'a SigningKey,
    /// Additional claims.
    pub claims: Option<&'a Map<String, Json>>,
    /// The key's ID.
    pub key_id: Option<&'a str>,
}

impl Draft {
    /// Reads and merges the inputs, without compiling them.
    ///
    /// # Errors
    /// An input that cannot be loaded or verified, or inputs that cannot be merged.
    pub fn new(inputs: &Inputs<'_>) -> Result<Self, LoadError> {
        if inputs.as_bundle { inputs::bundles(inputs) } else { inputs::files(inputs) }
    }

    /// Assembles the files. `manifest` has everything besides revision, roots and versions.
    fn assemble(
        bundles: Vec<Bundle>,
        policies: Vec<(String, Vec<u8>, RegoVersion)>,
        mut manifest: Map<String, Json>,
        notices: Vec<String>,
        version: Option<RegoVersion>,
    ) -> Result<Self, LoadError> {
        let number = |version: RegoVersion| match version {
            RegoVersion::V0 => 0_u8,
            RegoVersion::V1 => 1,
            RegoVersion::V2 => 2,
        };
        // A single bundle keeps its Rego version, with exceptions for files; several bundles become v1.
        let global = match (version, bundles.as_slice()) {
            (Some(version), _) => version,
            (None, [one]) => one.manifest.version_of("")?,
            _ => RegoVersion::V1,
        };
        let mut files = BTreeMap::new();
        let mut versions = Map::new();
        for (name, source, version) in policies {
            if version != global {
                versions.insert(format!("/{name}"), json!(number(version)));
            }
            if files.contains_key(&name) {
                let message = format!("two policy files would both be `{name}` in the bundle; rename one");
                return Err(LoadError::new(ErrorKind::Layout, message));
            }
            files.insert(name, source);
        }
        let data = merge(&Scope::whole(&bundles), None)?;
        files.insert("data.json".to_owned(), format!("{data}\n").into_bytes());
        let roots: Vec<String> =
            bundles.iter().flat_map(|bundle| &bundle.manifest.roots).map(|root| root.join("/")).collect();
        let revision =
            if let [one] = bundles.as_slice() { one.manifest.revision.clone() } else { String::new() };
        manifest.insert("revision".to_owned(), json!(revision));
        manifest.insert("roots".to_owned(), json!(roots));
        manifest.insert("rego_version".to_owned(), json!(number(global)));
        manifest.remove("file_rego_versions");
        if !versions.is_empty() {
            manifest.insert("file_rego_versions".to_owned(), Json::Object(versions));
        }
        Ok(Self { bundles, notices, files, manifest })
    }

    /// Sets the revision.
    pub fn set_revision(&mut self, revision: &str) {
        self.manifest.insert("revision".to_owned(), json!(revision));
    }

    /// Compiles the inputs, with additional checks, and checks that rules declare these documents.
    ///
    /// # Errors
    /// Compile errors, or an entry point that no rule declares.
    pub fn compile(&self, entrypoints: &[EntryPath], checks: &Checks) -> Result<(), LoadError> {
        let program = activate::compile_checked(&self.bundles, checks)?;
        match entrypoints.iter().find(|path| !program.declares(path)) {
            None => Ok(()),
            Some(path) => Err(LoadError::new(
                ErrorKind::EntryPoint,
                format!("no rule declares the entry point `{path}`; write it as `<package>/<rule>`"),
            )),
        }
    }

    /// Adds the manifest and, if wanted, the signature.
    ///
    /// # Errors
    /// Files that cannot be signed, or would not load again.
    pub fn seal(&mut self, seal: Option<&Seal<'_>>) -> Result<(), LoadError> {
        let manifest = format!("{}\n", Json::Object(self.manifest.clone()));
        self.files.insert(".manifest".to_owned(), manifest.into_bytes());
        if let Some(Seal { key, claims, key_id }) = seal {
            let files = self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
            let signature = token::sign(files, key, *claims, *key_id)
                .map_err(|why| LoadError::new(ErrorKind::Signature, why))?;
            self.files.insert(token::FILE.to_owned(), signature);
        }
        self.read_again()
    }

    /// Checks that the bundle loads, with everything that was added.
    fn read_again(&self) -> Result<(), LoadError> {
        let bytes = self.archive()?;
        let limits = Limits { max_size: u64::MAX / 2, max_files: usize::MAX / 2 };
        let unverified = Verification::skip();
        let reading = Reading::all(&unverified);
        let built = archive::read(&bytes, limits)
            .and_then(|contents| parse("the built bundle", "bundle", contents, &reading))?;
        let count = |bundle: &Bundle| bundle.modules.len() + bundle.tests.len();
        let wanted: usize = self.bundles.iter().map(count).sum();
        if count(&built) == wanted {
            return Ok(());
        }
        let policies = self.files.keys().filter(|file| file.ends_with(".rego"));
        let hidden: Vec<_> = policies.filter(|file| file.split('/').any(name::ignored)).collect();
        Err(LoadError::new(
            ErrorKind::Layout,
            format!(
                "these files would be ignored when the bundle is read, because of their names: {}; rename them, or \
                 exclude them with `--ignore`",
                hidden.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", ")
            ),
        ))
    }

    /// The archive.
    ///
    /// # Errors
    /// A file that cannot be stored in an archive.
    pub fn archive(&self) -> Result<Vec<u8>, LoadError> {
        pack::pack(&self.files).map_err(|error| {
            LoadError::new(ErrorKind::Archive, format!("the bundle cannot be packed: {error}"))
        })
    }
}

/// Every file of a bundle, to be signed: all files of an archive; of a folder, those that are not ignored.
///
/// # Errors
/// A file that cannot be read, or a path that is neither.
pub fn signable(path: &Path, limits: Limits) -> Result<BTreeMap<String, Vec<u8>>, LoadError> {
    let meta = std::fs::metadata(path).map_err(|error| folder::unreadable(path, &error))?;
    let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
    let contents = if meta.is_dir() {
        let survey = folder::survey_extent(path, limits, Extent::All)?;
        folder::read(&survey.files, limits)?
    } else if name::archive_stem(&file).is_some() {
        let bytes = scan::read_bytes(path, limits)?;
        archive::read_extent(&bytes, limits, Extent::All)?
    } else {
        let message = format!(
            "`{}` is neither a folder nor a `.tar.gz`; a bundle is signed as a whole",
            path.display()
        );
        return Err(LoadError::new(ErrorKind::Layout, message));
    };
    Ok(contents.files)
}
