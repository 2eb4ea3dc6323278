//! The registry in memory: what decisions are made with.
//!
//! INVARIANT (one path): what was written here comes into the mirror as what others wrote does: by reading what is new.
//! INVARIANT (whole versions): a version is put in force only when all rows up to its head are in it.
//! INVARIANT (one story): a version is made of the one before it only where the database still has that one's last audit entry.
//! A copy that was put back, and has gone on from there, is read as a whole.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::freshness::Freshness;
use super::key_tag::TagKey;
use super::record::{Agent, Delegation, KeyRecord, Member, Organisation, OwnedRole, RevocationRecord};
use super::records::Records;
use super::row::{Head, Kind, Row, SelectAudit};
use super::signing_key::SigningKey;
use super::store::{Store, StoreError, StoreErrorKind};
use super::uses::Uses;

/// A version of the records, and which it is.
#[derive(Debug)]
pub struct Version {
    /// The records.
    pub records: Arc<Records>,
    /// The database that they are of.
    pub database: String,
    /// The commit that they are of.
    pub seq: u64,
    /// The hash of its audit entry, which no other story has.
    pub audit_hash: [u8; 32],
}

/// The records in force.
#[derive(Debug)]
pub struct Mirror {
    version: ArcSwap<Version>,
    /// Held while a version is made, so that none is lost.
    making: Mutex<()>,
    /// When it was last found to be all there is.
    pub freshness: Freshness,
    tag_key: Arc<TagKey>,
    /// Keys whose use is to be stored.
    pub uses: Arc<Uses>,
}

impl Mirror {
    /// Reads all there is.
    ///
    /// # Errors
    /// The database fails, or a record cannot be read.
    pub fn read(store: &dyn Store, tag_key: Arc<TagKey>, freshness: Freshness) -> Result<Self, StoreError> {
        let begun = freshness.begin();
        let uses = Arc::default();
        let version = read_all(store, &tag_key, &uses, None)?;
        freshness.confirm(begun);
        let (version, making) = (ArcSwap::from_pointee(version), Mutex::default());
        Ok(Self { version, making, freshness, tag_key, uses })
    }

    /// The version in force.
    pub fn version(&self) -> Arc<Version> {
        self.version.load_full()
    }

    /// The records in force, without asking how old they are.
    pub fn records(&self) -> Arc<Records> {
        Arc::clone(&self.version.load().records)
    }

    /// Puts in force what is new; says whether anything was. When it returns, all is in force that was committed before it was called.
    ///
    /// # Errors
    /// The database fails, or a record cannot be read: the version of before stays in force.
    pub fn catch_up(&self, store: &dyn Store) -> Result<bool, StoreError> {
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = self.freshness.begin();
        let (head, before) = (store.head()?, self.version());
        let same = head.database == before.database;
        if same && head.seq == before.seq && head.audit_hash == before.audit_hash {
            self.freshness.confirm(begun);
            return Ok(false);
        }
        let next = if same && head.seq > before.seq { read_new(store, &before)? } else { None };
        // A database that was restored or replaced has another story to tell.
        let version = match next {
            Some(version) => version,
            None => read_all(store, &self.tag_key, &self.uses, Some(&before.records))?,
        };
        self.version.store(Arc::new(version));
        self.freshness.confirm(begun);
        Ok(true)
    }
}

/// The version after another; none where that one is of another story.
fn read_new(store: &dyn Store, before: &Version) -> Result<Option<Version>, StoreError> {
    let mut records = Records::clone(&before.records);
    let mut wrong = None;
    let head = store.changes(before.seq, &mut |row| apply(&mut records, row, &mut wrong))?;
    // Looked at after what is new was read, so that it is of no story but this.
    let last = SelectAudit { before: before.seq.checked_add(1), limit: 1, ..SelectAudit::default() };
    let known = match store.audit(&last)?.first() {
        Some(entry) => entry.seq == before.seq && entry.hash == before.audit_hash,
        None => before.seq == 0,
    };
    if !known || head.database != before.database {
        return Ok(None);
    }
    version(records, head, wrong).map(Some)
}

fn read_all(
    store: &dyn Store,
    tag_key: &Arc<TagKey>,
    uses: &Arc<Uses>,
    before: Option<&Records>,
) -> Result<Version, StoreError> {
    let mut records = Records::empty(Arc::clone(tag_key)).noting(Arc::clone(uses));
    let mut wrong = None;
    let head = store.changes(0, &mut |row| apply(&mut records, row, &mut wrong))?;
    if let Some(before) = before {
        records.supersede(before);
    }
    version(records, head, wrong)
}

fn version(records: Records, head: Head, wrong: Option<StoreError>) -> Result<Version, StoreError> {
    match wrong {
        Some(error) => Err(error),
        None => {
            let Head { database, seq, audit_hash, .. } = head;
            Ok(Version { records: Arc::new(records), database, seq, audit_hash })
        }
    }
}

/// Puts what a row says among the records; the first that cannot be read is noted.
fn apply(records: &mut Records, row: Row, wrong: &mut Option<StoreError>) {
    let Row { kind, id, organisation, seq, body, .. } = row;
    let Some(body) = body else {
        if kind == Kind::SigningKey {
            records.remove_signing_key(organisation.as_deref().unwrap_or_default(), &id, seq);
        }
        return records.remove(kind, &id);
    };
    let read = match kind {
        Kind::Organisation => read(&body).map(|one: Organisation| records.put_organisation(one)),
        Kind::Member => read(&body).map(|one: Member| records.put_member(one)),
        Kind::Agent => read(&body).map(|one: Agent| records.put_agent(one)),
        Kind::Key => read(&body).map(|one: KeyRecord| records.put_key(one)),
        Kind::Delegation => read(&body).map(|one: Delegation| records.put_delegation(one)),
        Kind::Role => read(&body).map(|one: OwnedRole| records.put_role(one)),
        Kind::Revocation => {
            read(&body).map(|one: RevocationRecord| records.put_revocation(one.id, one.revocation))
        }
        Kind::SigningKey => read(&body).map(|one: SigningKey| records.put_signing_key(one, seq)),
        Kind::Secret | Kind::Setting | Kind::Event | Kind::Root => Ok(()),
    };
    if let Err(error) = read {
        let detail = format!("{} `{id}` cannot be read: {error}", kind.name());
        wrong.get_or_insert(StoreError::new(StoreErrorKind::Damaged, detail));
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(body)
}
