//! What there is to say of trust bundles, in the words in which it is said of issuers' keys.

use std::sync::Arc;

use super::store::{Bundles, Domain};
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
