//! `--principal`, `--action` and the like: the input without JSON, assembled as the server assembles it.

use serde_json::{Value, json};

use super::{folder, root, verdict, verdict_with_input};

#[test]
fn flags_make_the_input_that_the_server_would_make() {
    let files = folder(&[(
        "in.json",
        r#"{"action": "list", "resource": {"type": "old"}, "subject": {"id": "eve"}}"#,
    )]);
    let input = |args: &[&str]| -> Value {
        let args = [&["eval", "input"], args].concat();
        let ran = verdict(files.path(), &args).exits(0);
        serde_json::from_str::<Value>(&ran.out).unwrap()["result"][0]["expressions"][0]["value"].clone()
    };
    let made = input(&["--principal", "alice", "--action", "read", "--resource", "type=doc,owner=bob"]);
    let json = input(&["--subject", r#"{"id": "alice"}"#, "-i", "in.json"]);
    assert_eq!(made["subject"], json["subject"]);
    assert_eq!(
        (&made["action"], &made["resource"]),
        (&json!("read"), &json!({"type": "doc", "owner": "bob"}))
    );
    let made = input(&[
        "--principal=alice",
        "--role=editor",
        "--role=admin",
        "--agent=planner",
        "--context",
        "level:=3,note=three",
    ]);
    assert_eq!(made["subject"]["roles"], json!(["editor", "admin"]));
    assert_eq!(made["subject"]["agent"], "planner");
    assert_eq!(made["context"], json!({"level": 3, "note": "three"}));
    // Beside a document they replace its members; what it says of the caller is only asserted.
    let made = input(&["-i", "in.json", "--principal", "alice", "--action", "read"]);
    assert_eq!((&made["action"], &made["resource"]), (&json!("read"), &json!({"type": "old"})));
    assert_eq!(
        (&made["subject"]["id"], &made["asserted"]["subject"]["id"]),
        (&json!("alice"), &json!("eve"))
    );
    // Without a caller the input is as with plain OPA.
    let made = input(&["--action", "read", "--resource", "type=doc", "--resource", "id:=7"]);
    assert_eq!(made, json!({"action": "read", "resource": {"type": "doc", "id": 7}}));
}

#[test]
fn what_cannot_be_meant_is_said() {
    let files = folder(&[("list.json", "[1]")]);
    for (args, said) in [
        (&["--principal", "a", "--subject", "{}"][..], "cannot be used with"),
        (&["--role", "x"], "--principal"),
        (&["--resource", "doc"], "`doc` has no value; write NAME=TEXT or NAME:=JSON"),
        (&["--resource", "n:=three"], "`=` takes text"),
        (&["--resource", "a=1,a=2"], "`--resource` gives `a` twice"),
        (&["--action", "read", "-i", "list.json"], "the input is array"),
        (&["--principal", "", "--action", "read"], "subject"),
    ] {
        let ran = verdict(files.path(), &[&["eval", "input", "-f", "raw"], args].concat()).exits(2);
        ran.complains(said);
    }
}

#[test]
fn bench_takes_them_for_policy_and_not_for_servers() {
    let who = ["--principal", "erin", "--role", "editor", "--action", "update", "--resource", "type=doc"];
    let policy = ["bench", "-b", "policies/rbac", "--benchtime", "1ms", "-f", "json", "data.rbac.allow"];
    let ran = verdict(root(), &[&policy[..], &who].concat()).exits(0);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["outcome"], "allow");
    let server = ["bench", "--url", "http://127.0.0.1:1/v1/data/a"];
    verdict(root(), &[&server[..], &who].concat()).exits(2).complains("are for a policy in this process");
    let ran = verdict_with_input(
        root(),
        &[&["eval", "-b", "policies/rbac", "-f", "raw", "data.rbac.allow"], &who[..]].concat(),
        "",
    );
    assert_eq!(ran.exits(0).out, "true\n");
}
