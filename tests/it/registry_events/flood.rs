//! A flood of bad keys: every attempt is counted, memory and rows are bounded, and whoever has a good key notices nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use verdict::identity::{self, Authenticator};
use verdict::model::presented::Presented;
use verdict::model::principal::{AuthContext, IdentityMode};
use verdict::net;
use verdict::registry::Opening;
use verdict::registry::freshness::Monotonic;
use verdict::registry::rules::Rules;
use verdict::sealing::{Keyring, MasterKey};
use verdict::telemetry::metrics::Metrics;

use super::*;
use crate::harness::wait_until;
use crate::harness::wire::{Wire, request};

const ATTEMPTS: u32 = 20_000;
const HONEST: u32 = 200;
const KEEP: u64 = 3000;

async fn attempt(authenticator: &Authenticator, key: &str, peer: u32) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", HeaderValue::from_str(key).unwrap());
    let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::from(peer)), 1);
    let presented = Presented::new("POST", "", "/", &headers).from_peer(Some(peer));
    matches!(
        authenticator.authenticate(IdentityMode::Required, &presented).await,
        Ok(AuthContext::Verified(_))
    )
}

/// Each from a peer of its own, as only the authenticator can be told.
#[test]
fn a_flood_from_everywhere_is_counted_to_the_last_attempt() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("state")).unwrap();
    let opening = Opening {
        keyring: Keyring::new(MasterKey::from_bytes([7; 32]), Vec::new()),
        rules: Rules::default(),
        clock: Clock::System,
        monotonic: Monotonic::default(),
        max_age: Duration::from_secs(3600),
    };
    let metrics = Metrics::new("0", Clock::System.now());
    let registry = Registry::open(Box::new(database(dir.path())), opening).unwrap();
    let registry = Arc::new(registry.keeping_events(KEEP, metrics.auth_events.clone()));
    organisation(&registry, "acme");
    let honest = agent(&registry, "acme", json!({}));

    let client = net::Client::new(&net::Config::default()).unwrap();
    let mut setup = identity::Setup::new(dir.path(), Clock::System, client);
    setup.directory = Some(Arc::clone(&registry) as _);
    let authenticator = Authenticator::new(&identity::Config::default(), &setup).unwrap();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let passed = runtime.block_on(async {
        let keeping = tokio::spawn(Arc::clone(&registry).keep_events());
        let mut passed = 0;
        for n in 0..ATTEMPTS {
            assert!(!attempt(&authenticator, &format!("stolen-{n:05}-0123456789-0123456789"), n + 100).await);
            if n % (ATTEMPTS / HONEST) == 0 {
                passed += u32::from(attempt(&authenticator, &honest.key, 1).await);
            }
        }
        keeping.abort();
        let _ = keeping.await;
        passed
    });
    assert_eq!(passed, HONEST);
    registry.close();
    let shown = metrics.render();
    let metric = |name: &str| -> u64 {
        let line = shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap().parse().unwrap()
    };
    assert_eq!(metric("verdict_auth_events_total"), u64::from(ATTEMPTS + HONEST));
    assert_eq!(metric("verdict_auth_events_pending"), 0);
    let stored = events(&database(dir.path()));
    let of_honest = stored.iter().filter(|event| event.agent.as_ref() == Some(&honest.id));
    assert_eq!(total(of_honest), u64::from(HONEST));
    // The quota of strangers, and what may be there until it is looked at again.
    let strangers = stored.iter().filter(|event| event.organisation.is_none()).count() as u64;
    assert!(strangers <= KEEP + 1100, "{strangers} rows");
    assert!(metric("verdict_auth_events_folded_total") > 0, "there were more than have entries of their own");
}

/// Nothing is deleted here, so the rows themselves add up.
#[test]
fn a_flood_over_http_is_in_the_database_to_the_last_attempt() {
    const FLOOD: usize = 3000;
    let server = start("");
    organisation(registry(&server), "acme");
    let honest = agent(registry(&server), "acme", json!({}));
    let (mut wire, mut calls) = (Wire::open(server.app.address), 0);
    for n in 0..FLOOD {
        let key = format!("stolen-{n:05}-0123456789-0123456789");
        wire.send(&request(
            "POST",
            "/v1/data/app/allow",
            &[("X-API-Key", &key), ("Content-Length", "0")],
            b"",
        ));
        let reply = wire.reply().unwrap();
        assert!(matches!(reply.status, 401 | 429), "{reply:?}");
        if n % 100 == 0 {
            assert_eq!(server.ask("/v1/data/app/allow", &honest.key, "{}").status, 200);
            calls += 1;
        }
    }
    let store = database(server.dir.path());
    wait_until("all events", || total(&events(&store)) == FLOOD as u64 + calls);
    let stored = events(&store);
    let (known, strangers): (Vec<_>, Vec<_>) = stored.iter().partition(|event| event.agent.is_some());
    assert_eq!((total(known), total(strangers.iter().copied())), (calls, FLOOD as u64));
    assert!(strangers.len() < FLOOD / 2, "{} rows", strangers.len());
    assert_eq!(server.metric("verdict_auth_events_total") as u64, FLOOD as u64 + calls);
}
