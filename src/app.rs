//! The composition root: from a loaded configuration to a running server, and to its end.
//!
//! Order at the start: keys and log first, then the bundles' first reading, and the listeners last, so that the first
//! call finds what it needs. Order at the end ([`App::shutdown`]): the listeners close, calls that are under way are
//! answered and recorded, then the background tasks and the watcher of bundles stop.
//!
//! Reading order: this file → `settings` (from configuration to what is in force) → `remote` → `listeners` → [`live`] (what can change while it
//! runs) → [`reload`] and [`shutdown`] (when) → [`supervisor`].

mod error;
mod events;
mod inspection;
mod listeners;
pub mod live;
mod registry;
pub mod reload;
mod remote;
mod settings;
pub mod shutdown;
pub mod supervisor;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use self::error::misconfigured;
use self::listeners::Listeners;
use self::live::Live;
use self::supervisor::Supervisor;
use crate::aip::Policies;
use crate::authorize::in_force::{Current, InForce};
use crate::bundle::reload::{Asked, Observer, Setup as BundleSetup};
use crate::bundle::remote::Shelf;
use crate::bundle::status::{Report, Status};
use crate::bundle::watch::Watcher;
use crate::bundle::{LoadError, TestRunner};
use crate::config::{Config, Loaded};
use crate::decision_log::DecisionLog;
use crate::doors::edge::Edge;
use crate::doors::ext_authz::config::Settings as ExtAuthz;
use crate::doors::forward_auth::settings::ForwardAuth;
use crate::doors::origin::Origins;
use crate::doors::routing::Routes;
use crate::doors::{Flaw, authzen, body, docker, kubernetes, mcp};
use crate::identity::Authenticator;
use crate::model::clock::{Clock, Timestamp};
use crate::model::request::EntryPath;
use crate::pdp::snapshot::{Policy, Snapshot};
use crate::registry::Registry;
use crate::registry::bootstrap_token::BootstrapToken;
use crate::registry::change::Done;
use crate::stores::Stores;
use crate::telemetry::metrics::Metrics;

pub use self::error::StartError;
pub use self::inspection::{ListenerFiles, listener_files, new_authenticator, seen};
/// The pipeline of a running server.
pub use crate::authorize::Authorizer;

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
    /// Not to start where the bundles are not activated at once.
    pub fail_fast: bool,
}

/// A running server.
pub struct App {
    /// Where it listens for calls.
    pub address: SocketAddr,
    /// Where it is managed, if there is a listener for that.
    pub management: Option<SocketAddr>,
    /// The pipeline.
    pub authorizer: Arc<Authorizer>,
    /// How the bundles are doing.
    pub bundles: Arc<Status>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The registry, where there is one.
    pub registry: Option<Arc<Registry>>,
    /// What can change while it runs.
    pub live: Arc<Live>,
    /// The background tasks.
    pub supervisor: Arc<Supervisor>,
    bootstrap: Option<Arc<BootstrapToken>>,
    listeners: Listeners,
    watcher: Watcher,
}

impl App {
    /// Starts a server on the current Tokio runtime, whose threads should have [`verdict_rego::STACK`] of stack.
    ///
    /// # Errors
    /// What is wrong with the configuration, or an address that cannot be bound.
    pub async fn start(setup: Setup) -> Result<Self, StartError> {
        let Setup { loaded, no_color, clock, runner, fail_fast } = setup;
        let config = &loaded.config;
        let client = settings::client(&loaded)?;
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), clock.now()));
        let instance_id = Uuid::new_v4().to_string();
        let log = decision_log(&loaded, &instance_id, no_color, &metrics)?;
        let (file, stores) =
            (settings::static_file(&loaded, &clock, &metrics, None)?, settings::stores(&loaded, &clock)?);
        let registry = registry::open(&loaded, registry::Missing::Make, &client, &clock, &metrics).await?;
        let directory = settings::directory(file.as_ref(), registry.as_ref());
        let verifier = settings::authenticator(&loaded, (&client, &clock), directory, &stores)?;
        let current = Arc::new(Current::new(in_force(&loaded, verifier, &clock, &instance_id, &stores)?));

        let (bundles, supervisor) = (Arc::new(Status::default()), Arc::new(Supervisor::default()));
        let told: Arc<dyn Observer> = Arc::new(Counted(Arc::clone(&metrics)));
        let shelf = remote::start(&loaded, (&client, &clock), (&bundles, &told), &supervisor).await?;
        let watcher = watch_bundles(config, &current, (&bundles, shelf, told), &clock, runner).await?;
        check_active(&bundles, fail_fast)?;
        let authorizer = authorizer(&current, &log, &metrics, &clock, &bundles)?;
        live::refresh_keys(&supervisor, &current.load().authenticator);
        live::watch_directory(&supervisor, file.as_ref());
        registry::keep(&supervisor, config, registry.as_ref());

        let mut edge = edge(&loaded, &authorizer, &bundles, &metrics, &supervisor, &watcher)?;
        edge.registry.clone_from(&registry);
        edge.events = events::start(&loaded, registry.as_ref(), (&client, &clock), &metrics, &supervisor)?;
        let bootstrap = registry::bootstrap(&loaded, registry.as_ref())?;
        edge.bootstrap.clone_from(&bootstrap);
        let edge = Arc::new(edge);
        let listeners = Listeners::start(&loaded, &edge, &supervisor, &clock).await?;
        let live = Arc::new(Live {
            current,
            log,
            bundles: watcher.trigger(),
            client,
            clock,
            instance_id,
            supervisor: Arc::clone(&supervisor),
            metrics: Arc::clone(&metrics),
            static_file: std::sync::Mutex::new(file),
            registry: registry.clone(),
            certificates: listeners.certificates.clone(),
            stores: std::sync::Mutex::new(stores),
            loaded: std::sync::Mutex::new(loaded),
        });
        Ok(Self {
            address: listeners.address,
            management: listeners.management,
            authorizer,
            bundles,
            metrics,
            registry,
            live,
            supervisor,
            bootstrap,
            listeners,
            watcher,
        })
    }

    /// Begins the registry with an organisation, as whoever has the bootstrap token may. The keys are shown this once.
    ///
    /// # Errors
    /// There is no registry, it has been begun, or its database fails.
    pub async fn begin(&self, organisation: &str) -> Result<Done, String> {
        registry::begin(self.registry.as_ref(), self.bootstrap.as_ref(), organisation).await
    }

    /// Where calls are taken, as a URL: from this machine, where every interface is listened on.
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("{}://{}", self.listeners.scheme, SocketAddr::new(ip, self.address.port()))
    }

    /// Drains and stops; `false` when what was under way did not finish within `server.shutdown_grace`.
    pub async fn shutdown(self) -> bool {
        let Self { listeners, watcher, live, supervisor, registry, .. } = self;
        let drained = listeners.shutdown().await;
        supervisor.shutdown().await;
        // The watcher's thread may be compiling; its end is waited for where that blocks nobody.
        let _ = tokio::task::spawn_blocking(move || {
            live.log.close();
            registry.inspect(|registry| registry.close());
            drop(live);
            watcher.shutdown();
        })
        .await;
        drained
    }
}

fn authorizer(
    current: &Arc<Current>,
    log: &Arc<DecisionLog>,
    metrics: &Arc<Metrics>,
    clock: &Clock,
    bundles: &Arc<Status>,
) -> Result<Arc<Authorizer>, StartError> {
    let bundles = Arc::clone(bundles);
    let stale = Box::new(move |now, max_stale| bundles.report().is_stale(now, max_stale));
    let (current, log, metrics) = (Arc::clone(current), Arc::clone(log), Arc::clone(metrics));
    let authorizer = Authorizer::new(current, log, metrics, clock.clone(), stale);
    authorizer.map(Arc::new).map_err(|error| StartError::Other(error.to_string()))
}

fn decision_log(
    loaded: &Loaded,
    instance_id: &str,
    no_color: bool,
    metrics: &Metrics,
) -> Result<Arc<DecisionLog>, StartError> {
    let config = &loaded.config.decision_log;
    let log = DecisionLog::new(config, &PathBuf::new(), instance_id, no_color, metrics.log.clone());
    log.map(Arc::new).map_err(|error| misconfigured(loaded, error.key(), &error))
}

/// What is in force before the first activation: no policy, but who verifies, and within which settings.
fn in_force(
    loaded: &Loaded,
    (authenticator, policies): (Authenticator, Arc<Policies>),
    clock: &Clock,
    instance_id: &str,
    stores: &Stores,
) -> Result<InForce, StartError> {
    let empty = Snapshot::empty(clock.now())
        .map_err(|_| StartError::Other("the evaluator does not start".to_owned()))?;
    Ok(InForce {
        snapshot: Arc::new(empty),
        authenticator: Arc::new(authenticator),
        settings: Arc::new(settings::settings(loaded, instance_id, stores, &policies)?),
    })
}

/// Whether a server may start that has activated nothing.
fn check_active(bundles: &Status, fail_fast: bool) -> Result<(), StartError> {
    let report = bundles.report();
    match fail_fast && !report.is_active() {
        true => Err(StartError::NotActivated(report.explained.clone())),
        false => Ok(()),
    }
}

async fn watch_bundles(
    config: &Config,
    current: &Arc<Current>,
    (status, shelf, told): (&Arc<Status>, Arc<Shelf>, Arc<dyn Observer>),
    clock: &Clock,
    runner: Option<Arc<TestRunner>>,
) -> Result<Watcher, StartError> {
    let watcher = Watcher::start(BundleSetup {
        config: config.bundles.clone(),
        slot: Arc::clone(current) as _,
        status: Arc::clone(status),
        clock: clock.clone(),
        runner,
        observers: vec![told],
        shelf,
        no_calls: current.load().settings.surroundings.client.is_none(),
        allow_unmasked: config.decision_log.allow_unmasked,
        writes: settings::writes(config),
    })?;
    let first = tokio::task::spawn_blocking(move || {
        watcher.wait_first(FIRST_READING);
        watcher
    });
    first.await.map_err(|error| StartError::Other(error.to_string()))
}

fn edge(
    loaded: &Loaded,
    authorizer: &Arc<Authorizer>,
    bundles: &Arc<Status>,
    metrics: &Arc<Metrics>,
    supervisor: &Arc<Supervisor>,
    watcher: &Watcher,
) -> Result<Edge, StartError> {
    let config = &loaded.config;
    let document = |key: &str, text: &str| {
        EntryPath::parse(text).map_err(|error| StartError::Other(format!("`decision.{key}`: {error}")))
    };
    let wrong_key = |door: &'static str| {
        move |(key, error): (String, String)| misconfigured(loaded, &format!("doors.{door}.{key}"), &error)
    };
    let default_path = document("default_path", &config.decision.default_path)?;
    let (routes, about) = (routes(config)?, config.doors.about());
    Ok(Edge {
        authorizer: Arc::clone(authorizer),
        authzen: authzen::Door::new(&config.doors.authzen, &default_path, about.clone())
            .map_err(wrong_key("authzen"))?,
        kubernetes: kubernetes::Door::new(&config.doors.kubernetes, about.clone())
            .map_err(wrong_key("kubernetes"))?,
        docker: docker::Door::new(&config.doors.docker, about).map_err(wrong_key("docker"))?,
        forward_auth: ForwardAuth::new(&config.doors.forward_auth, &default_path).map_err(flawed)?,
        default_path,
        manifest_path: document("manifest_path", &config.decision.manifest_path)?,
        mcp: mcp::config::Settings::new(
            &config.doors.mcp,
            &document("default_path", &config.decision.default_path)?,
            config.doors.about(),
        )
        .map_err(StartError::Other)?,
        opa: settings::opa(loaded),
        limits: body::Limits {
            max: config.server.max_body.as_usize(),
            timeout: config.server.body_timeout.0,
        },
        origins: Origins::new(&config.server),
        gzip_min_size: config.server.gzip_min_size.as_usize(),
        bundles: Arc::clone(bundles),
        trigger: watcher.trigger(),
        tasks: supervisor.tasks(),
        routes,
        ext_authz: ext_authz(config)?,
        registry: None,
        events: Arc::default(),
        bootstrap: None,
        metrics: Arc::clone(metrics),
    })
}

/// What has been checked already.
fn ext_authz(config: &Config) -> Result<ExtAuthz, StartError> {
    let default = EntryPath::parse(&config.decision.default_path).unwrap_or_default();
    ExtAuthz::new(&config.doors.ext_authz, &default).map_err(|flaw| flawed(vec![flaw]))
}

/// What has been checked already, but for files that may have changed since.
fn routes(config: &Config) -> Result<Arc<Routes>, StartError> {
    Routes::new(&config.doors.http).map(Arc::new).map_err(flawed)
}

fn flawed(flaws: Vec<Flaw>) -> StartError {
    let flaws = flaws.into_iter().map(|Flaw { at, message, hint }| format!("`{at}`: {message}; {hint}"));
    StartError::Other(flaws.collect::<Vec<_>>().join("\n"))
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
        let of_program = |policy: &Policy| {
            policy.program.entry_paths().chain(policy.program.packages()).collect::<Vec<_>>()
        };
        let paths: Vec<EntryPath> =
            snapshot.policies().flat_map(of_program).map(EntryPath::from_segments).collect();
        self.0.decisions.declare_entry_points(&paths);
    }

    fn failed(&self, _: &LoadError, _: &Report) {
        self.0.bundles.failures.inc();
    }

    fn asked(&self, _: &str, asked: Asked, _: Timestamp) {
        self.0.bundles.fetched(match asked {
            Asked::New => "new",
            Asked::Unchanged => "unchanged",
            Asked::Failed => "failed",
        });
    }
}
