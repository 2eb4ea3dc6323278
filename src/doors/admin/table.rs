//! All operations, in one table.

use super::operation::Operation;
use super::{agentpack, agents, aip, keys, organisations, relay, signing, small};

/// All that can be done.
pub(super) fn operations() -> impl Iterator<Item = &'static Operation> {
    let own = [
        organisations::OPERATIONS,
        agents::OPERATIONS,
        keys::OPERATIONS,
        signing::OPERATIONS,
        small::OPERATIONS,
    ];
    own.into_iter().chain([relay::OPERATIONS, agentpack::OPERATIONS, aip::OPERATIONS]).flatten()
}
