//! Limits and nonces that several sidecars share, against a real Redis.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::timeout;

use crate::harness::redis::Redis;
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::units::Period;
use verdict::stores::config::RedisConfig;
use verdict::stores::{
    Backend, Charge, Charges, Config, Key, OnFailure, Remembered, Stores, Taken, Unavailable,
};

/// Longer than any operation may take on a busy machine; what hangs takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn config(redis: &Redis) -> Config {
    Config {
        backend: Backend::Redis,
        redis: RedisConfig {
            url: Some(redis.url().as_str().into()),
            timeout: Period::secs(2),
            ..RedisConfig::default()
        },
        ..Config::default()
    }
}

fn sidecar(config: &Config) -> Stores {
    Stores::new(config).unwrap()
}

fn charge(name: &'static str, whose: &str, quota: &str) -> Charge {
    Charge { name, key: Key::new(name, &[whose.as_bytes()]), quota: quota.parse().unwrap() }
}

async fn take(stores: &Stores, all: &[Charge], cost: u64) -> Result<Taken, Unavailable> {
    let mut charges = Charges::default();
    all.iter().for_each(|charge| charges.add(*charge).unwrap());
    let taken = timeout(PATIENCE, stores.limiter.take(&charges, cost, Clock::System.now())).await;
    taken.unwrap().map(Option::unwrap)
}

async fn remember(stores: &Stores, nonce: &str, seconds: i64) -> Result<Remembered, Unavailable> {
    let now = Clock::System.now();
    let until = Timestamp(now.0 + seconds * 1_000_000_000);
    let nonce = Key::new("test", &[nonce.as_bytes()]);
    timeout(PATIENCE, stores.replays.remember(nonce, until, now)).await.unwrap()
}

/// Asks until the answer is a good one again.
async fn recovers<T>(mut ask: impl AsyncFnMut() -> Result<T, Unavailable>) -> T {
    let again = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    timeout(PATIENCE, again).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sidecars_share_their_limits() {
    let Some(redis) = Redis::start() else { return };
    let (one, other) = (sidecar(&config(&redis)), sidecar(&config(&redis)));
    let (ada, acme) = (charge("user", "ada", "7/d"), charge("tenant", "acme", "5/d"));
    let mut left = Vec::new();
    for n in 0..5 {
        let taken = take(if n % 2 == 0 { &one } else { &other }, &[ada, acme], 1).await.unwrap();
        assert!(taken.allowed && taken.name == "tenant", "{taken:?}");
        left.push(taken.remaining);
    }
    assert_eq!(left, [4, 3, 2, 1, 0]);
    let refused = take(&other, &[ada, acme], 1).await.unwrap();
    assert_eq!((refused.allowed, refused.name), (false, "tenant"));
    // One is earned in 17,280 s, and almost nothing of that has passed.
    let (wait, day) = (refused.retry_after.unwrap().as_secs(), refused.reset_after.as_secs());
    assert!((17_000..=17_280).contains(&wait) && (86_000..=86_400).contains(&day), "{refused:?}");
    let alone = take(&one, &[ada], 1).await.unwrap();
    assert_eq!((alone.allowed, alone.remaining), (true, 1), "the refused call was not charged");
    let never = take(&one, &[acme], 6).await.unwrap();
    assert_eq!((never.allowed, never.retry_after), (false, None));
    let lower = Charge { quota: "1/s".parse().unwrap(), ..acme };
    let lowered = take(&one, &[lower], 1).await.unwrap();
    assert!(lowered.retry_after.is_none_or(|wait| wait <= Duration::from_secs(1)), "{lowered:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_allowed_exactly_the_limit() {
    let Some(redis) = Redis::start() else { return };
    let sidecars = [sidecar(&config(&redis)), sidecar(&config(&redis))];
    let calls: Vec<_> = (0..200)
        .map(|n| {
            let stores = sidecars[n % 2].clone();
            tokio::spawn(async move { take(&stores, &[charge("user", "ada", "50/d")], 1).await })
        })
        .collect();
    let mut allowed = 0;
    for call in calls {
        allowed += usize::from(call.await.unwrap().unwrap().allowed);
    }
    assert_eq!(allowed, 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_replays_over_two_sidecars_one_is_fresh() {
    let Some(redis) = Redis::start() else { return };
    let sidecars = [sidecar(&config(&redis)), sidecar(&config(&redis))];
    let calls: Vec<_> = (0..1_000)
        .map(|n| {
            let stores = sidecars[n % 2].clone();
            tokio::spawn(async move { remember(&stores, "one", 60).await })
        })
        .collect();
    let mut fresh = 0;
    for call in calls {
        fresh += usize::from(call.await.unwrap() == Ok(Remembered::Fresh));
    }
    assert_eq!(fresh, 1);
    assert_eq!(remember(&sidecars[0], "another", 60).await, Ok(Remembered::Fresh));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_holds_hashes_that_expire_and_no_names() {
    let Some(redis) = Redis::start() else { return };
    let mut config = config(&redis);
    config.redis.key_prefix = "pdp:".to_owned();
    let stores = sidecar(&config);
    let ada = charge("user", "ada@example.com", "10/m");
    take(&stores, &[ada], 5).await.unwrap();
    remember(&stores, "s3cret-nonce", 60).await.unwrap();
    let keys: BTreeSet<String> = redis.cli(&["KEYS", "*"]).into_iter().collect();
    let nonce = Key::new("test", &[b"s3cret-nonce"]);
    assert_eq!(keys, [format!("pdp:limit:{}", ada.key), format!("pdp:nonce:{nonce}")].into());
    for (key, most) in [(format!("pdp:limit:{}", ada.key), 30_000), (format!("pdp:nonce:{nonce}"), 90_000)] {
        let left: i64 = redis.cli(&["PTTL", &key])[0].parse().unwrap();
        assert!((most - 25_000..=most).contains(&left), "{key}: {left} ms");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_gone_refuses_and_comes_back() {
    let Some(mut redis) = Redis::start() else { return };
    let stores = sidecar(&config(&redis));
    let ada = charge("user", "ada", "2/d");
    assert!(take(&stores, &[ada], 2).await.unwrap().allowed);
    redis.kill();
    for _ in 0..20 {
        assert_eq!(take(&stores, &[ada], 1).await, Err(Unavailable::Down));
        assert_eq!(remember(&stores, "one", 60).await, Err(Unavailable::Down));
    }
    redis.restart();
    // It has forgotten everything, its script included.
    assert!(recovers(async || take(&stores, &[ada], 1).await).await.allowed);
    assert_eq!(remember(&stores, "one", 60).await, Ok(Remembered::Fresh));
    assert_eq!(remember(&stores, "one", 60).await, Ok(Remembered::Replayed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_does_not_answer_is_given_up_in_time() {
    let Some(redis) = Redis::start() else { return };
    let mut config = config(&redis);
    config.redis.timeout = Period::millis(200);
    let stores = sidecar(&config);
    recovers(async || remember(&stores, "first", 60).await).await;
    redis.signal("STOP");
    for n in 0..5 {
        assert_eq!(remember(&stores, &format!("stopped {n}"), 60).await, Err(Unavailable::Down));
    }
    redis.signal("CONT");
    let remembered = recovers(async || remember(&stores, "next", 60).await).await;
    assert_eq!(remembered, Remembered::Fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_was_never_there_refuses_or_limits_are_counted_here() {
    let Some(mut redis) = Redis::start() else { return };
    redis.kill();
    let refusing = config(&redis);
    let local = Config { on_failure: OnFailure::Local, ..config(&redis) };
    let ada = charge("user", "ada", "2/d");
    assert_eq!(take(&sidecar(&refusing), &[ada], 1).await, Err(Unavailable::Down));
    let stores = sidecar(&local);
    let mut allowed = Vec::new();
    for _ in 0..3 {
        allowed.push(take(&stores, &[ada], 1).await.unwrap().allowed);
    }
    assert_eq!(allowed, [true, true, false]);
    assert_eq!(remember(&stores, "one", 60).await, Err(Unavailable::Down), "nonces are never counted here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_was_flushed_or_a_key_that_is_no_number_is_no_pass() {
    let Some(redis) = Redis::start() else { return };
    let stores = sidecar(&config(&redis));
    let ada = charge("user", "ada", "2/d");
    assert_eq!(take(&stores, &[ada], 1).await.unwrap().remaining, 1);
    redis.cli(&["SCRIPT", "FLUSH"]);
    assert_eq!(take(&stores, &[ada], 1).await.unwrap().remaining, 0);
    let name = format!("verdict:limit:{}", ada.key);
    redis.cli(&["DEL", &name]);
    redis.cli(&["LPUSH", &name, "x"]);
    assert_eq!(take(&stores, &[ada], 1).await, Err(Unavailable::Down), "a key of another type");
    redis.cli(&["DEL", &name]);
    redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(remember(&stores, "one", 60).await, Err(Unavailable::Down), "no memory is left");
    assert_eq!(take(&stores, &[ada], 1).await, Err(Unavailable::Down));
}
