//! What decides: all policy and data at one moment, compiled, immutable, and swapped whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::limits::Limits;
use crate::model::clock::Timestamp;
use crate::model::revision::{BundleRevision, Revision};
use verdict_rego::{Diagnostic, Program, Value, compile};

/// One generation of policy and data.
///
/// INVARIANT (whole or not at all): built only from bundles that were read completely, checked and compiled; nothing
/// changes it afterwards.
#[derive(Debug)]
pub struct Snapshot {
    /// What it is known by.
    pub revision: Arc<Revision>,
    /// `revision.bundles` as JSON, for records and provenance.
    pub bundles_json: Box<RawValue>,
    /// The compiled policy and data.
    pub program: Program,
    /// When it was built.
    pub built_at: Timestamp,
}

impl Snapshot {
    /// A snapshot of a compiled program.
    pub fn new(
        generation: u64,
        bundles: BTreeMap<String, BundleRevision>,
        program: Program,
        built_at: Timestamp,
    ) -> Self {
        let bundles_json =
            serde_json::value::to_raw_value(&bundles).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self { revision: Arc::new(Revision { generation, bundles }), bundles_json, program, built_at }
    }

    /// The snapshot before the first activation: generation 0, in which every document is undefined.
    ///
    /// # Errors
    /// Never in practice: an empty program compiles.
    pub fn empty(built_at: Timestamp) -> Result<Self, Vec<Diagnostic>> {
        let program = compile(Vec::new(), Value::object())?;
        Ok(Self::new(0, BTreeMap::new(), program, built_at))
    }
}

/// Where snapshots come into force.
pub trait SnapshotSlot: Send + Sync {
    /// The snapshot in force.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// The limits in force.
    fn limits(&self) -> Limits;

    /// Puts another snapshot in force, whole.
    fn activate(&self, snapshot: Snapshot);
}
