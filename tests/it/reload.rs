//! The reload matrix: what happens to a watched directory, and what is served meanwhile. Real files, a real watcher.

mod removal;
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use verdict::bundle::Candidate;
use verdict::bundle::{ErrorKind, TestRunner};
use verdict::model::clock::Timestamp;
use verdict::model::units::Period;

use super::bundle_format::{gzip, tar_of, write_all};
use super::harness::Ends;
use world::*;

#[test]
fn the_first_reading_serves_and_reports() {
    let world = World::with_version(1);
    assert_eq!(world.value("app/v"), "1");
    let report = world.status.report();
    assert_eq!((report.generation, report.activations, report.failures), (1, 1, 0));
    let json = serde_json::to_value(&*report).unwrap();
    let bundle = &json["bundles"]["authz"];
    assert_eq!((bundle["name"].as_str(), bundle["type"].as_str()), (Some("authz"), Some("snapshot")));
    assert!(bundle["last_successful_activation"].as_str().unwrap().ends_with('Z'));
    assert_eq!(bundle["size"].as_u64(), Some(policy(1).len() as u64));
    assert!(bundle.get("code").is_none() && bundle.get("errors").is_none());
}

#[test]
fn an_edit_in_place_is_served() {
    let world = World::with_version(1);
    fs::write(world.bundle().join("policy.rego"), policy(2)).unwrap();
    world.until_version(2);
    assert_eq!(world.generation(), 2);
}

#[test]
fn a_syntax_error_keeps_the_last_good_policy_and_shows_everywhere() {
    let world = World::with_version(1);
    fs::write(world.bundle().join("policy.rego"), "package app\n\nv := {\n").unwrap();
    world.until_failed(ErrorKind::Compile);
    assert_eq!((world.value("app/v"), world.generation()), ("1".to_owned(), 1));
    let report = world.status.report();
    let json = serde_json::to_value(&*report).unwrap();
    let bundle = &json["bundles"]["authz"];
    assert_eq!(bundle["code"], "bundle_error");
    assert_eq!(bundle["errors"][0]["code"], "rego_parse_error");
    assert_eq!(bundle["errors"][0]["location"]["file"], "authz/policy.rego");
    assert!(bundle["errors"][0]["location"]["row"].as_u64().unwrap() >= 3);
    assert!(bundle["last_successful_activation"].is_string(), "what is in force stays known");
    let since = report.failing_since.unwrap();
    let later = Timestamp(since.0 + 60_000_000_000);
    assert!(
        report.is_stale(later, Duration::from_secs(59)) && !report.is_stale(later, Duration::from_secs(61))
    );
    assert!(!report.is_stale(later, Duration::ZERO), "zero is without end");

    fs::write(world.bundle().join("policy.rego"), policy(2)).unwrap();
    world.until_version(2);
    assert!(world.status.report().bundles["authz"].code.is_none());
}

#[test]
fn going_back_to_what_is_in_force_clears_the_failure_without_an_activation() {
    let world = World::with_version(1);
    fs::write(world.bundle().join("policy.rego"), "package app\nv := ").unwrap();
    world.until_failed(ErrorKind::Compile);
    fs::write(world.bundle().join("policy.rego"), policy(1)).unwrap();
    world.until("the status is clean", || world.status.report().failing_since.is_none());
    assert_eq!((world.generation(), world.heard.activated.load(Ordering::SeqCst)), (1, 1));
    assert!(world.status.report().bundles["authz"].code.is_none());
}

#[test]
fn data_that_changes_while_policy_is_broken_is_not_served_and_the_failure_keeps_its_age() {
    let world = World::start(Options::default(), |dir| {
        write_all(
            &dir.join("authz"),
            &[("policy.rego", &policy(1)), ("users/data.json", r#"{"bob": true}"#)],
        );
    });
    fs::write(world.bundle().join("policy.rego"), "package app\nv := ").unwrap();
    world.until_failed(ErrorKind::Compile);
    let since = world.status.report().failing_since;
    let failures = world.status.report().failures;
    fs::write(world.bundle().join("users/data.json"), "{}").unwrap();
    world.until("the second failure", || world.status.report().failures > failures);
    assert_eq!(world.value("users/bob"), "true", "policy and data change together or not at all");
    assert_eq!(world.status.report().failing_since, since, "`max_stale` counts from the first failure");
}

#[test]
fn a_policy_cut_at_a_statement_is_refused_by_its_required_entry_points() {
    let of_config = Options { required: vec!["app/allow".to_owned()], ..Options::default() };
    let manifest = r#"{"metadata": {"verdict": {"required_entrypoints": ["app/allow"]}}}"#;
    for (options, manifest) in [(of_config, "{}"), (Options::default(), manifest)] {
        let world = World::start(options, |dir| {
            write_all(&dir.join("authz"), &[(".manifest", manifest), ("policy.rego", &policy(1))]);
        });
        fs::write(world.bundle().join("policy.rego"), "package app\n\n").unwrap();
        world.until_failed(ErrorKind::EntryPoint);
        assert_eq!(world.value("app/v"), "1");
    }
}

#[test]
fn deleting_policy_bundle_or_directory_keeps_the_last_good_one() {
    let world = World::with_version(1);
    let check = |kind| {
        world.until_failed(kind);
        assert_eq!((world.value("app/v"), world.generation()), ("1".to_owned(), 1));
    };
    fs::remove_file(world.bundle().join("policy.rego")).unwrap();
    check(ErrorKind::Empty);
    fs::remove_dir(world.bundle()).unwrap();
    world.until("the empty directory is named", || {
        world.status.report().error.as_deref().is_some_and(|error| error.contains("contains no bundle"))
    });
    check(ErrorKind::Empty);
    fs::remove_dir(&world.dir).unwrap();
    world.until("the missing directory is named", || {
        world.status.report().error.as_deref().is_some_and(|error| error.contains("does not exist"))
    });
    check(ErrorKind::Empty);
    write_all(&world.bundle(), &[("policy.rego", &policy(2))]);
    world.until_version(2);
}

#[test]
fn an_empty_start_is_a_failure_until_there_is_a_bundle() {
    for prepare in [(|_: &Path| ()) as fn(&Path), |dir: &Path| fs::create_dir(dir).unwrap()] {
        let world = World::start(Options::default(), prepare);
        world.until_failed(ErrorKind::Empty);
        assert_eq!((world.generation(), world.status.report().is_active()), (0, false));
        write_all(&world.bundle(), &[("policy.rego", &policy(1))]);
        world.until_version(1);
        assert!(world.status.report().is_active());
    }
}

#[test]
fn removing_and_recreating_the_directory_is_followed_again_and_again() {
    let world = World::with_version(1);
    for version in 2..5 {
        fs::remove_dir_all(&world.dir).unwrap();
        write_all(&world.bundle(), &[("policy.rego", &policy(version))]);
        world.until_version(version);
    }
    fs::write(world.bundle().join("policy.rego"), policy(9)).unwrap();
    world.until_version(9);
}

#[test]
fn an_atomic_swap_of_directory_or_bundle_is_followed_and_so_are_later_edits() {
    let world = World::with_version(1);
    let (next, old) = (world.home.path().join("next"), world.home.path().join("old"));
    write_all(&next.join("authz"), &[("policy.rego", &policy(2))]);
    fs::rename(&world.dir, &old).unwrap();
    fs::rename(&next, &world.dir).unwrap();
    world.until_version(2);
    fs::write(world.bundle().join("policy.rego"), policy(3)).unwrap();
    world.until_version(3);

    write_all(&next, &[("policy.rego", &policy(4))]);
    fs::rename(world.bundle(), world.home.path().join("old-bundle")).unwrap();
    fs::rename(&next, world.bundle()).unwrap();
    world.until_version(4);
    fs::write(world.bundle().join("policy.rego"), policy(5)).unwrap();
    world.until_version(5);
}

fn flip(link: &Path, target: &Path) {
    let beside = link.with_extension("tmp");
    symlink(target, &beside).unwrap();
    fs::rename(&beside, link).unwrap();
}

/// Folders `1/authz` to `3/authz`, each with its version.
fn releases() -> TempDir {
    let releases = TempDir::new().unwrap();
    for version in 1..4 {
        let release = releases.path().join(version.to_string());
        write_all(&release.join("authz"), &[("policy.rego", &policy(version))]);
    }
    releases
}

#[test]
fn links_to_the_directory_and_to_a_bundle_are_followed_when_they_flip() {
    let releases = releases();
    let release = |version: u64| releases.path().join(version.to_string());
    let world = World::start(Options::default(), |dir| symlink(release(1), dir).unwrap());
    assert_eq!(world.value("app/v"), "1");
    flip(&world.dir, &release(2));
    world.until_version(2);
    fs::write(release(2).join("authz/policy.rego"), policy(7)).unwrap();
    world.until_version(7);

    let world = World::start(Options::default(), |dir| {
        fs::create_dir(dir).unwrap();
        symlink(release(1).join("authz"), dir.join("authz")).unwrap();
    });
    assert_eq!(world.value("app/v"), "1");
    flip(&world.bundle(), &release(3).join("authz"));
    world.until_version(3);
}

/// No notification tells of it, and it is already so when the activation ends.
#[test]
fn a_link_that_flips_during_an_activation_is_followed() {
    let releases = releases();
    let link: Arc<OnceLock<PathBuf>> = Arc::default();
    let runner: Arc<TestRunner> = {
        let (link, next, flipped) = (Arc::clone(&link), releases.path().join("2"), AtomicBool::new(false));
        Arc::new(move |_: &Candidate<'_>| {
            if !flipped.swap(true, Ordering::SeqCst) {
                flip(link.get().unwrap(), &next);
            }
            Ok(())
        })
    };
    let options = Options { runner: Some(runner), ..Options::default() };
    let world = World::start(options, |dir| {
        symlink(releases.path().join("1"), dir).unwrap();
        link.set(dir.to_path_buf()).unwrap();
    });
    world.until_version(2);
}

/// Puts a version where Kubernetes would: `..<time>/`, `..data` swapped over to it, and links to the files.
fn mount(dir: &Path, version: u64) {
    let stamped = format!("..2026_11_21_{version}");
    write_all(
        &dir.join(&stamped),
        &[("policy.rego", &policy(version)), ("data.json", &format!("{{\"d\": {version}}}"))],
    );
    let beside = dir.join("..data_tmp");
    symlink(&stamped, &beside).unwrap();
    fs::rename(&beside, dir.join("..data")).unwrap();
    for file in ["policy.rego", "data.json"] {
        if !dir.join(file).is_symlink() {
            symlink(Path::new("..data").join(file), dir.join(file)).unwrap();
        }
    }
    let old = dir.join(format!("..2026_11_21_{}", version - 1));
    if old.exists() {
        fs::remove_dir_all(old).unwrap();
    }
}

#[test]
fn a_configmap_is_followed_as_bundle_and_as_directory() {
    for below in ["authz", ""] {
        let world = World::start(Options::default(), |dir| {
            fs::create_dir_all(dir.join(below)).unwrap();
            mount(&dir.join(below), 1);
        });
        for version in 2..6 {
            mount(&world.dir.join(below), version);
            world.until_version(version);
            assert_eq!(world.value("d"), version.to_string());
        }
        assert_eq!(world.heard.failed.lock().unwrap().as_slice(), []);
        let name = if below.is_empty() { "bundles" } else { below };
        assert!(world.status.report().bundles.contains_key(name));
    }
}

#[test]
fn a_new_subdirectory_is_followed_with_all_that_comes_into_it_later() {
    let world = World::with_version(1);
    write_all(&world.bundle(), &[("deep/er/data.json", r#"{"x": 1}"#)]);
    world.until("the new data is served", || world.value("deep/er/x") == "1");
    fs::write(world.bundle().join("deep/er/data.json"), r#"{"x": 2}"#).unwrap();
    world.until("the edit below is served", || world.value("deep/er/x") == "2");
    write_all(&world.dir, &[("more/.manifest", r#"{"roots": ["more"]}"#), ("more/more/data.json", "{}")]);
    world.until_failed(ErrorKind::Roots);
    fs::write(world.bundle().join(".manifest"), r#"{"roots": ["app", "deep"]}"#).unwrap();
    world.until("two bundles are served", || world.status.report().bundles.len() == 2);
}

#[test]
fn what_editors_leave_disturbs_nothing_and_backup_rego_is_policy() {
    let world = World::polled(1);
    let noise =
        [".#policy.rego", "policy.rego~", "#policy.rego#", ".policy.rego.swp", "4913", "x.tmp", "x.rego.bak"];
    for name in noise {
        fs::write(world.bundle().join(name), "not rego {").unwrap();
    }
    symlink("user@host.1234", world.bundle().join(".#lock")).unwrap();
    write_all(&world.bundle(), &[(".git/objects/data.json", "not json"), (".git/x.rego", "not rego")]);
    fs::write(world.bundle().join("policy.rego"), policy(2)).unwrap();
    world.until_version(2);
    world.settle();
    assert_eq!((world.generation(), world.status.report().failures), (2, 0));
    fs::write(world.bundle().join("backup.rego"), "package backup\n\nx := 1\n").unwrap();
    world.until("backup.rego is served", || world.value("backup/x") == "1");
}

#[test]
fn a_file_written_in_two_parts_is_never_served_in_half() {
    let world = World::with_version(1);
    let stop = AtomicBool::new(false);
    let (reads, halves) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                reads.fetch_add(1, Ordering::SeqCst);
                if world.value("app/v") == "-" {
                    halves.fetch_add(1, Ordering::SeqCst);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let _ends = Ends(&stop);
        for version in 2..5 {
            use std::io::Write as _;
            let mut file = fs::File::create(world.bundle().join("policy.rego")).unwrap();
            let text = policy(version);
            file.write_all(b"package app\n\n").unwrap();
            file.flush().unwrap();
            // Longer than any debounce: only the open file shows that more is to come.
            std::thread::sleep(Duration::from_millis(300));
            file.write_all(text.strip_prefix("package app\n\n").unwrap().as_bytes()).unwrap();
            drop(file);
            world.until_version(version);
        }
    });
    assert!(reads.load(Ordering::SeqCst) > 0, "the reader did not run");
    assert_eq!(halves.load(Ordering::SeqCst), 0, "a half-written policy was served");
}

#[test]
fn a_broken_save_after_a_good_one_keeps_the_good_one() {
    let world = World::with_version(1);
    fs::write(world.bundle().join("policy.rego"), policy(2)).unwrap();
    world.until_version(2);
    fs::write(world.bundle().join("policy.rego"), "package app\n\n").unwrap();
    fs::write(world.bundle().join("policy.rego"), format!("{}\nv := ", policy(3))).unwrap();
    world.until_failed(ErrorKind::Compile);
    assert_eq!((world.value("app/v"), world.value("app/allow")), ("2".to_owned(), "false".to_owned()));
}

#[test]
fn without_notifications_the_poll_finds_changes() {
    // Where not even the parent of the directory exists, there is nothing that could be asked for notifications.
    let world = World::start(Options { poll: Period::millis(50), ..Options::default() }, |dir| {
        symlink("not/yet/there", dir).unwrap();
    });
    world.until_failed(ErrorKind::Empty);
    write_all(&world.home.path().join("not/yet/there/authz"), &[("policy.rego", &policy(1))]);
    world.until_version(1);
}

#[test]
fn a_storm_of_events_costs_a_reading_and_loses_nothing() {
    let world = World::with_version(1);
    // Over `max_queued_events` (16,384 by default), so that the queue overflows while the watcher is busy.
    let noise = world.bundle().join("noise.md");
    for n in 0..40_000_u32 {
        fs::File::create(&noise).unwrap();
        if n % 16 == 0 {
            fs::rename(&noise, world.bundle().join("noise2.md")).unwrap();
        }
    }
    fs::write(world.bundle().join("policy.rego"), policy(2)).unwrap();
    world.until_version(2);
    fs::write(world.bundle().join("policy.rego"), policy(3)).unwrap();
    world.until_version(3);
}

#[test]
fn a_directory_that_never_rests_is_reported_and_served_once_it_does() {
    let options = Options { debounce: Period::millis(10), ..Options::default() };
    let world = World::start(options, |dir| write_all(&dir.join("authz"), &[("policy.rego", &policy(1))]));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut version = 1000;
            while !stop.load(Ordering::SeqCst) {
                replace(&world.bundle().join("policy.rego"), &policy(version));
                version += 1;
            }
        });
        let _ends = Ends(&stop);
        world.until("it is reported", || world.heard.failed.lock().unwrap().contains(&ErrorKind::Unsettled));
    });
    fs::write(world.bundle().join("policy.rego"), policy(2)).unwrap();
    world.until_version(2);
}

#[test]
fn a_trigger_tries_again_what_failed() {
    let passes = Arc::new(AtomicBool::new(false));
    let runner: Arc<TestRunner> = {
        let passes = Arc::clone(&passes);
        Arc::new(move |candidate: &Candidate<'_>| {
            assert_eq!(candidate.bundles.len(), 1);
            if passes.load(Ordering::SeqCst) { Ok(()) } else { Err("test_x failed".to_owned()) }
        })
    };
    let options = Options { runner: Some(runner), poll: Period::millis(100), ..Options::default() };
    let world = World::start(options, |dir| write_all(&dir.join("authz"), &[("policy.rego", &policy(1))]));
    world.until_failed(ErrorKind::Tests);
    assert_eq!(world.generation(), 0);
    world.settle();
    assert_eq!(world.status.report().failures, 1, "what failed is not tried again without a reason");
    passes.store(true, Ordering::SeqCst);
    world.watcher.as_ref().unwrap().trigger().reload();
    world.until_version(1);
    world.watcher.as_ref().unwrap().reload();
    world.settle();
    assert_eq!(world.generation(), 1, "the same contents are not activated twice");
}

#[test]
fn reading_does_not_wake_itself_and_equal_contents_change_nothing() {
    let world = World::polled(1);
    world.settle();
    replace(&world.bundle().join("policy.rego"), &policy(1));
    world.settle();
    assert_eq!((world.generation(), world.status.report().activations), (1, 1));
}

#[test]
fn archives_are_watched_too() {
    let archive = |version: u64| gzip(&tar_of(&[("/policy.rego", policy(version).as_bytes())]));
    let world = World::start(Options::default(), |dir| {
        fs::create_dir(dir).unwrap();
        fs::write(dir.join("authz.tar.gz"), archive(1)).unwrap();
    });
    assert_eq!(world.value("app/v"), "1");
    let whole = archive(2);
    fs::write(world.dir.join("authz.tar.gz"), &whole[..whole.len() / 2]).unwrap();
    world.until_failed(ErrorKind::Archive);
    assert_eq!(world.value("app/v"), "1");
    fs::write(world.dir.join("authz.tar.gz"), whole).unwrap();
    world.until_version(2);
}

/// Policy and data carry one number each; a reader that ever sees two different ones saw a mixed pair. Only a publisher
/// that takes longer over a pair than the debounce may be read in between, as this one does on a busy machine.
#[test]
fn policy_and_data_renamed_one_after_the_other_are_never_mixed() {
    const ROUNDS: u64 = 120;
    const DEBOUNCE: Duration = Duration::from_millis(40);
    let rule = |n: u64| format!("package app\n\npair := [{n}, data.number]\n");
    let data = |n: u64| format!("{{\"number\": {n}}}");
    let options = Options { debounce: Period(DEBOUNCE), ..Options::default() };
    let world = World::start(options, |dir| {
        write_all(&dir.join("authz"), &[("policy.rego", &rule(0)), ("data.json", &data(0))]);
    });
    let (stop, reads, seen) = (AtomicBool::new(false), AtomicU64::new(0), Mutex::new(BTreeSet::new()));
    let mut slow = BTreeSet::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !stop.load(Ordering::SeqCst) {
                    let snapshot = world.store.load();
                    let generation = snapshot.generation;
                    assert!(generation >= last, "generation {generation} after {last}");
                    seen.lock().unwrap().insert(value_in(&snapshot, "app/pair"));
                    last = generation;
                    reads.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_micros(300));
                }
            });
        }
        let _ends = Ends(&stop);
        for round in 1..=ROUNDS {
            let begun = Instant::now();
            replace(&world.bundle().join("policy.rego"), &rule(round));
            replace(&world.bundle().join("data.json"), &data(round));
            if begun.elapsed() >= DEBOUNCE {
                slow.insert(format!("[{round},{}]", round - 1));
            }
            if round % 10 != 0 {
                // Most rounds come while the one before is still being read.
                std::thread::sleep(Duration::from_millis(round % 90));
            } else {
                world
                    .until("the round is served", || world.value("app/pair") == format!("[{round},{round}]"));
            }
        }
    });
    let whole: BTreeSet<String> = (0..=ROUNDS).map(|n| format!("[{n},{n}]")).collect();
    let seen = seen.into_inner().unwrap();
    let mixed: Vec<_> = seen.iter().filter(|pair| !whole.contains(*pair) && !slow.contains(*pair)).collect();
    assert!(mixed.is_empty(), "{mixed:?}");
    assert!(reads.load(Ordering::SeqCst) > ROUNDS, "the readers hardly ran");
    assert!(seen.len() > 10 && slow.len() < 20, "served {}, published too slowly {}", seen.len(), slow.len());
    assert_eq!(world.status.report().failures, 0);
}

#[test]
fn shutdown_ends_the_thread() {
    let mut world = World::with_version(1);
    world.watcher.take().unwrap().shutdown();
    fs::write(world.bundle().join("policy.rego"), policy(2)).unwrap();
    assert_eq!(world.value("app/v"), "1");
    assert_eq!(Arc::strong_count(&world.status), 1, "the watcher's thread still holds the status");
}
