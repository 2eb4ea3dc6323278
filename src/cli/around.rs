//! What policy has around it on the command line: as with OPA, everybody may be called and the environment is seen.

use std::sync::Arc;

use crate::config::Environment;
use crate::model::units::ByteSize;
use crate::net::allow::Allow;
use crate::net::policy::{Config, PolicyCalls};
use verdict_rego::Host;
use verdict_rego::Responses;

/// The largest response; policy authors look at whatever there is.
const MAX_RESPONSE: ByteSize = ByteSize::mib(64);

/// Everybody, and the whole environment.
pub(super) fn everything() -> Arc<Host> {
    let config = Config { max_response_size: MAX_RESPONSE, ..Config::default() };
    let calls = PolicyCalls::new(Allow::everybody(), &config, crate::net::Config::default());
    Arc::new(Host {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: crate::COMMIT.to_owned(),
        client: Some(Arc::new(calls)),
        env: Environment::capture().all().clone(),
        config: None,
        responses: Responses::new(config.cache.max_size.0),
    })
}
