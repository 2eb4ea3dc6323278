use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000_000;

fn limiter(max_entries: usize) -> RateLimiter {
    RateLimiter::new(max_entries, None, OnFailure::Refuse)
}

fn charge(name: &'static str, whose: &str, quota: &str) -> Charge {
    Charge { name, key: Key::new(name, &[whose.as_bytes()]), quota: quota.parse().unwrap() }
}

fn charges(all: &[Charge]) -> Charges {
    let mut charges = Charges::default();
    all.iter().for_each(|charge| charges.add(*charge).unwrap());
    charges
}

fn take(limiter: &RateLimiter, all: &[Charge], cost: u64, now: i64) -> Result<Taken, Unavailable> {
    limiter.take_in_memory(&charges(all), cost, Timestamp(now)).map(Option::unwrap)
}

#[test]
fn a_burst_is_allowed_and_then_one_at_a_time() {
    let limiter = limiter(10);
    let all = [charge("user", "ada", "3/s")];
    let allowed = |now: i64, cost| take(&limiter, &all, cost, now).unwrap().allowed;
    assert_eq!([0; 4].map(|now| allowed(now, 1)), [true, true, true, false]);
    assert!(!allowed(SECOND / 3, 1), "a nanosecond early: intervals are rounded up");
    assert!(allowed(SECOND / 3 + 1, 1) && !allowed(SECOND / 3 + 1, 1));
    assert!(!allowed(10 * SECOND, 4), "more than is ever allowed");
    assert!(allowed(10 * SECOND, 3) && !allowed(10 * SECOND, 1));
}

#[test]
fn a_call_is_charged_to_all_limits_or_to_none() {
    let limiter = limiter(10);
    let (user, tenant) = (charge("user", "ada", "5/s"), charge("tenant", "acme", "2/s"));
    for _ in 0..2 {
        assert!(take(&limiter, &[user, tenant], 1, 0).unwrap().allowed);
    }
    let refused = take(&limiter, &[user, tenant], 1, 0).unwrap();
    assert_eq!((refused.allowed, refused.name, refused.remaining), (false, "tenant", 0));
    assert_eq!(refused.retry_after, Some(Duration::from_millis(500)));
    let alone = take(&limiter, &[user], 1, 0).unwrap();
    assert_eq!((alone.allowed, alone.remaining), (true, 2), "the refused call was not charged to the user");
    let batch = take(&limiter, &[tenant, user], 3, 0).unwrap();
    assert_eq!((batch.allowed, batch.name, batch.retry_after), (false, "tenant", None), "never");
}

#[test]
fn the_tightest_limit_is_told() {
    let limiter = limiter(10);
    let all = [charge("role", "ada", "100/s"), charge("key", "k1", "4/m"), charge("user", "ada", "50/s")];
    let taken = take(&limiter, &all, 1, 0).unwrap();
    assert_eq!((taken.name, taken.limit, taken.remaining), ("key", "4/m".parse().unwrap(), 3));
    assert_eq!(taken.reset_after, Duration::from_secs(15));
    let none = limiter.take_in_memory(&Charges::default(), 1, Timestamp(0));
    assert!(none.is_ok_and(|taken| taken.is_none()));
    let mut four = charges(&all);
    assert_eq!(four.add(all[0]), Ok(()));
    assert_eq!(four.add(all[0]), Err(all[0]), "a fifth");
}

#[test]
fn a_full_store_refuses_who_is_new_and_charges_nobody() {
    let limiter = limiter(2);
    let (a, b) = (charge("user", "a", "1/s"), charge("user", "b", "10/s"));
    assert!(take(&limiter, &[a], 1, 0).unwrap().allowed && take(&limiter, &[b], 1, 0).unwrap().allowed);
    let new = charge("tenant", "new", "1/s");
    assert_eq!(take(&limiter, &[b, new], 1, 0), Err(Unavailable::Full));
    assert_eq!(take(&limiter, &[b], 1, 0).unwrap().remaining, 8, "the call that failed was not charged");
    assert!(!take(&limiter, &[a], 1, SECOND - 1).unwrap().allowed, "a live limit was kept");
    assert!(take(&limiter, &[new], 1, SECOND).unwrap().allowed, "what has been earned again may go");
}

#[test]
fn a_clock_that_goes_back_locks_nobody_out_for_longer_than_the_period() {
    let limiter = limiter(10);
    let all = [charge("user", "ada", "60/m")];
    let hour = 3_600 * SECOND;
    assert!(take(&limiter, &all, 60, hour).unwrap().allowed);
    let back = take(&limiter, &all, 1, 0).unwrap();
    assert_eq!((back.allowed, back.retry_after), (false, Some(Duration::from_secs(1))));
    assert!(take(&limiter, &all, 1, SECOND).unwrap().allowed, "one has been earned again since");
    assert!(!take(&limiter, &all, 1, SECOND).unwrap().allowed);
    assert!(take(&limiter, &all, 60, hour).unwrap().allowed);
    let lower = [charge("user", "ada", "1/s")];
    let lowered = take(&limiter, &lower, 1, hour).unwrap();
    assert_eq!(
        (lowered.allowed, lowered.retry_after),
        (false, Some(Duration::from_secs(1))),
        "a lower limit"
    );
    assert!(take(&limiter, &lower, 1, hour + SECOND).unwrap().allowed);
}

/// Threads that come as they like are allowed exactly what one would be.
#[test]
fn many_at_once_are_allowed_as_many_as_one_by_one() {
    let limiter = limiter(100_000);
    let users: Vec<Charge> = (0..8).map(|n| charge("user", &n.to_string(), "50/s")).collect();
    let tenants: Vec<Charge> = (0..2).map(|n| charge("tenant", &n.to_string(), "150/s")).collect();
    let threads = 4;
    let counted: Vec<[u64; 8]> = std::thread::scope(|scope| {
        let run = |seed: u64| {
            let (limiter, users, tenants) = (&limiter, &users, &tenants);
            scope.spawn(move || {
                let (mut counted, mut random) = ([0; 8], seed);
                for _ in 0..1_000 {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let user = usize::try_from(random >> 61).unwrap();
                    // In either order: the locks must not be taken in that of the charges.
                    let mut all = [users[user], tenants[user % 2]];
                    if random & (1 << 40) == 0 {
                        all.reverse();
                    }
                    counted[user] += u64::from(take(limiter, &all, 1, 0).unwrap().allowed);
                }
                counted
            })
        };
        let handles: Vec<_> = (1..=threads).map(run).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    let of = |user: usize| counted.iter().map(|of| of[user]).sum::<u64>();
    for tenant in 0..2 {
        assert_eq!((0..4).map(|n| of(2 * n + tenant)).sum::<u64>(), 150, "{counted:?}");
    }
    assert!((0..8).all(|user| of(user) <= 50), "{counted:?}");
}

proptest! {
    /// Against a bucket that leaks by the nanosecond, and the plain meaning of a limit.
    #[test]
    fn a_limit_allows_what_a_leaking_bucket_does(
        count in 1_u64..20,
        unit in prop::sample::select(vec!["s", "m", "h"]),
        steps in prop::collection::vec((0_i64..3_000, 1_u64..4), 1..200),
    ) {
        let limiter = limiter(10);
        let all = [charge("user", "ada", &format!("{count}/{unit}"))];
        let period = i64::try_from(all[0].quota.seconds()).unwrap() * SECOND;
        let interval = (period as u64).div_ceil(count);
        let (mut now, mut level) = (0_i64, 0_u64);
        let mut passed: Vec<(i64, u64)> = Vec::new();
        for (pause, cost) in steps {
            let pause = pause * (period / 10_000);
            now += pause;
            level = level.saturating_sub(pause as u64);
            let fits = level + cost * interval <= interval * count;
            let taken = take(&limiter, &all, cost, now).unwrap();
            prop_assert_eq!(taken.allowed, fits);
            if fits {
                level += cost * interval;
                passed.push((now, cost));
            }
            prop_assert_eq!(taken.remaining, (interval * count - level) / interval);
            prop_assert_eq!(taken.reset_after, Duration::from_nanos(level));
            // Never more than the burst and what has been earned in between.
            for (from, _) in &passed {
                let within: u64 = passed.iter().filter(|(at, _)| at >= from).map(|(_, cost)| cost).sum();
                prop_assert!(within <= count + ((now - from) as u64) / interval);
            }
            // Who comes again when told is let in, and not a nanosecond earlier.
            if let Some(wait) = taken.retry_after {
                let missing = level + cost * interval - interval * count;
                prop_assert_eq!(wait, Duration::from_nanos(missing));
            }
        }
    }
}

#[test]
fn a_look_says_what_a_call_would_and_charges_nothing() {
    let limiter = RateLimiter::in_memory(100);
    let all = charges(&[charge("user", "ada", "2/s")]);
    for _ in 0..5 {
        let looked = limiter.peek(&all, Timestamp(0)).unwrap();
        assert_eq!((looked.allowed, looked.remaining), (true, 2));
    }
    assert!(limiter.take_in_memory(&all, 2, Timestamp(0)).unwrap().unwrap().allowed);
    let looked = limiter.peek(&all, Timestamp(0)).unwrap();
    assert_eq!((looked.allowed, looked.retry_after), (false, Some(Duration::from_millis(500))));
    assert_eq!(limiter.peek(&Charges::default(), Timestamp(0)), None);
}
