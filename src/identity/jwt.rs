//! JSON Web Tokens (RFC 7519): one issuer each, with its own rules and keys.
//!
//! Reading order: [`jws`] → [`jwks`] → `jwk` → `claims` → `key_store` → `issuer`.

pub(super) mod claims;
pub(super) mod issuer;
pub(super) mod jwk;
pub mod jwks;
pub mod jws;
pub(super) mod key_store;
pub(super) mod strict_json;
