//! `verdict build`, `verdict sign` and `verdict exec`, one after the other.

use std::path::Path;

use serde_json::{Value, json};

use super::{Ran, folder, verdict, verdict_with_input};

const POLICY: &str =
    "package app\n\n# Kept as it is.\ndefault allow :=   false\n\nallow if input.user in data.app.admins\n";
const KEY: [&str; 4] = ["--verification-key", "s3cret", "--signing-alg", "HS256"];
const SIGN: [&str; 4] = ["--signing-key", "s3cret", "--signing-alg", "HS256"];

fn sources() -> tempfile::TempDir {
    folder(&[
        ("src/.manifest", r#"{"roots": ["app"], "revision": "r0", "metadata": {"team": "x"}}"#),
        ("src/app/policy.rego", POLICY),
        ("src/app/policy_test.rego", "package app_test\n\ntest_x := true\n"),
        ("src/app/data.yaml", "admins: [alice]\n"),
        ("src/app/more/data.json", r#"{"limit": 1.50}"#),
        ("src/README.md", "# read me"),
        ("in/alice.json", r#"{"user": "alice"}"#),
        ("in/deep/bob.yaml", "user: bob\n"),
        ("in/notes.txt", "no input"),
    ])
}

fn with(args: &[&str], more: &[&str], at: &Path) -> Ran {
    verdict(at, &[args, more].concat())
}

/// The files of an archive, by name.
fn unpack(archive: &Path) -> Vec<(String, Vec<u8>)> {
    use std::io::Read as _;
    let gzip = flate2::read::GzDecoder::new(std::fs::File::open(archive).unwrap());
    let mut tar = tar::Archive::new(gzip);
    let entries = tar.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        assert_eq!((entry.header().mtime().unwrap(), entry.header().uid().unwrap()), (0, 0));
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    });
    entries.collect()
}

/// Packs files as somebody without the key would.
fn pack(files: &[(String, Vec<u8>)], to: &Path) {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    std::fs::write(to, tar.into_inner().unwrap().finish().unwrap()).unwrap();
}

#[test]
fn what_is_built_is_the_same_every_time_and_loads_and_verifies() {
    let dir = sources();
    let at = dir.path();
    let build = ["build", "-b", "src", "-r", "r1", "-e", "app/allow", "-o"];
    with(&[&build[..], &["one.tar.gz"]].concat(), &SIGN, at).exits(0);
    // Another name and other times change nothing.
    std::fs::rename(at.join("src"), at.join("moved")).unwrap();
    std::fs::write(at.join("moved/app/policy.rego"), POLICY).unwrap();
    with(&["build", "-b", "./moved/", "-r", "r1", "-o", "two.tar.gz"], &SIGN, at).exits(0);
    assert_eq!(std::fs::read(at.join("one.tar.gz")).unwrap(), std::fs::read(at.join("two.tar.gz")).unwrap());

    let files = unpack(&at.join("one.tar.gz"));
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [".manifest", ".signatures.json", "app/policy.rego", "app/policy_test.rego", "data.json"]
    );
    let manifest: Value = serde_json::from_slice(&files[0].1).unwrap();
    let expected = json!({"revision": "r1", "roots": ["app"], "rego_version": 1, "metadata": {"team": "x"}});
    assert_eq!(manifest, expected);
    assert_eq!(files[2].1, POLICY.as_bytes());
    assert_eq!(files[4].1, b"{\"app\":{\"admins\":[\"alice\"],\"more\":{\"limit\":1.50}}}\n");

    let ask = ["eval", "-b", "one.tar.gz", "-i", "in/alice.json", "-f", "raw", "data.app.allow"];
    with(&ask, &KEY, at).exits(0).says("true");
    let silent = with(&ask, &["--skip-verify"], at).exits(0);
    assert_eq!(silent.err, "");
    with(&ask, &[], at).exits(0).complains("the signature of bundle `one` is not verified");
    for (key, says) in [
        (
            &["--verification-key", "other", "--signing-alg", "HS256"][..],
            "the signature was not made with key `default`",
        ),
        (
            &["--verification-key", "s3cret", "--signing-alg", "HS512"],
            "the signature's algorithm is `HS256`, but key `default` is for HS512",
        ),
        (&["--verification-key", "s3cret"], "not PEM"),
        (
            &["--verification-key", "s3cret", "--signing-alg", "none"],
            "`none` is not a supported signature algorithm",
        ),
        (&["--verification-key", "s3cret", "--signing-alg", "HS256", "--scope", "read"], "scope mismatch"),
    ] {
        let ran = with(&ask, key, at).exits(2);
        assert!(!ran.err.contains("s3cret"), "{}", ran.err);
        ran.complains(says);
        with(&["check", "one.tar.gz"], key, at).complains(says);
        with(&["test", "one.tar.gz"], key, at).exits(1).complains(says);
        with(&["bench", "-b", "one.tar.gz", "app/allow", "--benchtime", "10ms"], key, at).complains(says);
        with(&["exec", "-b", "one.tar.gz", "in"], key, at).exits(1).complains(says);
        with(&["build", "-b", "one.tar.gz", "-o", "x.tar.gz"], key, at).complains(says);
    }
    assert!(!at.join("x.tar.gz").exists());
    with(&["test", "one.tar.gz"], &KEY, at).exits(0).says("1/1 passed");
    // Who decides, and who publishes, does not take it unverified.
    for args in [&["exec", "-b", "one.tar.gz", "in"][..], &["build", "-b", "one.tar.gz", "-o", "x.tar.gz"]] {
        let ran = verdict(at, args);
        assert_ne!(ran.code, 0);
        ran.complains("verification key not provided");
    }
    // And what is built again keeps its name.
    with(&["build", "-b", "one.tar.gz", "-o", "three.tar.gz"], &KEY, at).exits(0);
    assert!(
        String::from_utf8(unpack(&at.join("three.tar.gz"))[0].1.clone())
            .unwrap()
            .contains(r#""revision":"r1""#)
    );
}

#[test]
fn an_archive_that_was_changed_is_refused_and_says_where() {
    let dir = sources();
    let at = dir.path();
    with(&["build", "-b", "src"], &SIGN, at).exits(0);
    let good = unpack(&at.join("bundle.tar.gz"));
    let put = |name: &str, bytes: &[u8]| {
        let mut files = good.clone();
        files.retain(|(there, _)| there != name);
        files.push((name.to_owned(), bytes.to_vec()));
        files
    };
    let without = |name: &str| good.iter().filter(|(there, _)| there != name).cloned().collect::<Vec<_>>();
    for (files, says) in [
        (
            put("app/policy.rego", b"package app\n\nallow := true\n"),
            Some("`app/policy.rego`: digest mismatch"),
        ),
        (put("data.json", br#"{"app": {"admins": ["mallory"]}}"#), Some("`data.json`: digest mismatch")),
        (put(".manifest", br#"{"roots": [""]}"#), Some("`.manifest`: digest mismatch")),
        (
            put("app/evil.rego", b"package app\n\nallow := true\n"),
            Some("not included in the bundle's signature: `app/evil.rego`"),
        ),
        (put("x/.hidden/README", b""), Some("not included in the bundle's signature: `x/.hidden/README`")),
        (put("patch.json", br#"{"data": [{"op": "remove", "path": "/"}]}"#), Some("`patch.json`")),
        (without("app/policy_test.rego"), Some("but not found: `app/policy_test.rego`")),
        (without(".signatures.json"), Some("bundle missing .signatures.json file")),
        // The same, in another order and laid out anew.
        (put("data.json", b"{\"app\": {\"more\": {\"limit\": 1.50}, \"admins\": [\"alice\"]}}"), None),
    ] {
        pack(&files, &at.join("changed.tar.gz"));
        let ran = with(&["check", "changed.tar.gz"], &KEY, at);
        match says {
            Some(says) => drop(ran.exits(1).complains("changed").complains(says)),
            None => drop(ran.exits(0)),
        }
        // The same in a folder.
        let _ = std::fs::remove_dir_all(at.join("unpacked"));
        for (name, bytes) in &files {
            let path = at.join("unpacked").join(name.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let hidden = says.is_some_and(|says| says.contains(".hidden"));
        let ran = with(&["check", "unpacked"], &KEY, at);
        match says {
            // Folders with such names are never looked into.
            Some(says) if !hidden => drop(ran.exits(1).complains(says)),
            _ => drop(ran.exits(0)),
        }
    }
}

#[test]
fn a_folder_is_signed_with_every_file_in_it() {
    let dir = sources();
    let at = dir.path();
    std::fs::write(at.join("claims.json"), r#"{"scope": "read", "iss": "me"}"#).unwrap();
    verdict(at, &["sign", "src", "--signing-key", "s3cret"]).exits(1).complains("--bundle");
    with(&["sign", "-b", "src", "--claims-file", "claims.json", "-o", "src"], &SIGN, at).exits(0);
    let first = std::fs::read(at.join("src/.signatures.json")).unwrap();
    let scoped = [&KEY[..], &["--scope", "read"]].concat();
    with(&["check", "src"], &scoped, at).exits(0);
    with(&["check", "src"], &KEY, at).exits(1).complains("scope is `read`");
    // Signed again it is the same.
    with(&["sign", "-b", "src", "--claims-file", "claims.json", "-o", "src"], &SIGN, at).exits(0);
    assert_eq!(std::fs::read(at.join("src/.signatures.json")).unwrap(), first);
    std::fs::write(at.join("src/README.md"), "changed").unwrap();
    with(&["check", "src"], &scoped, at).exits(1).complains("`README.md`: digest mismatch");
    let excluding = [&scoped[..], &["--exclude-files-verify", "x,*.md"]].concat();
    with(&["check", "src"], &excluding, at).exits(0);
    std::fs::write(at.join("claims.json"), r#"{"files": []}"#).unwrap();
    let ran = with(&["sign", "-b", "src", "--claims-file", "claims.json"], &SIGN, at).exits(1);
    ran.complains("the claims must not contain `files`");
}

#[test]
fn building_compiles_first_and_says_what_it_does_not_do() {
    let dir = sources();
    let at = dir.path();
    for (args, says) in [
        (&["-b", "src", "-e", "app/alow"][..], "no rule declares the entry point `app/alow`"),
        (&["-b", "src", "-t", "wasm"], "use `rego`"),
        (&["-b", "src", "-O", "1"], "`-O 1` is not supported"),
        (&["-b", "src", "--prune-unused"], "not supported"),
        (&["src", "--signing-key", "x", "--signing-alg", "HS256"], "only bundles can be signed"),
        (&["-b", "src", "--signing-key", "x"], "`--signing-key`: not PEM"),
        (&["-b", "src", "--signing-key", "no.key", "--signing-alg", "HS256"], "file `no.key` does not exist"),
        (&["-b", "none"], "cannot read `none`"),
        (&["-b", "in/alice.json"], "neither a folder nor a `.tar.gz`"),
        (&["-b", "src", "-o", "in"], "`in` is a folder"),
        (&["in/alice.json", "in/deep/bob.yaml"], "both define `user`"),
        (&["in/../src/app/policy.rego", "src"], "two policy files would both be `src/app/policy.rego`"),
    ] {
        verdict(at, &[&["build"][..], args].concat()).exits(1).complains(says);
    }
    assert!(!at.join("bundle.tar.gz").exists());
    std::fs::write(at.join("src/app/broken.rego"), "package app\n\nx := y\n").unwrap();
    verdict(at, &["build", "-b", "src"]).exits(1).complains("src/app/broken.rego:3:1");
    verdict(at, &["build", "-b", "src", "--ignore", "broken.*,*_test.rego"]).exits(0);
    let names: Vec<_> = unpack(&at.join("bundle.tar.gz")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [".manifest", "app/policy.rego", "data.json"]);
    // Without `-b` every JSON and YAML file is data, and paths are as they are given.
    let ran = verdict(at, &["build", "src", "in/deep", "--ignore", "broken.rego"]).exits(0);
    ran.complains("`src/.manifest` is ignored without `-b`");
    let files = unpack(&at.join("bundle.tar.gz"));
    assert_eq!(files[1].0, "data.json", "{files:?}");
    assert_eq!(
        serde_json::from_slice::<Value>(&files[1].1).unwrap(),
        json!({"app": {"admins": ["alice"], "more": {"limit": 1.5}}, "user": "bob"})
    );
    assert_eq!(files[2].0, "src/app/policy.rego");
}

#[test]
fn several_bundles_become_one() {
    let dir = folder(&[
        ("a/.manifest", r#"{"roots": ["a"], "metadata": {"verdict": {"required_entrypoints": ["a/x"]}}}"#),
        ("a/p.rego", "package a\n\nx := 1\n"),
        ("b/.manifest", r#"{"roots": ["b", "c"], "rego_version": 0}"#),
        ("b/p.rego", "package b\n\nx = 2 { true }\n"),
        ("b/c/data.json", "{\"y\": 3}"),
        ("clash/q.rego", "package a.q\n"),
    ]);
    let at = dir.path();
    verdict(at, &["build", "-b", "a", "b"]).exits(0);
    let files = unpack(&at.join("bundle.tar.gz"));
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [".manifest", "a/p.rego", "b/p.rego", "data.json"]);
    let expected = json!({
        "revision": "", "roots": ["a", "b", "c"], "rego_version": 1, "file_rego_versions": {"/b/p.rego": 0},
        "metadata": {"verdict": {"required_entrypoints": ["a/x"], "run_tests": false}},
    });
    assert_eq!(serde_json::from_slice::<Value>(&files[0].1).unwrap(), expected);
    verdict(at, &["eval", "-b", "bundle.tar.gz", "data.b.x", "-f", "raw"]).exits(0).says("2");
    verdict(at, &["build", "-b", "a", "clash"]).exits(1).complains("both own data");
}

#[test]
fn exec_answers_for_every_input() {
    let dir = sources();
    let at = dir.path();
    let rows = |ran: Ran| {
        let mut report: Value = serde_json::from_str(&ran.out).unwrap();
        for row in report["result"].as_array_mut().unwrap() {
            let id = row.as_object_mut().unwrap().remove("decision_id");
            assert_eq!(id.is_some(), row.get("result").is_some());
        }
        report["result"].take()
    };
    let exec = ["exec", "-b", "src", "--decision", "app/allow"];
    let ran = with(&exec, &["in"], at).exits(0);
    let expected =
        json!([{"path": "in/alice.json", "result": true}, {"path": "in/deep/bob.yaml", "result": false}]);
    assert_eq!(rows(ran), expected);
    let ran = verdict_with_input(at, &[&exec[..], &["-I"]].concat(), "user: alice\n").exits(0);
    assert_eq!(rows(ran), json!([{"path": "--stdin-input", "result": true}]));
    verdict(at, &["exec", "-b", "src", "--decision", "app/allow"]).exits(2).complains("<PATH>");
    let undefined = ["exec", "-b", "src", "in/alice.json"];
    let error = json!({"code": "opa_undefined_error", "message": "/system/main decision was undefined"});
    assert_eq!(rows(verdict(at, &undefined).exits(0)), json!([{"path": "in/alice.json", "error": error}]));
    std::fs::write(at.join("in/broken.json"), "{").unwrap();
    std::fs::write(
        at.join("src/app/more.rego"),
        "package app\n\nlist contains x if some x in input.xs\n\nnone := null\n",
    )
    .unwrap();
    std::fs::write(at.join("empty.json"), r#"{"xs": []}"#).unwrap();
    std::fs::write(at.join("full.json"), r#"{"xs": [1]}"#).unwrap();
    for (decision, input, codes) in [
        // Codes with --fail, --fail-defined and --fail-non-empty.
        ("app/allow", "in/alice.json", [0, 1, 1]),
        ("app/nothing", "in/alice.json", [1, 0, 0]),
        ("app/none", "in/alice.json", [1, 0, 0]),
        ("app/list", "empty.json", [0, 1, 0]),
        ("app/list", "full.json", [0, 1, 1]),
        ("app/allow", "in/broken.json", [1, 1, 1]),
    ] {
        for (flag, code) in ["--fail", "--fail-defined", "--fail-non-empty"].into_iter().zip(codes) {
            let ran = verdict(at, &["exec", "-b", "src", "--decision", decision, input, flag]);
            assert_eq!(ran.code, code, "{decision} {input} {flag}\n{}\n{}", ran.out, ran.err);
        }
        verdict(at, &["exec", "-b", "src", "--decision", decision, input]).exits(0);
    }
    let both = ["exec", "-b", "src", "in", "--fail", "--fail-defined"];
    verdict(at, &both).exits(2).complains("cannot be used with");
}
