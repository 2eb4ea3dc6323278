//! What the registry writes down beside its records: attempts to authenticate, and when keys were last used.
//!
//! INVARIANT (beside the way): no decision waits for any of it. What the database does not take is tried again, and again at the
//! end of the process.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::auth_log::{Action, Attempt, AuthLog};
use super::row::{Kind, Select};
use super::service::Registry;
use super::store::StoreError;
use crate::model::clock::Timestamp;

/// How often it is written down which keys were used.
const USES_EVERY: Duration = Duration::from_secs(30);
/// How many keys are written down in one transaction: others want to write, too.
const USES_AT_ONCE: usize = 5_000;

impl Registry {
    /// Notes that a secret of an agent was read, and stores that. Blocks.
    ///
    /// # Errors
    /// The database did not take it: then the secret is not to be handed out.
    pub fn note_secret_read(
        &self,
        organisation: &str,
        agent: &str,
        peer: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        let peer = peer.map(|peer| peer.to_canonical());
        let organisation = Some(organisation);
        let action = Action::SecretRead;
        self.auth_log.note(&Attempt { organisation, agent: Some(agent), key_prefix: None, action, peer });
        self.flush_events().map(drop)
    }

    /// Stores what was noted of attempts; says how many that were. Blocks.
    ///
    /// # Errors
    /// The database did not take them. They are kept for the next time.
    pub fn flush_events(&self) -> Result<u64, StoreError> {
        self.auth_log.flush(&*self.store)
    }

    /// Stores when keys were last used, for those that were used since the last time; says how many. Blocks.
    ///
    /// # Errors
    /// The database did not take all of them. The others are kept for the next time.
    pub fn flush_uses(&self) -> Result<usize, StoreError> {
        let (records, uses) = (self.mirror.records(), &self.mirror.uses);
        let mut left = uses.take();
        // Of those that are deleted nobody will ask.
        left.retain(|used| records.key(&used.key).is_some());
        let stored = left.len();
        while !left.is_empty() {
            let some = left.split_off(left.len().saturating_sub(USES_AT_ONCE));
            let noted: Vec<_> = some.iter().map(|used| (used.key.clone(), used.at)).collect();
            if let Err(error) = self.store.note_uses(&noted) {
                uses.give_back(some);
                uses.give_back(left);
                return Err(error);
            }
        }
        Ok(stored)
    }

    /// Stores attempts as they come in, for ever.
    pub async fn keep_events(self: Arc<Self>) {
        let mut failed = 0;
        loop {
            let registry = Arc::clone(&self);
            let flushed = tokio::task::spawn_blocking(move || registry.flush_events());
            match flushed.await {
                Ok(Err(error)) => {
                    if failed == 0 {
                        tracing::error!(
                            "registry: attempts to authenticate cannot be recorded for now: {error}"
                        );
                    }
                    tokio::time::sleep(AuthLog::pause(failed)).await;
                    failed = failed.saturating_add(1);
                }
                // A panic says nothing of the next time.
                Ok(Ok(_)) | Err(_) => {
                    if std::mem::take(&mut failed) > 0 {
                        tracing::info!("registry: attempts to authenticate are recorded again");
                    }
                    self.auth_log.collect().await;
                }
            }
        }
    }

    /// Stores every 30 seconds which keys were used, for ever.
    pub async fn keep_uses(self: Arc<Self>) {
        loop {
            tokio::time::sleep(USES_EVERY).await;
            let registry = Arc::clone(&self);
            if let Ok(Err(error)) = tokio::task::spawn_blocking(move || registry.flush_uses()).await {
                tracing::warn!("registry: it cannot be stored for now which keys were used: {error}");
            }
        }
    }

    /// Stores all that is not stored yet, at the end of the process. Blocks.
    pub fn close(&self) {
        if let Err(error) = self.flush_events() {
            tracing::error!("registry: the last attempts to authenticate are not recorded: {error}");
        }
        if let Err(error) = self.flush_uses() {
            tracing::warn!("registry: it is not stored which keys were last used: {error}");
        }
    }

    /// When these keys were last used, for those that were: by any process that shares the database. Other processes' uses show
    /// within half a minute. Blocks.
    ///
    /// # Errors
    /// The database fails.
    pub fn last_uses(&self, keys: &[String]) -> Result<HashMap<String, Timestamp>, StoreError> {
        let mut last: HashMap<_, _> = self.store.uses(keys)?.into_iter().collect();
        let records = self.mirror.records();
        for key in keys {
            if let Some(here) = records.key(key).and_then(|key| key.last_used()) {
                last.entry(key.clone()).and_modify(|at| *at = here.max(*at)).or_insert(here);
            }
        }
        Ok(last)
    }

    /// When an agent last called with any of its keys. Blocks.
    ///
    /// # Errors
    /// The database fails.
    pub fn agent_last_used(&self, agent: &str) -> Result<Option<Timestamp>, StoreError> {
        let mut which = Select { owner: Some(agent.to_owned()), limit: 1000, ..Select::default() };
        let mut last = None;
        loop {
            let keys: Vec<_> = self.store.select(Kind::Key, &which)?.into_iter().map(|row| row.id).collect();
            let Some(end) = keys.last().cloned() else { return Ok(last) };
            last = self.last_uses(&keys)?.into_values().chain(last).max();
            which.after = Some(end);
        }
    }
}
