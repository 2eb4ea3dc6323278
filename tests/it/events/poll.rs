//! Events that we ask for (RFC 8936).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::world::*;
use crate::custody::stub::{Answer, Request, Stub};
use crate::harness::wait_until;

/// A transmitter that keeps what was not acknowledged yet.
#[derive(Clone, Default)]
struct Transmitter(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    sets: BTreeMap<String, String>,
    acknowledged: BTreeSet<String>,
    errors: BTreeMap<String, Value>,
    /// Said instead, so many times.
    instead: Vec<Answer>,
    questions: usize,
}

impl Transmitter {
    fn add(&self, jti: &str, set: String) {
        self.0.lock().unwrap().sets.insert(jti.to_owned(), set);
    }

    fn instead(&self, answers: impl IntoIterator<Item = Answer>) {
        self.0.lock().unwrap().instead.extend(answers);
    }

    fn held<T>(&self, look: impl Fn(&Held) -> T) -> T {
        look(&self.0.lock().unwrap())
    }

    fn answer(&self, request: &Request) -> Answer {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/poll"));
        assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
        assert_eq!(request.header("content-type"), "application/json");
        let question: Value = serde_json::from_slice(&request.body).unwrap();
        let held = &mut *self.0.lock().unwrap();
        held.questions += 1;
        if let Some(instead) = held.instead.pop() {
            return instead;
        }
        for jti in question["ack"].as_array().into_iter().flatten() {
            let jti = jti.as_str().unwrap();
            held.sets.remove(jti);
            held.acknowledged.insert(jti.to_owned());
        }
        for (jti, error) in question["setErrs"].as_object().into_iter().flatten() {
            held.sets.remove(jti);
            held.errors.insert(jti.clone(), error.clone());
        }
        // At most two at a time.
        let sets: BTreeMap<_, _> = held.sets.iter().take(2).collect();
        let more = sets.len() < held.sets.len();
        Answer::Status(200, json!({ "sets": sets, "moreAvailable": more }).to_string())
    }

    /// A transmitter, and a server that asks it.
    fn start(self, runtime: &tokio::runtime::Runtime) -> (Stub, World) {
        let stub = runtime.block_on(Stub::start(move |request| self.answer(request)));
        let world = World::start(&poll(&stub.url));
        (stub, world)
    }
}

fn poll(url: &str) -> String {
    format!("poll: {{url: '{url}/poll', token_env: STREAM_TOKEN, interval: 1s}}")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn what_was_asked_for_is_acknowledged_once_it_is_in_force_and_what_is_bad_is_named() {
    let (runtime, transmitter) = (runtime(), Transmitter::default());
    transmitter.add("a1", set(&alice_revoked("a1")));
    transmitter.add("b1", set(&merged(alice_revoked("b1"), &json!({ "exp": NOW + 9 }))));
    transmitter.add("b2", set(&merged(alice_revoked("b2"), &json!({ "aud": "else" }))));
    transmitter.add("b3", set(&alice_revoked("another-name")));
    transmitter.add("b4", "hello".to_owned());
    let bob = json!({ "format": "iss_sub", "iss": ISSUER, "sub": "bob" });
    transmitter.add("c1", set(&event("c1", "session-revoked", bob, json!({}))));
    let (_stub, world) = transmitter.clone().start(&runtime);
    wait_until("all to be dealt with", || transmitter.held(|held| held.sets.is_empty()));
    assert_eq!(
        transmitter.held(|held| held.acknowledged.clone()),
        BTreeSet::from(["a1".into(), "c1".into()])
    );
    let errors = transmitter.held(|held| held.errors.clone());
    let codes: Vec<_> =
        errors.iter().map(|(jti, error)| (jti.as_str(), error["err"].as_str().unwrap())).collect();
    assert_eq!(
        codes,
        [
            ("b1", "invalid_request"),
            ("b2", "invalid_audience"),
            ("b3", "invalid_request"),
            ("b4", "invalid_request")
        ]
    );
    assert!(errors.values().all(|error| error["description"].is_string()));
    assert_eq!(world.ask(&token(&json!({}))), 401);
    assert_eq!(world.ask(&token(&json!({ "sub": "bob", "email": null, "sid": "s2" }))), 401);
}

#[test]
fn a_transmitter_that_fails_or_lies_is_asked_again_and_nothing_is_lost() {
    let (runtime, transmitter) = (runtime(), Transmitter::default());
    transmitter.add("a1", set(&alice_revoked("a1")));
    // The last one is said first.
    transmitter.instead([
        Answer::Status(200, "{\"sets\": {\"x\": 7}, \"moreAvailable\": true}".to_owned()),
        Answer::Status(200, "[]".to_owned()),
        Answer::Status(500, String::new()),
        Answer::Announces(1 << 40),
    ]);
    let (_stub, world) = transmitter.clone().start(&runtime);
    wait_until("the event to be acknowledged", || transmitter.held(|held| held.acknowledged.contains("a1")));
    assert_eq!(world.ask(&token(&json!({}))), 401);
    assert!(transmitter.held(|held| held.questions) < 20);
}

#[test]
fn what_cannot_be_stored_is_not_acknowledged_and_comes_again() {
    let (runtime, transmitter) = (runtime(), Transmitter::default());
    let (_stub, world) = transmitter.clone().start(&runtime);
    let (file, elsewhere) =
        (world.kept.path().join("state/registry.db"), world.kept.path().join("elsewhere.db"));
    std::fs::rename(&file, &elsewhere).unwrap();
    transmitter.add("a1", set(&alice_revoked("a1")));
    let before = transmitter.held(|held| held.questions);
    wait_until("it was asked for", || transmitter.held(|held| held.questions) > before + 1);
    assert!(transmitter.held(|held| held.acknowledged.is_empty() && held.errors.is_empty()));
    std::fs::rename(&elsewhere, &file).unwrap();
    wait_until("the event to be acknowledged", || transmitter.held(|held| held.acknowledged.contains("a1")));
    assert_eq!(world.ask(&token(&json!({}))), 401);
}

#[test]
fn what_came_before_a_restart_is_acknowledged_after_it() {
    let (runtime, transmitter) = (runtime(), Transmitter::default());
    let world = World::start(PUSH);
    world.tell(&alice_revoked("a1"));
    transmitter.add("a1", set(&alice_revoked("a1")));
    let answers = transmitter.clone();
    let stub = runtime.block_on(Stub::start(move |request| answers.answer(request)));
    let world = world.restarted(&poll(&stub.url));
    wait_until("the event to be acknowledged", || transmitter.held(|held| held.acknowledged.contains("a1")));
    assert_eq!(world.taken("session-revoked", "repeated"), 1.0);
}
