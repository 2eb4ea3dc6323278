//! What decides: all policy and data at one moment, compiled, immutable, and swapped whole.
//!
//! INVARIANT (an organisation's own): a bundle that is bound to an organisation is in the [`Policy`] of that organisation
//! and in no other. What decides a call is found by its caller alone ([`Snapshot::policy_of`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::limits::Limits;
use crate::model::clock::Timestamp;
use crate::model::principal::AuthContext;
use crate::model::revision::{BundleRevision, Revision};
use verdict_rego::{Diagnostic, Module, Program, Value, compile};

/// What decides the calls of some callers.
#[derive(Debug)]
pub struct Policy {
    /// The organisation whose bundles are in it, beside those that all callers share.
    pub organisation: Option<Arc<str>>,
    /// Which bundles are in it.
    pub revision: Arc<Revision>,
    /// The compiled policy and data.
    pub program: Program,
}

impl Policy {
    /// The policy of an organisation, or the one that all callers share.
    pub fn new(
        organisation: Option<&str>,
        generation: u64,
        bundles: BTreeMap<String, BundleRevision>,
        program: Program,
    ) -> Self {
        let revision = Arc::new(Revision { generation, bundles });
        Self { organisation: organisation.map(Arc::from), revision, program }
    }
}

/// One generation of policy and data.
///
/// INVARIANT (whole or not at all): built only from bundles that were read completely, checked and compiled; nothing
/// changes it afterwards.
#[derive(Debug)]
pub struct Snapshot {
    /// Counts activations from 1; 0 is the empty snapshot before the first.
    pub generation: u64,
    /// When it was built.
    pub built_at: Timestamp,
    /// What decides for whoever is of no organisation with bundles of its own.
    pub shared: Arc<Policy>,
    /// What decides for the callers of an organisation; none of those that have no bundles of their own.
    own: HashMap<Arc<str>, Arc<Policy>>,
}

impl Snapshot {
    /// A snapshot of the shared policy and that of each organisation with bundles of its own.
    pub fn new(built_at: Timestamp, shared: Policy, own: impl IntoIterator<Item = Policy>) -> Self {
        let by_organisation =
            |policy: Policy| Some((Arc::clone(policy.organisation.as_ref()?), Arc::new(policy)));
        Self {
            generation: shared.revision.generation,
            built_at,
            shared: Arc::new(shared),
            own: own.into_iter().filter_map(by_organisation).collect(),
        }
    }

    /// The snapshot before the first activation: generation 0, in which every document is undefined.
    ///
    /// # Errors
    /// Never in practice: an empty program compiles.
    pub fn empty(built_at: Timestamp) -> Result<Self, Vec<Diagnostic>> {
        let program = compile(Vec::new(), Value::object())?;
        Ok(Self::new(built_at, Policy::new(None, 0, BTreeMap::new(), program), None))
    }

    /// The policy of the caller's organisation, if that has bundles of its own. Callers without one, and those that nobody
    /// has verified, have the shared policy.
    pub fn policy_of(&self, caller: &AuthContext) -> Option<&Arc<Policy>> {
        // Nothing is hashed where no bundle is bound.
        caller.organisation().and_then(|organisation| self.own.get(organisation))
    }

    /// All policies, the shared one first.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        std::iter::once(&*self.shared).chain(self.own.values().map(|policy| &**policy))
    }

    /// Every module once, with its package and, if it is not shared, its organisation.
    pub fn modules(&self) -> impl Iterator<Item = (Option<&str>, &Module, &[String])> {
        let shared: BTreeSet<&str> =
            self.shared.program.modules().iter().map(|module| module.id.as_str()).collect();
        let all = self.policies().flat_map(|policy| {
            let modules = policy.program.module_packages();
            modules.map(|(module, package)| (policy.organisation.as_deref(), module, package))
        });
        all.filter(move |(whose, module, _)| whose.is_none() || !shared.contains(module.id.as_str()))
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
