//! The audit log: one entry for each change, in a chain.
//!
//! INVARIANT (a chain): the hash of an entry is made of its text and of the hash before it, so that nothing in the middle can be
//! changed, cut or added without changing all that follows. The head is sealed under a key that the database does not have.
//! INVARIANT (records are accounted for): an entry has the digest of every row that its change put, so that a row which was
//! altered by hand differs from its last entry.
//! INVARIANT (no secrets): what an entry shows of a record is what may be shown of it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::actor::Actor;
use super::row::{AuditRow, Head, Kind, Row};
use crate::model::clock::Timestamp;

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its number, which is that of the commit.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What sort of change: `auth` for credentials, else what was changed.
    pub category: String,
    /// What was done, e.g. `key.rotate`.
    pub action: String,
    /// Who did it.
    pub actor: EntryActor,
    /// The organisation whose affair it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// What was changed; the first is what the change was about.
    pub changes: Vec<EntryChange>,
    /// The hash of the entry before, in hexadecimal.
    pub previous: String,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntryActor {
    /// The id of a key, or issuer and subject of a person.
    pub id: String,
    /// What it was, e.g. "an admin of `acme`".
    pub role: String,
    /// The address that it called from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
}

impl From<&Actor> for EntryActor {
    fn from(actor: &Actor) -> Self {
        let peer = actor.peer.map(|peer| peer.to_string());
        Self { id: actor.id.clone(), role: actor.to_string(), peer }
    }
}

/// One record that was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EntryChange {
    /// Its kind.
    pub kind: Kind,
    /// The id of its row.
    pub id: String,
    /// What it was; absent where it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it is; absent where it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// The digest of its row, as [`digest_of`] makes it.
    pub digest: String,
}

impl Entry {
    /// As a row, closing the chain.
    pub fn into_row(self, previous: &[u8; 32]) -> Result<AuditRow, serde_json::Error> {
        let body = serde_json::to_string(&self)?;
        let hash = hash_of(previous, &body);
        Ok(AuditRow {
            seq: self.seq,
            at: self.at,
            organisation: self.organisation,
            action: self.action,
            body,
            hash,
        })
    }
}

/// The digest of a row: of all that is stored of it but the number of its commit.
pub fn digest_of(row: &Row) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut part = |bytes: Option<&[u8]>| {
        context.update(&[u8::from(bytes.is_some())]);
        let bytes = bytes.unwrap_or_default();
        context.update(&(bytes.len() as u64).to_be_bytes());
        context.update(bytes);
    };
    part(Some(row.kind.name().as_bytes()));
    part(Some(row.id.as_bytes()));
    part(row.organisation.as_deref().map(str::as_bytes));
    part(row.owner.as_deref().map(str::as_bytes));
    part(row.body.as_deref().map(str::as_bytes));
    part(row.sealed.as_deref());
    hex(context.finish().as_ref())
}

fn hash_of(previous: &[u8; 32], body: &str) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous);
    context.update(body.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Seals the head of the chain.
pub fn mac_of(key: &hmac::Key, database: &str, seq: u64, hash: &[u8; 32]) -> [u8; 32] {
    let mut mac = [0; 32];
    let mut context = hmac::Context::with_key(key);
    context.update(&(database.len() as u64).to_be_bytes());
    context.update(database.as_bytes());
    context.update(&seq.to_be_bytes());
    context.update(hash);
    mac.copy_from_slice(context.sign().as_ref());
    mac
}

/// Checks a chain, entry by entry.
#[derive(Debug, Default)]
pub struct Verification {
    seq: u64,
    hash: [u8; 32],
    /// What the last entry about each row says of it.
    digests: HashMap<(Kind, String), (u64, String)>,
    problems: Vec<String>,
    /// Rows that are not as they should be, unless they have changed since the log was read.
    suspects: BTreeMap<(Kind, String), String>,
}

/// More would not help anybody.
const MOST_PROBLEMS: usize = 20;

/// What a chain is found to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verified {
    /// How many entries there are.
    pub entries: u64,
    /// The hash of the last, in hexadecimal. Who keeps it can tell later whether the log was cut back.
    pub head: String,
    /// What is wrong; empty where the chain is whole.
    pub problems: Vec<String>,
}

impl Verification {
    fn problem(&mut self, problem: String) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// Looks at the next entry.
    pub fn entry(&mut self, row: &AuditRow) {
        let expected = self.seq + 1;
        if row.seq != expected {
            self.problem(format!(
                "entry {expected} is missing: entry {} follows entry {}",
                row.seq, self.seq
            ));
        } else if row.hash != hash_of(&self.hash, &row.body) {
            self.problem(format!("entry {expected} was altered, or one before it"));
        }
        self.seq = row.seq;
        self.hash = row.hash;
        match serde_json::from_str::<Entry>(&row.body) {
            Ok(entry) => {
                let same = entry.seq == row.seq
                    && entry.at == row.at
                    && entry.organisation == row.organisation
                    && entry.action == row.action;
                if !same {
                    self.problem(format!("the columns of entry {expected} differ from its text"));
                }
                for change in entry.changes {
                    self.digests.insert((change.kind, change.id), (row.seq, change.digest));
                }
            }
            Err(_) => self.problem(format!("entry {expected} is no entry")),
        }
    }

    /// Looks at the head.
    pub fn head(&mut self, head: &Head, key: &hmac::Key) {
        if head.seq != self.seq || head.audit_hash != self.hash {
            self.problem(format!(
                "the last entry is {}, and should be {}: the log was cut",
                self.seq, head.seq
            ));
        }
        let expected = mac_of(key, &head.database, head.seq, &head.audit_hash);
        if aws_lc_rs::constant_time::verify_slices_are_equal(&expected, &head.audit_mac).is_err() {
            self.problem("the head of the log is not the one that verdict sealed".to_owned());
        }
    }

    /// Looks at a row of the registry, as it is now, with what is sealed.
    pub fn row(&mut self, row: &Row) {
        let (name, id) = (row.kind.name(), &row.id);
        let problem = match self.digests.remove(&(row.kind, id.clone())) {
            None => format!("{name} `{id}` is in no entry"),
            Some((seq, _)) if seq != row.seq => format!("{name} `{id}` is not as entry {seq} left it"),
            Some((seq, digest)) if digest != digest_of(row) => {
                format!("{name} `{id}` was altered since entry {seq}")
            }
            Some(_) => return,
        };
        self.suspects.insert((row.kind, id.clone()), problem);
    }

    /// Leaves a row out that has changed since the log was read: the commit that did it is up to `newest`, which was read with it.
    pub fn forget(&mut self, row: &Row, newest: u64) {
        let place = (row.kind, row.id.clone());
        self.digests.remove(&place);
        self.suspects.remove(&place);
        if row.seq > newest {
            let problem = format!("{} `{}` is of a commit that never was", row.kind.name(), row.id);
            self.suspects.insert(place, problem);
        }
    }

    /// What was found. Whatever has not been looked at by now and was not deleted is missing.
    pub fn finish(mut self) -> Verified {
        let mut missing: Vec<(u64, Kind, String)> = self
            .digests
            .drain()
            .filter(|(_, (_, digest))| *digest != DELETED)
            .map(|((kind, id), (seq, _))| (seq, kind, id))
            .collect();
        missing.sort();
        for problem in std::mem::take(&mut self.suspects).into_values() {
            self.problem(problem);
        }
        for (seq, kind, id) in missing.into_iter().take(MOST_PROBLEMS) {
            self.problem(format!("{} `{id}` of entry {seq} is missing", kind.name()));
        }
        Verified { entries: self.seq, head: hex(&self.hash), problems: self.problems }
    }
}

/// Stands in the place of the digest of a row that was deleted.
pub const DELETED: &str = "deleted";
