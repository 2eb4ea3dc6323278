//! What was written, and the bundles that it stands beside.

use std::path::PathBuf;

use super::file;
use super::state::{Limits, Written};
use crate::bundle::error::{ErrorKind, LoadError};
use crate::bundle::load::Bundle;

/// How policies and data are written through the API.
#[derive(Debug, Clone)]
pub struct Writes {
    /// The file that keeps them.
    pub file: PathBuf,
    /// How much may be written.
    pub limits: Limits,
}

/// What was written, and what it stands beside.
pub(in crate::bundle) struct Base {
    pub(in crate::bundle) writes: Writes,
    pub(in crate::bundle) written: Written,
    /// The bundles that are in force, or, where none are, those that were read last; nothing where they could not be read.
    pub(in crate::bundle) bundles: Option<Vec<Bundle>>,
}

impl Base {
    /// Reads what was written before.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub(in crate::bundle) fn read(writes: Writes) -> Result<Self, LoadError> {
        let written = file::read(&writes.file).map_err(|why| LoadError::new(ErrorKind::Unreadable, why))?;
        Ok(Self { writes, written, bundles: None })
    }
}
