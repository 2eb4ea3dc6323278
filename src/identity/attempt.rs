//! What is recorded of an attempt to authenticate.
//!
//! INVARIANT (only what was verified): organisation and agent are those of a credential that was verified, or of the record of a
//! key that is known. What somebody merely says of itself is not recorded.

use std::sync::Arc;

use super::kind::{Accepted, Statement};
use super::refusal::Refusal;
use crate::model::failure::FailureKind;
use crate::model::presented::Presented;
use crate::model::principal::{Principal, Verified};
use crate::registry::auth_log::{Action, Attempt, KeyPrefix};
use crate::registry::{AuthLog, Directory, Key, KeyHash};

/// What has come to light of a call's credentials by the time that it is accepted or refused.
#[derive(Default)]
pub(super) struct Seen<'r> {
    /// The API key that was presented, if one was.
    pub(super) key: Option<&'r str>,
    /// The credentials that verify.
    pub(super) accepted: Vec<Arc<Accepted>>,
}

/// Where attempts are noted, and where it is looked up whose keys are refused.
pub(super) struct Attempts {
    log: Arc<AuthLog>,
    directory: Arc<dyn Directory>,
}

impl Attempts {
    /// The directory's log, if it keeps one.
    pub(super) fn of(directory: &Arc<dyn Directory>) -> Option<Self> {
        Some(Self { log: directory.auth_log()?, directory: Arc::clone(directory) })
    }

    /// Notes that a caller was accepted.
    pub(super) fn accepted(&self, presented: &Presented<'_>, seen: &Seen<'_>, verified: &Verified) {
        self.note(presented, seen, whose(&verified.principal), Action::Authenticated);
    }

    /// Notes that a call came without any credential where one is required.
    pub(super) fn missing(&self, presented: &Presented<'_>) {
        let action = Action::Failed(FailureKind::CredentialMissing);
        self.note(presented, &Seen::default(), (None, None), action);
    }

    /// Notes that a caller was refused.
    pub(super) fn refused(&self, presented: &Presented<'_>, seen: &Seen<'_>, refusal: &Refusal) {
        let action = Action::Failed(refusal.kind());
        let subject = seen.accepted.iter().find_map(|accepted| match &accepted.says {
            Statement::Subject(subject) => Some(&subject.principal),
            Statement::Delegation(_) | Statement::Transaction(_) => None,
        });
        if let Some(principal) = subject {
            return self.note(presented, seen, whose(principal), action);
        }
        let known = seen.key.filter(|_| *refusal != Refusal::UnknownApiKey).and_then(|key| self.known(key));
        let whose = known.as_ref().map(|key| (key.organisation.as_deref(), key.agent.as_deref()));
        self.note(presented, seen, whose.unwrap_or_default(), action);
    }

    /// The record of a key, whatever its state.
    fn known(&self, key: &str) -> Option<Arc<Key>> {
        let records = self.directory.records().ok()?;
        records.key_by_hash(&KeyHash::of(key)).map(Arc::clone)
    }

    fn note(
        &self,
        presented: &Presented<'_>,
        seen: &Seen<'_>,
        (organisation, agent): (Option<&str>, Option<&str>),
        action: Action,
    ) {
        self.log.note(&Attempt {
            organisation,
            agent,
            key_prefix: seen.key.and_then(KeyPrefix::of),
            action,
            peer: presented.peer.map(|peer| peer.ip().to_canonical()),
        });
    }
}

/// Organisation and agent of a principal.
fn whose(principal: &Principal) -> (Option<&str>, Option<&str>) {
    (principal.tenant.as_deref(), principal.agent.as_deref())
}
