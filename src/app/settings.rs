//! From the configuration to what is in force: verifier, limits, surroundings, and what management shows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;

use super::error::{StartError, misconfigured};
use crate::aip::Policies;
use crate::authorize::admission::Admission;
use crate::authorize::in_force::{BatchLimits, Settings, Shown};
use crate::authorize::tool_calls::ToolCalls;
use crate::bundle::written::{self, Writes};
use crate::config::{Config, Environment, Loaded, Profile};
use crate::doors::opa::config::Config as OpaConfig;
use crate::identity::dev::DevIssuer;
use crate::identity::{self, Authenticator};
use crate::model::clock::Clock;
use crate::model::request::EntryPath;
use crate::model::variables::Variables;
use crate::net;
use crate::net::allow::Allow;
use crate::net::policy::PolicyCalls;
use crate::pdp::Limits;
use crate::pdp::gate::Gate;
use crate::registry::{Directory, Registry, StaticFile};
use crate::stores::Stores;
use crate::telemetry::metrics::Metrics;
use verdict_rego::outbound::Client;
use verdict_rego::{Host, Responses, Value};

/// The settings of a configuration.
///
/// # Errors
/// What is wrong with it.
pub(super) fn settings(
    loaded: &Loaded,
    instance_id: &str,
    stores: &Stores,
    policies: &Arc<Policies>,
) -> Result<Settings, StartError> {
    let config = &loaded.config;
    let waiting = config.http_send.max_concurrent.clamp(1, Semaphore::MAX_PERMITS);
    Ok(Settings {
        admission: Admission::new(&config.rate_limits, &stores.limiter),
        gate: Gate::new(&config.permissions).map_err(|(key, message)| {
            StartError::Other(loaded.problem(&format!("permissions.{key}"), &message).to_string())
        })?,
        tool_calls: ToolCalls {
            policies: Arc::clone(policies),
            document: EntryPath::parse(&config.aip.document)
                .map_err(|error| misconfigured(loaded, "aip.document", &error))?,
            limiter: Arc::clone(&stores.limiter),
        },
        limits: Limits::new(&config.decision).map_err(StartError::Other)?,
        explain: config.decision.explain.clone(),
        explain_to_all: loaded.profile() == Profile::Dev,
        surroundings: Arc::new(surroundings(loaded)?),
        nd_builtin_cache: config.decision_log.nd_builtin_cache,
        waiting: Arc::new(Semaphore::new(waiting)),
        batch: BatchLimits {
            items: config.server.max_batch_items,
            bytes: config.server.max_batch_size.as_usize(),
        },
        deny_when_stale: config.bundles.deny_when_stale,
        max_stale: config.bundles.max_stale.0,
        management_role: config.management.role.clone(),
        shown: Shown {
            labels: labels(config, instance_id),
            effective: config.to_json(),
            default_path: config.decision.default_path.clone(),
        },
    })
}

/// What OPA's API takes. In development, ad-hoc queries are answered.
pub(super) fn opa(loaded: &Loaded) -> OpaConfig {
    let opa = loaded.config.doors.opa.clone();
    OpaConfig { queries: opa.queries || loaded.profile() == Profile::Dev, ..opa }
}

/// How policies and data are written through the API, if they are. What was written before stays where it is.
pub(super) fn writes(config: &Config) -> Option<Writes> {
    let writes = &config.doors.opa.writes;
    let file = config.state.join("written.json");
    if !writes.enabled && file.exists() {
        tracing::warn!(
            file = %file.display(),
            "policies or data were written through the API and are not served: `doors.opa.writes.enabled` is false"
        );
    }
    let limits = written::Limits { max_size: writes.max_size.0, max_policies: writes.max_policies };
    writes.enabled.then_some(Writes { file, limits })
}

/// What policy sees, and whom it may call: in development everybody, unless the configuration says whom.
fn surroundings(loaded: &Loaded) -> Result<Host, StartError> {
    let (config, http_send) = (&loaded.config, &loaded.config.http_send);
    let listed = !http_send.allow.is_empty();
    let allow = match loaded.profile() {
        _ if listed => {
            let allow = Allow::only(&http_send.allow, &http_send.private_addresses);
            Some(allow.map_err(|wrong| StartError::Other(wrong.message))?)
        }
        Profile::Dev => Some(Allow::everybody()),
        Profile::Run(_) | Profile::Inspect => None,
    };
    let calls =
        |allow| -> Arc<dyn Client> { Arc::new(PolicyCalls::new(allow, http_send, net::Config::default())) };
    let environment = loaded.environment();
    let exposed = config.decision.expose_env.iter();
    let env = exposed.filter_map(|name| Some((name.clone(), environment.get(name)?.to_owned()))).collect();
    Ok(Host {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: crate::COMMIT.to_owned(),
        client: allow.map(calls),
        env,
        config: Value::from_serialize(&config.to_json()).ok(),
        responses: Responses::new(http_send.cache.max_size.0),
    })
}

/// Who verifies credentials by a configuration, and the AgentPolicies whose sessions are among them.
///
/// # Errors
/// What is wrong with it.
pub(super) fn authenticator(
    loaded: &Loaded,
    (client, clock): (&net::Client, &Clock),
    directory: Option<Arc<dyn Directory>>,
    stores: &Stores,
) -> Result<(Authenticator, Arc<Policies>), StartError> {
    let policies = policies(loaded)?;
    let mut identity = loaded.config.identity.clone();
    if loaded.profile().trusts_dev_issuer() {
        let issuer = DevIssuer::load_or_create(&loaded.config.state);
        let issuer = issuer.map_err(|error| misconfigured(loaded, "state", &error))?;
        identity.issuers.push(issuer.issuer_config());
    }
    let base = PathBuf::new();
    let mut setup = identity::Setup::new(&base, clock.clone(), client.clone());
    setup.directory = directory;
    setup.aip = Arc::clone(&policies);
    setup.role_permissions = loaded.config.permissions.role_permissions;
    setup.roles = Arc::new(loaded.config.permissions.role_table());
    setup.replays = Arc::clone(&stores.replays);
    setup.variables = variables(loaded.environment());
    // What exactly is allowed was checked when the configuration was loaded.
    setup.allow_insecure_issuers = match loaded.profile() {
        Profile::Dev => true,
        Profile::Run(insecure) => insecure.no_audience || insecure.http_jwks,
        Profile::Inspect => false,
    };
    Ok((Authenticator::new(&identity, &setup)?, policies))
}

/// The AgentPolicies that a configuration names.
///
/// # Errors
/// What is wrong with them.
fn policies(loaded: &Loaded) -> Result<Arc<Policies>, StartError> {
    let policies = Policies::load(&loaded.config.aip);
    let policies = policies.map_err(|(key, message)| misconfigured(loaded, key, &message))?;
    for policy in policies.iter() {
        for warning in &policy.warnings {
            tracing::warn!(policy = %policy.name, "{warning}");
        }
    }
    Ok(Arc::new(policies))
}

/// Who says whom there is: the registry, or the directory file.
pub(super) fn directory(
    file: Option<&Arc<StaticFile>>,
    registry: Option<&Arc<Registry>>,
) -> Option<Arc<dyn Directory>> {
    let registry = registry.map(|registry| Arc::clone(registry) as Arc<dyn Directory>);
    registry.or_else(|| file.map(|file| Arc::clone(file) as _))
}

/// What others are called with.
///
/// # Errors
/// What is wrong with `outbound.tls`.
pub(super) fn client(loaded: &Loaded) -> Result<net::Client, StartError> {
    net::Client::outbound(&loaded.config.outbound)
        .map_err(|(key, error)| misconfigured(loaded, &format!("outbound.tls.{key}"), &error))
}

/// The directory file that a configuration names: the one of before, if it is the same file.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn static_file(
    loaded: &Loaded,
    clock: &Clock,
    metrics: &Metrics,
    before: Option<&Arc<StaticFile>>,
) -> Result<Option<Arc<StaticFile>>, StartError> {
    let Some(path) = &loaded.config.identity.static_file else { return Ok(None) };
    if let Some(before) = before.filter(|before| before.path() == path) {
        return Ok(Some(Arc::clone(before)));
    }
    let opened = StaticFile::open(path, clock.clone(), metrics.directory.clone());
    opened.map(|directory| Some(Arc::new(directory))).map_err(|error| {
        let message = format!("the directory cannot be put in force:\n{error}");
        misconfigured(loaded, "identity.static", &message)
    })
}

/// All variables; those that are not text have a value that nothing takes for a key.
pub(super) fn variables(environment: &Environment) -> Variables {
    let not_text = environment.not_text().iter().map(|name| (name.clone(), "\u{fffd}".to_owned()));
    let text = environment.all().iter().map(|(name, value)| (name.clone(), value.clone()));
    text.chain(not_text).collect::<BTreeMap<_, _>>().into()
}

/// What counts and remembers across calls by a configuration.
///
/// # Errors
/// What is wrong with it.
pub(super) fn stores(loaded: &Loaded, clock: &Clock) -> Result<Stores, StartError> {
    let stores = Stores::new(&loaded.config.shared_store);
    let stores = stores.map_err(|error| misconfigured(loaded, error.at, &error))?;
    stores.replays.begin(clock.now());
    Ok(stores)
}

fn labels(config: &Config, instance_id: &str) -> Json {
    let mut labels = json!({ "id": instance_id, "version": env!("CARGO_PKG_VERSION") });
    if let Some(labels) = labels.as_object_mut() {
        labels.extend(config.decision_log.labels.iter().map(|(name, value)| (name.clone(), json!(value))));
    }
    labels
}
