//! Asks one service for its bundles, again and again.
//!
//! INVARIANT (one update): the bundles of a service come into force together. A round in which one of them could not be had brings
//! none; one that brought something is repeated until it brings nothing, so that bundles that are published together are not
//! taken apart.
//! INVARIANT (no hurry): after a failure it is asked ever less often, and never sooner than after a pause that chance lengthens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::config::Polling;
use super::fetched::Fetched;
use super::keep::sha256;
use super::resource::Resource;
use super::revision::Revision;
use super::service::{Answered, Known, Service};
use super::shelf::Shelf;
use super::vet::Vetting;
use crate::bundle::reload::{Asked, Observer};
use crate::bundle::status::Status;
use crate::model::clock::Clock;

/// The pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The pause after an answer that calls for the next question at once.
const SHORT_PAUSE: Duration = Duration::from_millis(100);
/// An answer that came sooner than this was not held back.
const HELD: Duration = Duration::from_secs(1);
/// The most times that a round is repeated because something changed.
const MOST_REPEATS: usize = 5;

/// Asks one service.
pub struct Poller {
    pub(super) service: Service,
    pub(super) polling: Polling,
    pub(super) items: Vec<Arc<Item>>,
    pub(super) vetting: Vetting,
    pub(super) shelf: Arc<Shelf>,
    pub(super) status: Arc<Status>,
    pub(super) clock: Clock,
    pub(super) observers: Vec<Arc<dyn Observer>>,
    /// How long bundles must be unchanged where they are several.
    pub(super) debounce: Duration,
    /// Whether the first round has ended.
    pub(super) first: watch::Sender<bool>,
}

/// A bundle that the service has.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) resource: Resource,
    /// SHA-256 of where it is.
    pub(super) origin: String,
    /// The lowest revision that the configuration accepts.
    pub(super) minimum: Option<Revision>,
}

impl Item {
    /// The lowest revision that is accepted now.
    pub(super) fn lowest(&self, shelf: &Shelf) -> Option<Revision> {
        let minimum = self.minimum.as_ref()?;
        shelf.highest(&self.name).filter(|highest| highest > minimum).or_else(|| Some(minimum.clone()))
    }
}

/// What was fetched and waits for the others of its service.
type Waiting = BTreeMap<String, Arc<Fetched>>;

impl Poller {
    /// Whom it asks.
    pub fn service(&self) -> &str {
        &self.service.name
    }

    /// Ends when the first round has ended, however it did.
    pub async fn asked_once(&self) {
        // The sender lives as long as `self`.
        let _ = self.first.subscribe().wait_for(|ended| *ended).await;
    }

    /// Asks for ever.
    pub async fn run(self: Arc<Self>) {
        let mut asks = self.shelf.asks();
        let (mut waiting, mut failures) = (Waiting::new(), 0_u32);
        loop {
            let begun = Instant::now();
            let holds = failures == 0 && self.holds(&waiting);
            let changed = self.round(&mut waiting, holds).await;
            self.first.send_replace(true);
            failures = if changed.is_err() { failures.saturating_add(1) } else { 0 };
            let pause = match changed {
                Err(()) => backoff(failures, self.polling.max.0),
                Ok(true) if self.holds(&waiting) => SHORT_PAUSE,
                Ok(false) if holds && begun.elapsed() >= HELD => SHORT_PAUSE,
                Ok(_) => between(self.polling.min.0, self.polling.max.0),
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = asks.changed() => failures = 0,
            }
        }
    }

    /// Whether the service can hold its answers back, and is to.
    fn holds(&self, waiting: &Waiting) -> bool {
        let known = |item: &Arc<Item>| self.known(item, waiting).is_some_and(|fetched| fetched.holds);
        !self.polling.wait.0.is_zero() && self.items.iter().all(known)
    }

    fn known(&self, item: &Item, waiting: &Waiting) -> Option<Arc<Fetched>> {
        waiting.get(&item.name).cloned().or_else(|| self.shelf.now(&item.name))
    }

    /// Asks for every bundle, and puts what is new on the shelf; whether anything is.
    async fn round(self: &Arc<Self>, waiting: &mut Waiting, holds: bool) -> Result<bool, ()> {
        if holds && !self.ask_all(waiting, Some(self.polling.wait.0)).await? {
            return Ok(false);
        }
        // One alone that has just arrived is all there is.
        if !(holds && self.items.len() == 1) {
            for _ in 0..MOST_REPEATS {
                let changed = self.ask_all(waiting, None).await?;
                if !changed || self.items.len() == 1 {
                    break;
                }
                tokio::time::sleep(self.debounce).await;
            }
        }
        if waiting.is_empty() {
            return Ok(false);
        }
        self.shelf.put(std::mem::take(waiting));
        Ok(true)
    }

    /// Asks for every bundle; whether one has changed. Of answers that are held back, the first news ends the waiting for the others.
    async fn ask_all(self: &Arc<Self>, waiting: &mut Waiting, wait: Option<Duration>) -> Result<bool, ()> {
        let mut asking = JoinSet::new();
        for item in &self.items {
            let (this, item, known) = (Arc::clone(self), Arc::clone(item), self.known(item, waiting));
            asking.spawn(async move {
                let answer = this.ask(&item, known, wait).await;
                (item, answer)
            });
        }
        let (mut changed, mut failed) = (false, false);
        while let Some(asked) = asking.join_next().await {
            match asked {
                Ok((item, Ok(Some(fetched)))) => {
                    self.tell(&item, Asked::New, &Ok(Some(&fetched)));
                    changed = true;
                    let is_back = self.shelf.now(&item.name).is_some_and(|now| now.digest == fetched.digest);
                    match is_back {
                        true => drop(waiting.remove(&item.name)),
                        false => drop(waiting.insert(item.name.clone(), Arc::new(fetched))),
                    }
                }
                Ok((item, Ok(None))) => self.tell(&item, Asked::Unchanged, &Ok(None)),
                Ok((item, Err(why))) => {
                    self.tell(&item, Asked::Failed, &Err(why));
                    failed = true;
                }
                // It panicked, which has been printed.
                Err(_) => failed = true,
            }
            if wait.is_some() && (changed || failed) {
                break;
            }
        }
        if failed { Err(()) } else { Ok(changed) }
    }

    /// Asks for one bundle. `None` is the one that is known.
    async fn ask(
        &self,
        item: &Arc<Item>,
        known: Option<Arc<Fetched>>,
        wait: Option<Duration>,
    ) -> Result<Option<Fetched>, String> {
        let etag = known.as_ref().and_then(|known| known.etag.as_deref());
        let answered = item.resource.fetch(&self.service, Known { etag }, wait).await?;
        let Answered::Content { bytes, etag, holds } = answered else { return Ok(None) };
        let digest = sha256(&bytes);
        if known.is_some_and(|known| known.digest == digest) {
            return Ok(None);
        }
        let (vetting, lowest) = (self.vetting.clone(), item.lowest(&self.shelf));
        let (name, origin, now) = (item.name.clone(), item.origin.clone(), self.clock.now());
        let vetted = tokio::task::spawn_blocking(move || {
            let revision = vetting.revision(&name, &bytes, lowest.as_ref(), now)?;
            Ok(Fetched { name, bytes, digest, etag, holds, revision, at: now, origin })
        });
        let vetted =
            vetted.await.map_err(|_| "internal error: reading the bundle panicked; please report it")?;
        vetted.map(Some).map_err(|why: String| format!("what was fetched is refused: {why}"))
    }

    /// Says what came of it: in status, on the shelf and to observers.
    fn tell(&self, item: &Item, asked: Asked, result: &Result<Option<&Fetched>, String>) {
        let now = self.clock.now();
        for observer in &self.observers {
            observer.asked(&item.name, asked, now);
        }
        let mut news = true;
        self.status.remote(&item.name, |remote| {
            remote.asked_at = Some(now);
            match result {
                Err(why) => {
                    news = remote.error.as_ref() != Some(why);
                    remote.failures = remote.failures.saturating_add(1);
                    remote.error = Some(why.clone());
                }
                Ok(fetched) => {
                    (remote.confirmed_at, remote.error, remote.failures) = (Some(now), None, 0);
                    if let Some(fetched) = fetched {
                        remote.etag.clone_from(&fetched.etag);
                        remote.revision = Some(fetched.revision.clone());
                        remote.size = fetched.bytes.len();
                        (remote.fetched_at, remote.restored) = (Some(fetched.at), false);
                    }
                }
            }
        });
        let (bundle, service) = (&item.name, &self.service.name);
        match result {
            Ok(Some(fetched)) => {
                tracing::info!(bundle, service, revision = fetched.revision, "a bundle was fetched");
            }
            Ok(None) => self.shelf.confirm(&item.name, now),
            Err(why) => {
                self.shelf.trouble(&item.name, why);
                // Each of many equal failures would be noise.
                if news {
                    tracing::warn!(
                        bundle,
                        service,
                        why,
                        "a bundle cannot be fetched; what is in force stays so"
                    );
                }
            }
        }
    }
}

/// The pause after so many failures in a row: each twice the one before, at most `longest`, and at least half of that by chance.
fn backoff(failures: u32, longest: Duration) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest);
    between(whole / 2, whole)
}

/// A pause between two by chance, so that a fleet that started together does not ask together for ever.
fn between(shortest: Duration, longest: Duration) -> Duration {
    let mut bytes = [0; 2];
    // Without randomness, the longest is as good as any.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        return longest;
    }
    let part = u32::from(u16::from_be_bytes(bytes));
    shortest.saturating_add(longest.saturating_sub(shortest).saturating_mul(part) / u32::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_and_are_never_short() {
        let longest = Duration::from_secs(120);
        for (failures, most) in
            [(1, 500), (2, 1000), (3, 2000), (8, 64_000), (9, 120_000), (u32::MAX, 120_000)]
        {
            let most = Duration::from_millis(most);
            for _ in 0..50 {
                let pause = backoff(failures, longest);
                assert!(pause >= most / 2 && pause <= most, "{failures}: {pause:?}");
            }
        }
        assert!(backoff(5, Duration::from_millis(10)) <= Duration::from_millis(10));
        assert_eq!(between(longest, longest), longest);
    }
}
