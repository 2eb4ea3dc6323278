//! Signing keys.
//!
//! INVARIANT (one signs): an organisation has at most one key that signs.

use super::{Change, Done, unsealed};
use crate::model::clock::Timestamp;
use crate::model::units::Period;
use crate::registry::actor::Right;
use crate::registry::command::SigningKeyChange;
use crate::registry::record::{Organisation, State};
use crate::registry::rejection::Rejection;
use crate::registry::row::Kind;
use crate::registry::signing_key::SigningKey;
use crate::registry::store::{StoreError, StoreErrorKind, WriteError};

/// The most signing keys of one organisation that are known at a time.
const MOST: usize = 16;
/// The longest time for which a key that was replaced stays published, in days.
const LONGEST_OVERLAP: i64 = 90;
/// A day, in nanoseconds.
const DAY: i64 = 86_400_000_000_000;

impl Change<'_> {
    pub(super) fn change_signing_key(
        &mut self,
        organisation: &str,
        change: &SigningKeyChange,
    ) -> Result<(&'static str, Done), WriteError> {
        Ok(match change {
            SigningKeyChange::Create => ("signing_key.create", self.create_signing_key(organisation)?),
            SigningKeyChange::Rotate { overlap } => {
                ("signing_key.rotate", self.rotate_signing_key(organisation, *overlap)?)
            }
            SigningKeyChange::Revoke { id } => {
                ("signing_key.revoke", self.revoke_signing_key(organisation, id)?)
            }
            SigningKeyChange::Delete { id } => {
                ("signing_key.delete", self.delete_signing_key(organisation, id)?)
            }
        })
    }

    fn create_signing_key(&mut self, organisation: &str) -> Result<Done, WriteError> {
        let keys = self.signing_keys(organisation)?;
        if let Some(current) = keys.iter().find(|key| key.is_current()) {
            let message = format!("`{organisation}` signs with `{}` already; rotate it", current.id);
            return Err(Rejection::conflict(message).into());
        }
        self.make_signing_key(organisation, &keys)
    }

    fn rotate_signing_key(&mut self, organisation: &str, overlap: Period) -> Result<Done, WriteError> {
        let overlap = i64::try_from(overlap.0.as_nanos()).unwrap_or(i64::MAX);
        if overlap > LONGEST_OVERLAP * DAY {
            let message = format!("is longer than {LONGEST_OVERLAP} days");
            return Err(Rejection::invalid("overlap", message).into());
        }
        let keys = self.signing_keys(organisation)?;
        let Some(before) = keys.iter().find(|key| key.is_current()) else {
            let message = format!("`{organisation}` has no key that signs; make one");
            return Err(Rejection::conflict(message).into());
        };
        let done = self.make_signing_key(organisation, &keys)?;
        let retires_at = Timestamp(self.with.now.0.saturating_add(overlap));
        let after = SigningKey { retires_at: Some(retires_at), ..before.clone() };
        // Without what is sealed: it can sign no more.
        self.put(Some(before), &after, None)?;
        Ok(done)
    }

    fn revoke_signing_key(&mut self, organisation: &str, id: &str) -> Result<Done, WriteError> {
        let before = self.signing_key(organisation, id)?;
        if before.state == State::Revoked {
            return Err(Rejection::conflict(format!("the signing key `{id}` is revoked already")).into());
        }
        let after = SigningKey { state: State::Revoked, ..before.clone() };
        self.put(Some(&before), &after, None)
    }

    fn delete_signing_key(&mut self, organisation: &str, id: &str) -> Result<Done, WriteError> {
        let key = self.signing_key(organisation, id)?;
        if key.is_published(self.with.now) {
            let message = format!("the signing key `{id}` is published; revoke it first");
            return Err(Rejection::conflict(message).into());
        }
        self.delete(&key)
    }

    /// The keys of an organisation that the actor may administer.
    fn signing_keys(&mut self, organisation: &str) -> Result<Vec<SigningKey>, WriteError> {
        let found: Organisation = self.find(organisation)?;
        self.require(Right::Administer, Some(organisation))?;
        if found.state == State::Revoked {
            return Err(Rejection::conflict(format!("the organisation `{organisation}` is revoked")).into());
        }
        let rows = self.tx.owned(organisation, Some(Kind::SigningKey))?;
        let read = |body: Option<String>| serde_json::from_str(body.as_deref().unwrap_or_default());
        let keys = rows.into_iter().map(|row| read(row.body).map_err(|error| super::broken(&error).into()));
        keys.collect()
    }

    fn signing_key(&mut self, organisation: &str, id: &str) -> Result<SigningKey, WriteError> {
        let key: SigningKey = self.find(id)?;
        self.require(Right::Administer, Some(&key.organisation))?;
        match key.organisation == organisation {
            true => Ok(key),
            false => Err(Rejection::not_found("signing key", id).into()),
        }
    }

    /// Makes a key, and deletes those whose time is over.
    fn make_signing_key(&mut self, organisation: &str, known: &[SigningKey]) -> Result<Done, WriteError> {
        let (over, left): (Vec<_>, Vec<_>) = known.iter().partition(|key| key.is_retired(self.with.now));
        if left.len() >= MOST {
            let message = format!("`{organisation}` has {MOST} signing keys; revoke and delete some of them");
            return Err(Rejection::conflict(message).into());
        }
        let (made, private) = SigningKey::generate(organisation, self.with.now)
            .map_err(|_| StoreError::new(StoreErrorKind::Other, "the system makes no signing key"))?;
        let sealed = self.with.material.seal(Kind::SigningKey, &made.id, private.expose());
        let done = self.put(None, &made, Some(sealed.map_err(|error| unsealed(&error))?))?;
        for key in over {
            self.delete(key)?;
        }
        Ok(done)
    }
}
