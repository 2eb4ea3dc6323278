//! The HTTP service: any method and any path behind a prefix.

use super::{app, configured, input, token};
use crate::harness::wire::Wire;

#[test]
fn the_path_behind_the_prefix_is_decided() {
    let server = app().start();
    let alice = token(&server, "alice");
    let bearer = format!("Bearer {alice}");
    for (method, path, authorization, status, outcome) in [
        ("GET", "/ext_authz/open", None, 200, "allow"),
        ("DELETE", "/ext_authz/open", None, 200, "allow"),
        ("PROPFIND", "/ext_authz/open", None, 200, "allow"),
        ("OPTIONS", "/ext_authz/open?x=1", None, 200, "allow"),
        ("GET", "/ext_authz/closed", None, 403, "deny"),
        ("GET", "/ext_authz/nothing", None, 403, "undefined"),
        ("GET", "/ext_authz", None, 403, "undefined"),
        ("GET", "/ext_authz/", None, 403, "undefined"),
        ("GET", "/ext_authz/broken?zero=0", None, 500, "error"),
        ("GET", "/ext_authz/refused?status=302", None, 302, "deny"),
        ("GET", "/ext_authz/refused?status=200", None, 403, "deny"),
        ("GET", "/ext_authz/mine", Some(bearer.as_str()), 200, "allow"),
        ("GET", "/ext_authz/mine", Some("Bearer a.b.c"), 401, "refused"),
        ("GET", "/ext_authz/open//closed", None, 400, "refused"),
        ("GET", "/ext_authz/open%2f..", None, 400, "refused"),
    ] {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", *value)).collect();
        let (reply, record) = server.recorded(|| server.send(method, path, &headers, b""));
        assert_eq!((reply.status, record["outcome"].as_str()), (status, Some(outcome)), "{method} {path}");
        assert_eq!(reply.header("verdict-decision-id"), record["decision_id"].as_str(), "{path}");
        assert_eq!(record["protocol"], "ext_authz");
    }
}

#[test]
fn no_path_leads_out_of_the_prefix() {
    let server = app().start();
    for path in
        ["/ext_authz/%2e%2e/v1/data", "/ext_authz/../v1/data", "/ext_authz//v1/data", "/ext_authz/a\\b"]
    {
        let mut wire = Wire::open(server.app.address);
        let request = format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n");
        let (reply, record) = server.recorded(|| {
            wire.send(request.as_bytes());
            wire.reply().unwrap()
        });
        assert_eq!((reply.status, record["outcome"].as_str()), (400, Some("refused")), "{path}");
    }
}

#[test]
fn the_answer_has_what_envoy_may_take_from_it() {
    let server = app().start();
    let alice = format!("Bearer {}", token(&server, "alice"));
    let headers = [("authorization", alice.as_str()), ("x-forwarded-user", "root"), ("x-auth-user", "root")];
    let reply = server.send("GET", "/ext_authz/told", &headers, b"");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("x-auth-user"), Some("from-policy"));
    assert_eq!(reply.header("x-seen"), Some("yes"));
    assert_eq!(reply.header("x-envoy-auth-headers-to-remove"), Some("x-debug,x-forwarded-user"));
    let reply = server.send("GET", "/ext_authz/refused?status=401", &[], b"");
    assert_eq!((reply.status, reply.body.as_slice()), (401, &b"come back tomorrow"[..]));
    assert_eq!(reply.header("x-why"), Some("closed"));
}

#[test]
fn the_body_is_the_clients_and_may_be_cut() {
    let server = app().start();
    let json = ("content-type", "application/json");
    let whole = br#"{"amount": 5}"#;
    let (reply, record) = server.recorded(|| server.send("POST", "/ext_authz/body", &[json], whole));
    assert_eq!(reply.status, 200, "{record:#}");
    let cut = ("x-envoy-auth-partial-body", "true");
    let (reply, record) = server.recorded(|| server.send("POST", "/ext_authz/body", &[json, cut], whole));
    assert_eq!((reply.status, &input(&record)["truncated_body"]), (403, &serde_json::json!(true)));
}

#[test]
fn the_prefix_is_configured() {
    let server = configured("doors: {ext_authz: {http_prefix: /gateway/check}}\n").start();
    assert_eq!(server.get("/gateway/check/open").status, 200);
    assert_eq!(server.get("/ext_authz/open").status, 404);
}
