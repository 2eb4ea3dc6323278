//! The door, ready to answer: its configuration, checked.

use std::time::Instant;

use super::config::{Config, SearchConfig};
use super::metadata::Metadata;
use crate::authorize::Question;
use crate::model::request::EntryPath;
use crate::pdp::input::About;
use verdict_rego::Value;

/// The name of this door in records.
pub(super) const PROTOCOL: &str = "authzen";

/// What AuthZEN's PEPs are answered with.
#[derive(Debug)]
pub struct Door {
    document: EntryPath,
    merge_defaults: bool,
    candidates: Candidates,
    about: About,
    metadata: Option<Metadata>,
}

/// The documents that list candidates; what has none is not searched for.
#[derive(Debug)]
pub(super) struct Candidates {
    pub(super) subjects: Option<EntryPath>,
    pub(super) resources: Option<EntryPath>,
    pub(super) actions: Option<EntryPath>,
}

impl Door {
    /// Makes it of its configuration; `document` decides where that names none.
    ///
    /// # Errors
    /// What is wrong, with the key below `doors.authzen`.
    pub fn new(config: &Config, document: &EntryPath, about: About) -> Result<Self, (String, String)> {
        config.check()?;
        let path = |key: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => EntryPath::parse(text).map(Some).map_err(|error| (key.to_owned(), error)),
        };
        let SearchConfig { subjects, resources, actions } = &config.search;
        Ok(Self {
            document: path("document", &config.document)?.unwrap_or_else(|| document.clone()),
            merge_defaults: config.merge_defaults,
            candidates: Candidates {
                subjects: path("search.subjects", subjects)?,
                resources: path("search.resources", resources)?,
                actions: path("search.actions", actions)?,
            },
            about,
            metadata: Metadata::new(config),
        })
    }

    /// The document that decides.
    pub(in crate::doors) const fn document(&self) -> &EntryPath {
        &self.document
    }

    /// Whether an entity of a batch item that lacks what it must have is filled from the default.
    pub(super) const fn merges_defaults(&self) -> bool {
        self.merge_defaults
    }

    pub(super) const fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    pub(super) const fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    /// What is the same for every evaluation.
    pub(super) fn question(&self, input: Option<Value>, started: Instant) -> Question {
        Question {
            input,
            about: self.about.clone(),
            form: Some(check),
            input_parse: started.elapsed(),
            ..Question::default()
        }
    }
}

/// Whether a result of policy can be answered with: its `context`, where it has one, is an object.
fn check(result: &Value) -> Result<(), String> {
    match result.get("context") {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(other) => Err(format!("`context` is not an object but {}", other.type_name())),
    }
}
