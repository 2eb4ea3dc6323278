//! What policy has around it on the command line: as with OPA, everybody may be called and the environment is seen. And
//! what an error of a built-in does there.

use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::config::Environment;
use crate::model::units::ByteSize;
use crate::net::allow::Allow;
use crate::net::policy::{Config, PolicyCalls};
use crate::pdp;
use verdict_rego::Responses;
use verdict_rego::{Host, Strict};

/// The largest response; policy authors look at whatever there is.
const MAX_RESPONSE: ByteSize = ByteSize::mib(64);

/// What an error of a built-in does to an evaluation.
#[derive(Debug, Clone, Copy, Args)]
pub struct ErrorArgs {
    /// What an error of a built-in does: it ends the evaluation, or the call is undefined as in OPA
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = BuiltinErrors::Error)]
    pub builtin_errors: BuiltinErrors,
}

/// As `decision.builtin_errors` in the configuration of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BuiltinErrors {
    /// It ends the evaluation
    Error,
    /// The call is undefined
    Undefined,
}

impl ErrorArgs {
    /// The same as evaluations want it.
    pub(super) const fn strict(self) -> Strict {
        match self.builtin_errors {
            BuiltinErrors::Error => pdp::BuiltinErrors::Error.strict(),
            BuiltinErrors::Undefined => pdp::BuiltinErrors::Undefined.strict(),
        }
    }
}

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
