//! Where an issuer's keys are kept: the last good set, how it is renewed, and how seldom.
//!
//! INVARIANT (last good set): a fetch that fails changes nothing but the status, until the keys are too old (`issuer.rs`).
//! A fetch that succeeds replaces the whole set, so a key that its issuer has removed stops verifying at once.
//! INVARIANT (one fetch at a time, few of them): whoever asks (the clock, an operator, a token that newer keys might
//! verify), fetches of one issuer do not overlap, and those that callers can provoke are at least [`Pace::cooldown`] apart.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;

use super::jwks::KeySet;
use super::source::{Source, Upkeep};
use crate::identity::refusal::Refusal;
use crate::model::clock::{Clock, Timestamp};
use crate::net::Client;

/// Stands for a time at which nothing was read.
const NEVER: i64 = i64::MIN;

/// How often, and how long, keys are fetched.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// At least this long between two fetches of one issuer; also the first pause after a failure, then doubled.
    pub cooldown: Duration,
    /// How long a call waits for the fetch that may bring the key of its token.
    pub wait: Duration,
    /// How long one fetch may take.
    pub timeout: Duration,
    /// How often a file of keys is read again.
    pub file_poll: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            cooldown: Duration::from_secs(10),
            wait: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            file_poll: Duration::from_secs(5),
        }
    }
}

/// A key set and its generation: 0 is "never obtained", and every changed document counts one up.
#[derive(Default)]
pub(in crate::identity) struct Generation {
    pub(in crate::identity) number: u64,
    pub(in crate::identity) set: KeySet,
    document: Vec<u8>,
}

/// What is known of the fetches, apart from the keys.
#[derive(Default, Clone)]
pub(in crate::identity) struct Health {
    pub(in crate::identity) last_success: Option<Timestamp>,
    pub(in crate::identity) last_error: Option<String>,
}

#[derive(Default)]
struct Flight {
    running: bool,
    last_start: Option<Instant>,
    health: Health,
}

pub(in crate::identity) struct KeyStore {
    source: Source,
    pub(in crate::identity) refresh: Duration,
    pub(in crate::identity) pace: Pace,
    clock: Clock,
    client: Client,
    current: ArcSwap<Generation>,
    /// When the source was last read with success, in nanoseconds since the epoch; [`NEVER`] if it never was.
    confirmed_at: AtomicI64,
    flight: Mutex<Flight>,
    /// Counts the fetches that have ended, for those who wait for one.
    ended: watch::Sender<u64>,
}

impl KeyStore {
    /// A store that has its keys already, where they are at hand (file, memory).
    ///
    /// # Errors
    /// When the file or text is not what it is to be, or every key in it had to be left out.
    pub(in crate::identity) fn new(
        source: Source,
        refresh: Duration,
        pace: Pace,
        clock: Clock,
        client: Client,
    ) -> Result<Self, String> {
        let first = source.at_hand()?;
        let store = Self {
            source,
            refresh,
            pace,
            clock,
            client,
            current: ArcSwap::default(),
            confirmed_at: AtomicI64::new(NEVER),
            flight: Mutex::default(),
            ended: watch::Sender::new(0),
        };
        if let Some(document) = first {
            store.accept(document).map_err(|reason| format!("`{}`: {reason}", store.source))?;
            let current = store.current();
            if let (true, Some(reason)) = (current.set.is_empty(), current.set.warnings().first()) {
                return Err(format!("`{}` has no usable key: {reason}", store.source));
            }
            store.note(Ok(()));
        }
        Ok(store)
    }

    pub(in crate::identity) fn source(&self) -> &Source {
        &self.source
    }

    /// The keys to verify with at `now`.
    ///
    /// # Errors
    /// [`Refusal::KeysTooOld`] where they were read once, but not again for `max_age_nanos`.
    pub(in crate::identity) fn at(
        &self,
        now: Timestamp,
        max_age_nanos: i64,
    ) -> Result<Guard<Arc<Generation>>, Refusal> {
        let old = self.confirmed_at().is_some_and(|at| now.0.saturating_sub(at.0) > max_age_nanos);
        if old { Err(Refusal::KeysTooOld) } else { Ok(self.current()) }
    }

    /// Whether the source can change, so that it is to be read again.
    pub(in crate::identity) fn is_refreshed(&self) -> bool {
        self.source.upkeep() != Upkeep::None
    }

    pub(in crate::identity) fn current(&self) -> Guard<Arc<Generation>> {
        self.current.load()
    }

    /// When the source was last read with success. `None` where it never was, and where the keys are not read from
    /// anywhere and so do not age.
    pub(in crate::identity) fn confirmed_at(&self) -> Option<Timestamp> {
        match (self.source.upkeep(), self.confirmed_at.load(Ordering::Relaxed)) {
            (Upkeep::None, _) | (_, NEVER) => None,
            (_, at) => Some(Timestamp(at)),
        }
    }

    pub(in crate::identity) fn health(&self) -> Health {
        self.flight().health.clone()
    }

    /// Whether an unknown key may be known to the issuer all the same.
    pub(in crate::identity) fn in_doubt(&self) -> bool {
        self.current().number == 0 || self.flight().health.last_error.is_some()
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        // What the lock guards is plain values, whole at every point; a panic elsewhere does not spoil them.
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fetch because newer keys could verify a token that these do not. Waits for the one that is under way or that it
    /// starts, at most [`Pace::wait`]; returns at once where the cooldown allows none.
    pub(in crate::identity) async fn fetch_for_token(self: &Arc<Self>) {
        if !self.is_refreshed() {
            return;
        }
        if let Some((_, mut ended)) = self.start(self.pace.cooldown) {
            let _ = tokio::time::timeout(self.pace.wait, ended.changed()).await;
        }
    }

    /// A fetch now, because an operator asks; returns when it has ended. One that was under way before does not count:
    /// what it brings may be older than the request.
    pub(in crate::identity) async fn fetch_now(self: &Arc<Self>) {
        while let Some((started, mut ended)) = self.start(Duration::ZERO) {
            let _ = ended.changed().await;
            if started {
                return;
            }
        }
    }

    /// Joins the fetch that runs, or starts one unless the last began less than `apart` ago. Says whether it started one,
    /// and gives what changes when the fetch has ended.
    fn start(self: &Arc<Self>, apart: Duration) -> Option<(bool, watch::Receiver<u64>)> {
        let mut flight = self.flight();
        let ended = self.ended.subscribe();
        if flight.running {
            return Some((false, ended));
        }
        if flight.last_start.is_some_and(|start| start.elapsed() < apart) {
            return None;
        }
        flight.running = true;
        flight.last_start = Some(Instant::now());
        drop(flight);
        let landing = Landing(Arc::clone(self));
        // A task of its own: the caller that started it may go away, and the others wait for it.
        tokio::spawn(async move {
            let store = &landing.0;
            let fetched = store.source.fetch(&store.client, store.pace.timeout).await;
            store.note(fetched.and_then(|document| store.accept(document)));
        });
        Some((true, ended))
    }

    /// Makes `document` the current set; the same document again is the same generation.
    fn accept(&self, document: Vec<u8>) -> Result<(), String> {
        let current = self.current.load();
        if current.number > 0 && current.document == document {
            return Ok(());
        }
        let set = self.source.read(&document)?;
        for warning in set.warnings() {
            tracing::warn!(source = %self.source, "keys: {warning}");
        }
        let number = current.number + 1;
        tracing::info!(source = %self.source, keys = set.len(), generation = number, "keys obtained");
        self.current.store(Arc::new(Generation { number, set, document }));
        Ok(())
    }

    fn note(&self, outcome: Result<(), String>) {
        let now = self.clock.now();
        let health = &mut self.flight().health;
        match outcome {
            Ok(()) => {
                *health = Health { last_success: Some(now), last_error: None };
                self.confirmed_at.store(now.0, Ordering::Relaxed);
            }
            Err(error) => {
                tracing::warn!(source = %self.source, "keys: {error}; the last good ones stay in use until they are too old");
                health.last_error = Some(error);
            }
        }
    }

    /// Fetches for ever: every `refresh`, the first time at once; after a failure sooner, but ever later while it lasts.
    pub(in crate::identity) async fn keep_fresh(self: Arc<Self>) {
        let (usual, apart) = match self.source.upkeep() {
            Upkeep::None => return,
            Upkeep::File => (self.pace.file_poll, Duration::ZERO),
            Upkeep::Remote => (self.refresh, self.pace.cooldown),
        };
        tokio::time::sleep(self.still_fresh(usual)).await;
        let mut failures = 0u32;
        loop {
            if let Some((_, mut ended)) = self.start(apart) {
                let _ = ended.changed().await;
            }
            let failed = self.flight().health.last_error.is_some();
            failures = if failed { failures.saturating_add(1) } else { 0 };
            let pause = match failures {
                0 => usual,
                n => self.pace.cooldown.saturating_mul(1 << (n - 1).min(16)).min(usual),
            };
            tokio::time::sleep(jittered(pause)).await;
        }
    }

    /// How long the keys that were taken over from before a reload need no fetch yet.
    fn still_fresh(&self, usual: Duration) -> Duration {
        let flight = self.flight();
        match flight.last_start {
            Some(start) if flight.health.last_error.is_none() => usual.saturating_sub(start.elapsed()),
            _ => Duration::ZERO,
        }
    }
}

/// Ends the flight however its task ends, so that a panic cannot stop all fetches to come.
struct Landing(Arc<KeyStore>);

impl Drop for Landing {
    fn drop(&mut self) {
        self.0.flight().running = false;
        self.0.ended.send_modify(|count| *count += 1);
    }
}

/// Up to a tenth more, so that a fleet that started together does not ask together for ever.
pub(in crate::identity) fn jittered(pause: Duration) -> Duration {
    let mut byte = [0; 1];
    match aws_lc_rs::rand::fill(&mut byte) {
        Ok(()) => pause.saturating_add(pause / 10 * u32::from(byte[0]) / 255),
        Err(_) => pause,
    }
}
