//! Tokens of every kind against the authenticator, keys from real sockets and files.

mod api_keys;
mod attacks;
mod cache;
mod capability;
mod cases;
mod certificates;
mod claims;
mod configuration;
mod cves;
mod delegations;
mod dev;
mod discovery;
mod dpop;
mod introspection;
mod jwks;
mod resource;
mod served;
mod several;
mod single_use;
mod sources;
pub mod spiffe;
pub mod support;
mod token_types;
pub mod x509_svids;
