//! `verdict config`.

use super::{verdict, verdict_in};

/// The line of `key`, wherever it stands.
fn line<'a>(printed: &'a str, key: &str) -> &'a str {
    printed.lines().map(str::trim).find(|line| line.starts_with(&format!("{key}:"))).unwrap_or_default()
}

#[test]
fn flags_go_over_variables_over_the_file_over_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let text = "server: {listen: 127.0.0.1:1, max_body: 1KiB, body_timeout: 1s}\nstate: s\n";
    std::fs::write(folder.path().join("v.yaml"), text).unwrap();
    let env = [("VERDICT_SERVER__LISTEN", "127.0.0.1:2"), ("VERDICT_SERVER__MAX_BODY", "2KiB")];
    let args = ["config", "--config", "v.yaml", "--listen", "127.0.0.1:3", "--bundles", "b"];
    let out = verdict_in(folder.path(), &env, &args).exits(0).out;
    let here = folder.path().canonicalize().unwrap();
    assert_eq!(line(&out, "listen"), "listen: 127.0.0.1:3");
    assert_eq!(line(&out, "max_body"), "max_body: 2KiB");
    assert_eq!(line(&out, "body_timeout"), "body_timeout: 1s");
    assert_eq!(line(&out, "header_timeout"), "header_timeout: 10s");
    assert_eq!(line(&out, "state"), format!("state: {}", here.join("s").display()));
    assert_eq!(line(&out, "dir"), format!("dir: {}", here.join("b").display()));
}

#[test]
fn what_it_prints_is_a_file_that_says_the_same_from_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let first = verdict(folder.path(), &["config"]).exits(0).out;
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("v.yaml"), &first).unwrap();
    assert_eq!(verdict(folder.path(), &["config", "--config", "elsewhere/v.yaml"]).exits(0).out, first);
}

#[test]
fn secrets_are_masked_and_what_run_would_refuse_is_said_aside() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "identity: {issuers: [{issuer: a, algorithms: [RS256], jwks_url: 'http://idp.example/k?v=hunter2'}]}";
    std::fs::write(folder.path().join("v.yaml"), text).unwrap();
    let ran = verdict(folder.path(), &["config", "--config", "v.yaml"]).exits(0);
    assert_eq!(line(&ran.out, "jwks_url").replace('"', ""), "jwks_url: http://idp.example/k?***");
    for said in ["warning: `verdict run` refuses this: identity.issuers[0].audience: ", "over plain http"] {
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"));
}

#[test]
fn a_bad_configuration_is_refused_with_exit_code_2_by_all_who_load_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("v.yaml"), "sever: {}\n").unwrap();
    for verb in ["config", "run", "dev"] {
        let ran = verdict(folder.path(), &[verb, "--config", "v.yaml"]).exits(2);
        ran.only_complains("error: v.yaml:1:1: sever: unknown key `sever`\n   |\n 1 | sever: {}\n");
        verdict(folder.path(), &[verb, "--config", "none.yaml"])
            .exits(2)
            .only_complains("none.yaml: cannot read the configuration");
        verdict_in(folder.path(), &[("VERDICT_CONFIG", "v.yaml")], &[verb])
            .exits(2)
            .only_complains("v.yaml:1:1: sever");
    }
    assert!(!folder.path().join(".verdict").exists(), "nothing is made for what does not start");
}

#[test]
fn run_does_not_start_on_what_is_insecure() {
    let folder = tempfile::tempdir().unwrap();
    for (text, flag) in [
        ("", "--insecure-dev-issuer"),
        ("identity: {mode: off}\nserver: {listen: 0.0.0.0:0}", "--insecure-listen"),
        (
            "identity: {issuers: [{issuer: a, algorithms: [RS256], jwks_url: 'https://x/'}]}",
            "--insecure-no-audience",
        ),
        (
            "identity: {issuers: [{issuer: a, audience: v, algorithms: [RS256], jwks_url: 'http://x/'}]}",
            "--insecure-http-jwks",
        ),
        (
            "identity: {mode: optional, issuers: [{issuer: a, audience: v, algorithms: [RS256], jwks_file: k}]}\n\
             server: {listen: 0.0.0.0:0}",
            "--insecure-optional-identity",
        ),
        (
            "identity: {issuers: [{issuer: a, audience: v, algorithms: [RS256], jwks_file: k}]}\n\
             server: {listen: 0.0.0.0:0}",
            "--insecure-plain-http",
        ),
    ] {
        std::fs::write(folder.path().join("v.yaml"), text).unwrap();
        verdict(folder.path(), &["run", "--config", "v.yaml"])
            .exits(2)
            .only_complains(&format!("or accept the risk with `{flag}`"));
    }
    assert!(!folder.path().join(".verdict").exists());
}
