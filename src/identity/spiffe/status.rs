//! What there is to say of trust bundles, in the words in which it is said of issuers' keys.

use std::sync::Arc;

use super::store::{Bundles, Domain, Source};
use crate::identity::jwt::verifier::IssuerStatus;
use crate::identity::refusal::Refusal;
use crate::model::clock::Timestamp;

/// Every trust domain, in the order of the configuration.
pub(in crate::identity) fn of(bundles: &Bundles, now: Timestamp) -> impl Iterator<Item = IssuerStatus> + '_ {
    bundles.all().iter().map(move |domain: &Arc<Domain>| {
        let current = domain.current();
        IssuerStatus {
            issuer: domain.name().id(),
            source: domain.source(),
            keys: current.bundle.len(),
            generation: current.number,
            too_old: matches!(domain.at(now), Err(Refusal::KeysTooOld)),
            last_success: domain.confirmed_at(),
            last_error: domain.last_error(),
            warnings: current.bundle.warnings.clone(),
        }
    })
}

/// How what SPIFFE identities rest on is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpiffeHealth {
    /// Whether every Workload API that is configured answers.
    pub agents: bool,
    /// Whether every trust domain has a bundle that is not too old.
    pub fresh: bool,
}

/// Nothing where there are no trust domains.
pub(in crate::identity) fn health(bundles: &Bundles, now: Timestamp) -> Option<SpiffeHealth> {
    let domains = bundles.all();
    let answers = |domain: &Arc<Domain>| domain.confirmed_at().is_some() && domain.last_error().is_none();
    let of_agents = |domain: &&Arc<Domain>| matches!(domain.source, Source::WorkloadApi(_));
    (!domains.is_empty()).then(|| SpiffeHealth {
        agents: domains.iter().filter(of_agents).all(answers),
        fresh: domains.iter().all(|domain| domain.at(now).is_ok()),
    })
}
