//! What issuers say of their subjects between two tokens: security event tokens (SETs, RFC 8417) of the profiles SSF and CAEP 1.0,
//! taken by push (RFC 8935) and by poll (RFC 8936). They revoke.
//!
//! INVARIANT (acknowledged is in force): an event is acknowledged once what it revokes is stored with its name, and no decision that
//! begins after that goes by what it revokes.
//! INVARIANT (once): an event that comes again is acknowledged and changes nothing.
//! INVARIANT (each its own): an event covers credentials of the issuers that its stream speaks for, and never those of another.
//! INVARIANT (not less than said): where a credential does not say enough to be told apart from what an event names, it is covered.
//! INVARIANT (bounded): a transmitter chooses neither how much is read of it, nor how much of it is kept at a time.
//!
//! Deliberately absent: the management of streams at the transmitter, which is its operator's; a trust in events without signature.
//!
//! Reading order: [`config`] → [`check`] → [`subject`] → [`event`] → [`refused`] → [`stream`] → [`receiver`] → [`poll`].

pub mod check;
pub mod config;
pub mod event;
pub mod poll;
pub mod receiver;
pub mod refused;
pub mod stream;
pub mod subject;

pub use config::{Config, PollConfig, PushConfig, StreamConfig};
pub use receiver::Receiver;
pub use refused::Refused;
pub use stream::{Judged, Outcome, Stream};
