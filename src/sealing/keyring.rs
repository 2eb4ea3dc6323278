//! The master keys that are in use.

use super::error::Error;
use super::key_id::KeyId;
use super::master_key::MasterKey;

/// The key that seals, and those that only open what they sealed before.
#[derive(Debug, Clone)]
pub struct Keyring {
    current: MasterKey,
    previous: Vec<MasterKey>,
}

impl Keyring {
    /// A keyring. Keys that are there twice do no harm.
    pub fn new(current: MasterKey, previous: Vec<MasterKey>) -> Self {
        Self { current, previous }
    }

    /// The key that seals.
    pub const fn current(&self) -> &MasterKey {
        &self.current
    }

    /// The keys that only open.
    pub fn previous(&self) -> &[MasterKey] {
        &self.previous
    }

    /// The key with this name.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn find(&self, id: KeyId) -> Result<&MasterKey, Error> {
        let mut all = std::iter::once(&self.current).chain(&self.previous);
        all.find(|key| key.id() == id).ok_or(Error::UnknownMasterKey(id))
    }
}
