//! Sealing, opening, and wrapping anew.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::error::Error;
use super::key_id::KeyId;
use super::keyring::Keyring;
use super::master_key::MasterKey;
use super::sealed::{FORMAT, Sealed, TAG, WRAPPED, Wrapping};
use crate::model::secret::{Secret, SecretBytes};

/// The longest value that is sealed.
pub const MAX_PLAINTEXT: usize = 1 << 20;

/// What is encrypted. Either is authenticated as what it is, so that one cannot stand for the other.
#[derive(Clone, Copy)]
enum Part {
    /// Also bound to the name of its master key.
    DataKey(KeyId),
    Value,
}

/// Seals a value for a place, e.g. `["secret", agent, name]`, under the current master key.
///
/// # Errors
/// [`Error::TooLong`], or [`Error::Library`] when there is no randomness.
pub fn seal(keyring: &Keyring, associated: &[&str], plaintext: &[u8]) -> Result<Sealed, Error> {
    if plaintext.len() > MAX_PLAINTEXT {
        return Err(Error::TooLong(MAX_PLAINTEXT));
    }
    let mut data_key = Zeroizing::new([0; 32]);
    rand::fill(data_key.as_mut_slice())?;
    // Long enough for the tag, so that it does not move and leave a copy behind.
    let mut value = Vec::with_capacity(plaintext.len() + TAG);
    value.extend_from_slice(plaintext);
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, data_key.as_slice())?;
    let nonce = cipher.seal_in_place_append_tag(Aad::from(bound(Part::Value, associated)), &mut value)?;
    let current = keyring.current();
    let wrapping = wrap(current, associated, &data_key)?;
    Ok(Sealed { master_key: current.id(), wrapping, nonce: *nonce.as_ref(), value })
}

/// The value that was sealed for this place.
///
/// # Errors
/// [`Error::UnknownMasterKey`], or [`Error::Damaged`] when it was changed or sealed for another place.
pub fn open(keyring: &Keyring, associated: &[&str], sealed: &Sealed) -> Result<SecretBytes, Error> {
    let data_key = unwrap(keyring, associated, sealed)?;
    let mut value = Zeroizing::new(sealed.value.clone());
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, data_key.as_slice())?;
    let aad = Aad::from(bound(Part::Value, associated));
    let length = cipher
        .open_in_place(Nonce::assume_unique_for_key(sealed.nonce), aad, &mut value)
        .map_err(|_| Error::Damaged)?
        .len();
    value.truncate(length);
    Ok(Secret::new(value))
}

/// The same value under the current master key; `None` where it is already. Only the data key is wrapped anew: the value
/// is not decrypted, so whether it can be is not seen here.
///
/// # Errors
/// As [`open`].
pub fn rewrap(keyring: &Keyring, associated: &[&str], sealed: &Sealed) -> Result<Option<Sealed>, Error> {
    let current = keyring.current();
    if sealed.master_key == current.id() {
        return Ok(None);
    }
    let data_key = unwrap(keyring, associated, sealed)?;
    let wrapping = wrap(current, associated, &data_key)?;
    Ok(Some(Sealed { master_key: current.id(), wrapping, ..sealed.clone() }))
}

fn wrap(master: &MasterKey, associated: &[&str], data_key: &[u8; 32]) -> Result<Wrapping, Error> {
    // Long enough for the tag, so that it does not move and leave a copy behind.
    let mut wrapped = Zeroizing::new(Vec::with_capacity(WRAPPED));
    wrapped.extend_from_slice(data_key);
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, master.bytes())?;
    let aad = Aad::from(bound(Part::DataKey(master.id()), associated));
    let nonce = cipher.seal_in_place_append_tag(aad, &mut *wrapped)?;
    let data_key = wrapped.first_chunk().ok_or(Error::Library)?;
    Ok(Wrapping { nonce: *nonce.as_ref(), data_key: *data_key })
}

fn unwrap(keyring: &Keyring, associated: &[&str], sealed: &Sealed) -> Result<Zeroizing<[u8; 32]>, Error> {
    let master = keyring.find(sealed.master_key)?;
    let mut wrapped = Zeroizing::new(sealed.wrapping.data_key);
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, master.bytes())?;
    let aad = Aad::from(bound(Part::DataKey(master.id()), associated));
    let nonce = Nonce::assume_unique_for_key(sealed.wrapping.nonce);
    let opened = cipher.open_in_place(nonce, aad, wrapped.as_mut_slice()).map_err(|_| Error::Damaged)?;
    let mut data_key = Zeroizing::new([0; 32]);
    data_key.copy_from_slice(opened.first_chunk::<32>().ok_or(Error::Damaged)?);
    Ok(data_key)
}

/// What is authenticated along with a part: what it is, and for which place. Each piece has its length before it, so that no
/// two lists of pieces read alike.
fn bound(part: Part, associated: &[&str]) -> Vec<u8> {
    let (label, master): (&[u8], &[u8]) = match &part {
        Part::DataKey(id) => (b"verdict sealed data key", id.bytes()),
        Part::Value => (b"verdict sealed value", b""),
    };
    let mut bytes = Vec::new();
    let pieces =
        [label, &[FORMAT], master].into_iter().chain(associated.iter().map(|piece| piece.as_bytes()));
    for piece in pieces {
        bytes.extend_from_slice(&(piece.len() as u64).to_be_bytes());
        bytes.extend_from_slice(piece);
    }
    bytes
}
