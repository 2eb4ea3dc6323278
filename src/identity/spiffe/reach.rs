//! What bundles are read with.

use crate::identity::jwt::key_store::Pace;
use crate::identity::setup::Setup;
use crate::model::clock::Clock;
use crate::net::Client;

/// What bundles are read with.
#[derive(Clone)]
pub(in crate::identity) struct Reach {
    pub(in crate::identity) pace: Pace,
    pub(in crate::identity) clock: Clock,
    pub(in crate::identity) client: Client,
}

impl Reach {
    pub(in crate::identity) fn of(setup: &Setup<'_>) -> Self {
        Self { pace: setup.pace, clock: setup.clock.clone(), client: setup.client.clone() }
    }
}
