//! Policies and data that are written through the API.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::wire::{Wire, request};
use crate::harness::{Reply, Server, TestApp, wait_until};
use verdict::config::{Insecure, Profile};
use verdict::identity::dev::TokenRequest;

const WRITES: &str = "doors: {opa: {writes: {enabled: true}}}\n";

/// With a bundle that owns `app`.
fn app(config: &str) -> TestApp {
    TestApp::new()
        .config(&format!("identity: {{mode: off}}\n{config}"))
        .file("app/.manifest", r#"{"roots": ["app"], "revision": "r1"}"#)
        .file(
            "app/app/policy.rego",
            "package app\n\ndefault allow := false\n\nallow if input.user in data.users.admins\n\nmore := data.extra.p\n",
        )
}

/// The same server once more, in the same folder.
fn restarted(server: Server) -> Server {
    let Server { dir, app, .. } = server;
    drop(app);
    let mut again = TestApp::new().config(&format!("identity: {{mode: off}}\n{WRITES}"));
    again.dir = dir;
    again.start()
}

fn put(server: &Server, path: &str, body: &str) -> Reply {
    server.send("PUT", path, &[], body.as_bytes())
}

/// The answer to a method, a path and a body: its status, and its error or result.
fn said(server: &Server, (method, path, body): (&str, &str, &str)) -> (u16, String) {
    let reply = server.send(method, path, &[], body.as_bytes());
    let json = if reply.body.is_empty() { json!({}) } else { reply.json() };
    let text = match (json.get("code"), json.get("result")) {
        (Some(code), _) => format!("{}: {}", code.as_str().unwrap(), json["message"].as_str().unwrap()),
        (None, Some(result)) => result.to_string(),
        (None, None) => String::new(),
    };
    (reply.status, text)
}

#[test]
fn data_is_written_with_opas_statuses() {
    let server = app(WRITES).start();
    for (asked, status, expected) in [
        (("GET", "/v1/data/users", ""), 200, ""),
        (("PUT", "/v1/data/users/admins", r#"["ann"]"#), 204, ""),
        (("GET", "/v1/data/users", ""), 200, r#"{"admins":["ann"]}"#),
        (("POST", "/v1/data/app/allow", r#"{"input": {"user": "ann"}}"#), 200, "true"),
        (("PATCH", "/v1/data/users", r#"[{"op": "add", "path": "admins/-", "value": "bob"}]"#), 204, ""),
        (("POST", "/v1/data/app/allow", r#"{"input": {"user": "bob"}}"#), 200, "true"),
        (("PATCH", "/v1/data/users", r#"[{"op": "replace", "path": "/admins/0", "value": "eve"}]"#), 204, ""),
        (("GET", "/v1/data/users/admins", ""), 200, r#"["eve","bob"]"#),
        // All edits or none.
        (
            ("PATCH", "/v1/data/users", r#"[{"op":"remove","path":"admins"},{"op":"remove","path":"no"}]"#),
            404,
            "resource_not_found: storage_not_found_error: /users/no: document does not exist",
        ),
        (("GET", "/v1/data/users/admins", ""), 200, r#"["eve","bob"]"#),
        (
            ("PATCH", "/v1/data/users", r#"[{"op": "move", "path": "admins"}]"#),
            400,
            "invalid_parameter: operation 0: bad patch operation: move",
        ),
        (
            ("PATCH", "/v1/data/users", "{}"),
            400,
            "invalid_parameter: the body must be an array of operations",
        ),
        (
            ("PUT", "/v1/data/users/admins/x", "1"),
            404,
            "resource_conflict: storage_write_conflict_error: /users/admins: not an object",
        ),
        (("PUT", "/v1/data/app/x", "1"), 400, "invalid_parameter: path app/x is owned by bundle \"app\""),
        (("DELETE", "/v1/data/app", ""), 400, "invalid_parameter: path app is owned by bundle \"app\""),
        (
            ("PUT", "/v1/data", "{}"),
            400,
            "invalid_parameter: can't write to document root with bundle roots configured",
        ),
        (
            ("DELETE", "/v1/data/users/no", ""),
            404,
            "resource_not_found: storage_not_found_error: /users/no: document does not exist",
        ),
        (("DELETE", "/v1/data/users/admins", ""), 204, ""),
        (("POST", "/v1/data/app/allow", r#"{"input": {"user": "bob"}}"#), 200, "false"),
    ] {
        let got = said(&server, asked);
        assert_eq!((got.0, got.1.as_str()), (status, expected), "{asked:?}");
    }
    for body in ["", "{", r#"{"a": 1, "a": 2}"#, "{} x"] {
        let (status, text) = said(&server, ("PUT", "/v1/data/users", body));
        assert!(status == 400 && text.starts_with("invalid_parameter: body is malformed"), "{body}: {text}");
    }
    assert_eq!(said(&server, ("PUT", "/v1/data/a//b", "1")).0, 400);
    let exists = server.send("PUT", "/v1/data/users", &[("If-None-Match", "*")], b"{}");
    assert_eq!((exists.status, exists.body.len()), (304, 0));
    let timed = put(&server, "/v1/data/users?metrics", r#"{"x": 1}"#);
    assert_eq!((timed.status, timed.json()["metrics"]["timer_server_handler_ns"].is_u64()), (200, true));
}

#[test]
fn policies_are_written_or_refused_whole() {
    let server = app(WRITES).start();
    let more = || server.post("/v1/data/app/more", "{}").json().get("result").cloned();
    let source = "package extra\n\np := 1\n";
    assert_eq!(more(), None);
    assert_eq!(put(&server, "/v1/policies/extra.rego", source).json(), json!({}));
    assert_eq!(more(), Some(json!(1)));
    let generation = server.app.bundles.report().generation;
    assert_eq!(put(&server, "/v1/policies/extra.rego", source).status, 200);
    assert_eq!(server.app.bundles.report().generation, generation, "the same text changes nothing");

    let one = server.get("/v1/policies/extra.rego").json()["result"].clone();
    assert_eq!((&one["id"], &one["raw"]), (&json!("extra.rego"), &json!(source)));
    assert_eq!(server.get("/v1/policies/").json()["result"].as_array().unwrap().len(), 2);

    let broken = put(&server, "/v1/policies/extra.rego", "package extra\n\np := z\n");
    assert_eq!((broken.status, &broken.json()["code"]), (400, &json!("invalid_parameter")));
    let error = broken.json()["errors"][0].clone();
    assert_eq!(error["code"], "rego_unsafe_var_error", "{error}");
    assert_eq!(error["location"]["file"], "extra.rego");
    assert_eq!(more(), Some(json!(1)), "what did not compile changed nothing");

    for (asked, status, expected) in [
        // A package of a bundle, its policy, and data at a rule.
        (
            ("PUT", "/v1/policies/mine", "package app\n\nq := 1\n"),
            400,
            "path app is owned by bundle \"app\", and the policy `mine` (`package app`)",
        ),
        (
            ("PUT", "/v1/policies/mine", "package app.sub\n\nq := 1\n"),
            400,
            "path app is owned by bundle \"app\"",
        ),
        (("PUT", "/v1/policies/app/app/policy.rego", source), 400, "is owned by bundle \"app\""),
        (("DELETE", "/v1/policies/app/app/policy.rego", ""), 400, "is owned by bundle \"app\""),
        (("PUT", "/v1/data/extra/p", "1"), 400, ""),
        (("PUT", "/v1/policies/%01", source), 400, "no control characters"),
        (("PUT", "/v1/policies/%ff", source), 400, "not UTF-8"),
        (("PATCH", "/v1/policies/extra.rego", source), 405, ""),
        (("DELETE", "/v1/policies/nope", ""), 404, "storage_not_found_error: policy id \"nope\""),
        (("DELETE", "/v1/policies/extra.rego", ""), 200, ""),
    ] {
        let got = said(&server, asked);
        assert!(got.0 == status && got.1.contains(expected), "{asked:?}: {got:?}");
    }
    assert_eq!(more(), None);
}

#[test]
fn nothing_is_written_unless_it_is_enabled() {
    let server = app("").start();
    for (method, path) in
        [("PUT", "/v1/data/x"), ("PATCH", "/v1/data/x"), ("DELETE", "/v1/data/x"), ("PUT", "/v1/policies/x")]
    {
        let reply = server.send(method, path, &[], b"package x");
        assert_eq!(reply.status, 400, "{method} {path}");
        assert!(reply.json()["message"].as_str().unwrap().contains("doors.opa.writes.enabled"));
    }
    assert!(!server.dir.path().join("state/written.json").exists());
    assert_eq!(status(server.app.management.unwrap(), "PUT", "/v1/data/x", None), 404);
}

/// The status of a request with the body `1`.
fn status(address: std::net::SocketAddr, method: &str, path: &str, token: Option<&str>) -> u16 {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|value| ("Authorization", value.as_str())).collect();
    let mut wire = Wire::open(address);
    wire.send(&request(method, path, &headers, b"1"));
    wire.reply().unwrap().status
}

#[test]
fn writing_takes_a_role_of_its_own_and_is_recorded_first() {
    let profile = Profile::Run(Insecure { dev_issuer: true, ..Insecure::default() });
    let server = app("").config(&format!("identity: {{mode: required}}\n{WRITES}")).profile(profile).start();
    let token = |role: &str| {
        server.token(&TokenRequest {
            sub: "ops".to_owned(),
            roles: vec![role.to_owned()],
            ttl: Duration::from_secs(60),
            ..TokenRequest::default()
        })
    };
    let (admin, writer) = (token("verdict-admin"), token("verdict-policy-admin"));
    for address in [server.app.address, server.app.management.unwrap()] {
        for (token, code, kind) in [
            (None, 401, json!("credential_missing")),
            (Some("no.such.token"), 401, json!("credential_invalid")),
            (Some(admin.as_str()), 403, json!("insufficient_permissions")),
            (Some(writer.as_str()), 204, Value::Null),
        ] {
            for (method, path) in [("PUT", "/v1/data/users/x"), ("PUT", "/v1/policies/p")] {
                let (got, record) = server.recorded(|| status(address, method, path, token));
                // The body is no policy.
                let expected = if code == 204 && path.contains("policies") { 400 } else { code };
                assert_eq!(got, expected, "{path} {record}");
                assert_eq!((&record["error"]["kind"], &record["protocol"]), (&kind, &json!("management")));
                assert_eq!(record["operation"], format!("{method} {path}"));
                let digest = record["input"]["sha256"].as_str();
                let one = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";
                assert_eq!(digest, (code == 204).then_some(one), "{record}");
            }
        }
    }
    // Who writes policy does not see the server's state, nor the other way round.
    assert_eq!(status(server.app.address, "GET", "/v1/status", Some(&writer)), 403);
    assert_eq!(status(server.app.management.unwrap(), "POST", "/v1/data/app", Some(&admin)), 405);
}

#[test]
fn what_was_written_is_there_after_a_restart_and_beside_new_bundles() {
    let server = app(WRITES).start();
    assert_eq!(put(&server, "/v1/data/users/admins", r#"["ann"]"#).status, 204);
    assert_eq!(put(&server, "/v1/policies/extra", "package extra\n\np := 1\n").status, 200);
    let answers = |server: &Server| {
        let ask = |path: &str| server.post(path, r#"{"input": {"user": "ann"}}"#).json()["result"].clone();
        (ask("/v1/data/app/allow"), ask("/v1/data/app/more"))
    };
    server.write("other/.manifest", r#"{"roots": ["other"]}"#);
    server.write("other/other/policy.rego", "package other\n\nx := 1\n");
    wait_until("the new bundle", || server.app.bundles.report().bundles.contains_key("other"));
    assert_eq!(answers(&server), (json!(true), json!(1)));
    let bundles = server.recorded(|| server.get("/v1/data/app/more")).1["bundles"].clone();
    assert_eq!(bundles["api/written"]["revision"], "2", "{bundles}");
    let again = restarted(server);
    assert_eq!(answers(&again), (json!(true), json!(1)));

    // A bundle that owns what was written is refused, and says so, until that is deleted.
    again.write("users/.manifest", r#"{"roots": ["users"]}"#);
    again.write("users/users/data.json", r#"{"admins": []}"#);
    again.wait_failure();
    let error = again.app.bundles.report().error.clone().unwrap();
    let expected =
        "path users is owned by bundle \"users\", and data at or below `users` was written through the API";
    assert!(error.contains(expected), "{error}");
    assert_eq!(answers(&again), (json!(true), json!(1)));
    assert_eq!(put(&again, "/v1/data/elsewhere", "1").status, 204, "beside the last good bundles");
    assert!(again.app.bundles.report().failing_since.is_some(), "a write hides nothing");
    assert_eq!(again.send("DELETE", "/v1/data/users/admins", &[], b"").status, 204);
    wait_until("the bundle", || again.app.bundles.report().failing_since.is_none());
    assert_eq!(answers(&again), (json!(false), json!(1)));
    assert_eq!(said(&again, ("PUT", "/v1/data/users/admins", "[]")).0, 400);
}

#[test]
fn policy_can_come_from_the_api_alone() {
    let server = TestApp::new().config(&format!("identity: {{mode: off}}\n{WRITES}")).start();
    assert_eq!(server.post("/v1/data/a/p", "{}").status, 503);
    assert_eq!(server.get("/health/ready").status, 503);
    let policy = "package a\n\np := data.n\n";
    assert_eq!(put(&server, "/v1/policies/a", policy).status, 200);
    assert_eq!(put(&server, "/v1/data/n", "5").status, 204);
    assert_eq!(server.post("/v1/data/a/p", "{}").json()["result"], json!(5));
    assert_eq!(server.get("/health/ready").status, 200);
    assert_eq!(server.send("DELETE", "/v1/policies/a", &[], b"").status, 200);
    assert_eq!(put(&server, "/v1/data", r#"{"n": 6}"#).status, 204);
    assert_eq!(server.post("/v1/data/a/p", "{}").json().get("result"), None);
    assert_eq!(put(&server, "/v1/policies/a", policy).status, 200);
    // A broken bundle changes nothing, and nothing is wrong once it is gone.
    server.write("broken/policy.rego", "package broken\n\np := ");
    server.wait_failure();
    std::fs::remove_dir_all(server.dir.path().join("bundles/broken")).unwrap();
    wait_until("the empty directory", || server.app.bundles.report().failing_since.is_none());
    assert_eq!(server.post("/v1/data/a/p", "{}").json()["result"], json!(6));
    let again = restarted(server);
    assert_eq!(again.post("/v1/data/a/p", "{}").json()["result"], json!(6));
    assert_eq!(again.get("/health/ready").status, 200);
}

#[test]
fn writes_are_bounded() {
    let limits = "doors: {opa: {writes: {enabled: true, max_size: 1KiB, max_policies: 1}}}\n";
    let server = app(limits).start();
    assert_eq!(put(&server, "/v1/policies/a", "package a\n").status, 200);
    let (status, text) = said(&server, ("PUT", "/v1/policies/b", "package b\n"));
    assert!(status == 413 && text.contains("`doors.opa.writes.max_policies`"), "{text}");
    let (status, text) = said(&server, ("PUT", "/v1/data/x", &format!("\"{}\"", "x".repeat(1000))));
    assert!(status == 413 && text.contains("`doors.opa.writes.max_size`"), "{text}");
    let deep = format!("/v1/data/{}", ["a"; 65].join("/"));
    assert_eq!(said(&server, ("PUT", &deep, "1")).0, 400);
    assert_eq!(put(&server, &format!("/v1/policies/{}", "x".repeat(257)), "package b\n").status, 400);
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let server = app(WRITES).start();
    let address = server.app.address;
    std::thread::scope(|threads| {
        for thread in 0..4 {
            threads.spawn(move || {
                let mut wire = Wire::open(address);
                for n in 0..5 {
                    let path = format!("/v1/data/many/w{thread}/n{n}");
                    wire.send(&request("PUT", &path, &[], b"1"));
                    assert_eq!(wire.reply().unwrap().status, 204);
                    // What is answered is in force.
                    wire.send(&request("GET", &path, &[], b""));
                    assert_eq!(wire.reply().unwrap().json()["result"], json!(1));
                }
            });
        }
    });
    let all = server.get("/v1/data/many").json()["result"].clone();
    let count: usize = all.as_object().unwrap().values().map(|own| own.as_object().unwrap().len()).sum();
    assert_eq!(count, 20, "{all}");
}

#[test]
fn what_cannot_be_kept_is_not_in_force() {
    let server = app(WRITES).start();
    // A folder where the file is to be: not even root can write there.
    let file = server.dir.path().join("state/written.json");
    std::fs::create_dir_all(file.join("in-the-way")).unwrap();
    let (status, text) = said(&server, ("PUT", "/v1/data/users", "{}"));
    assert!(status == 503 && text.contains("cannot be kept"), "{status} {text}");
    assert_eq!(server.get("/v1/data/users").json().get("result"), None);
    std::fs::remove_dir_all(&file).unwrap();
    assert_eq!(said(&server, ("PUT", "/v1/data/users", "{}")).0, 204);
}
