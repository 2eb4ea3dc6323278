//! The flags of the author's commands about how policy is read and what it is held to, as OPA has them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::verification::VerificationArgs;
use crate::bundle::Pattern;
use verdict_rego::capabilities::{Capabilities, of_version};
use verdict_rego::{Checks, RegoVersion, Schemas, Value};

/// How deep folders of schemas may nest.
const DEEPEST: usize = 32;

/// Which Rego policy is read as.
#[derive(Debug, Clone, Copy, Args)]
pub struct VersionArgs {
    /// Read all policy as Rego v0
    #[arg(long, conflicts_with = "v1_compatible")]
    pub v0_compatible: bool,
    /// Read all policy as Rego v1, whatever a manifest says
    #[arg(long)]
    pub v1_compatible: bool,
}

impl VersionArgs {
    /// The version that all policy is read as, where it is not for manifests to say.
    pub const fn chosen(self) -> Option<RegoVersion> {
        match (self.v0_compatible, self.v1_compatible) {
            (true, _) => Some(RegoVersion::V0),
            (_, true) => Some(RegoVersion::V1),
            _ => None,
        }
    }
}

/// How policy is read, and what it is held to beyond what every policy is held to.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "How policy is read")]
pub struct ReadingArgs {
    /// Use OPA's strict mode: refuse unused imports, arguments and variables
    #[arg(short = 'S', long)]
    pub strict: bool,
    /// JSON schema of the input, or a directory of schemas named by annotations (`schema.users.user`)
    #[arg(short, long, value_name = "PATH")]
    pub schema: Option<PathBuf>,
    /// Ignore files and directories with this name, e.g. `.*` or `*_test.rego`; repeatable, or separated by commas
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', value_parser = Pattern::parse)]
    pub ignore: Vec<Pattern>,
    /// Which Rego all policy is read as
    #[command(flatten)]
    pub version: VersionArgs,
    /// Version of OPA, e.g. `v1.9.0`, or capabilities file (as `opa capabilities` writes it), that policy is to be for
    #[arg(long, value_name = "FILE|VERSION")]
    pub capabilities: Option<String>,
    /// How signatures of bundles are verified
    #[command(flatten)]
    pub verification: VerificationArgs,
}

impl ReadingArgs {
    /// What policy is held to.
    ///
    /// # Errors
    /// A file that cannot be read, or is not what it should be.
    pub fn checks(&self) -> Result<Checks, String> {
        let schemas = self.schema.as_deref().map(schemas).transpose()?;
        let capabilities = self.capabilities.as_deref().map(capabilities).transpose()?;
        let annotations = schemas.is_some();
        Ok(Checks { strict: self.strict, annotations, schemas, capabilities, given: None })
    }
}

fn schemas(path: &Path) -> Result<Schemas, String> {
    let mut found = Schemas::default();
    let meta = std::fs::metadata(path).map_err(|error| cannot_read(path, &error))?;
    if meta.is_dir() {
        folder(path, &mut vec![Arc::from("schema")], &mut found.by_path)?;
    } else {
        found.input = Some(document(path)?);
    }
    Ok(found)
}

/// `users/user.json` is `schema.users.user`.
fn folder(
    path: &Path,
    at: &mut Vec<Arc<str>>,
    found: &mut HashMap<Vec<Arc<str>>, Value>,
) -> Result<(), String> {
    if at.len() > DEEPEST {
        return Err(format!("`{}` nests more than {DEEPEST} folders deep", path.display()));
    }
    let entries = std::fs::read_dir(path).map_err(|error| cannot_read(path, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| cannot_read(path, &error))?.path();
        let stem = if entry.is_dir() { entry.file_name() } else { entry.file_stem() };
        at.push(stem.map(|stem| stem.to_string_lossy()).unwrap_or_default().into());
        let schema = entry.extension().is_some_and(|end| end == "json" || end == "yaml" || end == "yml");
        if entry.is_dir() {
            folder(&entry, at, found)?;
        } else if schema {
            found.insert(at.clone(), document(&entry)?);
        }
        at.pop();
    }
    Ok(())
}

fn document(path: &Path) -> Result<Value, String> {
    let bytes = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
    let wrong = |error: String| format!("`{}`: {error}", path.display());
    if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
        return Value::from_yaml(&text).map_err(wrong);
    }
    Value::from_json(&bytes).map_err(|error| wrong(error.to_string()))
}

/// Capabilities in a file, or of a version of OPA.
///
/// # Errors
/// A version that is not known, or a file that cannot be read or is not what it should be.
pub fn capabilities(given: &str) -> Result<Capabilities, String> {
    let path = Path::new(given);
    let document = match of_version(given) {
        Some(of_version) if !path.exists() => of_version?,
        _ => capabilities_file(path)?,
    };
    Capabilities::read(&document).map_err(|error| format!("`{given}`: {error}"))
}

/// The document in a capabilities file.
///
/// # Errors
/// A file that cannot be read, or is no JSON.
pub fn capabilities_file(path: &Path) -> Result<serde_json::Value, String> {
    let bytes = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("`{}`: {error}", path.display()))
}

fn cannot_read(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read `{}`: {error}", path.display())
}
