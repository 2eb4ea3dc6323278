//! The checks of `events:`.

use super::{Checks, Profile};
use crate::document::tree::Path;
use crate::events;
use crate::identity::dev;
use crate::net::Endpoint;

impl Checks<'_> {
    pub(super) fn events(&mut self) {
        let config = self.config;
        if config.events.streams.is_empty() {
            return;
        }
        if !config.registry.enabled {
            let message = "there is no registry, and so nothing that keeps what events revoke";
            self.flaw(Path::dotted("events.streams"), message, "set `registry.enabled: true`");
        }
        for error in events::check::check(&config.events, &|issuer| self.vouches(issuer)) {
            self.report(error);
        }
    }

    /// Whether there can be credentials of this issuer.
    fn vouches(&self, issuer: &str) -> bool {
        let identity = &self.config.identity;
        let issuers = identity.issuers.iter().map(|one| &one.issuer);
        let partners = identity.partners.iter().map(|one| &one.issuer);
        let asked = identity.introspection.as_ref().is_some_and(|asked| match &asked.issuer {
            Some(own) => own == issuer,
            None => Endpoint::parse(asked.url.expose()).is_ok_and(|endpoint| endpoint.origin() == issuer),
        });
        let develops = matches!(self.profile, Profile::Dev) && issuer == dev::ISSUER;
        asked || develops || issuers.chain(partners).any(|own| own == issuer)
    }
}
