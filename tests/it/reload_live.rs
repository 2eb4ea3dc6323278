//! Reloads under load: policy and data change together, and no answer sees one without the other.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
    assert_eq!((report().activations, report().failures), (RELOADS + 1, 0));
    assert!(answers > RELOADS, "hardly any load: {answers}");
    assert_eq!(server.records().len() as u64, answers);
    assert!(server.shutdown());
}
