//! Bundles from the Workload API, while callers call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use verdict::identity::{Pace, TrustDomainConfig};
use verdict::model::failure::FailureKind;
use verdict_jose::Algorithm;

use super::super::support::*;
use super::agent::{Agent, Said};
use super::bundles::kept;
use super::*;

/// The certificate of an authority, in DER.
fn authority() -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

/// As SPIRE writes it here: without `use`.
fn said(domains: &[(&str, &[(&str, &Pair)])], certificates: &[Vec<u8>]) -> Said {
    let jwks = |keys: &[(&str, &Pair)]| {
        let keys: Vec<Value> = keys.iter().map(|(kid, pair)| pair.jwk(kid, json!({}))).collect();
        jwks(&keys).into_bytes()
    };
    let id = |name: &str| format!("spiffe://{name}");
    Said {
        jwt: domains.iter().map(|(name, keys)| (id(name), jwks(keys))).collect(),
        x509: domains.iter().map(|(name, _)| (id(name), certificates.concat())).collect(),
        silent: false,
    }
}

fn from(agent: &Agent, names: &[&str]) -> Config {
    let domain = |name: &&str| TrustDomainConfig {
        name: (*name).to_owned(),
        workload_api: Some(agent.socket()),
        ..TrustDomainConfig::default()
    };
    trusting(names.iter().map(domain).collect())
}

fn token(pair: &Pair, kid: &str, domain: &str) -> String {
    pair.token("ES256", kid, &svid(&format!("spiffe://{domain}/service/x")))
}

#[tokio::test]
async fn what_the_agent_says_is_in_force_and_domains_stay_apart() {
    let [a, b] = [(); 2].map(|()| Pair::new(Algorithm::Es256));
    let authorities = [authority(), authority()];
    let agent =
        Agent::start(said(&[("a.example", &[("k1", &a)]), ("b.example", &[("k1", &b)])], &authorities));
    let config = from(&agent, &["a.example", "b.example", "c.example"]);
    let authenticator = Arc::new(quick(&config, &clock()));
    assert_eq!(
        kind(&authenticator, &token(&a, "k1", "a.example")).await,
        Some(FailureKind::VerifierUnavailable)
    );
    let _tasks = kept(&authenticator);
    until("bundles", || authenticator.status().iter().all(|one| one.generation == 1)).await;
    assert_eq!(agent.asked.load(Ordering::SeqCst), 2, "one stream of each kind for all of them");
    for (pair, domain, expected) in [
        (&a, "a.example", "ok"),
        (&b, "b.example", "ok"),
        (&a, "b.example", "the signature is not valid"),
        (&b, "a.example", "the signature is not valid"),
        (&a, "c.example", "unknown key"),
        (&a, "d.example", "unknown trust domain"),
    ] {
        assert_eq!(outcome(&authenticator, &token(pair, "k1", domain)).await, expected, "{domain}");
    }
    let status = authenticator.status();
    assert_eq!([status[0].keys, status[1].keys, status[2].keys], [3, 3, 0]);
    assert!(status[2].warnings[0].contains("has no bundle of it"), "{:?}", status[2].warnings);
    // The federation with b ends; a's certificates change, and its keys do not.
    agent.says(said(&[("a.example", &[("k1", &a)])], &authorities[..1]));
    let keys = || authenticator.status().iter().map(|one| one.keys).collect::<Vec<_>>();
    until("the change", || keys() == [2, 0, 0]).await;
    assert_eq!(outcome(&authenticator, &token(&b, "k1", "b.example")).await, "unknown key");
    assert_eq!(outcome(&authenticator, &token(&a, "k1", "a.example")).await, "ok");
}

/// SPIRE announces a key before it signs with it, and keeps the old one until the last token of it has expired.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_under_load_and_no_good_call_is_refused() {
    let pairs: Vec<Arc<Pair>> = (0..12).map(|_| Arc::new(Pair::new(Algorithm::Es256))).collect();
    let kid = |n: usize| format!("k{n}");
    let at = |n: usize| {
        let keys: Vec<(String, &Pair)> =
            (n.saturating_sub(1)..=n + 1).map(|n| (kid(n), &*pairs[n])).collect();
        let keys: Vec<(&str, &Pair)> = keys.iter().map(|(kid, pair)| (kid.as_str(), *pair)).collect();
        said(&[(DOMAIN, &keys)], &[authority()])
    };
    let agent = Agent::start(at(0));
    let authenticator = Arc::new(quick(&from(&agent, &[DOMAIN]), &clock()));
    let _tasks = kept(&authenticator);
    let generation = || authenticator.status()[0].generation;
    until("the first bundle", || generation() == 1).await;
    let (current, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for caller in 0..4 {
        let (authenticator, pairs) = (Arc::clone(&authenticator), pairs.clone());
        let (current, over) = (Arc::clone(&current), Arc::clone(&over));
        callers.spawn(async move {
            let mut calls = 0;
            while !over.load(Ordering::SeqCst) {
                let n = current.load(Ordering::SeqCst);
                let token = token(&pairs[n], &format!("k{n}"), DOMAIN);
                for _ in 0..3 {
                    let outcome = outcome(&authenticator, &token).await;
                    assert_eq!(outcome, "ok", "caller {caller}, key {n}, call {calls}");
                    calls += 1;
                }
                tokio::task::yield_now().await;
            }
            calls
        });
    }
    for n in 1..=10 {
        let before = generation();
        agent.says(at(n));
        until("the next bundle", || generation() > before).await;
        current.store(n, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    over.store(true, Ordering::SeqCst);
    let calls: usize = callers.join_all().await.into_iter().sum();
    assert!(calls > 100, "{calls} calls");
    assert_eq!(
        outcome(&authenticator, &token(&pairs[8], "k8", DOMAIN)).await,
        "unknown key",
        "it was rotated out"
    );
}

#[tokio::test]
async fn an_agent_that_is_gone_changes_nothing_and_is_found_again() {
    let [old, new] = [(); 2].map(|()| Pair::new(Algorithm::Es256));
    let by_old = token(&old, "old", DOMAIN);
    let mut agent = Agent::start(said(&[(DOMAIN, &[("old", &old)])], &[authority()]));
    let authenticator = Arc::new(quick(&from(&agent, &[DOMAIN]), &clock()));
    let _tasks = kept(&authenticator);
    let status = || authenticator.status().remove(0);
    until("the first bundle", || status().generation == 1).await;
    assert_eq!(outcome(&authenticator, &by_old).await, "ok");
    agent.end().await;
    until("the end", || status().last_error.is_some()).await;
    assert_eq!(outcome(&authenticator, &by_old).await, "ok");
    let unknown = present(&authenticator, &token(&new, "new", DOMAIN)).await.unwrap_err();
    assert_eq!(unknown.kind, FailureKind::VerifierUnavailable, "it may be good: {}", unknown.message);
    agent.says(said(&[(DOMAIN, &[("new", &new)])], &[authority()]));
    agent.begin();
    until("the agent again", || status().generation == 2).await;
    assert_eq!(status().last_error, None);
    assert_eq!(outcome(&authenticator, &token(&new, "new", DOMAIN)).await, "ok");
    assert_eq!(outcome(&authenticator, &by_old).await, "unknown key", "it was in the cache");
}

#[tokio::test]
async fn an_agent_that_hangs_or_talks_nonsense_is_not_waited_for() {
    let pair = Pair::new(Algorithm::Es256);
    let good = said(&[(DOMAIN, &[("k1", &pair)])], &[authority()]);
    let silent = Said { silent: true, ..good.clone() };
    let with = |change: &dyn Fn(&mut Said)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad
    };
    let id = || format!("spiffe://{DOMAIN}");
    for (bad, error) in [
        (silent, "no answer from the Workload API"),
        (with(&|bad| drop(bad.jwt.insert(id(), b"{".to_vec()))), "cannot deserialize"),
        (with(&|bad| drop(bad.x509.insert(id(), vec![1, 2, 3]))), "failed to parse X.509 bundle"),
        (with(&|bad| bad.x509.clear()), "missing required field"),
        (with(&|bad| drop(bad.jwt.insert(id(), vec![b' '; 8 << 20]))), "the Workload API"),
    ] {
        let agent = Agent::start(bad);
        let mut setup = Setup::new(Path::new("."), clock(), client());
        setup.pace = Pace {
            timeout: Duration::from_millis(300),
            cooldown: Duration::from_millis(5),
            ..Pace::default()
        };
        let authenticator = Authenticator::new(&from(&agent, &[DOMAIN]), &setup).unwrap();
        let _tasks = kept(&authenticator);
        let last_error = || authenticator.status()[0].last_error.clone().unwrap_or_default();
        until(error, || last_error().contains(error)).await;
        assert_eq!(
            kind(&authenticator, &token(&pair, "k1", DOMAIN)).await,
            Some(FailureKind::VerifierUnavailable)
        );
        agent.says(good.clone());
        until("better words", || authenticator.status()[0].last_error.is_none()).await;
        assert_eq!(outcome(&authenticator, &token(&pair, "k1", DOMAIN)).await, "ok", "{error}");
    }
}

/// As `verdict credential` does, which has no background tasks.
#[tokio::test]
async fn one_look_is_enough_to_know_the_bundles() {
    let pair = Pair::new(Algorithm::Es256);
    let agent = Agent::start(said(&[(DOMAIN, &[("k1", &pair)])], &[authority()]));
    let authenticator = quick(&from(&agent, &[DOMAIN]), &clock());
    authenticator.refresh_now().await;
    assert_eq!(outcome(&authenticator, &token(&pair, "k1", DOMAIN)).await, "ok");
}
