//! Counts calls against rate limits, several limits at once.
//!
//! INVARIANT (all or nothing): a call is charged to all of its limits or, if one refuses it, to none.
//! INVARIANT (a clock that goes back locks nobody out): no limit is ever further behind than its period.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use super::config::OnFailure;
use super::gcra::{Pace, Standing};
use super::key::Key;
use super::ledger::{Ledger, Shard};
use super::link::{Link, Script};
use super::quota::Quota;
use super::unavailable::Unavailable;
use crate::model::clock::Timestamp;

/// The most limits that one call is charged to: role, key, user and tenant.
pub const MOST_CHARGES: usize = 4;

/// What the memory counts in: nanoseconds.
const NANOS: u64 = 1_000_000_000;
/// What the script counts in: 1/16 µs.
const TICKS: u64 = 16_000_000;
const TAKE: &str = include_str!("take.lua");

/// One limit that a call is charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// What the limit is called in headers and messages, e.g. `user`.
    pub name: &'static str,
    /// Whose limit it is.
    pub key: Key,
    /// How much is allowed.
    pub quota: Quota,
}

/// The limits that one call is charged to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Charges([Option<Charge>; MOST_CHARGES]);

impl Charges {
    /// Adds one. What is over [`MOST_CHARGES`] is a defect of the caller, and refuses the call.
    ///
    /// # Errors
    /// The charge, where there is no place for it.
    pub fn add(&mut self, charge: Charge) -> Result<(), Charge> {
        match self.0.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(charge),
            None => return Err(charge),
        }
        Ok(())
    }

    /// Whether there is nothing to be charged.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Charge> {
        self.0.iter().flatten()
    }
}

/// How the tightest of a call's limits stands: the one that refuses it for the longest time, else the one that leaves least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether the call is within all of its limits.
    pub allowed: bool,
    /// The limit's name.
    pub name: &'static str,
    /// The limit.
    pub limit: Quota,
    /// How many calls are left at once.
    pub remaining: u64,
    /// When all of them are available again.
    pub reset_after: Duration,
    /// When the same call would be allowed; `None` where it was, and where it costs more than the limit ever allows.
    pub retry_after: Option<Duration>,
}

/// Counts calls. Shared by all threads.
#[derive(Debug)]
pub struct RateLimiter {
    memory: Ledger,
    redis: Option<(Arc<Link>, Script)>,
    on_failure: OnFailure,
}

impl RateLimiter {
    pub(super) fn new(max_entries: usize, redis: Option<Arc<Link>>, on_failure: OnFailure) -> Self {
        let redis = redis.map(|link| (link, Script::new(TAKE)));
        Self { memory: Ledger::new(max_entries), redis, on_failure }
    }

    /// Charges a call, or a batch that counts as `cost` calls, to all of its limits. `None` if it has none.
    ///
    /// # Errors
    /// The store is full or does not answer: the call must be refused.
    pub async fn take(
        &self,
        charges: &Charges,
        cost: u64,
        now: Timestamp,
    ) -> Result<Option<Taken>, Unavailable> {
        if charges.is_empty() {
            return Ok(None);
        }
        let Some((link, script)) = &self.redis else { return self.take_in_memory(charges, cost, now) };
        match take_there(link, script, charges, cost).await {
            Err(_) if self.on_failure == OnFailure::Local => self.take_in_memory(charges, cost, now),
            taken => taken,
        }
    }

    /// A limiter that counts in this process alone, for at most about `max_entries` at a time.
    pub fn in_memory(max_entries: usize) -> Self {
        Self::new(max_entries, None, OnFailure::Refuse)
    }

    /// How a call would fare in this process's memory. Nothing is charged; `None` if it has no limits.
    pub fn peek(&self, charges: &Charges, now: Timestamp) -> Option<Taken> {
        let mut shards = self.lock(charges);
        let mut backlogs = [0; MOST_CHARGES];
        for (charge, backlog) in charges.iter().zip(&mut backlogs) {
            let kept = shards.of(self, &charge.key).and_then(|shard| shard.get(&charge.key));
            let ahead = kept.map_or(0, |until| until.saturating_sub(now.0).max(0));
            *backlog = ahead.cast_unsigned().min(Pace::new(charge.quota, NANOS).burst);
        }
        tightest(charges, &backlogs, 1, false)
    }

    /// As [`RateLimiter::take`], in this process's memory.
    ///
    /// # Errors
    /// The store is full: the call must be refused.
    pub fn take_in_memory(
        &self,
        charges: &Charges,
        cost: u64,
        now: Timestamp,
    ) -> Result<Option<Taken>, Unavailable> {
        let mut shards = self.lock(charges);
        let mut backlogs = [0; MOST_CHARGES];
        let mut taken = true;
        for (charge, backlog) in charges.iter().zip(&mut backlogs) {
            let pace = Pace::new(charge.quota, NANOS);
            let shard = shards.of(self, &charge.key).ok_or(Unavailable::Full)?;
            let ahead = shard.get(&charge.key).map_or(0, |until| until.saturating_sub(now.0).max(0));
            *backlog = ahead.cast_unsigned().min(pace.burst);
            if ahead.cast_unsigned() > pace.burst {
                // The clock went back, or the limit was lowered. Kept even if the call is refused: time goes on from here.
                let _ = shard.put(charge.key, until(now, *backlog), now.0);
            }
            taken &= pace.take(*backlog, cost).is_some();
        }
        if taken {
            self.put(&mut shards, charges, &backlogs, cost, now)?;
        }
        Ok(tightest(charges, &backlogs, cost, taken))
    }

    /// Keeps what was taken.
    fn put(
        &self,
        shards: &mut Locked<'_>,
        charges: &Charges,
        backlogs: &[u64; MOST_CHARGES],
        cost: u64,
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        for (n, (charge, backlog)) in charges.iter().zip(backlogs).enumerate() {
            let after = Pace::new(charge.quota, NANOS).take(*backlog, cost).unwrap_or(*backlog);
            let shard = shards.of(self, &charge.key).ok_or(Unavailable::Full)?;
            if shard.put(charge.key, until(now, after), now.0).is_err() {
                // Those before it get back what they gave.
                for (charge, backlog) in charges.iter().zip(backlogs).take(n) {
                    if let Some(shard) = shards.of(self, &charge.key) {
                        let _ = shard.put(charge.key, until(now, *backlog), now.0);
                    }
                }
                return Err(Unavailable::Full);
            }
        }
        Ok(())
    }

    /// Locks every map that the charges need, in the order of their places, so that no two calls wait for each other.
    fn lock(&self, charges: &Charges) -> Locked<'_> {
        let mut places = [usize::MAX; MOST_CHARGES];
        for (place, charge) in places.iter_mut().zip(charges.iter()) {
            *place = self.memory.place(&charge.key);
        }
        places.sort_unstable();
        let mut before = usize::MAX;
        Locked(places.map(|place| {
            let wanted = place != usize::MAX && place != before;
            before = place;
            wanted.then(|| (place, self.memory.lock(place)))
        }))
    }
}

/// The theoretical arrival time of a backlog.
fn until(now: Timestamp, backlog: u64) -> i64 {
    now.0.saturating_add(i64::try_from(backlog).unwrap_or(i64::MAX))
}

/// The maps that a call needs, locked.
struct Locked<'a>([Option<(usize, MutexGuard<'a, Shard>)>; MOST_CHARGES]);

impl Locked<'_> {
    fn of(&mut self, limiter: &RateLimiter, key: &Key) -> Option<&mut Shard> {
        let wanted = limiter.memory.place(key);
        let mut shards = self.0.iter_mut().flatten();
        shards.find(|(place, _)| *place == wanted).map(|(_, shard)| &mut **shard)
    }
}

/// The same in Redis, in one round trip, by the clock of Redis.
async fn take_there(
    link: &Link,
    script: &Script,
    charges: &Charges,
    cost: u64,
) -> Result<Option<Taken>, Unavailable> {
    let (mut keys, mut arguments) = (Vec::with_capacity(MOST_CHARGES), Vec::with_capacity(9));
    arguments.push(cost);
    for charge in charges.iter() {
        let pace = Pace::new(charge.quota, TICKS);
        // No limit allows as much: it is refused without asking, and the script's numbers stay exact.
        if cost > charge.quota.count() {
            return Ok(tightest(charges, &[0; MOST_CHARGES], cost, false));
        }
        keys.push(link.name("limit", &charge.key));
        arguments.extend([pace.interval, pace.burst]);
    }
    let answer = link.run_script(script, &keys, &arguments).await?;
    let Some((taken, found)) = answer.split_first().filter(|(_, found)| found.len() == keys.len()) else {
        return Err(Unavailable::Down);
    };
    let mut backlogs = [0; MOST_CHARGES];
    for (backlog, found) in backlogs.iter_mut().zip(found) {
        *backlog = found.max(&0).cast_unsigned();
    }
    Ok(tightest_in(charges, &backlogs, cost, *taken == 1, TICKS))
}

fn tightest(charges: &Charges, backlogs: &[u64; MOST_CHARGES], cost: u64, taken: bool) -> Option<Taken> {
    tightest_in(charges, backlogs, cost, taken, NANOS)
}

/// `backlogs` are those before the call.
fn tightest_in(
    charges: &Charges,
    backlogs: &[u64; MOST_CHARGES],
    cost: u64,
    taken: bool,
    scale: u64,
) -> Option<Taken> {
    let standings = charges.iter().zip(backlogs).map(|(charge, backlog)| {
        let standing = Pace::new(charge.quota, scale).standing(*backlog, cost, taken);
        let Standing { allowed, remaining, reset_after, retry_after } = standing;
        Taken { allowed, name: charge.name, limit: charge.quota, remaining, reset_after, retry_after }
    });
    standings.reduce(|one, other| if is_tighter(&other, &one) { other } else { one })
}

fn is_tighter(one: &Taken, other: &Taken) -> bool {
    // What is never allowed is tighter than what is allowed later.
    let wait = |taken: &Taken| match (taken.allowed, taken.retry_after) {
        (true, _) => Duration::ZERO,
        (false, wait) => wait.unwrap_or(Duration::MAX),
    };
    let of = |taken: &Taken| (!taken.allowed, wait(taken), u64::MAX - taken.remaining, taken.reset_after);
    of(one) > of(other)
}

#[cfg(test)]
mod tests;
