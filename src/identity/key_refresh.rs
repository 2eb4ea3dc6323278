//! What keeps keys fresh, for the supervisor to run.

use std::sync::Arc;

use super::jwt::key_store::KeyStore;
use super::spiffe::upkeep::Upkeep;

/// The refresh of one issuer's keys, or of trust bundles.
#[derive(Clone)]
pub enum KeyRefresh {
    /// Of an issuer.
    Issuer(IssuerRefresh),
    /// Of trust domains.
    Bundles(Upkeep),
}

/// The refresh of one issuer's keys.
#[derive(Clone)]
pub struct IssuerRefresh(Arc<KeyStore>);

impl KeyRefresh {
    /// Of the keys of whoever signs statements.
    pub(super) const fn of_keys(keys: Arc<KeyStore>) -> Self {
        Self::Issuer(IssuerRefresh(keys))
    }

    /// The file or URL of the keys, without secrets.
    pub fn source(&self) -> String {
        match self {
            Self::Issuer(IssuerRefresh(keys)) => keys.source().to_string(),
            Self::Bundles(upkeep) => upkeep.source(),
        }
    }

    /// Keeps the keys fresh until it is dropped.
    pub async fn run(self) {
        match self {
            Self::Issuer(IssuerRefresh(keys)) => keys.keep_fresh().await,
            Self::Bundles(upkeep) => upkeep.run().await,
        }
    }
}
