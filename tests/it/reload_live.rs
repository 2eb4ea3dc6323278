//! Reloads of a running server: policy and data change together, and what vanishes is not activated away.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use verdict::config::{Insecure, Profile};

use crate::harness::wire::{Wire, request};
use crate::harness::{Ends, Server, TestApp, wait_until};

const RELOADS: u64 = 1_000;
const CLIENTS: usize = 4;

/// Puts version `n` in the place of the version before, in one step.
fn publish(root: &Path, n: u64) {
    let version = root.join(format!("versions/{n}"));
    std::fs::create_dir_all(version.join("app")).unwrap();
    let policy = format!("package app\n\nboth := {{\"policy\": {n}, \"data\": data.app.number}}\n");
    std::fs::write(version.join("app/policy.rego"), policy).unwrap();
    std::fs::write(version.join("app/data.json"), format!("{{\"number\": {n}}}")).unwrap();
    let draft = root.join("draft");
    symlink(&version, &draft).unwrap();
    std::fs::rename(draft, root.join("bundles/live")).unwrap();
    if let Some(old) = n.checked_sub(3) {
        let _ = std::fs::remove_dir_all(root.join(format!("versions/{old}")));
    }
}

/// What the clients count.
#[derive(Default)]
struct Tally {
    /// In force, as far as the publisher knows: whoever asks from now on sees this or newer.
    floor: AtomicU64,
    published: AtomicU64,
    answers: AtomicU64,
    mixed: AtomicU64,
    wrong: AtomicU64,
    failed: AtomicU64,
    done: AtomicBool,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::SeqCst);
}

fn ask_until_done(server: &Server, tally: &Tally) {
    let call = request("POST", "/v1/data/app/both?provenance", &[], b"{\"input\": {}}");
    let mut wire = Wire::open(server.app.address);
    let (mut version, mut generation) = (0, 0);
    while !tally.done.load(Ordering::SeqCst) {
        let floor = tally.floor.load(Ordering::SeqCst);
        wire.send(&call);
        let Some(reply) = wire.reply().filter(|reply| reply.status == 200) else {
            count(&tally.failed);
            wire = Wire::open(server.app.address);
            continue;
        };
        let body = reply.json();
        let number = |pointer: &str| body.pointer(pointer).and_then(serde_json::Value::as_u64);
        let newest = tally.published.load(Ordering::SeqCst);
        count(&tally.answers);
        match (number("/result/policy"), number("/result/data"), number("/provenance/generation")) {
            (Some(policy), Some(data), _) if policy != data => count(&tally.mixed),
            (Some(seen), Some(_), Some(now))
                if (floor.max(version)..=newest).contains(&seen) && now >= generation =>
            {
                (version, generation) = (seen, now);
            }
            _ => count(&tally.wrong),
        }
    }
}

#[test]
fn a_thousand_reloads_under_load_are_never_seen_half_done() {
    let app = TestApp::new()
        .config("identity: {mode: off}\nbundles: {dir: bundles, poll_interval: 20ms, debounce: 1ms}\n");
    publish(app.dir.path(), 1);
    let server = app.start();
    let report = || server.app.bundles.report();
    assert_eq!((report().generation, report().activations), (1, 1));
    let tally = Tally { floor: 1.into(), published: 1.into(), ..Tally::default() };
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| ask_until_done(&server, &tally));
        }
        let _ends = Ends(&tally.done);
        for n in 2..=RELOADS + 1 {
            tally.published.store(n, Ordering::SeqCst);
            publish(server.dir.path(), n);
            wait_until("a reload", || report().generation >= n);
            tally.floor.store(n, Ordering::SeqCst);
        }
    });
    let value = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    let Tally { answers, mixed, wrong, failed, .. } = &tally;
    let (answers, mixed, wrong, failed) = (value(answers), value(mixed), value(wrong), value(failed));
    println!("reloads: {RELOADS}, answers: {answers}, mixed {mixed}, wrong {wrong}, failed {failed}");
    assert_eq!((mixed, wrong, failed), (0, 0, 0));
    assert_eq!((report().activations, report().failures), (RELOADS + 1, 0), "{:?}", report().error);
    assert!(answers > RELOADS, "hardly any load: {answers}");
    assert_eq!(server.records().len() as u64, answers);
    assert!(server.shutdown());
}

const GUARDED: &str =
    "package app\n\ndefault allow := false\n\nallow if not data.guard.blocked[input.user]\n";

/// Two bundles: `app` allows whoever `guard` does not block, and `guard` blocks `mallory`.
fn two_bundles(profile: Profile, config: &str) -> Server {
    TestApp::new()
        .config(config)
        .profile(profile)
        .file("app/.manifest", r#"{"roots": ["app"]}"#)
        .file("app/policy.rego", GUARDED)
        .file("guard/.manifest", r#"{"roots": ["guard"]}"#)
        .file("guard/guard/data.json", r#"{"blocked": {"mallory": true}}"#)
        .start()
}

fn allowed(server: &Server) -> serde_json::Value {
    server.post("/v1/data/app/allow", r#"{"input": {"user": "mallory"}}"#).json()["result"].clone()
}

fn remove(server: &Server, bundle: &str) {
    std::fs::remove_dir_all(server.dir.path().join("bundles").join(bundle)).unwrap();
}

const OFF: &str = "identity: {mode: off}\n";

#[test]
fn a_bundle_that_vanishes_stays_in_force_and_shows_until_its_removal_is_confirmed() {
    let server = two_bundles(Profile::Run(Insecure::default()), OFF);
    assert_eq!(allowed(&server), false);
    assert_eq!(server.metric("verdict_bundle_missing"), 0.0);
    assert!(server.get("/health/ready").json().get("warnings").is_none());
    assert!(server.app.live.confirm_removal("guard").is_err(), "it is there");

    remove(&server, "guard");
    server.wait_failure();
    assert_eq!(allowed(&server), false, "what `guard` blocks stays blocked");
    assert_eq!(server.metric("verdict_bundle_missing"), 1.0);
    let status = server.get("/v1/status").json()["result"].clone();
    assert_eq!(status["reload"]["missing"], serde_json::json!(["guard"]));
    assert_eq!(status["reload"]["error_kind"], "missing_bundle");
    assert_eq!(status["bundles"]["guard"]["code"], "bundle_error");
    assert!(status["bundles"]["app"].get("code").is_none(), "{status}");
    let ready = server.get("/health/ready");
    assert_eq!(ready.status, 200);
    let warning = ready.json()["warnings"][0].as_str().unwrap().to_owned();
    assert!(warning.contains("missing") && !warning.contains("guard"), "{warning}");

    assert!(server.app.live.confirm_removal("app").is_err(), "it is there");
    server.app.live.confirm_removal("guard").unwrap();
    server.wait_generation(2);
    assert_eq!(allowed(&server), true);
    wait_until("a clean status", || server.app.bundles.report().failing_since.is_none());
    assert_eq!(server.metric("verdict_bundle_missing"), 0.0);
}

#[test]
fn a_missing_bundle_is_a_reason_not_to_be_ready_once_it_is_stale() {
    let config = "identity: {mode: off}\n\
                  bundles: {dir: bundles, poll_interval: 50ms, debounce: 10ms, max_stale: 1ms}\n";
    let server = two_bundles(Profile::Run(Insecure::default()), config);
    remove(&server, "guard");
    server.wait_failure();
    wait_until("it is not ready", || server.get("/health/ready").status == 503);
    let reasons = server.get("/health/ready").json()["reasons"].to_string();
    assert!(reasons.contains("missing from the bundle directory"), "{reasons}");
}

#[test]
fn in_development_a_bundle_that_vanishes_goes_at_once_unless_the_file_says_otherwise() {
    let server = two_bundles(Profile::Dev, OFF);
    remove(&server, "guard");
    server.wait_generation(2);
    assert_eq!(allowed(&server), true);

    let keeping = "identity: {mode: off}\n\
                   bundles: {dir: bundles, poll_interval: 50ms, debounce: 10ms, on_removal: keep}\n";
    let server = two_bundles(Profile::Dev, keeping);
    remove(&server, "guard");
    server.wait_failure();
    assert_eq!(allowed(&server), false);
}

#[test]
fn a_server_without_an_expected_bundle_or_required_data_never_serves() {
    for key in ["expected: [app, guard]", "required_data: [guard/blocked]"] {
        let config = format!(
            "identity: {{mode: off}}\nbundles: {{dir: bundles, poll_interval: 50ms, debounce: 10ms, {key}}}\n"
        );
        let app = TestApp::new().config(&config).profile(Profile::Run(Insecure::default()));
        let server =
            app.file("app/.manifest", r#"{"roots": ["app"]}"#).file("app/policy.rego", GUARDED).start();
        assert_eq!(server.app.bundles.report().generation, 0, "{key}");
        assert_eq!(server.get("/health/ready").status, 503, "{key}");
        assert_ne!(allowed(&server), true, "{key}");
        server.write("guard/.manifest", r#"{"roots": ["guard"]}"#);
        server.write("guard/guard/data.json", r#"{"blocked": {"mallory": true}}"#);
        server.wait_generation(1);
        assert_eq!(allowed(&server), false, "{key}");
    }
}
