//! All that was written, at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::change::{Change, WriteError, WriteErrorKind};
use super::data;
use crate::bundle::load::{Bundle, Document};
use crate::model::units::ByteSize;
use verdict_rego::{Module, RegoVersion, Value};

/// What it is called among the bundles. No entry of a directory can have this name.
pub(in crate::bundle) const NAME: &str = "api/written";

/// How much may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of policies and data together, as they are kept.
    pub max_size: u64,
    /// The most policies.
    pub max_policies: usize,
}

/// All that was written.
#[derive(Debug, Clone)]
pub(in crate::bundle) struct Written {
    /// Counts the writes.
    pub(super) revision: u64,
    /// Texts by their ids.
    pub(super) policies: BTreeMap<String, Arc<str>>,
    /// An object.
    pub(super) data: Value,
}

impl Default for Written {
    fn default() -> Self {
        Self { revision: 0, policies: BTreeMap::new(), data: Value::object() }
    }
}

impl Written {
    /// Whether nothing was written, or all of it is gone.
    pub(in crate::bundle) fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.data.members().next().is_none()
    }

    /// Whether it has a policy of this id.
    pub(in crate::bundle) fn has_policy(&self, id: &str) -> bool {
        self.policies.contains_key(id)
    }

    /// The same as a bundle.
    pub(in crate::bundle) fn bundle(&self) -> Bundle {
        let mut bundle = Bundle { name: NAME.to_owned(), ..Bundle::tree() };
        bundle.manifest.revision = self.revision.to_string();
        let module = |(id, source): (&String, &Arc<str>)| Module {
            id: id.clone(),
            source: Arc::clone(source),
            version: RegoVersion::V1,
        };
        bundle.modules = self.policies.iter().map(module).collect();
        bundle.documents =
            vec![Document { file: NAME.to_owned(), path: Vec::new(), value: self.data.clone() }];
        bundle
    }

    /// What a change makes of it; `None` where it is the same as before.
    ///
    /// # Errors
    /// A change that cannot be made.
    pub(in crate::bundle) fn with(&self, change: &Change) -> Result<Option<Self>, WriteError> {
        let mut next = self.clone();
        match change {
            Change::PutPolicy { id, source } => {
                if self.policies.get(id).is_some_and(|before| **before == **source) {
                    return Ok(None);
                }
                next.policies.insert(id.clone(), Arc::from(source.as_str()));
            }
            Change::DeletePolicy(id) => {
                if next.policies.remove(id).is_none() {
                    let message = format!("storage_not_found_error: policy id {id:?}");
                    return Err(WriteError::new(WriteErrorKind::NotFound, message));
                }
            }
            Change::PutData { path, value, only_new } => {
                let there = self.data.at(path.iter().map(String::as_str));
                if there.is_some() && *only_new {
                    return Err(WriteError::new(WriteErrorKind::Exists, "there is a document at the path"));
                }
                if there == Some(value) {
                    return Ok(None);
                }
                data::put(&mut next.data, path, value.clone())?;
            }
            Change::PatchData(edits) => edits.iter().try_for_each(|edit| data::edit(&mut next.data, edit))?,
            Change::DeleteData(path) => data::delete(&mut next.data, path)?,
        }
        next.revision = next.revision.saturating_add(1);
        Ok(Some(next))
    }

    /// # Errors
    /// More than may be written; `size` is how many bytes are to be kept.
    pub(in crate::bundle) fn check(&self, limits: Limits, size: u64) -> Result<(), WriteError> {
        let Limits { max_size, max_policies } = limits;
        let message = if self.policies.len() > max_policies {
            format!("more than {max_policies} policies would be kept (`doors.opa.writes.max_policies`)")
        } else if size > max_size {
            format!("more than {} would be kept (`doors.opa.writes.max_size`)", ByteSize(max_size))
        } else {
            return Ok(());
        };
        Err(WriteError::new(WriteErrorKind::TooLarge, message))
    }
}
