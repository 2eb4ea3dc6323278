//! A recorded decision, made again from its record.

use std::process::Command;

use serde_json::{Value, json};

use super::{Peer, Reply};
use crate::harness::TestApp;

#[test]
fn a_recorded_decision_is_made_again_from_its_record() {
    let peer = Peer::start(|_, before| Reply::json(&json!({"call": before})));
    let source = format!(
        r#"package app
allow := {{"allow": true, "call": answer.body.call, "again": again.body.call, "drawn": rand.intn("x", 1000000000),
    "id": uuid.rfc4122("k"), "at": time.now_ns(), "env": opa.runtime().env}}
answer := http.send({{"method": "get", "url": "{url}", "headers": {{"x": input.x}}}})
again := http.send({{"method": "get", "url": "{url}", "headers": {{"x": input.x}}}})
"#,
        url = peer.url("/")
    );
    let config = "identity: {mode: off}\ndecision: {deadline: 60s, explain: {record: all}}\n\
                  decision_log: {console: off, file: {path: decisions.jsonl}, nd_builtin_cache: true}\n";
    let server = TestApp::new().config(config).file("app/app.rego", &source).start();
    let (answer, record) = server.recorded(|| server.post("/v1/data/app/allow", r#"{"input":{"x":"y"}}"#));
    let result = answer.json()["result"].clone();
    // Once for the decision, whatever asks: two rules, and the explanation.
    assert_eq!((peer.seen().len(), &result["call"], &result["again"]), (1, &json!(0), &json!(0)));
    assert!(record["explanation"].is_object(), "{record}");
    let cache = &record["nd_builtin_cache"];
    assert_eq!(cache["rand.intn"]["[\"x\",1000000000]"], result["drawn"]);
    assert_eq!(cache["uuid.rfc4122"]["[\"k\"]"], result["id"]);
    assert_eq!(cache["time.now_ns"]["[]"], result["at"]);
    let sent = cache["http.send"].as_object().unwrap();
    assert_eq!(sent.len(), 1);
    let (request, response) = sent.iter().next().unwrap();
    let request: Value = serde_json::from_str(request).unwrap();
    assert_eq!(request[0]["url"], json!(peer.url("/")));
    assert_eq!(response["body"], json!({"call": 0}));

    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("input.json", record["input"].to_string());
    write("record.json", record.to_string());
    write("cache.json", cache.to_string());
    write("wrong.json", r#"{"count": {}}"#.to_owned());
    write("app.rego", source);
    let eval = |file: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
        let args = ["eval", "-d", "app.rego", "-i", "input.json", "-f", "raw", "--nd-builtin-cache", file];
        let output = command.args(args).arg("data.app.allow").current_dir(folder.path()).env_clear().output();
        let output = output.unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    for file in ["record.json", "cache.json"] {
        let (code, out, err) = eval(file);
        assert_eq!(code, Some(0), "{err}");
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), result, "{file}");
    }
    assert_eq!(peer.seen().len(), 1, "a replay asks nobody");
    let (code, _, err) = eval("wrong.json");
    assert!(code == Some(2) && err.contains("`wrong.json`: `count` is no built-in"), "{err}");

    let plain = TestApp::new().file("app/app.rego", "package app\nallow := time.now_ns() > 0\n").start();
    let (_, record) = plain.recorded(|| plain.post("/v1/data/app/allow", ""));
    assert_eq!(record.get("nd_builtin_cache"), None);
}
