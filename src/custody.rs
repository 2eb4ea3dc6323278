//! Where secrets of Verdict's own come from: files, environment variables, and secrets managers.
//!
//! INVARIANT (never shown): no error, log or debug text shows a secret, a token, or what a secrets manager answered beyond
//! its status and the words that its protocol has for errors.
//! INVARIANT (in private): secrets and tokens travel over https, or stay on this machine. The metadata services of clouds
//! are asked over plain http, at link-local addresses alone.
//! INVARIANT (bounded calls): every call has a deadline and a size limit, and follows no redirect; that is `net`'s.
//!
//! Deliberately absent: keeping and renewing tokens, as secrets are fetched once at start and once for each reload; retries
//! (who starts Verdict knows what a retry means); leases of Vault, its other secrets engines and ways to log in; roles of AWS
//! that need a token service. What others copy on the way (TLS, the reader of JSON) is not overwritten in memory.
//!
//! Reading order: [`config`] → `check` → [`SecretSource`] → `calls` → `file`, `vault`, `aws`, `azure`, `gcp` → `master_key`.

mod aws;
mod azure;
mod calls;
mod check;
pub mod config;
mod error;
mod file;
mod gcp;
mod master_key;
mod setup;
mod source;
mod variable;
mod vault;

pub use self::check::{check, check_source};
pub use self::config::{MasterKeyConfig, SourceConfig};
pub use self::error::CustodyError;
pub use self::master_key::{keyring, source};
pub use self::setup::Setup;
pub use self::source::{Fetching, SecretSource};
