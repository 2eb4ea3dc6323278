//! Places for connections: so many in all, so many for one peer; and who gives one up when all are taken.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

use super::activity::Activity;
use super::config::Config;
use super::peer::Peer;
use crate::telemetry::metrics::Metrics;

/// How often a place is looked for while all are taken.
const LOOK: Duration = Duration::from_millis(100);
/// How long a connection must have done no work before it gives its place to one that waits.
const NO_WORK: Duration = Duration::from_secs(2);

/// Every place, and who holds it.
pub(super) struct Places {
    all: Arc<Semaphore>,
    per_peer: usize,
    metrics: Arc<Metrics>,
    held: Arc<Mutex<Held>>,
    next: AtomicU64,
}

#[derive(Default)]
struct Held {
    peers: HashMap<IpAddr, Share>,
    open: HashMap<u64, (Arc<Activity>, AbortHandle)>,
}

/// What one peer holds.
#[derive(Default)]
struct Share {
    connections: usize,
    /// Whether it was said already that it has its share; a stranger does not fill the log.
    told: bool,
}

impl Places {
    pub(super) fn new(config: &Config, metrics: Arc<Metrics>) -> Self {
        Self {
            all: Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS))),
            per_peer: config.max_connections_per_peer,
            metrics,
            held: Arc::default(),
            next: AtomicU64::new(0),
        }
    }

    /// A place for a connection of this peer; `None` when the peer has its share. While all places are taken, waits for one,
    /// and ends the connection that has done no work for the longest time.
    pub(super) async fn take(&self, peer: Peer) -> Option<Place> {
        // Whoever may open the socket's file has no share of its own: there is nobody else.
        let peer = match peer {
            Peer::Address(address) => Some(self.share(address.ip())?),
            Peer::Unix { .. } => None,
        };
        loop {
            if let Ok(all) = Arc::clone(&self.all).try_acquire_owned() {
                let id = self.next.fetch_add(1, Ordering::Relaxed);
                return Some(Place { id, _peer: peer, _all: all, held: Arc::clone(&self.held) });
            }
            self.give_up_one();
            // The permit itself is taken above: waiting here only shortens the pause.
            let _ = tokio::time::timeout(LOOK, self.all.acquire()).await;
        }
    }

    /// Makes a connection known as one that may have to give its place up.
    pub(super) fn watch(&self, id: u64, activity: Arc<Activity>, task: AbortHandle) {
        let mut held = lock(&self.held);
        // It may have ended by now, and then nobody would take it out again.
        if !task.is_finished() {
            held.open.insert(id, (activity, task));
        }
    }

    fn share(&self, peer: IpAddr) -> Option<PeerPlace> {
        let key = key(peer);
        let mut held = lock(&self.held);
        let share = held.peers.entry(key).or_default();
        if share.connections >= self.per_peer {
            self.metrics.connections_refused.inc();
            if !std::mem::replace(&mut share.told, true) {
                tracing::warn!(
                    peer = %key,
                    limit = self.per_peer,
                    "further connections of this peer are closed (`server.max_connections_per_peer`)"
                );
            }
            return None;
        }
        share.connections += 1;
        Some(PeerPlace { key, held: Arc::clone(&self.held) })
    }

    fn give_up_one(&self) {
        let mut held = lock(&self.held);
        held.open.retain(|_, (_, task)| !task.is_finished());
        let longest = held
            .open
            .iter()
            .filter_map(|(id, (activity, _))| Some((*id, activity.without_work()?)))
            .filter(|(_, without_work)| *without_work >= NO_WORK)
            .max_by_key(|(_, without_work)| *without_work);
        if let Some((_, task)) = longest.and_then(|(id, _)| held.open.remove(&id)) {
            self.metrics.connections_refused.inc();
            task.abort();
        }
    }
}

/// Who counts as one peer: whoever has one IPv6 address has a whole network of 64 bits.
fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection's place, free again when this is dropped.
pub(super) struct Place {
    id: u64,
    _peer: Option<PeerPlace>,
    _all: OwnedSemaphorePermit,
    held: Arc<Mutex<Held>>,
}

impl Place {
    pub(super) fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.held).open.remove(&self.id);
    }
}

struct PeerPlace {
    key: IpAddr,
    held: Arc<Mutex<Held>>,
}

impl Drop for PeerPlace {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        if let Some(share) = held.peers.get_mut(&self.key) {
            share.connections = share.connections.saturating_sub(1);
            if share.connections == 0 {
                held.peers.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_an_address_or_a_network() {
        for (one, other, same) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            let key = |text: &str| key(text.parse().unwrap());
            assert_eq!(key(one) == key(other), same, "{one} {other}");
        }
    }
}
