//! Files with credentials: which one is used, and what is wrong with others.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{Stub, ran};

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn files_are_looked_for_in_their_order() {
    let stub = Stub::of(&[(200, r#"{"items": [], "next": null}"#)]);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let file = |key: &str| format!("server: {}\norganisation: acme\nkey: {key}\n", stub.url);
    let home = path("home");
    let env = |more: &[(&'static str, &'static str)]| {
        let mut env = vec![("HOME", home.to_str().unwrap().to_owned())];
        env.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        env
    };
    let asked_with = |more: &[(&'static str, &'static str)], args: &[&str], key: &str| {
        let env = env(more);
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ran(folder.path(), &env, &[&["agent", "list"], args].concat(), "").exits(0);
        let asked = stub.asked().pop().unwrap();
        assert!(asked.contains(&format!("\r\nauthorization: Bearer {key}\r\n")), "{key}: {asked}");
        assert!(
            asked.starts_with("GET /v1/agents?organisation=acme HTTP/1.1\r\n") || key == "env",
            "{asked}"
        );
    };
    write(&home.join(".config/verdict/credentials"), &file("home"), 0o600);
    asked_with(&[], &[], "home");
    write(&path(".verdict/credentials"), &file("here"), 0o400);
    asked_with(&[], &[], "here");
    write(&path("named"), &file("named"), 0o600);
    asked_with(&[("VERDICT_CREDENTIALS", "named")], &[], "named");
    asked_with(&[("VERDICT_CREDENTIALS", "named"), ("VERDICT_API_KEY", "env")], &[], "env");
    write(&path("flag"), &file("flag"), 0o600);
    asked_with(
        &[("VERDICT_CREDENTIALS", "named"), ("VERDICT_API_KEY", "env")],
        &["--credentials", "flag"],
        "flag",
    );
}

#[test]
fn files_that_others_can_read_and_files_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c");
    for (mode, text, said) in [
        (0o644, "key: sk_canary\n", "can be read or changed by others (mode 644)"),
        (0o620, "key: sk_canary\n", "hint: chmod 600"),
        (0o600, "server: http://127.0.0.1:1\n", "has no key"),
        (0o600, "kay: sk_canary\n", "kay"),
        (
            0o600,
            "credentials: [{name: a, key: sk_canary}, {name: a, key: sk_canary}]\n",
            "two credentials `a`",
        ),
        (0o600, "credentials:\n  - name: a\n    key: [sk_canary]\n", "c:3"),
    ] {
        write(&file, text, mode);
        let ran = ran(folder.path(), &[], &["org", "list", "--credentials", "c"], "").exits(2);
        assert!(ran.err.contains(said), "{text}: {}", ran.err);
        assert!(!ran.err.contains("sk_canary"), "{text}: {}", ran.err);
    }
}

#[test]
fn the_credential_follows_the_organisation() {
    let stub = Stub::of(&[(200, r#"{"items": [], "next": null}"#)]);
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "server: {}\ncredentials:\n  - {{name: acme, organisation: acme, key: a}}\n  \
         - {{name: beta, organisation: beta, key: b}}\n  - {{name: operator, key: o}}\n",
        stub.url
    );
    write(&folder.path().join(".verdict/credentials"), &text, 0o600);
    for (args, key, target) in [
        (&["agent", "list"][..], "a", "/v1/agents?organisation=acme"),
        (&["agent", "list", "--org", "beta"], "b", "/v1/agents?organisation=beta"),
        (&["agent", "list", "--org", "gamma"], "o", "/v1/agents?organisation=gamma"),
        (&["agent", "list", "--as", "operator"], "o", "/v1/agents"),
        (&["agent", "list", "--as", "beta"], "b", "/v1/agents?organisation=beta"),
        (&["org", "list"], "o", "/v1/orgs"),
    ] {
        ran(folder.path(), &[], args, "").exits(0);
        let asked = stub.asked().pop().unwrap();
        assert!(asked.starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{args:?}: {asked}");
        assert!(asked.contains(&format!("\r\nauthorization: Bearer {key}\r\n")), "{args:?}: {asked}");
    }
}
