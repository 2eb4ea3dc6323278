//! What the commands of administration have in common: they are clients of the API on the management listener.
//!
//! INVARIANT (a client): nothing here opens a database, or knows more than the API says.
//! INVARIANT (no key in arguments): keys, tokens and secrets come from files, the environment or standard input, and never
//! from arguments, which every process of the machine can read.
//! INVARIANT (whose file it is): a file with credentials that others may read is refused.
//!
//! Exit codes: 0 for done; 1 where the server says no; 2 for what could not be tried.
//!
//! Reading order: [`connection`] (flags, which credential) → `credentials` → `api` → [`show`]; [`trouble`]; [`body`], [`times`],
//! [`limits`] (flags that several commands have).

pub mod api;
pub mod body;
pub mod connection;
pub mod credentials;
pub mod given;
pub mod limits;
pub mod lists;
pub mod show;
pub mod states;
pub mod times;
pub mod trouble;
