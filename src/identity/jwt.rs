//! JSON Web Tokens (RFC 7519): one issuer each, with its own rules and keys.
//!
//! Reading order: [`jws`] → `key` (with `jwk` and `secret`) → [`jwks`] → `source` (with `discovery`) → `key_store` →
//! `claim_path` → `mapping` → `issuer` → `claims` (with `access_token`, [`token_type`] and `entra`) → `facts` → `principal` → [`check`] → `verifier`.

pub(super) mod access_token;
pub mod check;
pub(super) mod claim_path;
pub(super) mod claims;
pub(super) mod discovery;
mod entra;
pub(super) mod facts;
pub(super) mod issuer;
pub(super) mod jwk;
pub mod jwks;
pub mod jws;
pub(super) mod key;
pub(super) mod key_store;
pub(super) mod mapping;
pub(super) mod principal;
pub(super) mod secret;
pub(super) mod source;
pub(super) mod strict_json;
pub mod token_type;
pub(super) mod verifier;
