//! The registry: a database, its mirror in memory, and the way to change both.
//!
//! INVARIANT (acknowledged is in force): [`Registry::execute`] returns once the change is committed and in the mirror. Every
//! decision that begins after it sees the change.
//! INVARIANT (no database on the way to a decision): decisions ask the mirror. Where it could not be confirmed for
//! `max_registry_age`, they are refused.
//!
//! All that asks the database blocks: call it from threads that may.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::actor::Actor;
use super::audit::{Entry, EntryActor, EntryChange, Verification, Verified, digest_of, hex, mac_of};
use super::auth_log::{AuthLog, EVENTS_KEPT};
use super::change::{Done, Setting, carry_out};
use super::command::Command;
use super::directory::{Directory, Status, TooOld};
use super::freshness::{Freshness, Monotonic};
use super::material::{Material, ROOT};
use super::mirror::Mirror;
use super::records::Records;
use super::row::{Kind, Row};
use super::rules::Rules;
use super::signers::Signers;
use super::store::{Store, StoreError, StoreErrorKind, WriteError};
use crate::model::clock::{Clock, Timestamp};
use crate::sealing::{self, Keyring};
use crate::telemetry::metrics::AuthEventMetrics;

/// How a registry is opened.
#[derive(Debug)]
pub struct Opening {
    /// The master key, and earlier ones.
    pub keyring: Keyring,
    /// What the configuration says of changes.
    pub rules: Rules,
    /// The time of records.
    pub clock: Clock,
    /// The clock by which the age of what is known is measured.
    pub monotonic: Monotonic,
    /// How long what is known may go without being confirmed.
    pub max_age: Duration,
}

/// The registry.
#[derive(Debug)]
pub struct Registry {
    pub(super) store: Box<dyn Store>,
    pub(super) material: Material,
    pub(super) rules: Rules,
    pub(super) signers: Signers,
    pub(super) clock: Clock,
    pub(super) mirror: Mirror,
    pub(super) auth_log: Arc<AuthLog>,
    trouble: Mutex<Trouble>,
}

/// What went wrong last, and well.
#[derive(Debug, Default)]
struct Trouble {
    last_success: Option<Timestamp>,
    last_error: Option<String>,
    generation: u64,
}

/// Why a registry cannot be opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was made with another master key.
    #[error("the registry's keys cannot be opened: {0}")]
    Sealed(#[from] sealing::Error),
}

impl Registry {
    /// Opens a registry, and reads all there is. A new one gets its keys.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(store: Box<dyn Store>, opening: Opening) -> Result<Self, OpenError> {
        let Opening { keyring, rules, clock, monotonic, max_age } = opening;
        let material = match store.sealed(Kind::Root, ROOT)? {
            Some(sealed) => Material::open(keyring, &sealed)?,
            None => begin(&*store, keyring, clock.now())?,
        };
        let freshness = Freshness::new(monotonic, max_age);
        let mirror = Mirror::read(&*store, Arc::clone(&material.tag_key), freshness)?;
        let last_success = Some(clock.now());
        let trouble = Mutex::new(Trouble { last_success, last_error: None, generation: 1 });
        let auth_log = AuthLog::new(clock.clone(), EVENTS_KEPT, AuthEventMetrics::default());
        let (auth_log, signers) = (Arc::new(auth_log), Signers::default());
        Ok(Self { store, material, rules, signers, clock, mirror, auth_log, trouble })
    }

    /// Whether the database has a registry, and not just room for one.
    ///
    /// # Errors
    /// The database fails.
    pub fn is_in(store: &dyn Store) -> Result<bool, StoreError> {
        Ok(store.sealed(Kind::Root, ROOT)?.is_some())
    }

    /// The same, where about the last `keep` events are kept of those that name an organisation, and of those that do not.
    #[must_use]
    pub fn keeping_events(mut self, keep: u64, metrics: AuthEventMetrics) -> Self {
        self.auth_log = Arc::new(AuthLog::new(self.clock.clone(), keep, metrics));
        self
    }

    /// Carries a command out. When it returns, the change is stored and in force.
    ///
    /// # Errors
    /// [`WriteError`]: nothing was changed, unless it says that this is not known.
    pub fn execute(&self, actor: &Actor, command: &Command) -> Result<Done, WriteError> {
        let with = Setting { material: &self.material, rules: &self.rules, now: self.clock.now() };
        let mut done = None;
        self.store.write(&mut |tx| {
            done = Some(carry_out(tx, actor, with, command)?);
            Ok(())
        })?;
        // The change is stored. Whoever asks is told so only when it is in force, too.
        self.catch_up().map_err(|error| {
            let detail = format!("the change is stored, and not known to be in force here: {}", error.detail);
            StoreError::new(StoreErrorKind::Unknown, detail)
        })?;
        done.ok_or_else(|| StoreError::new(StoreErrorKind::Other, "the transaction did not run").into())
    }

    /// Puts in force what others wrote; says whether there was anything.
    ///
    /// # Errors
    /// The database fails: what was in force stays so, until it is too old.
    pub fn catch_up(&self) -> Result<bool, StoreError> {
        let caught_up = self.mirror.catch_up(&*self.store);
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match &caught_up {
            Ok(new) => {
                trouble.last_success = Some(self.clock.now());
                if trouble.last_error.take().is_some() {
                    tracing::info!(database = %self.store.place(), "registry: the database answers again");
                }
                trouble.generation += u64::from(*new);
            }
            Err(error) => {
                let message = error.to_string();
                if trouble.last_error.as_ref() != Some(&message) {
                    tracing::error!(database = %self.store.place(), "registry: {message}; what is known stays in force for now");
                }
                trouble.last_error = Some(message);
            }
        }
        caught_up
    }

    /// Keeps the mirror up to date, for ever: looks whenever others may have written, and at least every `poll`.
    pub async fn keep_fresh(self: Arc<Self>, poll: Duration) {
        loop {
            let registry = Arc::clone(&self);
            let look = tokio::task::spawn_blocking(move || {
                registry.store.wait(poll);
                registry.catch_up().is_ok()
            });
            // A database that fails is not asked without a pause.
            if !look.await.unwrap_or(false) {
                tokio::time::sleep(poll).await;
            }
        }
    }

    /// The records in force, however old, for what is no decision.
    pub fn known(&self) -> Arc<Records> {
        self.mirror.records()
    }

    /// Checks the audit log from its first entry on, and every record against it.
    ///
    /// # Errors
    /// The database fails.
    pub fn verify_audit(&self) -> Result<Verified, StoreError> {
        let mut verification = Verification::default();
        let head = self.store.audit_chain(&mut |row| verification.entry(&row))?;
        verification.head(&head, &self.material.audit_key);
        for kind in Kind::ALL {
            self.verify_rows(kind, &mut verification)?;
        }
        // Others may have gone on meanwhile: what they changed is for the next look.
        let mut since = Vec::new();
        let newest = self.store.changes(head.seq, &mut |row| since.push(row))?.seq;
        since.iter().for_each(|row| verification.forget(row, newest));
        Ok(verification.finish())
    }

    /// The rows of a kind.
    fn verify_rows(&self, kind: Kind, verification: &mut Verification) -> Result<(), StoreError> {
        let mut which = super::row::Select { limit: 1000, ..Default::default() };
        loop {
            let rows = self.store.select(kind, &which)?;
            let Some(last) = rows.last().map(|row| row.id.clone()) else { return Ok(()) };
            for mut row in rows {
                row.sealed = self.store.sealed(kind, &row.id)?;
                verification.row(&row);
            }
            which.after = Some(last);
        }
    }
}

/// Makes the keys of a new registry, in a commit of its own.
fn begin(store: &dyn Store, keyring: Keyring, now: Timestamp) -> Result<Material, OpenError> {
    let current = keyring.current().id().to_string();
    let (material, sealed) = Material::create(keyring.clone())?;
    let mut theirs = None;
    let written = store.write(&mut |tx| {
        // Another process may have been faster.
        if let Some(row) = tx.get(Kind::Root, ROOT)? {
            theirs = row.sealed;
            return Ok(());
        }
        let head = tx.head().clone();
        let shown = json!({ "master_key": current, "created_at": now });
        let row = Row {
            kind: Kind::Root,
            id: ROOT.to_owned(),
            organisation: None,
            owner: None,
            seq: head.seq + 1,
            body: Some(shown.to_string()),
            sealed: Some(sealed.clone()),
        };
        tx.put(&row)?;
        let change = EntryChange {
            kind: Kind::Root,
            id: ROOT.to_owned(),
            before: None,
            after: Some(shown),
            digest: digest_of(&row),
        };
        let entry = Entry {
            seq: row.seq,
            at: now,
            category: "registry".to_owned(),
            action: "registry.create".to_owned(),
            actor: EntryActor::from(&Actor::system()),
            organisation: None,
            changes: vec![change],
            previous: hex(&head.audit_hash),
        };
        let entry = entry.into_row(&head.audit_hash);
        let entry = entry.map_err(|error| StoreError::new(StoreErrorKind::Other, error.to_string()))?;
        let mac = mac_of(&material.audit_key, &head.database, entry.seq, &entry.hash);
        Ok(tx.append_audit(&entry, &mac)?)
    });
    match (written, theirs) {
        (Ok(()), None) => Ok(material),
        (Ok(()), Some(sealed)) => Ok(Material::open(keyring, &sealed)?),
        (Err(WriteError::Store(error)), _) => Err(error.into()),
        (Err(WriteError::Rejected(rejection)), _) => {
            Err(StoreError::new(StoreErrorKind::Other, rejection.message).into())
        }
    }
}

impl Directory for Registry {
    fn records(&self) -> Result<Arc<Records>, TooOld> {
        self.mirror.freshness.check()?;
        Ok(self.mirror.records())
    }

    fn status(&self) -> Status {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        Status {
            source: self.store.place(),
            generation: trouble.generation,
            counts: self.mirror.records().counts(),
            last_success: trouble.last_success,
            last_error: trouble.last_error.clone(),
        }
    }

    fn auth_log(&self) -> Option<Arc<AuthLog>> {
        Some(Arc::clone(&self.auth_log))
    }
}
