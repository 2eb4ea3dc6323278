//! Certificates of callers: as credentials of their own, and as what tokens are bound to (RFC 8705).
//!
//! INVARIANT (whose it is): the certificate of a connection is the caller's, unless it is that of a configured proxy: then it is
//! nobody's, and what the proxy says of its own client counts instead.
//! INVARIANT (only from a proxy): a header with a certificate counts from a configured proxy alone, as its certificate proves. From
//! others it refuses the call.
//! INVARIANT (verified elsewhere): of a certificate, TLS has verified the path and that its holder has the key; here it is read.
//!
//! Reading order: [`config`] → [`shown`] → `names` → `forwarded` → `proxies` → [`verifier`].

pub mod check;
pub mod config;
pub(super) mod forwarded;
pub(super) mod names;
pub(super) mod proxies;
pub mod shown;
pub(super) mod verifier;

/// What a certificate is called in records and in `input.subject.method`.
pub const METHOD: &str = "mtls";
