//! Why a set of bundles was not activated.

use std::fmt;

use verdict_rego::Diagnostic;
use verdict_rego::PolicyError;
use verdict_rego::diagnostic::{SHOWN, listed};

/// What kind of thing was wrong: a closed list, so that metrics can carry it as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// There is nothing to activate: no directory, no bundle, a bundle with nothing in it, or no policy at all.
    Empty,
    /// A bundle that was in force, or that the configuration expects, is not in the watched directory.
    MissingBundle,
    /// The watched directory is laid out in a way that can be read in two ways.
    Layout,
    /// A file, a folder or a link could not be read, or may not be.
    Unreadable,
    /// A bundle is over a limit.
    Limit,
    /// An archive is damaged or hostile.
    Archive,
    /// A bundle is not what was signed, or cannot be verified.
    Signature,
    /// A `.manifest` is malformed, or asks for what is not supported.
    Manifest,
    /// A data file is malformed, or two of them define one document.
    Data,
    /// Roots overlap, or a file lies outside its bundle's roots.
    Roots,
    /// Base data and a rule or package claim the same document.
    Conflict,
    /// The policy does not compile.
    Compile,
    /// A required entry point is declared by no rule.
    EntryPoint,
    /// Data that must be defined is not.
    MissingData,
    /// The tests that the bundles carry did not pass.
    Tests,
    /// The directory did not stop changing.
    Unsettled,
    /// A defect in Verdict.
    Internal,
}

impl ErrorKind {
    /// The kind's name, as metrics and logs carry it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::MissingBundle => "missing_bundle",
            Self::Layout => "layout",
            Self::Unreadable => "unreadable",
            Self::Limit => "limit",
            Self::Archive => "archive",
            Self::Signature => "signature",
            Self::Manifest => "manifest",
            Self::Data => "data",
            Self::Roots => "roots",
            Self::Conflict => "conflict",
            Self::Compile => "compile",
            Self::EntryPoint => "entry_point",
            Self::MissingData => "missing_data",
            Self::Tests => "tests",
            Self::Unsettled => "unsettled",
            Self::Internal => "internal",
        }
    }
}

/// Why bundles were not loaded or not activated: what was wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
    /// Of the closed list.
    pub kind: ErrorKind,
    /// The bundle at fault, where it is one.
    pub bundle: Option<String>,
    /// For a person: lower case, no full stop.
    pub message: String,
    /// The policy's own errors, where there are any, as OPA's status lists them.
    pub errors: Vec<PolicyError>,
    /// The same with their lines of source, where the policy does not compile.
    pub diagnostics: Vec<Diagnostic>,
}

impl LoadError {
    /// An error that names no bundle (yet).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, bundle: None, message: message.into(), errors: Vec::new(), diagnostics: Vec::new() }
    }

    /// The same error, said of `bundle`; an error that names its bundle already keeps it.
    #[must_use]
    pub fn of(mut self, bundle: &str) -> Self {
        self.bundle.get_or_insert_with(|| bundle.to_owned());
        self
    }

    /// The error for a person, with the lines of source that it is about.
    pub fn explained(&self) -> String {
        if self.diagnostics.is_empty() {
            return self.to_string();
        }
        let bundle = self.bundle.as_ref().map(|bundle| format!("bundle `{bundle}`: ")).unwrap_or_default();
        format!("{bundle}{}\n{}", self.message, listed(&self.diagnostics, SHOWN))
    }

    /// Whether the error is said of `bundle`, by its name or by a location in one of its files.
    pub(super) fn concerns(&self, bundle: &str) -> bool {
        let inside = |e: &PolicyError| {
            e.location.as_ref().and_then(|l| l.file.strip_prefix(bundle)).is_some_and(|f| f.starts_with('/'))
        };
        self.bundle.as_deref() == Some(bundle) || self.errors.iter().any(inside)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(bundle) = &self.bundle {
            write!(f, "bundle `{bundle}`: ")?;
        }
        f.write_str(&self.message)?;
        for error in self.errors.iter().take(SHOWN) {
            match &error.location {
                Some(at) => {
                    write!(f, "\n  {}:{}:{}: {}: {}", at.file, at.row, at.col, error.code, error.message)?;
                }
                None => write!(f, "\n  {}: {}", error.code, error.message)?,
            }
        }
        match self.errors.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  … and {more} more"),
        }
    }
}
