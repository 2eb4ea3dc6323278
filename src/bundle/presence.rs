//! The bundles that should be in the directory: active ones, and those that the configuration expects.
//!
//! INVARIANT (gone is not removed): a bundle that is in force and vanishes keeps the last good snapshot in force until it
//! comes back or an operator confirms its removal. A lost mount, a broken link and a deployment that stopped half-way
//! look like a removal, and policy without one of its bundles can allow what it denied before.
//!
//! Deliberately absent: a memory across restarts. At the start nothing is active, so only `bundles.expected` counts.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, OnRemoval};
use super::error::{ErrorKind, LoadError};
use super::load::Bundle;
use super::manifest::{Manifest, is_prefix};

/// The bundles that should be in the directory.
#[derive(Debug)]
pub(super) struct Presence {
    expected: BTreeSet<String>,
    on_removal: OnRemoval,
    /// The manifests of the bundles in force, by name.
    active: BTreeMap<String, Manifest>,
    /// Missing bundles whose removal an operator has confirmed.
    confirmed: BTreeSet<String>,
}

impl Presence {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            expected: config.expected.iter().chain(config.remote.keys()).cloned().collect(),
            on_removal: config.on_removal.unwrap_or(OnRemoval::Keep),
            active: BTreeMap::new(),
            confirmed: BTreeSet::new(),
        }
    }

    /// All of them.
    pub(super) fn wanted(&self) -> BTreeSet<String> {
        self.active.keys().chain(&self.expected).cloned().collect()
    }

    /// Those that are not among `present`.
    pub(super) fn missing(&self, present: &BTreeSet<&str>) -> BTreeSet<String> {
        let mut missing = self.wanted();
        missing.retain(|name| !present.contains(name.as_str()));
        missing
    }

    /// An operator confirmed the removal of these bundles.
    pub(super) fn confirm(&mut self, names: BTreeSet<String>) {
        self.confirmed.extend(names);
    }

    /// Forgets confirmations of bundles that are back: they were about another removal.
    pub(super) fn returned(&mut self, present: &BTreeSet<&str>) {
        self.confirmed.retain(|name| !present.contains(name.as_str()));
    }

    /// Why a reading without these bundles must not come into force. `read` are the bundles that it has.
    pub(super) fn check(&self, dir: &str, missing: &BTreeSet<String>, read: &[Bundle]) -> Vec<LoadError> {
        missing.iter().filter_map(|name| self.refusal(dir, name, read)).collect()
    }

    fn refusal(&self, dir: &str, name: &str, read: &[Bundle]) -> Option<LoadError> {
        let message = if self.expected.contains(name) {
            format!(
                "`bundles.expected` lists it, but it is not in `{dir}`; put it there, or take it out of the list"
            )
        } else {
            let manifest = self.active.get(name)?;
            if self.on_removal == OnRemoval::Deactivate || self.confirmed.contains(name) {
                return None;
            }
            let successor = self.successor(name, manifest, read).unwrap_or_default();
            format!(
                "it is in force but no longer in `{dir}`; put it back, or confirm that it is removed \
                 (`bundles.on_removal` is `keep`){successor}"
            )
        };
        Some(LoadError::new(ErrorKind::MissingBundle, message).of(name))
    }

    /// A new bundle that owns what the missing one owns is most likely the same bundle under another name.
    fn successor(&self, name: &str, manifest: &Manifest, read: &[Bundle]) -> Option<String> {
        read.iter().filter(|bundle| !self.active.contains_key(&bundle.name)).find_map(|new| {
            let overlap = |a: &[String], b: &[String]| is_prefix(a, b) || is_prefix(b, a);
            let shared = |own: &&Vec<String>| manifest.roots.iter().any(|root| overlap(root, own));
            let root = new.manifest.roots.iter().find(shared)?.join("/");
            let new = &new.name;
            Some(format!(
                "; the new bundle `{new}` has the root `{root}`, which overlaps the roots of `{name}`: if it was renamed, \
                 rename it back, or confirm that `{name}` is removed"
            ))
        })
    }

    /// These bundles are in force now; gives the names of those that no longer are.
    pub(super) fn activated(&mut self, bundles: &[Bundle]) -> Vec<String> {
        let now: BTreeMap<_, _> =
            bundles.iter().map(|bundle| (bundle.name.clone(), bundle.manifest.clone())).collect();
        let before = std::mem::replace(&mut self.active, now);
        self.confirmed.clear();
        before.into_keys().filter(|name| !self.active.contains_key(name)).collect()
    }
}
