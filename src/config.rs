//! Configuration: defaults < file < environment < flags.
//!
//! INVARIANT (nothing is ignored): a key that no module knows is an error, in the file as in the environment.
//! INVARIANT (one reader): only [`Environment::capture`] reads the environment; everyone else is handed what it found.
//! INVARIANT (printable): the configuration in effect can be printed, and no error or print shows a secret in it.
//!
//! Each section's struct belongs to the module that uses it; here they are put together, read and checked. Deliberately
//! absent: defaults (they stand with the structs), and any use of the values.
//!
//! Reading order: `schema` → `load`, `environment` and `flags` (the layers, as one tree of `document`) → `error` → `validate`,
//! `profile` → `restart` (reloads) → `effective`, `keys` and `reference` (what is printed) → `from_opa` (another program's file).

mod dockfile;
mod effective;
mod emit;
mod environment;
mod error;
mod flags;
pub mod from_opa;
mod keys;
mod load;
mod profile;
pub mod reference;
mod restart;
mod schema;
mod validate;
mod variables;

pub use environment::Environment;
pub use error::{ConfigError, Problem};
pub use flags::{Overrides, Setting, VerificationFlags};
pub use load::{Loaded, Reloaded, Sources, load};
pub use profile::{Insecure, Profile};
pub use schema::Config;
