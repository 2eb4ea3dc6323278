//! Files and folders that are served as they are.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Process, command, start};
use crate::harness::wait_until;

const POLICY: &str = "package shop\n\ndefault allow := false\n\nallow if input.action in data.allowed\n";
const READING: &str = r#"{"input": {"action": "read"}}"#;

/// A folder with policy in all the forms that it comes in.
fn files() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("policy.rego", POLICY);
    write("more.rego", "package more\n\nallow := data.shop.allow\n");
    write("data.json", r#"{"allowed": ["read"]}"#);
    write("folder/rules/shop.rego", POLICY);
    write("folder/allowed/data.yaml", "- read\n");
    write("folder/unread.json", "{\"allowed\": [\"write\"]}");
    write("folder/shop_test.rego", "package shop_test\n\ntest_nothing if true\n");
    for name in ["bundles/one", "single"] {
        write(&format!("{name}/.manifest"), r#"{"revision": "r1", "roots": ["shop", "allowed"]}"#);
        write(&format!("{name}/shop.rego"), POLICY);
        write(&format!("{name}/allowed/data.json"), r#"["read"]"#);
    }
    write("bundles/two/.manifest", r#"{"revision": "r2", "roots": ["more"]}"#);
    write("bundles/two/more.rego", "package more\n\nallow := true\n");
    write("empty/README.md", "nothing\n");
    let packed = command(&dir, &["build", "-b", "single", "-o", "packed.tar.gz"]).output().unwrap();
    assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    dir
}

fn serve(dir: TempDir, args: &[&str]) -> Process {
    let fixed =
        ["run", "--listen", "127.0.0.1:0", "--set", "identity.mode=off", "--set", "management.listen=off"];
    let quick = ["--set", "bundles.debounce=20ms", "--set", "bundles.poll_interval=200ms"];
    start(dir, &[&fixed[..], &quick, args].concat())
}

fn allowed(process: &Process, body: &str) -> Value {
    process.ask("/v1/data/shop/allow", &[], body).json()["result"].clone()
}

fn bundles(process: &Process) -> Vec<String> {
    let status = process.ask_with("GET", "/v1/status").json();
    status["result"]["bundles"].as_object().unwrap().keys().cloned().collect()
}

/// What is named, which bundles it becomes, and what is said of it.
#[test]
fn each_path_is_taken_for_what_it_holds() {
    for (args, expected, said) in [
        (
            &["policy.rego", "data.json"][..],
            &["data.json", "policy.rego"][..],
            "`policy.rego` is taken as a single file",
        ),
        (&["folder"], &["folder"], "`folder` is taken as a folder of policy and data"),
        (&["./folder/"], &["folder"], "`folder` is taken as a folder of policy and data"),
        (&["folder", "more.rego"], &["folder", "more.rego"], "`more.rego` is taken as a single file"),
        (&["packed.tar.gz"], &["packed"], "`packed.tar.gz` is taken as a bundle, packed"),
        (&["single"], &["single"], "`single` is taken as a bundle: it has a `.manifest`"),
        (&["bundles"], &["one", "two"], "`bundles` is taken as a directory of bundles"),
        (&["-b", "bundles/one", "more.rego"], &["more.rego", "one"], "`bundles/one` is taken as a bundle"),
        (&["-s", "-b", "single"], &["single"], "`single` is taken as a bundle"),
        (&["--bundles", "bundles"], &["one", "two"], ""),
    ] {
        let process = serve(files(), args);
        assert_eq!(allowed(&process, READING), json!(true), "{args:?}");
        assert_eq!(allowed(&process, r#"{"input": {"action": "write"}}"#), json!(false), "{args:?}");
        assert_eq!(bundles(&process), expected, "{args:?}");
        assert!(process.err.text().contains(said), "{args:?}: {}", process.err.text());
        let unread = process.err.text().contains("not read as data: `unread.json`");
        assert_eq!(unread, expected.contains(&"folder"), "{args:?}: {}", process.err.text());
    }
}

#[test]
fn a_file_is_watched_and_the_last_good_policy_stays() {
    let process = serve(files(), &["policy.rego", "data.json"]);
    let file = process.dir.path().join("policy.rego");
    assert_eq!(allowed(&process, READING), json!(true));
    std::fs::write(&file, POLICY.replace("default allow := false", "default allow := \"no\"")).unwrap();
    wait_until("the change", || allowed(&process, r#"{"input": {}}"#) == json!("no"));
    std::fs::write(&file, "package shop\n\nallow if {").unwrap();
    wait_until("the failure", || process.err.text().contains("the last good ones stay active"));
    assert_eq!(allowed(&process, READING), json!(true));
    std::fs::remove_file(&file).unwrap();
    wait_until("the loss", || process.err.text().contains("`policy.rego` does not exist; put it back"));
    assert_eq!(allowed(&process, READING), json!(true));
    // As an editor saves: another file, renamed into place.
    let draft = process.dir.path().join("draft");
    std::fs::write(&draft, POLICY).unwrap();
    std::fs::rename(&draft, &file).unwrap();
    wait_until("its return", || allowed(&process, r#"{"input": {}}"#) == json!(false));
}

#[test]
fn what_cannot_be_served_is_told_what_to_write() {
    for (args, expected) in [
        (&["polcy.rego"][..], "`polcy.rego` does not exist; did you mean `policy.rego`?"),
        (
            &["nowhere/at/all"],
            "`nowhere/at/all` does not exist; name a `.rego` file, a folder, or a `.tar.gz` bundle",
        ),
        (&["empty/README.md"], "is neither policy nor data; name a folder, or a `.rego`"),
        (&["verdict.yaml"], "`verdict.yaml` is a configuration, not policy; write `--config verdict.yaml`"),
        (&["--bundles", "bundles", "policy.rego"], "cannot be used with"),
        (
            &["empty", "--fail-fast"],
            "no bundle was activated (`--fail-fast`): bundle `empty`: contains no policy",
        ),
        (
            &["more.rego", "--fail-fast", "--set", "bundles.required_entrypoints=[more/allo]"],
            "did you mean `more/allow`?",
        ),
        (&["--fail-fast"], "create it, set `bundles.dir`, or name the policy to serve"),
    ] {
        let dir = files();
        std::fs::write(dir.path().join("verdict.yaml"), "identity: {mode: off}\n").unwrap();
        std::fs::rename(dir.path().join("bundles"), dir.path().join("held")).unwrap();
        let fixed = ["run", "--listen", "127.0.0.1:0", "--set", "identity.mode=off"];
        let ran = command(&dir, &[&fixed[..], args].concat()).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}

/// Before anything is active, nothing can stay so.
#[test]
fn there_is_no_last_good_before_the_first() {
    let dir = files();
    std::fs::write(dir.path().join("policy.rego"), "package shop\n\nallow if {").unwrap();
    let process = serve(dir, &["policy.rego", "data.json"]);
    let said = process.err.text();
    assert!(
        said.contains("bundles not activated, and none is active yet") && !said.contains("last good"),
        "{said}"
    );
    assert_eq!(process.ask("/v1/data/shop/allow", &[], READING).status, 503);
    std::fs::write(process.dir.path().join("policy.rego"), POLICY).unwrap();
    wait_until("the repair", || allowed(&process, READING) == json!(true));
}
