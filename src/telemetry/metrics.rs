//! Every metric of the process, in one place; `render` is what `/metrics` answers with.

mod aip;
mod auth_events;
mod directory;
mod events;
mod limits;
mod tls;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use prometheus_client::metrics::counter::Counter;

pub use self::aip::AipMetrics;
pub use self::auth_events::AuthEventMetrics;
pub use self::directory::DirectoryMetrics;
pub use self::events::EventMetrics;
pub use self::limits::LimitMetrics;
pub use self::tls::{ListenerTls, TlsMetrics};
use super::histogram::DurationHistogram;
use crate::model::clock::Timestamp;
use crate::model::decision::{Outcome, Timings};
use crate::model::failure::FailureKind;
use crate::model::request::EntryPath;

/// The media type of [`Metrics::render`] (OpenMetrics 1.0).
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How many entry points get a label of their own; what is declared past it counts as `other`.
const MAX_ENTRY_POINTS: usize = 1000;

/// The label of paths that are no declared entry point.
const OTHER: &str = "other";

/// The process's metrics. Counters and gauges are handles to be used as they are.
#[derive(Debug)]
pub struct Metrics {
    /// Decisions and their durations.
    pub decisions: DecisionMetrics,
    /// Activations of bundles.
    pub bundles: BundleMetrics,
    /// Records.
    pub log: LogMetrics,
    /// Credentials.
    pub identity: IdentityMetrics,
    /// The source of organisations, agents and keys.
    pub directory: DirectoryMetrics,
    /// Attempts to authenticate that the registry records.
    pub auth_events: AuthEventMetrics,
    /// Security events that issuers send.
    pub events: EventMetrics,
    /// Rate limits.
    pub limits: LimitMetrics,
    /// Tool calls.
    pub aip: AipMetrics,
    /// Certificates of the listeners, and handshakes.
    pub tls: TlsMetrics,
    /// Connections that are open now.
    pub connections: Gauge,
    /// Connections that were closed for want of a place, or gave theirs to another.
    pub connections_refused: Counter,
    requests: Family<RequestLabels, DurationHistogram>,
    started: i64,
    registry: Registry,
}

impl Metrics {
    /// The metrics of a process of this `version` that began at `started`.
    pub fn new(version: &str, started: Timestamp) -> Self {
        let mut registry = Registry::default();
        let requests = Family::<RequestLabels, DurationHistogram>::default();
        // OPA's name, so that its dashboards work.
        registry.register("http_request_duration_seconds", "Duration of HTTP requests", requests.clone());
        let start: Gauge = Gauge::default();
        start.set(started.unix_seconds());
        registry.register("process_start_time_seconds", "When the process began, in Unix time", start);

        let aip = AipMetrics::new(&mut registry);
        let own = registry.sub_registry_with_prefix("verdict");
        let build = Info::new(vec![("version".to_owned(), version.to_owned())]);
        own.register("build", "What is running", build);
        let connections = Gauge::default();
        own.register("connections", "Open connections", connections.clone());
        let connections_refused = Counter::default();
        own.register(
            "connections_refused",
            "Connections closed for want of a place, or to make place for another",
            connections_refused.clone(),
        );
        let decisions = DecisionMetrics::new(own);
        let bundles = BundleMetrics::new(own);
        let log = LogMetrics::new(own);
        let identity = IdentityMetrics::new(own);
        let directory = DirectoryMetrics::new(own);
        let auth_events = AuthEventMetrics::new(own);
        let events = EventMetrics::new(own);
        let limits = LimitMetrics::new(own);
        let tls = TlsMetrics::new(own);
        Self {
            decisions,
            bundles,
            log,
            identity,
            directory,
            auth_events,
            events,
            limits,
            aip,
            tls,
            connections,
            connections_refused,
            requests,
            started: started.unix_seconds(),
            registry,
        }
    }

    /// When the process began, in seconds since 1970.
    pub const fn started(&self) -> i64 {
        self.started
    }

    /// The durations of one route's requests; to be kept by the route.
    pub fn http_handler(&self, handler: &'static str) -> HttpMetrics {
        HttpMetrics {
            handler,
            requests: self.requests.clone(),
            get_ok: OnceLock::new(),
            post_ok: OnceLock::new(),
        }
    }

    /// All metrics as text, to be served as [`CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(16 << 10);
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// All metrics without the names of entry points and issuers: for readers who have shown no credential.
    pub fn render_without_names(&self) -> String {
        let (mut text, mut sums) = (String::new(), BTreeMap::<String, f64>::new());
        for line in self.render().lines() {
            match without_name(line) {
                Some((series, value)) => *sums.entry(series).or_default() += value,
                None => {
                    // The family is over with the next comment, or with the end.
                    for (series, value) in std::mem::take(&mut sums) {
                        text.push_str(&format!("{series} {value}\n"));
                    }
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        text
    }
}

/// The families with a label that names something (an entry point, an issuer), and their last label, which names nothing.
const NAMED: [(&str, &str); 2] =
    [("verdict_decisions_total", "outcome"), ("verdict_jwks_fetches_total", "result")];

/// A series of such a family with its last label only, and its value.
fn without_name(line: &str) -> Option<(String, f64)> {
    NAMED.iter().find_map(|(family, kept)| {
        let (labels, value) = line.strip_prefix(family)?.strip_prefix('{')?.rsplit_once("} ")?;
        let (_, label) = labels.rsplit_once(&format!("{kept}=\""))?;
        let label = label.split('"').next()?;
        Some((format!("{family}{{{kept}=\"{label}\"}}"), value.parse().ok()?))
    })
}

/// Decisions by entry point and outcome, and where their time went.
#[derive(Debug)]
pub struct DecisionMetrics {
    total: Family<DecisionLabels, Counter>,
    entry_points: ArcSwap<HashMap<EntryPath, Arc<ByOutcome>>>,
    other: ByOutcome,
    duration: DurationHistogram,
    eval: DurationHistogram,
    authenticate: DurationHistogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    path: String,
    outcome: &'static str,
}

impl DecisionMetrics {
    fn new(registry: &mut Registry) -> Self {
        let total = Family::default();
        registry.register("decisions", "Decisions by entry point and outcome", total.clone());
        let histogram = |registry: &mut Registry, name: &str, help: &str| {
            let histogram = DurationHistogram::default();
            registry.register(name, help, histogram.clone());
            histogram
        };
        Self {
            duration: histogram(
                registry,
                "decision_duration_seconds",
                "Duration of decisions, up to their record",
            ),
            eval: histogram(registry, "eval_duration_seconds", "Duration of policy evaluations"),
            authenticate: histogram(registry, "authenticate_duration_seconds", "Duration of authentications"),
            other: ByOutcome::new(&total, OTHER),
            entry_points: ArcSwap::default(),
            total,
        }
    }

    /// Says which paths are counted under their own name from now on; to be called at each activation.
    ///
    /// What was declared before keeps its counters. Past 1000 paths, new ones are counted as `other`.
    pub fn declare_entry_points<'a>(&self, paths: impl IntoIterator<Item = &'a EntryPath>) {
        let mut known = HashMap::clone(&self.entry_points.load());
        for path in paths {
            if known.len() < MAX_ENTRY_POINTS && !known.contains_key(path) {
                known.insert(path.clone(), Arc::new(ByOutcome::new(&self.total, &path.to_string())));
            }
        }
        self.entry_points.store(Arc::new(known));
    }

    /// Counts one decision. Lock-free; steps that took no time were not taken, and are not counted.
    pub fn observe(&self, path: Option<&EntryPath>, outcome: Outcome, timings: &Timings) {
        let known = self.entry_points.load();
        let counters = path.and_then(|path| known.get(path)).map_or(&self.other, |counters| counters);
        counters.of(outcome).inc();
        self.duration.observe(timings.total);
        for (histogram, took) in [(&self.eval, timings.eval), (&self.authenticate, timings.authenticate)] {
            if !took.is_zero() {
                histogram.observe(took);
            }
        }
    }
}

/// One entry point's counters, resolved once.
#[derive(Debug)]
struct ByOutcome {
    allow: Counter,
    deny: Counter,
    value: Counter,
    undefined: Counter,
    error: Counter,
    refused: Counter,
}

impl ByOutcome {
    fn new(total: &Family<DecisionLabels, Counter>, path: &str) -> Self {
        let counter = |outcome: Outcome| {
            total.get_or_create_owned(&DecisionLabels { path: path.to_owned(), outcome: outcome.name() })
        };
        Self {
            allow: counter(Outcome::Allow),
            deny: counter(Outcome::Deny),
            value: counter(Outcome::Value),
            undefined: counter(Outcome::Undefined),
            error: counter(Outcome::Error),
            refused: counter(Outcome::Refused),
        }
    }

    const fn of(&self, outcome: Outcome) -> &Counter {
        match outcome {
            Outcome::Allow => &self.allow,
            Outcome::Deny => &self.deny,
            Outcome::Value => &self.value,
            Outcome::Undefined => &self.undefined,
            Outcome::Error => &self.error,
            Outcome::Refused => &self.refused,
        }
    }
}

/// Activations of bundles.
#[derive(Debug)]
pub struct BundleMetrics {
    /// Snapshots that were activated.
    pub activations: Counter,
    /// Snapshots that were refused; the one before stayed active.
    pub failures: Counter,
    /// The active snapshot's generation.
    pub generation: Gauge,
    /// When a snapshot was last activated, or found unchanged, in Unix time.
    pub last_success: Gauge,
    /// 1 while what is active is older than allowed.
    pub stale: Gauge,
    /// Bundles that are in force or expected, and not in the directory.
    pub missing: Gauge,
    /// When the service of the bundle that was confirmed least recently last said that it is current, in Unix time; 0 where none is
    /// fetched.
    pub confirmed: Gauge,
    fetches: Family<BundleFetchLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BundleFetchLabels {
    outcome: &'static str,
}

impl BundleMetrics {
    fn new(registry: &mut Registry) -> Self {
        let this = Self {
            activations: Counter::default(),
            failures: Counter::default(),
            generation: Gauge::default(),
            last_success: Gauge::default(),
            stale: Gauge::default(),
            missing: Gauge::default(),
            confirmed: Gauge::default(),
            fetches: Family::default(),
        };
        let Self { activations, failures, generation, last_success, stale, missing, confirmed, fetches } =
            &this;
        registry.register("bundle_activations", "Snapshots of all bundles activated", activations.clone());
        registry.register("bundle_failures", "Snapshots of all bundles refused", failures.clone());
        registry.register("bundle_generation", "Generation of the active snapshot", generation.clone());
        registry.register(
            "bundle_last_success_timestamp_seconds",
            "When a snapshot was last activated or found unchanged, in Unix time",
            last_success.clone(),
        );
        registry.register("bundle_stale", "1 while the active snapshot is older than allowed", stale.clone());
        registry.register(
            "bundle_missing",
            "Bundles that vanished from the directory, or are expected in it",
            missing.clone(),
        );
        registry.register("bundle_fetches", "Questions to services for their bundles", fetches.clone());
        registry.register(
            "bundle_confirmed_timestamp_seconds",
            "When the bundle that was confirmed least recently was last said to be current, in Unix time",
            confirmed.clone(),
        );
        this
    }

    /// Counts a question to a service: `new`, `unchanged` or `failed`.
    pub fn fetched(&self, outcome: &'static str) {
        self.fetches.get_or_create(&BundleFetchLabels { outcome }).inc();
    }
}

/// Records of decisions. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct LogMetrics {
    /// Records that were acknowledged.
    pub records: Counter,
    /// Records that were not acknowledged: so many decisions were not given.
    pub failures: Counter,
    dropped: Family<DroppedLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DroppedLabels {
    reason: &'static str,
}

/// Why records are no longer in the log, or are in one of its places only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// The oldest rotated file made way.
    Rotation,
    /// The oldest rotated file of refusals made way.
    RefusalsRotation,
    /// Refusals above `decision_log.refusals.rate`: counted, not recorded.
    RefusalsRate,
    /// The console did not take them; the file has them.
    Console,
}

impl DropReason {
    const ALL: [Self; 4] = [Self::Rotation, Self::RefusalsRotation, Self::RefusalsRate, Self::Console];

    const fn name(self) -> &'static str {
        match self {
            Self::Rotation => "rotation",
            Self::RefusalsRotation => "refusals_rotation",
            Self::RefusalsRate => "refusals_rate",
            Self::Console => "console",
        }
    }
}

impl LogMetrics {
    fn new(registry: &mut Registry) -> Self {
        let this = Self::default();
        let Self { records, failures, dropped } = &this;
        registry.register("decision_log_records", "Records that were acknowledged", records.clone());
        registry.register(
            "decision_log_dropped_records",
            "Records that are no longer in the log, or were only counted, by reason",
            dropped.clone(),
        );
        for reason in DropReason::ALL {
            this.dropped(reason);
        }
        registry.register(
            "decision_log_failures",
            "Decisions refused for want of a record",
            failures.clone(),
        );
        this
    }

    /// The counter of records that were dropped for this reason.
    pub fn dropped(&self, reason: DropReason) -> Counter {
        self.dropped.get_or_create_owned(&DroppedLabels { reason: reason.name() })
    }
}

/// Credentials and the keys they are verified with.
#[derive(Debug)]
pub struct IdentityMetrics {
    /// Tokens found among the verified ones.
    pub cache_hits: Counter,
    /// Tokens that had to be verified.
    pub cache_misses: Counter,
    failures: Family<FailureLabels, Counter>,
    fetches: Family<FetchLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FetchLabels {
    issuer: String,
    result: &'static str,
}

impl IdentityMetrics {
    fn new(registry: &mut Registry) -> Self {
        let this = Self {
            cache_hits: Counter::default(),
            cache_misses: Counter::default(),
            failures: Family::default(),
            fetches: Family::default(),
        };
        let Self { cache_hits, cache_misses, failures, fetches } = &this;
        registry.register("token_cache_hits", "Tokens found among the verified ones", cache_hits.clone());
        registry.register("token_cache_misses", "Tokens that had to be verified", cache_misses.clone());
        registry.register("authentication_failures", "Calls refused for their credential", failures.clone());
        registry.register("jwks_fetches", "Fetches of an issuer's keys", fetches.clone());
        this
    }

    /// Counts a call that was refused for its credential.
    pub fn failed(&self, kind: FailureKind) {
        self.failures.get_or_create(&FailureLabels { kind: kind.name() }).inc();
    }

    /// Counts a fetch of the keys of a configured `issuer`.
    pub fn fetched(&self, issuer: &str, ok: bool) {
        let result = if ok { "ok" } else { "error" };
        self.fetches.get_or_create(&FetchLabels { issuer: issuer.to_owned(), result }).inc();
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    code: u16,
    handler: &'static str,
    method: &'static str,
}

/// One route's part of `http_request_duration_seconds`.
#[derive(Debug)]
pub struct HttpMetrics {
    handler: &'static str,
    requests: Family<RequestLabels, DurationHistogram>,
    get_ok: OnceLock<DurationHistogram>,
    post_ok: OnceLock<DurationHistogram>,
}

impl HttpMetrics {
    /// Counts a request that was answered with the status `code`. A method that HTTP does not define is `other`.
    pub fn observe(&self, method: &str, code: u16, took: std::time::Duration) {
        match (method, code) {
            ("POST", 200) => self.post_ok.get_or_init(|| self.resolve("POST", 200)).observe(took),
            ("GET", 200) => self.get_ok.get_or_init(|| self.resolve("GET", 200)).observe(took),
            _ => self.resolve(known_method(method), code).observe(took),
        }
    }

    fn resolve(&self, method: &'static str, code: u16) -> DurationHistogram {
        self.requests.get_or_create_owned(&RequestLabels { code, handler: self.handler, method })
    }
}

fn known_method(method: &str) -> &'static str {
    const METHODS: [&str; 9] =
        ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
    METHODS.into_iter().find(|known| *known == method).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests;
