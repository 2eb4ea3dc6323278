//! What the registry makes its own keys of: 32 random bytes, sealed in its database under the master key.
//!
//! INVARIANT (a dump opens nothing): tags of keys and the seal of the audit log are made under keys that come from these bytes,
//! which the database has under the master key alone.

use std::sync::Arc;

use aws_lc_rs::hmac;

use super::key_tag::TagKey;
use super::row::{Kind, Row};
use crate::model::secret::SecretBytes;
use crate::sealing::{self, Keyring, MasterKey, Sealed};

/// The id of the row that has them.
pub const ROOT: &str = "root";

/// The keys of a registry.
pub struct Material {
    /// Seals and opens what is kept sealed.
    pub keyring: Keyring,
    /// Makes the tags of keys.
    pub tag_key: Arc<TagKey>,
    /// Seals the head of the audit log.
    pub audit_key: hmac::Key,
}

impl Material {
    /// New material, with the bytes to keep, sealed.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn create(keyring: Keyring) -> Result<(Self, Vec<u8>), sealing::Error> {
        let mut root = [0; 32];
        aws_lc_rs::rand::fill(&mut root)?;
        let sealed = sealing::seal(&keyring, &place(Kind::Root, ROOT), &root)?;
        Ok((Self::of(keyring, root)?, sealed.to_bytes()))
    }

    /// The material that was kept.
    ///
    /// # Errors
    /// When it was sealed under another master key, or is damaged.
    pub fn open(keyring: Keyring, sealed: &[u8]) -> Result<Self, sealing::Error> {
        let root = sealing::open(&keyring, &place(Kind::Root, ROOT), &Sealed::from_bytes(sealed)?)?;
        let root = root.expose().first_chunk::<32>().copied().ok_or(sealing::Error::Damaged)?;
        Self::of(keyring, root)
    }

    fn of(keyring: Keyring, root: [u8; 32]) -> Result<Self, sealing::Error> {
        let root = MasterKey::from_bytes(root);
        let tag_key = Arc::new(TagKey::new(&*root.derive("verdict registry: tags of keys")?));
        let audit_key = hmac::Key::new(hmac::HMAC_SHA256, root.derive("verdict registry: audit")?.as_slice());
        Ok(Self { keyring, tag_key, audit_key })
    }

    /// Seals a value for the place of a row.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn seal(&self, kind: Kind, id: &str, plaintext: &[u8]) -> Result<Vec<u8>, sealing::Error> {
        sealing::seal(&self.keyring, &place(kind, id), plaintext).map(|sealed| sealed.to_bytes())
    }

    /// Opens what is sealed for the place of a row.
    ///
    /// # Errors
    /// When it was sealed under a master key that is not there, for another place, or is damaged.
    pub fn open_sealed(&self, kind: Kind, id: &str, sealed: &[u8]) -> Result<SecretBytes, sealing::Error> {
        sealing::open(&self.keyring, &place(kind, id), &Sealed::from_bytes(sealed)?)
    }

    /// What is sealed with a row, under the current master key; none where it is that already.
    ///
    /// # Errors
    /// As [`open_sealed`](Self::open_sealed).
    pub fn rewrap(&self, row: &Row) -> Result<Option<Vec<u8>>, sealing::Error> {
        let Some(sealed) = &row.sealed else { return Ok(None) };
        let sealed = Sealed::from_bytes(sealed)?;
        let rewrapped = sealing::rewrap(&self.keyring, &place(row.kind, &row.id), &sealed)?;
        Ok(rewrapped.map(|sealed| sealed.to_bytes()))
    }
}

const fn place(kind: Kind, id: &str) -> [&str; 2] {
    [kind.name(), id]
}

/// Nothing of it.
impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Material")
    }
}
