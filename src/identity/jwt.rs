//! JSON Web Tokens (RFC 7519): one issuer each, with its own rules and keys.
//!
//! Reading order: [`jws`] → [`jwks`] → `jwk` → `key_store` → `claim_path` →
//! `mapping` → `issuer` → `claims` → [`check`] → `verifier`.

pub mod check;
pub(super) mod claim_path;
pub(super) mod claims;
pub(super) mod issuer;
pub(super) mod jwk;
pub mod jwks;
pub mod jws;
pub(super) mod key_store;
pub(super) mod mapping;
pub(super) mod strict_json;
pub(super) mod verifier;
