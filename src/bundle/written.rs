//! What was written through the API: policies and data that are served beside the bundles, as one more of them.
//!
//! INVARIANT (one snapshot): what was written is compiled, checked and activated together with the bundles; a write that does
//! not compile changes nothing.
//! INVARIANT (owned by bundles): nothing is written at, above or below a root of a bundle, and no bundle is activated that owns
//! what was written. Files that are named one by one (`bundles.paths`) own nothing; what they define is not written over, either.
//! INVARIANT (kept, then in force): a write is on the disk, whole, before it decides anything.
//!
//! Deliberately absent: a history (the decision log has who wrote what and when, with its digest), and policies in Rego's version 0.
//!
//! Reading order: [`change`] → `data` → [`state`] → `file` → [`check`] → `base`; `reload/write.rs` performs a write.

pub(super) mod base;
pub(super) mod change;
pub(super) mod check;
mod data;
pub(super) mod file;
pub(super) mod state;

pub use base::Writes;
pub use change::{Change, Edit, Operation, WriteError, WriteErrorKind};
pub use state::Limits;
