//! What is in force at one moment: everything that a decision rests on, swapped as one.
//!
//! INVARIANT (one moment): a call takes [`InForce`] once and keeps it to its record; it never sees policy of one
//! configuration and limits of another.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::Value as Json;
use tokio::sync::Semaphore;

use super::admission::Admission;
use super::tool_calls::ToolCalls;
use crate::identity::Authenticator;
use crate::model::decision::Outcome;
use crate::model::principal::AuthContext;
use crate::model::request::EntryPath;
use crate::pdp::gate::Gate;
use crate::pdp::snapshot::{Snapshot, SnapshotSlot};
use crate::pdp::{self, Limits};
use verdict_rego::Host;

/// What decides, who verifies, and within which settings.
#[derive(Debug, Clone)]
pub struct InForce {
    /// Policy and data.
    pub snapshot: Arc<Snapshot>,
    /// Who verifies credentials.
    pub authenticator: Arc<Authenticator>,
    /// What the configuration says besides.
    pub settings: Arc<Settings>,
}

/// What the configuration says of decisions.
#[derive(Debug)]
pub struct Settings {
    /// What no policy can allow.
    pub gate: Gate,
    /// How much callers may ask; nothing where nothing is limited.
    pub admission: Option<Admission>,
    /// What AgentPolicies say of tool calls.
    pub tool_calls: ToolCalls,
    /// What one evaluation may take.
    pub limits: Limits,
    /// Which decisions are explained, and to whom.
    pub explain: pdp::explain::Config,
    /// Whether everybody may ask for explanations, as in development.
    pub explain_to_all: bool,
    /// What policy sees of its surroundings, and whom it may call.
    pub surroundings: Arc<Host>,
    /// Whether records carry what built-ins gave whose arguments do not determine it.
    pub nd_builtin_cache: bool,
    /// Taken by evaluations that may wait for others.
    pub waiting: Arc<Semaphore>,
    /// How many questions one batch may ask.
    pub batch: BatchLimits,
    /// Whether calls are refused once reloads have failed for longer than `max_stale`.
    pub deny_when_stale: bool,
    /// How long reloads may fail before what is in force counts as stale.
    pub max_stale: Duration,
    /// The role that management asks for.
    pub management_role: String,
    /// What management shows of the configuration.
    pub shown: Shown,
}

/// How large one batch may be.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// The most inputs.
    pub items: usize,
    /// The most bytes of all inputs together, each with what is common to them.
    pub bytes: usize,
}

/// What management shows of the configuration.
#[derive(Debug, Default)]
pub struct Shown {
    /// The labels of every record.
    pub labels: Json,
    /// The effective configuration, without secrets.
    pub effective: Json,
    /// The default decision's path.
    pub default_path: String,
}

impl Settings {
    /// Whether a caller may ask why a document is what it is.
    ///
    /// INVARIANT (explanations are granted): conditions of policy are shown to nobody without an explicit permission.
    pub fn may_explain(&self, auth: &AuthContext, path: &EntryPath) -> bool {
        let roles = match auth {
            AuthContext::Verified(verified) => verified.own_roles(),
            AuthContext::Unchecked | AuthContext::Anonymous => &[],
        };
        self.explain_to_all || self.explain.permits(roles, path)
    }

    /// Whether the record of a decision is to carry an explanation.
    pub fn records_explanation(&self, id: uuid::Uuid, outcome: Outcome) -> bool {
        self.explain.wants(id, outcome)
    }
}

/// The one place of what is in force. Readers never wait; a change is seen by the next call.
#[derive(Debug)]
pub struct Current {
    in_force: ArcSwap<InForce>,
    /// Held while a change is made, so that no other change is lost.
    changing: Mutex<()>,
}

impl Current {
    /// Puts something in force.
    pub fn new(in_force: InForce) -> Self {
        Self { in_force: ArcSwap::from_pointee(in_force), changing: Mutex::new(()) }
    }

    /// What is in force now. Take it once for a call.
    pub fn load(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// Puts in force what `change` makes of what is.
    pub fn change(&self, change: impl FnOnce(&InForce) -> InForce) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.in_force.store(Arc::new(change(&self.in_force.load())));
    }
}

impl SnapshotSlot for Current {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.in_force.load().snapshot)
    }

    fn limits(&self) -> Limits {
        self.in_force.load().settings.limits.clone()
    }

    fn activate(&self, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        self.change(|now| InForce { snapshot, ..now.clone() });
    }
}
