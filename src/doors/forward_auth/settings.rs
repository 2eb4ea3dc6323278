//! `doors.forward_auth`, read.

use super::config::ForwardAuthConfig;
use super::trusted::Trusted;
use crate::doors::flaw::Flaw;
use crate::listen::Peer;
use crate::model::request::EntryPath;

/// `doors.forward_auth`, read.
#[derive(Debug)]
pub struct ForwardAuth {
    /// The document that decides.
    pub(in crate::doors) document: EntryPath,
    pub(super) trusted: Trusted,
}

impl ForwardAuth {
    /// Reads the configuration; `usual` is the document where it names none.
    ///
    /// # Errors
    /// Everything that is wrong, by key.
    pub fn new(config: &ForwardAuthConfig, usual: &EntryPath) -> Result<Self, Vec<Flaw>> {
        let document = config.document(usual).map_err(|flaw| vec![flaw])?;
        Ok(Self { document, trusted: Trusted::new(&config.trusted_proxies).map_err(|flaw| vec![flaw])? })
    }

    /// Whether a peer may say who its clients are.
    pub(in crate::doors) fn believes(&self, peer: Option<Peer>) -> bool {
        self.trusted.check(peer).is_ok()
    }
}
