//! Secrets at rest: envelope encryption under a master key.
//!
//! Each value is encrypted with a data key of its own, and the data key is wrapped by the master key. A new master key is
//! therefore put in force by wrapping the data keys anew ([`rewrap`]); the values stay as they are.
//!
//! INVARIANT (bound to its place): a sealed value opens only for the place that it was sealed for, e.g. agent and name. Who
//! can write where it is kept cannot give one agent the secret of another.
//! INVARIANT (all or nothing): what was changed in any bit does not open. No part of it is ever shown.
//! INVARIANT (nothing lingers): keys and opened values are overwritten when they are dropped, and are never printed.
//! INVARIANT (a nonce is used once): both nonces are random. Under one master key that is safe for 2^32 values; each data
//! key encrypts one.
//!
//! Deliberately absent: where sealed values are kept, and where the master key comes from; protection against whoever puts
//! back an older sealed value of the same place; hiding how long a value is.
//!
//! Reading order: [`MasterKey`] → [`Keyring`] → [`Sealed`] → [`seal`], [`open`], [`rewrap`].

mod envelope;
mod error;
mod hex;
mod key_id;
mod keyring;
mod master_key;
mod sealed;

pub use self::envelope::{MAX_PLAINTEXT, open, rewrap, seal};
pub use self::error::Error;
pub use self::key_id::{KeyId, NotAnId};
pub use self::keyring::Keyring;
pub use self::master_key::{MasterKey, NotAKey};
pub use self::sealed::Sealed;

#[cfg(test)]
mod tests;
