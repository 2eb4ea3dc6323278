//! `verdict init`, `login` and `whoami`.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};

use super::{World, ran};
use crate::harness::{skipped, wait_until};

const INIT: [&str; 8] =
    ["init", "--org", "acme-corp", "--org-name", "Acme Corp", "--agent", "Payment Processor", "--yes"];

#[test]
fn a_registry_is_taken_into_possession_once() {
    let world = World::start();
    let made = world.run(&INIT).exits(0);
    let line = |name: &str| {
        let line = made.out.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no {name}: {}", made.out))
            .split_whitespace()
            .nth(1)
            .unwrap()
            .to_owned()
    };
    assert_eq!(line("organisation"), "acme-corp");
    let (agent, key) = (line("agent "), line("agent_key"));
    assert!(agent.starts_with("agent_") && key.starts_with("sk_agent_"), "{}", made.out);
    assert_eq!(made.out.matches(&key).count() + made.err.matches(&key).count(), 1, "shown once");
    assert!(made.err.contains("shown this once"), "{}", made.err);

    let file = world.path(".verdict/credentials");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written.matches("key: \"sk_admin_").count(), 2, "{written}");
    let keys: Vec<&str> = written.lines().filter_map(|line| line.split('"').nth(1)).collect();
    for key in keys.iter().filter(|word| word.starts_with("sk_")) {
        assert!(!made.out.contains(key) && !made.err.contains(key), "what is in the file is not shown");
    }
    assert!(!written.contains(&key), "the agent's key is the agent's");
    assert!(!world.path(".verdict/bootstrap-token").exists());

    let again = world.run(&INIT).exits(1);
    assert!(again.err.contains("is there already") && again.out.is_empty(), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    std::fs::remove_file(&file).unwrap();
    let without_token = world.run(&INIT).exits(2);
    assert!(without_token.err.contains("there is no bootstrap token"), "{}", without_token.err);
    std::fs::write(world.path("token"), "vbt_wrong").unwrap();
    let wrong = world.run(&[&INIT[..], &["--token-file", "token"]].concat());
    assert!(wrong.code == 1 && wrong.out.is_empty(), "{}{}", wrong.out, wrong.err);
    assert!(!file.exists(), "what was not made leaves no file");
}

/// The curl that it prints, as it stands.
#[test]
fn the_commands_to_try_work() {
    if Command::new("curl").arg("--version").output().is_err() {
        skipped("the commands that init prints: there is no curl");
        return;
    }
    let world = World::start();
    let made = world.run(&INIT).exits(0);
    let key = made.out.split_whitespace().find(|word| word.starts_with("sk_agent_")).unwrap();
    let curl = made.err.lines().find(|line| line.contains("curl ")).unwrap();
    let answer = || {
        let mut shell = Command::new("sh");
        let output = shell.args(["-c", curl]).env("AGENT_KEY", key).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    wait_until("the decision", || answer()["result"] == json!(false));
    let binary = env!("CARGO_BIN_EXE_verdict");
    for line in made.err.lines().filter(|line| line.trim_start().starts_with("verdict ")) {
        let line = line.replacen("verdict", &format!("'{binary}'"), 1);
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(world.dir.path()).env_clear();
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let world = World::start();
    let ran = world.run(&["init"]).exits(2);
    assert!(ran.err.contains("--org") && ran.err.contains("--yes"), "{}", ran.err);
    let made = world.json(&["init", "--yes"]);
    let answer = made.json();
    assert_eq!(answer["organisation"]["id"], "my-org");
    assert_eq!(answer["organisation"]["name"], "My Org");
    assert_eq!(answer["agent"]["name"], "First Agent");
    for name in ["operator_key", "admin_key", "agent_key"] {
        assert!(answer[name].is_string(), "{answer}");
    }
}

#[test]
fn a_key_is_kept_once_the_server_says_whose_it_is() {
    let world = World::begun();
    let made = world.json(&["org", "create", "--id", "beta"]);
    let key = made.member("admin_key");
    let refused = world.run_with(&["login"], "sk_admin_wrong\n").exits(1);
    assert!(refused.err.contains("status 401") && !refused.err.contains("sk_admin_wrong"), "{}", refused.err);
    let kept = world.run_with(&["login"], &format!("{key}\n")).exits(0);
    assert!(!kept.out.contains(&key) && !kept.err.contains(&key));
    assert!(kept.err.contains("kept as `beta`"), "{}", kept.err);
    let mode = std::fs::metadata(world.path(".verdict/credentials")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let who = |args: &[&str]| world.json(&[&["whoami"], args].concat()).json();
    assert_eq!((&who(&[])["organisation"], &who(&[])["power"]), (&json!("beta"), &json!("admin")));
    assert_eq!(who(&["--as", "acme-corp"])["organisation"], "acme-corp");
    assert_eq!(who(&["--as", "operator"])["power"], "operator");
    let nobody = world.run(&["whoami", "--as", "nobody"]).exits(2);
    assert!(nobody.err.contains("there are `beta`, `acme-corp`, `operator`"), "{}", nobody.err);

    std::fs::write(world.path("key"), &key).unwrap();
    let server = std::fs::read_to_string(world.path(".verdict/credentials")).unwrap();
    let server =
        server.lines().find_map(|line| line.strip_prefix("server: ")).unwrap().trim_matches('"').to_owned();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("key"), &key).unwrap();
    for (env, args) in [
        (&[("VERDICT_API_KEY", key.as_str())][..], &["whoami", "--server", &server, "-o", "json"][..]),
        (&[], &["whoami", "--key-file", "key", "--server", &server, "-o", "json"]),
    ] {
        let who = ran(elsewhere.path(), env, args, "").exits(0).json();
        assert_eq!(who["organisation"], "beta");
    }
}

#[test]
fn a_configuration_that_nothing_names_is_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("verdict.yaml"), "registry: {enabled: true}\n").unwrap();
    let ran = ran(folder.path(), &[], &["run"], "").exits(2);
    assert!(
        ran.err.contains("`verdict.yaml` is not read") && ran.err.contains("identity.issuers"),
        "{}",
        ran.err
    );
}

#[test]
fn looking_at_a_credential_makes_no_registry() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.yaml"), "registry: {enabled: true}\n").unwrap();
    let ran =
        ran(folder.path(), &[], &["credential", "inspect", "--config", "c.yaml", "sk_agent_x"], "").exits(2);
    assert!(ran.err.contains("start the server first"), "{}", ran.err);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}
