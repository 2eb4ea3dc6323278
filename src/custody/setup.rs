//! What sources of secrets are made of besides their configuration.

use crate::model::clock::Clock;
use crate::model::variables::Variables;
use crate::net::Client;

/// What sources of secrets need besides their configuration.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The environment variables that the configuration may name.
    pub variables: Variables,
    /// The time that requests are signed at.
    pub clock: Clock,
    /// For secrets managers.
    pub client: Client,
    /// Whether a file that is missing is made where the configuration does not say.
    pub generate: bool,
}
