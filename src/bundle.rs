//! Bundles: from a watched directory, and from services, to an activated snapshot.
//!
//! INVARIANT (last good): the snapshot in force is replaced by a better one or not at all; what is wrong with the
//! contents of the directory is kept in [`status`], logged, and reported to the [`reload::Observer`]s.
//! INVARIANT (whole): all bundles of the directory become one snapshot together; a bundle is read completely or not.
//! INVARIANT (stable reading): see [`watch`].
//!
//! INVARIANT (verified first): signatures are checked between reading (`scan`) and parsing ([`load`]); see [`signature`].
//!
//! Deliberately absent: delta bundles, discovery, WebAssembly, and unpacking anything to disk.
//!
//! Reading order: [`Config`] → [`manifest`] → `name`, `folder`, `archive`, `contents` (one bundle's files) → `scan` (the directory), `places` (or paths), [`remote`] (services)
//! → [`signature`] → [`load`] → `scope` → `merge` → [`activate`](mod@activate) → [`reload`] → [`watch`] with `events` and `notices`; [`written`], [`status`],
//! [`error`]; [`build`] goes the other way. [`tree`] reads what is no bundle: files and folders, for authors.

pub mod activate;
mod archive;
pub mod build;
mod config;
mod contents;
pub mod error;
mod events;
mod folder;
mod glob;
pub mod inspect;
pub mod load;
pub mod manifest;
mod merge;
mod name;
mod notices;
pub mod pattern;
mod places;
mod presence;
pub mod reload;
pub mod remote;
mod scan;
mod scope;
pub mod signature;
pub mod status;
pub mod tree;
pub mod watch;
pub mod written;
mod yaml;

pub use activate::{Candidate, Conditions, TestRunner, activate, compile};
pub use config::{Config, OnRemoval};
pub use contents::Limits;
pub use error::{ErrorKind, LoadError};
pub use load::{Bundle, Reading, load_dir, load_path, load_reading};
pub use name::{check_name, is_fixture_file};
pub use pattern::Pattern;
pub use places::check_path;
pub use reload::{Asked, Observer, Setup};
pub use signature::{Signed, Verification};
pub use status::{Report, Status};
pub use watch::{NotRemovable, Trigger, Watcher};
pub use yaml::read as read_yaml;
