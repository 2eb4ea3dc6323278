//! A bundle as it was fetched.

use crate::model::clock::Timestamp;

/// A bundle as it was fetched, which has been found in order.
#[derive(Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The bundle's name.
    pub name: String,
    /// The archive.
    pub bytes: Vec<u8>,
    /// The archive's SHA-256, in hexadecimal digits.
    pub digest: String,
    /// What the service calls it.
    pub etag: Option<String>,
    /// Whether the service can hold an answer back until there is another.
    pub holds: bool,
    /// The revision, as the manifest has it.
    pub revision: String,
    /// When it was fetched.
    pub at: Timestamp,
    /// SHA-256 of where it was fetched from, in hexadecimal digits: the place may hold secrets.
    pub origin: String,
}
