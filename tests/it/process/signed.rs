//! From `verdict build` to a server that takes only what its publisher signed.

use std::process::{Command, Output};

use tempfile::TempDir;

use super::{Process, start};
use crate::harness::{skipped, wait_until};

/// Any command in the server's directory.
fn verdict(dir: &TempDir, args: &[&str]) -> Output {
    super::command(dir, args).output().unwrap()
}

fn has_openssl() -> bool {
    let has = Command::new("openssl").arg("version").output().is_ok();
    if !has {
        skipped("signed bundles: there is no openssl to make keys with");
    }
    has
}

fn keys(dir: &TempDir) {
    for args in [
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "signer.pem"][..],
        &["pkey", "-in", "signer.pem", "-pubout", "-out", "signer.pub"],
    ] {
        let ran = Command::new("openssl").args(args).current_dir(dir.path()).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
}

fn write(dir: &TempDir, name: &str, text: &str) {
    let path = dir.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn build(dir: &TempDir, revision: &str, flags: &[&str]) {
    let sign = ["--signing-key", "signer.pem", "--signing-alg", "ES256"];
    let args =
        [&["build", "-b", "src", "-r", revision, "-o", "bundles/app.tar.gz"][..], flags, &sign].concat();
    let ran = verdict(dir, &args);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn answer(process: &Process) -> String {
    String::from_utf8(process.ask("/v1/data/app/allow", &[], "{\"input\": {}}").body).unwrap()
}

const CONFIG: &str = "identity: {mode: off}\ndecision_log: {console: off}\n\
    bundles:\n  poll_interval: 200ms\n  debounce: 20ms\n  verification:\n    keys:\n      \
    default: {algorithm: ES256, file: signer.pub}\n";

#[test]
fn a_server_keeps_the_last_bundle_that_was_signed() {
    if !has_openssl() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    keys(&dir);
    std::fs::create_dir(dir.path().join("bundles")).unwrap();
    write(&dir, "src/app/policy.rego", "package app\n\nallow := false\n");
    build(&dir, "r1", &[]);
    write(&dir, "verdict.yaml", CONFIG);
    let process = start(dir, &["run", "--config", "verdict.yaml", "--listen", "127.0.0.1:0"]);
    assert!(answer(&process).contains("\"result\":false"), "{}", answer(&process));
    wait_until("the word that it is verified", || {
        process.err.text().contains("the bundle's signature is verified")
    });

    // Somebody without the key changes the policy in a signed folder that takes the archive's place.
    let archive = process.dir.path().join("bundles/app.tar.gz");
    let unpacked = Command::new("sh")
        .args([
            "-c",
            "mkdir .new && tar xzf bundles/app.tar.gz -C .new && rm bundles/app.tar.gz && \
                printf 'package app\\n\\nallow := true\\n' > .new/app/policy.rego && mv .new bundles/app",
        ])
        .current_dir(process.dir.path())
        .output()
        .unwrap();
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
    let said = "`app/policy.rego`: digest mismatch";
    wait_until("the refusal", || process.err.text().contains(said));
    assert!(answer(&process).contains("\"result\":false"));
    let status = |what: &str| {
        let mut wire = crate::harness::wire::Wire::open(process.address());
        wire.send(&crate::harness::wire::request("GET", what, &[], b""));
        String::from_utf8(wire.reply().unwrap().body).unwrap()
    };
    let shown = status("/v1/status");
    assert!(shown.contains("digest mismatch") && shown.contains("\"active_revision\":\"r1\""), "{shown}");
    assert!(status("/metrics").contains("verdict_bundle_failures_total 1"));

    // Nor is it taken without its signature.
    std::fs::remove_file(process.dir.path().join("bundles/app/.signatures.json")).unwrap();
    wait_until("the second refusal", || process.err.text().contains("bundle missing .signatures.json file"));
    assert!(answer(&process).contains("\"result\":false"));

    // The publisher's own change is.
    std::fs::remove_dir_all(process.dir.path().join("bundles/app")).unwrap();
    write(&process.dir, "src/app/policy.rego", "package app\n\nallow := true\n");
    build(&process.dir, "r2", &[]);
    assert!(archive.exists());
    wait_until("the new revision", || answer(&process).contains("\"result\":true"));
}

#[test]
fn a_signed_bundle_needs_a_key_or_a_flag_that_says_otherwise() {
    if !has_openssl() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    keys(&dir);
    std::fs::create_dir(dir.path().join("bundles")).unwrap();
    write(&dir, "src/app/policy.rego", "package app\n\nallow := true\n");
    build(&dir, "r1", &[]);
    write(&dir, "verdict.yaml", "identity: {mode: off}\ndecision_log: {console: off}\n");
    let run = ["run", "--config", "verdict.yaml", "--listen", "127.0.0.1:0"];
    let process = start(dir, &run);
    wait_until("the refusal", || process.err.text().contains("verification key not provided"));
    assert!(!answer(&process).contains("\"result\":true"));
    drop(process);

    for flags in [&["--skip-verify"][..], &["--verification-key", "signer.pub", "--signing-alg", "ES256"]] {
        let dir = tempfile::tempdir().unwrap();
        keys(&dir);
        std::fs::create_dir(dir.path().join("bundles")).unwrap();
        write(&dir, "src/app/policy.rego", "package app\n\nallow := true\n");
        build(&dir, "r1", &[]);
        write(&dir, "verdict.yaml", "identity: {mode: off}\ndecision_log: {console: off}\n");
        let process = start(dir, &[&run[..], flags].concat());
        wait_until("the policy", || answer(&process).contains("\"result\":true"));
        let (insecure, said) =
            (flags.len() == 1, if flags.len() == 1 { "INSECURE" } else { "signature is verified" });
        wait_until(said, || process.err.text().contains(said));
        assert_eq!(process.err.text().contains("INSECURE"), insecure, "{}", process.err.text());
    }
}
