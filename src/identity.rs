//! Identity: from a presented credential to a verified principal, or a refusal.
//!
//! INVARIANT (bad is never anonymous): a credential that was presented and is bad refuses the call, in every mode that
//! looks at credentials at all.
//! INVARIANT (down is not a pass): keys that cannot be had are a failure of their own, never an acceptance, and never
//! the caller's fault.
//! INVARIANT (keys are confirmed): keys that could not be read again for `jwks_max_age` verify nothing any more, cached
//! tokens included.
//! INVARIANT (one issuer, its own rules): algorithms, audience, types and keys belong to one issuer each.
//! INVARIANT (strict): a token has one reading (`strict_json`), and a claim that is missing or of a wrong form refuses
//! it. jsonwebtoken signs for the development issuer and no more: its own validation accepts much that this must not, and
//! it reads a key anew with every signature.
//!
//! INVARIANT (no confusion): whether an issuer has key pairs or shares a secret is said by the configuration, and neither a
//! token nor a document of keys can change it.
//!
//! Deliberately absent: encrypted tokens, keys that an issuer's token brings along (`jwk`, `jku`, `x5u`, `x5c`), secrets in a JWKS or
//! in the configuration file, a cache of refusals.
//!
//! Reading order: [`candidate`] → [`kind`] → `verifiers` → [`authenticate`] → `dpop` → `agreement` → `standing` → `cache` → [`jwt`] → [`api_key`] →
//! [`capability`] → [`partner`] → [`introspection`] → [`spiffe`] → [`certificate`] → `delegation` → `transaction` → [`aip`] → [`signed`] →
//! [`resource`] → `challenges` → [`crate::model::subject`] → `modes` → [`dev`] →
//! [`stated`].

mod agreement;
pub mod aip;
pub mod api_key;
mod attempt;
pub mod authenticate;
mod cache;
pub mod candidate;
pub mod capability;
pub mod certificate;
mod challenges;
mod claim_mapping;
mod config;
mod config_error;
mod delegation;
pub mod dev;
mod dpop;
pub mod inspect;
pub mod introspection;
pub mod jwt;
mod key_file;
mod key_refresh;
pub mod kind;
mod modes;
mod one_or_many;
pub mod partner;
mod refusal;
pub mod resource;
mod setup;
pub mod signed;
pub mod spiffe;
mod standing;
pub mod stated;
#[cfg(test)]
mod testing;
mod transaction;
mod verifiers;
#[cfg(test)]
mod worked_example;

pub use api_key::config::{ApiKeysConfig, PrefixConfig, VariableConfig};
pub use authenticate::Authenticator;
pub use certificate::config::{ClientCertificatesConfig, NameType};
pub use config::{ClaimMapping, Config, ConfigError, IssuerConfig, Risk, one_or_many};
pub use introspection::config::IntrospectionConfig;
pub use jwt::check::check;
pub use jwt::key::Thumbprint;
pub use jwt::key_store::Pace;
pub use jwt::token_type::TokenType;
pub use jwt::verifier::IssuerStatus;
pub use key_refresh::KeyRefresh;
pub use partner::config::PartnerConfig;
pub use refusal::Refusal;
pub use resource::config::ResourceConfig;
pub use setup::Setup;
pub use spiffe::config::{EndpointProfile, FederationConfig, SpiffeConfig, TrustDomainConfig};
