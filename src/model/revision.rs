//! Which policy answered.

use std::collections::BTreeMap;

use serde::Serialize;

/// The revision of one bundle, in the shape of OPA's records (`{"revision": "rev-1"}`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BundleRevision {
    /// The manifest's `revision`; empty where the manifest has none.
    pub revision: String,
}

/// What the policy of a caller is known by: a generation that only grows while the process lives, and every bundle in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// Counts activations from 1; 0 is the empty snapshot before the first.
    pub generation: u64,
    /// Bundle name to revision.
    pub bundles: BTreeMap<String, BundleRevision>,
}
