//! What was probably meant by a path that leads nowhere.

use std::sync::Arc;

use super::{Program, Target};
use crate::shown;
use crate::value::Value;

/// How many edits one path may be away from the other.
const MOST: usize = 2;

impl Program {
    /// The document of a rule that is nearly at `path`, as it is written, where neither rules nor data are at `path`.
    pub fn near_document(&self, path: &[String]) -> Option<String> {
        let is_there = self.data.at(path.iter().map(String::as_str)).is_some();
        if is_there || !matches!(self.target(path), Target::Base) {
            return None;
        }
        let written = path.join(".");
        let distance = |path: &[Arc<str>]| strsim::damerau_levenshtein(&written, &path.join("."));
        let near = self.plan.rules.iter().filter(|rules| rules.path.len() == path.len());
        let near = near.map(|rules| (distance(&rules.path), &rules.path));
        let most = MOST.min(written.len() / 4);
        let (_, meant) = near.filter(|(distance, _)| *distance <= most).min()?;
        Some(shown::path(&meant.iter().map(|part| Value::String(Arc::clone(part))).collect::<Vec<_>>()))
    }
}
