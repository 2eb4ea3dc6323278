//! What is known of organisations, agents, keys, delegations, roles and revocations.
//!
//! INVARIANT (one version): [`Records`] are immutable and swapped as a whole. Who takes them once sees one version.
//! INVARIANT (no key at rest): of a key there is the SHA-256, and no way back from it.
//! INVARIANT (a bad source changes nothing): records that do not hold together are refused as a whole, and the last good
//! ones stay in force. At the start there are none, and nothing starts.
//!
//! Deliberately absent: who is calling (`identity` verifies what is presented against these records), and changes: the
//! file is its owner's to edit.
//!
//! Reading order: [`directory`] → [`record`] → [`records`] → [`revocations`] → [`key_hash`] → [`key_tag`] → [`static_file`]; for
//! databases [`row`] → [`store`] → [`sqlite`] → [`postgres`]; for who looks or changes [`actor`] → [`service`] → [`change`] →
//! [`reads`]; for what is written down beside records [`auth_log`] → [`uses`] → [`keeping`]; for what outsiders see
//! [`signing_key`] → [`outward`] → [`issue`].

pub mod actor;
pub mod audit;
pub mod auth_log;
pub mod bootstrap_token;
pub mod change;
pub mod command;
pub mod config;
pub mod directory;
pub mod event_record;
pub mod freshness;
mod indexed;
pub mod issue;
pub mod keeping;
pub mod key_hash;
pub mod key_index;
pub mod key_tag;
pub mod key_text;
pub mod material;
pub mod mirror;
pub mod names;
pub mod outward;
pub mod parts;
pub mod postgres;
mod progress;
mod query;
pub mod reads;
pub mod record;
pub mod records;
pub mod rejection;
pub mod revocations;
pub mod row;
pub mod rules;
pub mod service;
mod sign;
mod signers;
pub mod signing_key;
pub mod signing_keys;
pub mod sqlite;
pub mod static_file;
pub mod store;
pub mod uses;

pub use auth_log::AuthLog;
pub use config::Config;
pub use directory::{Directory, Status, TooOld};
pub use key_hash::KeyHash;
pub use parts::{KeyParts, Parts};
pub use postgres::PostgresStore;
pub use record::{Agent, Delegation, KeyKind, Organisation, State};
pub use records::{Counts, Key, Records, Standing};
pub use rejection::{Rejection, RejectionKind};
pub use revocations::{Named, Revocation, RevocationIndex};
pub use service::{Opening, Registry};
pub use sqlite::SqliteStore;
pub use static_file::StaticFile;

/// The issuer of what the registry knows, in principals and in revocations.
pub const ISSUER: &str = "registry";
