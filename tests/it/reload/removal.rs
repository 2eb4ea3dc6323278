//! Bundles that vanish from the watched directory, and what must be in it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use verdict::bundle::{Config, ErrorKind, NotRemovable, OnRemoval};
use verdict::model::units::Period;

use super::world::*;
use crate::bundle_format::{gzip, tar_of, write_all};

/// Bundles `app` (policy) and `users` (data), each with its root.
fn two(configure: fn(&mut Config)) -> World {
    World::start(Options { poll: Period::millis(50), configure, ..Options::default() }, |dir| {
        write_all(
            dir,
            &[
                ("app/.manifest", r#"{"roots": ["app"]}"#),
                ("app/policy.rego", &policy(1)),
                ("users/.manifest", r#"{"roots": ["users"]}"#),
                ("users/users/data.json", r#"{"bob": true}"#),
            ],
        );
    })
}

fn keep(_: &mut Config) {}

fn missing(world: &World) -> BTreeSet<String> {
    world.status.report().missing.clone()
}

/// Waits until exactly these bundles are reported as missing; what was in force still is.
#[track_caller]
fn until_missing(world: &World, names: &[&str]) {
    let names: BTreeSet<String> = names.iter().map(|&name| name.to_owned()).collect();
    world.until(&format!("{names:?} are missing"), || missing(world) == names);
    world.settle();
    assert_eq!(missing(world), names);
    assert_eq!((world.generation(), world.value("users/bob")), (1, "true".to_owned()));
}

fn error(world: &World) -> String {
    world.status.report().error.clone().unwrap_or_default()
}

fn confirm(world: &World, name: &str) -> Result<(), NotRemovable> {
    world.watcher.as_ref().unwrap().trigger().confirm_removal(name)
}

#[test]
fn a_bundle_that_comes_back_ends_the_state_and_voids_the_confirmation() {
    let world = two(keep);
    let aside = world.home.path().join("aside");
    fs::rename(world.dir.join("users"), &aside).unwrap();
    until_missing(&world, &["users"]);
    world.until_failed(ErrorKind::MissingBundle);
    assert!(
        error(&world).starts_with("bundle `users`: it is in force but no longer in "),
        "{}",
        error(&world)
    );
    // Something else is broken as well, so that what is confirmed cannot come into force yet.
    fs::write(world.dir.join("app/policy.rego"), "package app\nv := ").unwrap();
    confirm(&world, "users").unwrap();
    world.until_failed(ErrorKind::Compile);
    fs::rename(&aside, world.dir.join("users")).unwrap();
    world.until("it is back", || missing(&world).is_empty());
    fs::write(world.dir.join("app/policy.rego"), policy(2)).unwrap();
    world.until_version(2);
    assert_eq!(confirm(&world, "users"), Err(NotRemovable::NotMissing("users".to_owned())));

    fs::rename(world.dir.join("users"), &aside).unwrap();
    world.until_failed(ErrorKind::MissingBundle);
    world.settle();
    assert_eq!(
        (world.generation(), world.value("users/bob")),
        (2, "true".to_owned()),
        "that was another removal"
    );
    confirm(&world, "users").unwrap();
    world.until("it is gone", || world.value("users/bob") == "-");
    assert_eq!(world.generation(), 3);
    assert!(missing(&world).is_empty() && world.status.report().failing_since.is_none());
    fs::rename(&aside, world.dir.join("users")).unwrap();
    world.until("it is a new bundle", || world.value("users/bob") == "true");
}

#[test]
fn nothing_else_comes_into_force_while_a_bundle_is_missing() {
    let world = two(keep);
    fs::remove_dir_all(world.dir.join("users")).unwrap();
    until_missing(&world, &["users"]);
    fs::write(world.dir.join("app/policy.rego"), policy(2)).unwrap();
    world.settle();
    assert_eq!(world.value("app/v"), "1");
    confirm(&world, "users").unwrap();
    world.until_version(2);
}

#[test]
fn a_renamed_bundle_is_named_with_its_new_name() {
    let world = two(keep);
    fs::rename(world.dir.join("users"), world.dir.join("people")).unwrap();
    until_missing(&world, &["users"]);
    let said = error(&world);
    assert!(
        said.contains("the new bundle `people` has the root `users`") && said.contains("renamed"),
        "{said}"
    );
    confirm(&world, "users").unwrap();
    world.until("`people` is in force", || world.status.report().bundles.contains_key("people"));
    assert_eq!(world.value("users/bob"), "true");
}

#[test]
fn an_archive_in_the_place_of_a_folder_is_the_same_bundle() {
    let world = two(keep);
    let files: [(&str, &[u8]); 2] =
        [(".manifest", br#"{"roots": ["users"]}"#), ("users/data.json", br#"{"bob": 2}"#)];
    let aside = world.home.path().join("users.tar.gz");
    fs::write(&aside, gzip(&tar_of(&files))).unwrap();
    fs::remove_dir_all(world.dir.join("users")).unwrap();
    fs::rename(aside, world.dir.join("users.tar.gz")).unwrap();
    world.until("the archive is in force", || world.value("users/bob") == "2");
}

/// Swaps two names in one step.
fn exchange(a: &Path, b: &Path) {
    let (here, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
    rustix::fs::renameat_with(here, a, here, b, flags).unwrap();
}

#[test]
fn lost_mounts_and_broken_links_are_vanished_bundles_in_every_mode() {
    let deactivate: fn(&mut Config) = |config| config.on_removal = Some(OnRemoval::Deactivate);
    for mode in [keep as fn(&mut Config), deactivate] {
        // A mount point without its mount, and a link to what is no longer there.
        for (target, kind, said) in [
            ("empty", ErrorKind::Empty, "contains no policy"),
            ("nowhere", ErrorKind::MissingBundle, "broken link"),
        ] {
            let world = two(mode);
            fs::create_dir(world.home.path().join("empty")).unwrap();
            // In one step, so that it is never simply not there.
            let link = world.dir.join("link.tmp");
            symlink(world.home.path().join(target), &link).unwrap();
            exchange(&link, &world.dir.join("users"));
            until_missing(&world, &["users"]);
            world.until_failed(kind);
            assert!(error(&world).contains(said), "{}", error(&world));
        }

        // The whole directory: empty, away, and not to be read.
        let world = two(mode);
        let aside = world.home.path().join("aside");
        fs::rename(&world.dir, &aside).unwrap();
        until_missing(&world, &["app", "users"]);
        fs::create_dir(&world.dir).unwrap();
        world.until("the empty directory is named", || error(&world).contains("contains no bundle"));
        until_missing(&world, &["app", "users"]);
        fs::remove_dir(&world.dir).unwrap();
        symlink(&world.dir, &world.dir).unwrap();
        world.until_failed(ErrorKind::Unreadable);
        until_missing(&world, &["app", "users"]);
        fs::remove_file(&world.dir).unwrap();
        fs::rename(&aside, &world.dir).unwrap();
        world.until("all is well", || world.status.report().failing_since.is_none());
        assert_eq!((world.generation(), missing(&world)), (1, BTreeSet::new()));
    }
}

#[test]
fn an_expected_bundle_cannot_be_confirmed_away() {
    for mode in [OnRemoval::Keep, OnRemoval::Deactivate] {
        let keep: fn(&mut Config) = |config| config.expected = vec!["users".to_owned()];
        let deactivate: fn(&mut Config) = |config| {
            config.expected = vec!["users".to_owned()];
            config.on_removal = Some(OnRemoval::Deactivate);
        };
        let world = two(if mode == OnRemoval::Keep { keep } else { deactivate });
        fs::remove_dir_all(world.dir.join("users")).unwrap();
        until_missing(&world, &["users"]);
        assert!(
            error(&world).starts_with("bundle `users`: `bundles.expected` lists it"),
            "{}",
            error(&world)
        );
        assert_eq!(confirm(&world, "users"), Err(NotRemovable::Expected("users".to_owned())));
    }
}

#[test]
fn required_data_that_goes_keeps_the_last_good_snapshot() {
    let of_config: fn(&mut Config) = |config| config.required_data = vec!["users/bob".to_owned()];
    for (configure, manifest, by) in [
        (of_config, r#"{"roots": ["users"]}"#, "`bundles.required_data`"),
        (
            keep,
            r#"{"roots": ["users"], "metadata": {"verdict": {"required_data": ["users/bob"]}}}"#,
            "its `.manifest`",
        ),
    ] {
        let world = two(configure);
        fs::write(world.dir.join("users/.manifest"), manifest).unwrap();
        fs::write(world.dir.join("users/users/data.json"), r#"{"bobby": true}"#).unwrap();
        world.until_failed(ErrorKind::MissingData);
        assert_eq!(world.value("users/bob"), "true");
        let said = error(&world);
        assert!(said.contains(&format!("no data defines `users/bob`, which {by} requires")), "{said}");
        // Any value will do, `null` too.
        fs::write(world.dir.join("users/users/data.json"), r#"{"bob": null}"#).unwrap();
        world.until("it is in force", || world.value("users/bob") == "null");
    }
}
