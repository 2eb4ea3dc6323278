//! The composition root: from a loaded configuration to a running server, and to its end.
//!
//! Order at the start: keys and log first, then the bundles' first reading, and the listener last, so that the first
//! call finds what it needs. Order at the end ([`App::shutdown`]): the listener closes, calls that are under way are
//! answered and recorded, then the watcher and the key refresh stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::authorize::{Around, Authorizer};
use crate::bundle::reload::{Observer, Setup as BundleSetup};
use crate::bundle::status::{Report, Status};
use crate::bundle::watch::{Trigger, Watcher};
use crate::bundle::{LoadError, NotRemovable, TestRunner};
use crate::config::{Config, Loaded, Profile, Reloaded};
use crate::decision_log::DecisionLog;
use crate::doors::body;
use crate::doors::manage::{Manage, Settings};
use crate::doors::origin::Origins;
use crate::doors::router::{Edge, router};
use crate::identity::dev::DevIssuer;
use crate::identity::{self, Authenticator, Refresh};
use crate::listen;
use crate::model::clock::Clock;
use crate::model::request::EntryPath;
use crate::net;
use crate::net::allow::Allow;
use crate::net::policy::PolicyCalls;
use crate::pdp::Limits;
use crate::pdp::snapshot::{Snapshot, SnapshotStore};
use crate::telemetry::metrics::Metrics;
use verdict_rego::Responses;
use verdict_rego::outbound::Client;
use verdict_rego::{Host, Value};

/// How long the start waits for the bundles' first reading before it listens regardless, and is not ready.
const FIRST_READING: Duration = Duration::from_secs(60);

/// What a server is made of besides its configuration.
pub struct Setup {
    /// The configuration, and where it came from.
    pub loaded: Loaded,
    /// Colour is not wanted, terminal or not.
    pub no_color: bool,
    /// The time that decisions see.
    pub clock: Clock,
    /// Who runs the tests that bundles carry.
    pub runner: Option<Arc<TestRunner>>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The identity configuration does not hold together.
    #[error(transparent)]
    Identity(#[from] identity::ConfigError),
    /// The bundles' configuration; bundles that do not load are no reason not to start.
    #[error(transparent)]
    Bundles(#[from] LoadError),
    /// The outbound HTTP client.
    #[error(transparent)]
    Net(#[from] net::Error),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// A running server.
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    /// The pipeline.
    pub authorizer: Arc<Authorizer>,
    /// How the bundles are doing.
    pub bundles: Arc<Status>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What can change while it runs.
    pub live: Arc<Live>,
    stop: Arc<Notify>,
    serving: JoinHandle<bool>,
    watcher: Watcher,
}

/// What a reload changes.
pub struct Live {
    loaded: Mutex<Loaded>,
    authorizer: Arc<Authorizer>,
    edge: Arc<Edge>,
    log: Arc<DecisionLog>,
    bundles: Trigger,
    client: net::Client,
    clock: Clock,
    instance_id: String,
    refresh: Mutex<Refresh>,
}

impl App {
    /// Starts a server on the current Tokio runtime, whose threads should have [`verdict_rego::STACK`] of stack.
    ///
    /// # Errors
    /// What is wrong with the configuration, or an address that cannot be bound.
    pub async fn start(setup: Setup) -> Result<Self, StartError> {
        let Setup { loaded, no_color, clock, runner } = setup;
        let config = &loaded.config;
        let client = net::Client::new(&net::Config::default())?;
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), clock.now()));
        let instance_id = Uuid::new_v4().to_string();
        let base = PathBuf::new();
        let log = DecisionLog::new(&config.decision_log, &base, &instance_id, no_color, metrics.log.clone());
        let log = Arc::new(log.map_err(|error| misconfigured(&loaded, error.key(), &error))?);
        let authenticator = authenticator(&loaded, &client, &clock)?;
        let refresh = authenticator.spawn_refresh();

        let around = around(&loaded)?;
        let empty = Snapshot::empty(clock.now())
            .map_err(|_| StartError::Other("the evaluator does not start".to_owned()))?;
        let (store, bundles) = (Arc::new(SnapshotStore::new(empty)), Arc::new(Status::default()));
        store.replace_limits(Limits::new(&config.decision).map_err(StartError::Other)?);
        let watcher = Watcher::start(BundleSetup {
            config: config.bundles.clone(),
            store: Arc::clone(&store),
            status: Arc::clone(&bundles),
            clock: clock.clone(),
            runner,
            observers: vec![Arc::new(Counted(Arc::clone(&metrics)))],
            no_calls: around.surroundings.client.is_none(),
        })?;
        let (watcher, _) = tokio::task::spawn_blocking(move || {
            let handled = watcher.wait_first(FIRST_READING);
            (watcher, handled)
        })
        .await
        .map_err(|error| StartError::Other(error.to_string()))?;

        let authorizer = Authorizer::new(
            store,
            authenticator,
            Arc::clone(&log),
            Arc::clone(&metrics),
            clock.clone(),
            staleness(config, &bundles),
        );
        let authorizer = Arc::new(authorizer.map_err(|error| StartError::Other(error.to_string()))?);
        authorizer.replace_explain(config.decision.explain);
        authorizer.replace_around(around);
        let edge = Arc::new(edge(config, &authorizer, &bundles, &metrics, &instance_id)?);
        let listener = listener(&loaded).await?;
        let address = listener.local_addr().map_err(|error| StartError::Other(error.to_string()))?;
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let serve =
            listen::serve(listener, router(&edge), config.server.clone(), Arc::clone(&metrics), async move {
                stopped.notified().await
            });
        let serving = tokio::spawn(serve);
        let live = Arc::new(Live {
            authorizer: Arc::clone(&authorizer),
            edge,
            log,
            bundles: watcher.trigger(),
            client,
            clock,
            instance_id,
            refresh: Mutex::new(refresh),
            loaded: Mutex::new(loaded),
        });
        Ok(Self { address, authorizer, bundles, metrics, live, stop, serving, watcher })
    }

    /// Drains and stops; `false` when what was under way did not finish within `server.shutdown_grace`.
    pub async fn shutdown(self) -> bool {
        let Self { stop, serving, watcher, live, .. } = self;
        stop.notify_one();
        let drained = serving.await.unwrap_or(false);
        // The watcher's thread may be compiling; its end is waited for where that blocks nobody.
        let _ = tokio::task::spawn_blocking(move || {
            live.log.close();
            drop(live);
            watcher.shutdown();
        })
        .await;
        drained
    }
}

impl Live {
    /// Loads the configuration again and puts in force what can be; reads bundles again, reopens the log. Keys of issuers
    /// whose source is unchanged stay: [`Live::refresh_keys`] reads them again.
    ///
    /// # Errors
    /// What is wrong with the new configuration; the old one stays in force. Keys of the configuration that only a
    /// restart can change are named in the `Ok`.
    pub fn reload(&self) -> Result<Vec<String>, String> {
        self.bundles.reload();
        if let Err(failed) = self.log.reopen() {
            for (sink, error) in failed {
                tracing::error!(%sink, %error, "the decision log could not be reopened; it goes on as it was");
            }
        }
        let mut current = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let Reloaded { loaded: next, needs_restart } = current.reload().map_err(|error| error.to_string())?;
        let authenticator =
            authenticator(&next, &self.client, &self.clock).map_err(|error| error.to_string())?;
        let limits = Limits::new(&next.config.decision)?;
        self.authorizer.replace_authenticator(authenticator);
        *self.refresh.lock().unwrap_or_else(PoisonError::into_inner) =
            self.authorizer.authenticator().spawn_refresh();
        self.authorizer.replace_limits(limits);
        self.authorizer.replace_explain(next.config.decision.explain);
        self.edge.manage.settings.store(Arc::new(settings(&next.config, &self.instance_id)));
        *current = next;
        Ok(needs_restart)
    }

    /// Confirms that a bundle that vanished from the directory is removed for good; see [`Trigger::confirm_removal`].
    ///
    /// # Errors
    /// A bundle that is not missing, or that the configuration expects.
    pub fn confirm_removal(&self, bundle: &str) -> Result<(), NotRemovable> {
        self.bundles.confirm_removal(bundle)
    }

    /// Reads every JWKS again in the background, whatever the cooldown says; keys that cannot be read stay in use as
    /// before. Needs a Tokio runtime.
    pub fn refresh_keys(&self) {
        let authenticator = self.authorizer.authenticator();
        tokio::spawn(async move { authenticator.refresh_now().await });
    }

    /// The files whose change calls for a reload.
    pub fn config_file(&self) -> Option<PathBuf> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.file().map(std::path::Path::to_path_buf)
    }
}

async fn listener(loaded: &Loaded) -> Result<TcpListener, StartError> {
    let bound = listen::bind(loaded.config.server.listen).await;
    bound.map_err(|error| misconfigured(loaded, "server.listen", &error))
}

/// What a key of the configuration was good for until it was used, with the place where it was set.
fn misconfigured(loaded: &Loaded, key: &str, error: &dyn std::fmt::Display) -> StartError {
    StartError::Other(loaded.problem(key, &error.to_string()).to_string())
}

/// What policy sees, and whom it may call: in development everybody, unless the configuration says whom.
fn around(loaded: &Loaded) -> Result<Around, StartError> {
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
    let surroundings = Host {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: crate::COMMIT.to_owned(),
        client: allow.map(calls),
        env,
        config: Value::from_serialize(&config.to_json()).ok(),
        responses: Responses::new(http_send.cache.max_size.0),
    };
    Ok(Around {
        surroundings: Arc::new(surroundings),
        recorded: config.decision_log.nd_builtin_cache,
        max_waiting: http_send.max_concurrent,
    })
}

fn authenticator(loaded: &Loaded, client: &net::Client, clock: &Clock) -> Result<Authenticator, StartError> {
    let mut identity = loaded.config.identity.clone();
    if loaded.profile().trusts_dev_issuer() {
        let issuer = DevIssuer::load_or_create(&loaded.config.state);
        identity
            .issuers
            .push(issuer.map_err(|error| misconfigured(loaded, "state", &error))?.issuer_config());
    }
    let base = PathBuf::new();
    let mut setup = identity::Setup::new(&base, clock.clone(), client.clone());
    // What exactly is allowed was checked when the configuration was loaded.
    setup.allow_insecure_issuers = match loaded.profile() {
        Profile::Dev => true,
        Profile::Run(insecure) => insecure.no_audience || insecure.http_jwks,
        Profile::Inspect => false,
    };
    Ok(Authenticator::new(&identity, &setup)?)
}

fn staleness(config: &Config, bundles: &Arc<Status>) -> crate::authorize::Staleness {
    let (deny, max_stale) = (config.bundles.deny_when_stale, config.bundles.max_stale.0);
    let bundles = Arc::clone(bundles);
    Box::new(move |now| deny && bundles.report().is_stale(now, max_stale))
}

fn edge(
    config: &Config,
    authorizer: &Arc<Authorizer>,
    bundles: &Arc<Status>,
    metrics: &Arc<Metrics>,
    instance_id: &str,
) -> Result<Edge, StartError> {
    let default_path = EntryPath::parse(&config.decision.default_path)
        .map_err(|error| StartError::Other(format!("`decision.default_path`: {error}")))?;
    Ok(Edge {
        authorizer: Arc::clone(authorizer),
        default_path,
        limits: body::Limits {
            max: config.server.max_body.as_usize(),
            timeout: config.server.body_timeout.0,
        },
        origins: Origins::new(&config.server),
        gzip_min_size: config.server.gzip_min_size.as_usize(),
        manage: Manage {
            bundles: Arc::clone(bundles),
            settings: ArcSwap::from_pointee(settings(config, instance_id)),
        },
        metrics: Arc::clone(metrics),
    })
}

fn settings(config: &Config, instance_id: &str) -> Settings {
    let mut labels = json!({ "id": instance_id, "version": env!("CARGO_PKG_VERSION") });
    if let Some(labels) = labels.as_object_mut() {
        labels.extend(config.decision_log.labels.iter().map(|(name, value)| (name.clone(), json!(value))));
    }
    Settings {
        max_stale: config.bundles.max_stale.0,
        labels,
        effective: config.to_json(),
        default_path: config.decision.default_path.clone(),
    }
}

/// Counts reloads.
struct Counted(Arc<Metrics>);

impl Observer for Counted {
    fn activated(&self, snapshot: &Snapshot, report: &Report) {
        let metrics = &self.0.bundles;
        metrics.activations.inc();
        metrics.generation.set(i64::try_from(report.generation).unwrap_or(i64::MAX));
        metrics.last_success.set(snapshot.built_at.unix_seconds());
        metrics.stale.set(0);
        let paths: Vec<EntryPath> = snapshot
            .program
            .entry_paths()
            .chain(snapshot.program.packages())
            .map(EntryPath::from_segments)
            .collect();
        self.0.decisions.declare_entry_points(&paths);
    }

    fn failed(&self, _: &LoadError, _: &Report) {
        self.0.bundles.failures.inc();
    }
}
