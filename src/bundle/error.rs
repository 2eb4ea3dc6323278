//! Errors of loading and activating bundles.

use std::fmt;

use verdict_rego::Diagnostic;
use verdict_rego::PolicyError;
use verdict_rego::diagnostic::{SHOWN, listed};

/// The kind of an error: a closed list, so that it can be a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// There is nothing to activate: no directory, no bundle, an empty bundle, or no policy.
    Empty,
    /// A bundle that was in force, or that the configuration expects, is not in the watched directory.
    MissingBundle,
    /// The layout of the watched directory or of a bundle is ambiguous or not supported.
    Layout,
    /// A file, a folder or a link cannot be read, or must not be.
    Unreadable,
    /// A bundle exceeds a limit.
    Limit,
    /// An archive is corrupt or hostile.
    Archive,
    /// A bundle does not match its signature, or cannot be verified.
    Signature,
    /// A `.manifest` is malformed or not supported.
    Manifest,
    /// A data file is malformed, or two files define the same document.
    Data,
    /// Roots overlap, or a file lies outside its bundle's roots.
    Roots,
    /// Base data and a rule or package define the same document.
    Conflict,
    /// The policy does not compile.
    Compile,
    /// A required entry point is declared by no rule.
    EntryPoint,
    /// Data that must be defined is not.
    MissingData,
    /// The bundles' tests failed.
    Tests,
    /// The directory keeps changing.
    Unsettled,
    /// A bug in Verdict.
    Internal,
}

impl ErrorKind {
    /// The kind's name in metrics and logs.
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

/// Why bundles were not loaded or activated: what is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The bundle, if a single one is at fault.
    pub bundle: Option<String>,
    /// The message: lower case, no full stop.
    pub message: String,
    /// The errors in policy, if any, as listed in OPA's status.
    pub errors: Vec<PolicyError>,
    /// The same with source lines, if the policy does not compile.
    pub diagnostics: Vec<Diagnostic>,
}

impl LoadError {
    /// An error without a bundle.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, bundle: None, message: message.into(), errors: Vec::new(), diagnostics: Vec::new() }
    }

    /// The same error for `bundle`; an error that has a bundle keeps it.
    #[must_use]
    pub fn of(mut self, bundle: &str) -> Self {
        self.bundle.get_or_insert_with(|| bundle.to_owned());
        self
    }

    /// The error with source lines.
    pub fn explained(&self) -> String {
        if self.diagnostics.is_empty() {
            return self.to_string();
        }
        let bundle = self.bundle.as_ref().map(|bundle| format!("bundle `{bundle}`: ")).unwrap_or_default();
        format!("{bundle}{}\n{}", self.message, listed(&self.diagnostics, SHOWN))
    }

    /// Whether the error concerns `bundle`, by name or by a location in one of its files.
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
