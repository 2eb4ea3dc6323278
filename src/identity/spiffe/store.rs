//! Where trust bundles are kept: of each trust domain the last good one.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, Guard};
use aws_lc_rs::digest::{SHA256, digest};

use super::bundle::TrustBundle;
use super::config::{SpiffeConfig, TrustDomainConfig};
use super::id::{SpiffeId, TrustDomain};
use super::local_file;
use crate::identity::config::ConfigError;
use crate::identity::jwt::issuer::nanos;
use crate::identity::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::net::Endpoint;

/// Stands for a time at which nothing was read.
const NEVER: i64 = i64::MIN;

/// The bundles of the configured trust domains. Cheap to clone; clones see the same bundles.
#[derive(Clone, Default)]
pub struct Bundles(Arc<[Arc<Domain>]>);

/// A trust domain with its bundle in force.
pub struct Domain {
    name: TrustDomain,
    pub(super) source: Source,
    pub(super) max_age_nanos: i64,
    current: ArcSwap<Generation>,
    /// When the source was last read with success; [`NEVER`] if it never was.
    confirmed_at: AtomicI64,
    state: Mutex<State>,
    /// Held by whoever reads the source, so that what was read earlier never replaces what was read later.
    pub(super) turn: tokio::sync::Mutex<()>,
}

/// A bundle and its generation: 0 is "never obtained", and every changed bundle counts one up.
#[derive(Default)]
pub struct Generation {
    /// Which bundle of its domain it is, counted from 1.
    pub number: u64,
    /// The bundle.
    pub bundle: TrustBundle,
    digest: Vec<u8>,
}

/// Where a bundle comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    File(PathBuf),
    /// By its endpoint, e.g. `unix:///run/spire/agent.sock`.
    WorkloadApi(String),
    /// With who serves it, where that is a workload.
    Federation(Endpoint, Option<SpiffeId>),
}

#[derive(Default)]
struct State {
    last_error: Option<String>,
    /// The highest sequence that was in force.
    sequence: Option<u64>,
}

impl Bundles {
    /// Makes the trust domains ready: reads files; fetches nothing. Expects a configuration in which [`super::check::check`] found
    /// nothing.
    ///
    /// # Errors
    /// A file cannot be read, or is no bundle.
    pub(in crate::identity) fn new(
        config: &SpiffeConfig,
        base_dir: &std::path::Path,
        now: Timestamp,
    ) -> Result<Self, ConfigError> {
        let domain = |(index, one): (usize, &TrustDomainConfig)| {
            let at = |key: &str| format!("identity.spiffe.trust_domains[{index}]{key}");
            let wrong = |key: &str, message: String| {
                ConfigError::new(at(key), message, "see docs/spiffe.md for an example")
            };
            let name = TrustDomain::parse(&one.name).map_err(|error| wrong(".name", error.to_owned()))?;
            let file = one.bundle_file.as_ref().map(|path| base_dir.join(path));
            let source = source(one, file.clone()).map_err(|(key, message)| wrong(key, message))?;
            let domain = Domain::new(name, source, nanos(config.bundle_max_age));
            if let Some(path) = file {
                domain.begin(&path, now).map_err(|message| wrong(".bundle_file", message))?;
            }
            Ok(Arc::new(domain))
        };
        config.trust_domains.iter().enumerate().map(domain).collect::<Result<_, _>>().map(Self)
    }

    /// The trust domain of that name, if it is configured.
    pub fn of(&self, name: &TrustDomain) -> Option<&Arc<Domain>> {
        self.0.iter().find(|domain| domain.name == *name)
    }

    /// Every trust domain, in the order of the configuration.
    pub fn all(&self) -> &[Arc<Domain>] {
        &self.0
    }

    /// The same trust domains, with the bundles that `previous` has of those whose source is the same.
    pub(in crate::identity) fn adopting(&self, previous: &Self) -> Self {
        let adopted = |domain: &Arc<Domain>| {
            let same =
                |old: &&Arc<Domain>| old.source == domain.source && old.max_age_nanos == domain.max_age_nanos;
            Arc::clone(previous.of(&domain.name).filter(same).unwrap_or(domain))
        };
        Self(self.0.iter().map(adopted).collect())
    }
}

fn source(config: &TrustDomainConfig, file: Option<PathBuf>) -> Result<Source, (&'static str, String)> {
    if let Some(federation) = &config.federation {
        let endpoint = Endpoint::parse(federation.endpoint_url.expose())
            .map_err(|error| (".federation.endpoint_url", error.to_string()))?;
        let server = federation.endpoint_spiffe_id.as_deref().map(SpiffeId::parse).transpose();
        let server = server.map_err(|error| (".federation.endpoint_spiffe_id", error.to_owned()))?;
        return Ok(Source::Federation(endpoint, server));
    }
    match (&config.workload_api, file) {
        (Some(endpoint), _) => Ok(Source::WorkloadApi(endpoint.clone())),
        (None, Some(path)) => Ok(Source::File(path)),
        (None, None) => Err(("", "it needs one source of its bundle".to_owned())),
    }
}

impl Domain {
    fn new(name: TrustDomain, source: Source, max_age_nanos: i64) -> Self {
        Self {
            name,
            source,
            max_age_nanos,
            current: ArcSwap::default(),
            confirmed_at: AtomicI64::new(NEVER),
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    fn begin(&self, path: &std::path::Path, now: Timestamp) -> Result<(), String> {
        let document = local_file::read(path)?;
        let bundle =
            TrustBundle::parse(&document).map_err(|error| format!("`{}`: {error}", path.display()))?;
        if let (true, Some(reason)) = (bundle.is_empty(), bundle.warnings.first()) {
            return Err(format!("`{}` has no usable key: {reason}", path.display()));
        }
        self.accept(bundle, &document, now);
        Ok(())
    }

    /// Its name.
    pub const fn name(&self) -> &TrustDomain {
        &self.name
    }

    /// The bundle to verify with at `now`.
    ///
    /// # Errors
    /// [`Refusal::KeysUnavailable`] where there never was one, [`Refusal::KeysTooOld`] where it was not read again for too long.
    pub fn at(&self, now: Timestamp) -> Result<Guard<Arc<Generation>>, Refusal> {
        let Some(confirmed_at) = self.confirmed_at() else { return Err(Refusal::KeysUnavailable) };
        match now.0.saturating_sub(confirmed_at.0) > self.max_age_nanos {
            true => Err(Refusal::KeysTooOld),
            false => Ok(self.current()),
        }
    }

    /// The bundle in force, however old it is.
    pub fn current(&self) -> Guard<Arc<Generation>> {
        self.current.load()
    }

    /// When its source was last read with success.
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        Some(self.confirmed_at.load(Ordering::Acquire)).filter(|at| *at != NEVER).map(Timestamp)
    }

    /// Why the source could not be read the last time, if it could not.
    pub fn last_error(&self) -> Option<String> {
        self.state().last_error.clone()
    }

    /// The source, without secrets.
    pub fn source(&self) -> String {
        self.source.to_string()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What the lock guards is plain values, whole at every point.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the source says what the bundle in force was read from, so that nothing needs to be read anew.
    pub(super) fn repeats(&self, text: &[u8], now: Timestamp) -> bool {
        let mut state = self.state();
        let current = self.current.load();
        let same = current.number > 0 && current.digest == digest(&SHA256, text).as_ref();
        if same {
            state.last_error = None;
            self.confirmed_at.store(now.0, Ordering::Release);
        }
        same
    }

    /// Takes a bundle that was read from the source, unless it is older than the one in force. `text` is what it was read from: the
    /// same again is the same generation.
    pub(super) fn accept(&self, bundle: TrustBundle, text: &[u8], now: Timestamp) {
        let mut state = self.state();
        if let (Some(known), Some(new)) = (state.sequence, bundle.sequence)
            && new < known
        {
            let error = format!("its sequence {new} is lower than {known}, which was in force");
            self.complain(&mut state, error);
            return;
        }
        let (current, text) = (self.current.load(), digest(&SHA256, text));
        if current.number == 0 || current.digest != text.as_ref() {
            let number = current.number + 1;
            for warning in &bundle.warnings {
                tracing::warn!(trust_domain = %self.name, "trust bundle: {warning}");
            }
            tracing::info!(
                trust_domain = %self.name, source = %self.source, generation = number,
                x509 = bundle.x509_authorities.len(), jwt = bundle.jwt_authorities.len(), "trust bundle obtained"
            );
            state.sequence = state.sequence.max(bundle.sequence);
            self.current.store(Arc::new(Generation { number, bundle, digest: text.as_ref().to_vec() }));
        }
        state.last_error = None;
        // After the bundle, so that nobody finds none where there is one.
        self.confirmed_at.store(now.0, Ordering::Release);
    }

    /// Notes that the source could not be read.
    pub(super) fn failed(&self, error: String) {
        self.complain(&mut self.state(), error);
    }

    /// Logs an error once, however often it comes.
    fn complain(&self, state: &mut State, error: String) {
        if state.last_error.as_ref() != Some(&error) {
            tracing::warn!(
                trust_domain = %self.name, source = %self.source,
                "trust bundle: {error}; the last good one stays in use until it is too old"
            );
        }
        state.last_error = Some(error);
    }
}

/// Without what may be secret.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::WorkloadApi(endpoint) => f.write_str(endpoint),
            Self::Federation(endpoint, _) => write!(f, "{endpoint}"),
        }
    }
}
