//! The generic cell rate algorithm (GCRA): the arithmetic of rate limits, without time and place.
//!
//! A limit is kept as one number, the time at which all that was taken will have been earned again (the theoretical arrival
//! time). How far it lies ahead is the backlog. A call adds its interval to the backlog, and is allowed while the backlog
//! fits into the period.

use std::time::Duration;

use super::quota::Quota;

/// A quota in the units of a backend, of which a second has `scale`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    scale: u64,
    count: u64,
    /// What one call adds to the backlog.
    pub(super) interval: u64,
    /// The longest backlog: all calls of the burst.
    pub(super) burst: u64,
}

/// How a limit stands after a call was judged by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) allowed: bool,
    /// How many calls are left at once.
    pub(super) remaining: u64,
    /// When all of them are available again.
    pub(super) reset_after: Duration,
    /// When the same call would be allowed; `None` where it was, and where it never can be.
    pub(super) retry_after: Option<Duration>,
}

impl Pace {
    pub(super) const fn new(quota: Quota, scale: u64) -> Self {
        let (count, interval) = (quota.count(), quota.interval(scale));
        Self { scale, count, interval, burst: interval.saturating_mul(count) }
    }

    /// The backlog that `cost` calls would make of `backlog`; `None` if that does not fit.
    pub(super) fn take(&self, backlog: u64, cost: u64) -> Option<u64> {
        let after = self.interval.checked_mul(cost)?.checked_add(backlog)?;
        (after <= self.burst).then_some(after)
    }

    /// How the limit stands: `backlog` is that before the call, `taken` whether the call has been added to it.
    pub(super) fn standing(&self, backlog: u64, cost: u64, taken: bool) -> Standing {
        let fits = self.take(backlog, cost);
        let after = fits.filter(|_| taken).unwrap_or(backlog);
        let missing = self.interval.saturating_mul(cost).saturating_add(backlog).saturating_sub(self.burst);
        Standing {
            allowed: fits.is_some(),
            remaining: self.burst.saturating_sub(after) / self.interval.max(1),
            reset_after: self.duration(after),
            retry_after: (fits.is_none() && cost <= self.count).then(|| self.duration(missing)),
        }
    }

    fn duration(&self, units: u64) -> Duration {
        let nanos = u128::from(units) * 1_000_000_000 / u128::from(self.scale.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_says_what_is_left_and_when_to_come_again() {
        let pace = Pace::new("10/s".parse().unwrap(), 1_000);
        let ms = Duration::from_millis;
        for (backlog, cost, expected) in [
            (0, 1, (true, 9, ms(100), None)),
            (0, 10, (true, 0, ms(1_000), None)),
            (0, 11, (false, 10, ms(0), None)),
            (850, 1, (true, 0, ms(950), None)),
            (950, 1, (false, 0, ms(950), Some(ms(50)))),
            (1_000, 10, (false, 0, ms(1_000), Some(ms(1_000)))),
            (0, u64::MAX, (false, 10, ms(0), None)),
        ] {
            let standing = pace.standing(backlog, cost, true);
            let Standing { allowed, remaining, reset_after, retry_after } = standing;
            assert_eq!((allowed, remaining, reset_after, retry_after), expected, "{backlog} {cost}");
        }
        let untaken = pace.standing(0, 1, false);
        assert_eq!((untaken.allowed, untaken.remaining), (true, 10));
    }
}
