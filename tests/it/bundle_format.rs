//! What a bundle may look like, as folder and as archive, and what is refused.

mod archives;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;
use verdict::bundle::{self, Conditions, Config, ErrorKind, Limits, LoadError};
use verdict::model::clock::Timestamp;
use verdict::model::request::EntryPath;

const POLICY: &str = "package app\n\ndefault allow := false\n\nallow if input.user in data.users\n";
const MANIFEST: &str = r#"{"revision": "r1", "roots": ["app", "users"],
    "metadata": {"verdict": {"required_entrypoints": ["app/allow"]}}}"#;

fn limits() -> Limits {
    Limits { max_size: 8 << 20, max_files: 100 }
}

/// Writes files below `dir`, with their folders.
pub fn write_all(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn member(builder: &mut Builder<Vec<u8>>, name: &str, bytes: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    // Written past the builder's own check of names, which refuses what is to be tested.
    let field = &mut header.as_old_mut().name;
    if name.len() <= field.len() {
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    } else {
        builder.append_data(&mut header, name, bytes).unwrap();
    }
}

pub fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, bytes) in files {
        member(&mut builder, name, bytes);
    }
    builder.into_inner().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sample_tar() -> Vec<u8> {
    tar_of(&[
        ("/.manifest", MANIFEST.as_bytes()),
        ("/app/policy.rego", POLICY.as_bytes()),
        ("/users/data.json", b"{\"alice\": true}"),
    ])
}

fn load_bytes(bytes: &[u8]) -> Result<bundle::Bundle, LoadError> {
    load_with(bytes, limits())
}

fn load_with(bytes: &[u8], limits: Limits) -> Result<bundle::Bundle, LoadError> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("authz.tar.gz");
    fs::write(&path, bytes).unwrap();
    bundle::load_path(&path, limits)
}

fn load_folder(files: &[(&str, &str)]) -> Result<bundle::Bundle, LoadError> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("authz");
    write_all(&path, files);
    bundle::load_path(&path, limits())
}

fn load_watched(dir: &Path) -> Result<Vec<bundle::Bundle>, LoadError> {
    bundle::load_dir(&Config { dir: dir.to_path_buf(), ..Config::default() })
}

/// The names of the bundles in a directory, or the error's text.
fn names(dir: &Path) -> Result<Vec<String>, String> {
    let bundles = load_watched(dir).map_err(|error| error.to_string())?;
    Ok(bundles.into_iter().map(|bundle| bundle.name).collect())
}

/// What the directory's bundles come to, as their data, or the error.
fn activated(dir: &Path, required: &[&str]) -> Result<String, LoadError> {
    let required: Vec<_> = required.iter().map(|path| EntryPath::parse(path).unwrap()).collect();
    let conditions = Conditions { required: &required, ..Conditions::default() };
    let snapshot = bundle::activate(&load_watched(dir)?, 1, Timestamp(0), &conditions)?;
    Ok(snapshot.shared.program.data().to_string())
}

#[test]
fn a_folder_and_an_archive_give_the_same_bundle() {
    let folder = load_folder(&[
        (".manifest", MANIFEST),
        ("app/policy.rego", POLICY),
        ("users/data.json", "{\"alice\": true}"),
    ])
    .unwrap();
    let archive = load_bytes(&gzip(&sample_tar())).unwrap();
    for bundle in [&folder, &archive] {
        assert_eq!(bundle.name, "authz");
        assert_eq!(bundle.manifest.revision, "r1");
        assert_eq!(bundle.modules.len(), 1);
        assert_eq!(&*bundle.modules[0].source, POLICY);
        assert_eq!(bundle.documents[0].path, ["users"]);
        assert_eq!(bundle.documents[0].value.to_string(), r#"{"alice":true}"#);
    }
    assert_eq!(folder.size, archive.size);
}

#[test]
fn a_bundle_recorded_with_a_real_opa_loads() {
    let Some(root) = crate::harness::conformance("opa-api") else { return };
    let bundle = bundle::load_path(&root.join("bundle"), limits()).unwrap();
    assert_eq!(bundle.manifest.revision, "rev-1");
    assert_eq!(bundle.modules.len(), 2);
    let program = bundle::compile(&[bundle]).unwrap();
    let zoe = program.data().at(["users", "Zoë", "roles"]).unwrap();
    assert_eq!(zoe.to_string(), "[]");
    assert!(program.declares(&EntryPath::parse("system/main").unwrap()));
}

#[test]
fn roles_of_files_in_a_bundle() {
    let bundle = load_folder(&[
        ("policy.rego", POLICY),
        ("policy_test.rego", "package app_test\n"),
        ("backup.rego", "package backup\n"),
        ("tests/cases.yaml", "cases: []\n"),
        ("deep/down/data.yaml", "a: 1\n"),
        ("README.md", "#"),
        (".signatures.json", "{}"),
        ("policy.wasm", "\0asm"),
        ("plan.json", "{}"),
        (".#policy.rego", "not rego"),
        ("policy.rego~", "not rego"),
        (".git/data.json", "not json"),
        ("policy.rego.bak", "not rego"),
    ])
    .unwrap();
    let ids: Vec<_> = bundle.modules.iter().map(|m| m.id.rsplit('/').next().unwrap()).collect();
    assert_eq!(ids, ["backup.rego", "policy.rego"]);
    assert_eq!(bundle.tests.len(), 1);
    assert_eq!(bundle.fixtures.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["tests/cases.yaml"]);
    assert_eq!(bundle.documents[0].path, ["deep", "down"]);
}

#[test]
fn a_single_file_is_a_bundle_for_the_commands() {
    let dir = TempDir::new().unwrap();
    write_all(dir.path(), &[("p.rego", POLICY), ("d.yaml", "a: 1\n"), ("x.txt", "")]);
    let load = |file: &str| bundle::load_path(&dir.path().join(file), limits());
    assert_eq!(load("p.rego").unwrap().modules.len(), 1);
    assert_eq!(load("d.yaml").unwrap().documents[0].value.to_string(), r#"{"a":1}"#);
    assert_eq!(load("x.txt").unwrap_err().kind, ErrorKind::Layout);
    assert_eq!(load("none.rego").unwrap_err().kind, ErrorKind::Unreadable);
}

#[test]
fn a_folder_is_refused_with_the_file_and_what_to_do() {
    for (files, kind, expected) in [
        (&[("README.md", "#")][..], ErrorKind::Empty, "contains no policy and no data"),
        (&[("data.json", "[]")], ErrorKind::Data, "must be an object"),
        (&[("data.json", "{\"a\": 1, \"a\": 2}")], ErrorKind::Data, "data.json:1:"),
        (&[("data.json", "{\n\"a\": \n}")], ErrorKind::Data, "data.json:3:"),
        (&[("data.yaml", "a: [")], ErrorKind::Data, "data.yaml` is malformed"),
        (&[("users/data.json", "{}"), ("users/data.yaml", "{}")], ErrorKind::Data, "keep one"),
        (&[("data.yaml", "{}"), ("data.yml", "{}")], ErrorKind::Data, "keep one"),
        (&[("p.rego", POLICY), ("patch.json", "{}")], ErrorKind::Layout, "delta bundle"),
        (&[("p.rego", POLICY), ("sub/.manifest", "{}")], ErrorKind::Layout, "bundles cannot be nested"),
        (
            &[("p.rego", POLICY), (".manifest", "{\n \"rots\": []}")],
            ErrorKind::Manifest,
            "did you mean `roots`?",
        ),
        (
            &[("p.rego", POLICY), (".manifest", "{\n \"roots\": 1}")],
            ErrorKind::Manifest,
            "authz/.manifest:2:",
        ),
    ] {
        let error = load_folder(files).unwrap_err();
        assert_eq!(error.kind, kind, "{files:?}: {error}");
        assert!(error.to_string().contains(expected), "{files:?}: {error}");
        assert_eq!(error.bundle.as_deref(), Some("authz"));
    }
}

#[test]
fn limits_hold_for_folders_and_archives() {
    let few = Limits { max_files: 2, ..limits() };
    let small = Limits { max_size: 100, ..limits() };
    let dir = TempDir::new().unwrap();
    let long = "# ".repeat(200);
    write_all(dir.path(), &[("a.rego", &long), ("b.rego", ""), ("c.md", "")]);
    let tar = tar_of(&[("a.rego", long.as_bytes()), ("b.rego", b""), ("c.md", b"")]);
    for (limits, expected) in [(few, "more than 2 files"), (small, "larger than 100 unpacked")] {
        for result in [bundle::load_path(dir.path(), limits), load_with(&gzip(&tar), limits)] {
            let error = result.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Limit, "{error}");
            // An archive may be over the limit before it is unpacked; that is its own text.
            assert!(
                error.to_string().contains(expected) || error.to_string().contains("is larger than 100"),
                "{error}"
            );
        }
    }
}

#[test]
fn links_may_not_lead_out_of_a_bundle() {
    let dir = TempDir::new().unwrap();
    let bundle = dir.path().join("authz");
    write_all(&bundle, &[("policy.rego", POLICY)]);
    fs::write(dir.path().join("secret.json"), "{\"s\": 1}").unwrap();
    let load = || bundle::load_path(&bundle, limits()).map(|b| b.documents.len());
    for (target, link, expected) in [
        ("../secret.json", "data.json", "outside the bundle"),
        ("/etc", "sub", "outside the bundle"),
        ("..", "sub", "outside the bundle"),
        (".", "sub", "is a link loop"),
        ("nowhere", "data.json", "a broken link"),
        ("data.json", "data.json", "cannot read"),
    ] {
        symlink(target, bundle.join(link)).unwrap();
        let error = load().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreadable, "{link} -> {target}");
        assert!(error.to_string().contains(expected), "{link} -> {target}: {error}");
        fs::remove_file(bundle.join(link)).unwrap();
    }
    symlink("../secret.json", bundle.join("README.md")).unwrap();
    assert_eq!(load(), Ok(0), "a link of no meaning is not followed");
    fs::create_dir(bundle.join(".v1")).unwrap();
    fs::write(bundle.join(".v1/users.json"), "{\"a\": 1}").unwrap();
    symlink(".v1/users.json", bundle.join("data.json")).unwrap();
    assert_eq!(load(), Ok(1), "a link within the bundle is followed");
}

#[test]
fn what_is_not_a_file_is_not_opened() {
    let dir = TempDir::new().unwrap();
    write_all(dir.path(), &[("policy.rego", POLICY)]);
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("data.json")).unwrap();
    let error = bundle::load_path(dir.path(), limits()).unwrap_err();
    assert!(error.to_string().contains("a pipe, a socket or a device"), "{error}");
}

#[test]
fn the_layout_of_the_watched_directory_is_plain_or_refused() {
    let rego = ("policy.rego", POLICY);
    let check = |files: &[(&str, &str)]| {
        let dir = TempDir::new().unwrap();
        let watched = dir.path().join("bundles");
        fs::create_dir(&watched).unwrap();
        write_all(&watched, files);
        names(&watched)
    };
    let good = |files: &[(&str, &str)]| check(files).unwrap();
    assert_eq!(good(&[("a/policy.rego", POLICY), ("b/data.json", "{}"), ("README.md", "")]), ["a", "b"]);
    assert_eq!(good(&[rego]), ["bundles"]);
    assert_eq!(good(&[rego, ("sub/data.json", "{}"), (".manifest", "{}")]), ["bundles"]);
    assert_eq!(good(&[("a/p.rego", POLICY), (".git/config", ""), ("cases.yaml", "")]), ["a"]);
    for (files, expected) in [
        (&[][..], "contains no bundle"),
        (&[("README.md", "")], "contains no bundle"),
        (
            &[rego, ("a/.manifest", "{}"), ("a/p.rego", POLICY)],
            "holds both the bundle `a` and loose files such as",
        ),
        (&[rego, ("a.tar.gz", "")], "holds both the bundle `a.tar.gz` and loose files"),
        (&[("a/p.rego", POLICY), ("a.tar.gz", "")], "are both named `a`"),
        (&[("a.tar.gz", ""), ("a.tgz", "")], "are both named `a`"),
        (&[("a.zip", "")], "pack it as `.tar.gz`"),
        (&[("a/README.md", "")], "bundle `a`: contains no policy and no data"),
        (&[("a.tar.gz", "")], "bundle `a`: the archive is corrupt or truncated"),
    ] {
        let error = check(files).unwrap_err();
        assert!(error.contains(expected), "{files:?}: {error}");
    }
    let dir = TempDir::new().unwrap();
    assert!(names(&dir.path().join("none")).unwrap_err().contains("create it, set `bundles.dir`"));
    fs::write(dir.path().join("file"), "").unwrap();
    assert!(names(&dir.path().join("file")).unwrap_err().contains("is not a directory"));
}

#[test]
fn bundles_are_merged_or_their_quarrel_is_named() {
    let check = |files: &[(&str, &str)], required: &[&str]| {
        let dir = TempDir::new().unwrap();
        write_all(dir.path(), files);
        activated(dir.path(), required)
    };
    let roots_a = ("a/.manifest", r#"{"roots": ["a", "shared/a"]}"#);
    let roots_b = ("b/.manifest", r#"{"roots": ["b", "shared/b"]}"#);
    let policy_a = ("a/policy.rego", "package a.rules\nallow := true\n");
    let good = [
        roots_a,
        roots_b,
        policy_a,
        ("a/data.json", r#"{"shared": {"a": 1}}"#),
        ("b/shared/b/data.yaml", "- 2"),
    ];
    assert_eq!(check(&good, &["a/rules/allow"]).unwrap(), r#"{"shared":{"a":1,"b":[2]}}"#);
    let joined = [
        ("a/policy.rego", "package a\nx := 1"),
        ("a/data.json", r#"{"u": {"a": 1}}"#),
        ("a/u/data.json", r#"{"b": 2}"#),
    ];
    assert_eq!(check(&joined, &[]).unwrap(), r#"{"u":{"a":1,"b":2}}"#);
    for (files, kind, expected) in [
        (
            &[policy_a, ("b/policy.rego", "package b\n")][..],
            ErrorKind::Roots,
            "bundles `a` and `b` both own data: root `` overlaps root ``",
        ),
        (
            &[roots_a, policy_a, ("b/.manifest", r#"{"roots": ["a/rules"]}"#), ("b/data.json", "{}")],
            ErrorKind::Roots,
            "root `a` overlaps root `a/rules`",
        ),
        (
            &[roots_a, policy_a, ("a/data.json", r#"{"shared": {"a": 1, "c": 2}}"#)],
            ErrorKind::Roots,
            "`a/data.json` defines `shared/c`, outside the bundle's roots `a`, `shared/a`",
        ),
        (
            &[roots_a, policy_a, ("a/data.json", r#"{"shared": 5}"#)],
            ErrorKind::Roots,
            "defines `shared`, outside",
        ),
        (
            &[roots_a, ("a/policy.rego", "package ab\nx := 1\n")],
            ErrorKind::Roots,
            "`a/policy.rego` is `package ab`, outside the bundle's roots `a`, `shared/a`",
        ),
        (
            &[policy_a, ("a/data.json", r#"{"u": {"x": 1}}"#), ("a/u/data.json", r#"{"x": 2}"#)],
            ErrorKind::Data,
            "`a/u/data.json` and `a/data.json` both define `u/x`",
        ),
        (
            &[policy_a, ("a/data.json", r#"{"a": {"rules": {"allow": 1}}}"#)],
            ErrorKind::Compile,
            "conflicting rule for data path a/rules/allow found",
        ),
        (
            &[policy_a, ("a/data.json", r#"{"a": 7}"#)],
            ErrorKind::Conflict,
            "data has `a`, which is not an object",
        ),
        (&[("a/policy.rego", "package a\nallow := {")], ErrorKind::Compile, "a/policy.rego:2:"),
        (&[("a/data.json", "{}")], ErrorKind::Empty, "no bundle contains policy"),
        (
            &[
                policy_a,
                ("a/.manifest", r#"{"metadata": {"verdict": {"required_entrypoints": ["a/rules/alow"]}}}"#),
            ],
            ErrorKind::EntryPoint,
            "no rule declares `a/rules/alow`, which its `.manifest` requires; did you mean `a/rules/allow`?",
        ),
        (
            &[policy_a, ("a/.manifest", r#"{"metadata": {"verdict": {"run_tests": true}}}"#)],
            ErrorKind::Tests,
            "there is no test runner",
        ),
    ] {
        let error = check(files, &[]).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(expected), "expected {expected}, got {error}");
    }
    let error = check(&good, &["a/allow"]).unwrap_err();
    assert!(error.to_string().contains("which `bundles.required_entrypoints` requires"), "{error}");
}

#[test]
fn rego_versions_are_as_the_manifest_says() {
    let v0 = "package old\nallow { input.x }\n";
    // Not `allow if input.x`, which a reader of version 0 takes for three rules.
    let v1 = "package new\nallow = true if false\n";
    let check = |manifest: &str| {
        let dir = TempDir::new().unwrap();
        let files = [("a/.manifest", manifest), ("a/old/p.rego", v0), ("a/new/p.rego", v1)];
        write_all(dir.path(), &files);
        activated(dir.path(), &["old/allow", "new/allow"]).map(drop)
    };
    assert_eq!(check(r#"{"file_rego_versions": {"/old/*.rego": 0}}"#), Ok(()));
    assert_eq!(check(r#"{"rego_version": 0, "file_rego_versions": {"new/p.rego": 1}}"#), Ok(()));
    assert_eq!(check("{}").unwrap_err().kind, ErrorKind::Compile);
    assert_eq!(check(r#"{"rego_version": 0}"#).unwrap_err().kind, ErrorKind::Compile);
}
