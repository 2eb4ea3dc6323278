//! The registry in memory: what decisions are made with.
//!
//! INVARIANT (one path): what was written here comes into the mirror as what others wrote does: by reading what is new.
//! INVARIANT (whole versions): a version is put in force only when all rows up to its head are in it.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::freshness::Freshness;
use super::key_tag::TagKey;
use super::record::{Agent, Delegation, KeyRecord, Member, Organisation, OwnedRole, RevocationRecord};
use super::records::Records;
use super::row::{Kind, Row};
use super::store::{Store, StoreError, StoreErrorKind};

/// A version of the records, and which it is.
#[derive(Debug)]
pub struct Version {
    /// The records.
    pub records: Arc<Records>,
    /// The database that they are of.
    pub database: String,
    /// The commit that they are of.
    pub seq: u64,
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
}

impl Mirror {
    /// Reads all there is.
    ///
    /// # Errors
    /// The database fails, or a record cannot be read.
    pub fn read(store: &dyn Store, tag_key: Arc<TagKey>, freshness: Freshness) -> Result<Self, StoreError> {
        let begun = freshness.begin();
        let version = read_all(store, &tag_key, None)?;
        freshness.confirm(begun);
        Ok(Self { version: ArcSwap::from_pointee(version), making: Mutex::default(), freshness, tag_key })
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
        if same && head.seq == before.seq {
            self.freshness.confirm(begun);
            return Ok(false);
        }
        // A database that was restored or replaced has another story to tell.
        let version = if same && head.seq > before.seq {
            read_new(store, &before)?
        } else {
            read_all(store, &self.tag_key, Some(&before.records))?
        };
        self.version.store(Arc::new(version));
        self.freshness.confirm(begun);
        Ok(true)
    }
}

fn read_new(store: &dyn Store, before: &Version) -> Result<Version, StoreError> {
    let mut records = Records::clone(&before.records);
    let mut wrong = None;
    let head = store.changes(before.seq, &mut |row| apply(&mut records, row, &mut wrong))?;
    version(records, head, wrong)
}

fn read_all(
    store: &dyn Store,
    tag_key: &Arc<TagKey>,
    before: Option<&Records>,
) -> Result<Version, StoreError> {
    let mut records = Records::empty(Arc::clone(tag_key));
    let mut wrong = None;
    let head = store.changes(0, &mut |row| apply(&mut records, row, &mut wrong))?;
    if let Some(before) = before {
        records.supersede(before);
    }
    version(records, head, wrong)
}

fn version(
    records: Records,
    head: super::row::Head,
    wrong: Option<StoreError>,
) -> Result<Version, StoreError> {
    match wrong {
        Some(error) => Err(error),
        None => Ok(Version { records: Arc::new(records), database: head.database, seq: head.seq }),
    }
}

/// Puts what a row says among the records; the first that cannot be read is noted.
fn apply(records: &mut Records, row: Row, wrong: &mut Option<StoreError>) {
    let Row { kind, id, body, .. } = row;
    let Some(body) = body else { return records.remove(kind, &id) };
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
        Kind::Secret | Kind::Setting | Kind::SigningKey | Kind::Root => Ok(()),
    };
    if let Err(error) = read {
        let detail = format!("{} `{id}` cannot be read: {error}", kind.name());
        wrong.get_or_insert(StoreError::new(StoreErrorKind::Damaged, detail));
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(body)
}
