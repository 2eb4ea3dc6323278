//! `/authz/nginx` and `/authz/forward`, as their gateways call them.

use serde_json::{Value, json};

use super::{CONFIG, POLICY, alice, server};
use crate::harness::{Reply, Server, TestApp};

/// How a door is told of a request.
fn describing<'a>(door: &str, method: &'a str, target: &'a str) -> Vec<(&'static str, &'a str)> {
    match door {
        "/authz/nginx" => vec![("x-original-method", method), ("x-original-uri", target)],
        _ => vec![("x-forwarded-method", method), ("x-forwarded-uri", target)],
    }
}

fn ask(server: &Server, door: &str, request: (&str, &str), headers: &[(&str, &str)]) -> (Reply, Value) {
    let mut all = describing(door, request.0, request.1);
    all.extend(headers);
    server.recorded(|| server.send("GET", door, &all, b""))
}

const BOTH: [&str; 2] = ["/authz/nginx", "/authz/forward"];

#[test]
fn every_end_of_a_call_has_a_status_that_its_gateway_understands() {
    let server = server();
    let token = alice(&server);
    for (path, bearer, nginx, forward, outcome) in [
        ("/public/a", "", 200, 200, "allow"),
        ("/invoices/42", token.as_str(), 200, 200, "allow"),
        ("/invoices/42", "", 403, 403, "deny"),
        ("/invoices/42", "Bearer forged.forged.forged", 401, 401, "refused"),
        ("/invoices/42", "Basic YTpi", 401, 401, "refused"),
        ("/public/a", "Bearer forged.forged.forged", 401, 401, "refused"),
        ("/nothing", &token, 403, 403, "undefined"),
        ("/error", &token, 500, 500, "error"),
        ("/broken", &token, 500, 500, "error"),
        ("/teapot", &token, 403, 418, "deny"),
        ("/login", &token, 403, 302, "deny"),
        ("/sly", &token, 403, 403, "deny"),
        ("/who", &token, 401, 401, "deny"),
        ("/public/../invoices/42", &token, 403, 400, "refused"),
        ("//public", &token, 403, 400, "refused"),
    ] {
        for (door, status) in [(BOTH[0], nginx), (BOTH[1], forward)] {
            let headers = [("authorization", bearer)];
            let headers = if bearer.is_empty() { &[][..] } else { &headers };
            let (reply, record) = ask(&server, door, ("GET", path), headers);
            assert_eq!(
                (reply.status, &record["outcome"]),
                (status, &json!(outcome)),
                "{door} {path}: {record:#}"
            );
            assert_eq!(reply.header("verdict-decision-id"), record["decision_id"].as_str(), "{door} {path}");
            assert_eq!(reply.header("verdict-outcome"), Some(outcome), "{door} {path}");
            let challenged = reply.headers.contains_key("www-authenticate");
            assert_eq!(challenged, status == 401 && outcome == "refused", "{door} {path}");
        }
    }
}

#[test]
fn policy_sees_the_request_that_is_described_and_the_caller_that_was_verified() {
    let server = server();
    let token = alice(&server);
    for (door, place) in BOTH.into_iter().zip(["x-original-host", "x-forwarded-host"]) {
        let headers = [
            ("authorization", token.as_str()),
            (place, "API.example:443"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "10.9.9.9, 192.0.2.7"),
            ("x-auth-user", "root"),
            ("cookie", "session=s3cr3t"),
            ("accept", "text/html"),
        ];
        let (reply, record) =
            ask(&server, door, ("GET", "/invoices/4%32/?q=1&access_token=s3cr3t"), &headers);
        assert_eq!(reply.status, 200, "{record:#}");
        let input = &record["input"];
        assert_eq!(input["action"], "read");
        assert_eq!(input["resource"], json!({"type": "invoice", "id": "42"}));
        assert_eq!(input["subject"]["id"], "alice");
        assert_eq!(input["parsed_path"], json!(["invoices", "42"]));
        let http = &input["context"]["http"];
        assert_eq!(input["context"]["route"], "read-invoice");
        assert_eq!((&http["path"], &http["host"]), (&json!("/invoices/42"), &json!("api.example")));
        assert_eq!((&http["scheme"], &http["client_ip"]), (&json!("https"), &json!("192.0.2.7")));
        assert_eq!(http["query"], json!({"q": ["1"]}));
        assert_eq!(http["headers"], json!({"accept": "text/html"}), "{door}");
        let whole = record.to_string();
        assert!(!whole.contains("s3cr3t") && !whole.contains(&token[7..]), "{whole}");
        // Nobody but policy and the verified credential says who is calling.
        assert_eq!(
            (reply.header("x-auth-user"), reply.header("x-auth-issuer").is_some()),
            (Some("alice"), true)
        );
    }
}

#[test]
fn what_a_client_says_of_itself_is_overwritten() {
    let server = server();
    let claims = [
        ("x-auth-user", "root"),
        ("x-forwarded-user", "root"),
        ("Remote-Groups", "wheel"),
        ("x-secret", "1"),
    ];
    for door in BOTH {
        let (reply, _) = ask(&server, door, ("GET", "/headers"), &claims);
        assert_eq!(reply.status, 200);
        for name in ["x-auth-user", "x-auth-issuer", "x-forwarded-user", "remote-groups", "x-secret"] {
            assert_eq!(reply.header(name), Some(""), "{door} {name}");
        }
        assert_eq!(reply.header("x-policy"), Some("yes"));
        assert_eq!(reply.headers.get_all("x-seen").iter().count(), 2);
    }
    // What a service may take for one of them.
    let (reply, record) = ask(&server, BOTH[0], ("GET", "/public"), &[("x-auth_user", "root")]);
    assert_eq!((reply.status, reply.header("x-auth_user")), (200, Some("")), "{record:#}");
}

#[test]
fn a_request_that_is_not_described_as_a_whole_is_refused() {
    let server = server();
    for (door, headers, why) in [
        ("/authz/nginx", &[][..], "X-Original-URI"),
        ("/authz/nginx", &[("x-original-uri", "/public")], "X-Original-Method"),
        ("/authz/nginx", &[("x-original-method", "GET")], "X-Original-URI"),
        ("/authz/nginx", &[("x-original-method", "GET"), ("x-original-uri", "")], "X-Original-URI"),
        ("/authz/nginx", &[("x-forwarded-method", "GET"), ("x-forwarded-uri", "/public")], "X-Original-URI"),
        ("/authz/forward", &[("x-original-method", "GET"), ("x-original-uri", "/public")], "X-Forwarded-Uri"),
        ("/authz/forward", &[("x-forwarded-uri", "/public")], "X-Forwarded-Method"),
        (
            "/authz/nginx",
            &[("x-original-method", "GET"), ("x-original-uri", "/public"), ("x-original-uri", "/public")],
            "more than one",
        ),
        (
            "/authz/nginx",
            &[("x-original-method", "GET"), ("x-original-uri", "/public"), ("x-original-url", "/admin")],
            "differ",
        ),
        (
            "/authz/nginx",
            &[("x-original-method", "GET"), ("x-original-url", "http://a/public"), ("x-original-host", "b")],
            "two different hosts",
        ),
        (
            "/authz/forward",
            &[("x-forwarded-method", "GET"), ("x-forwarded-uri", "/public"), ("x-original-url", "/admin")],
            "take it for another",
        ),
        (
            "/authz/forward",
            &[("x-forwarded-method", "GET"), ("x-forwarded-uri", "/public"), ("x-forwarded-host", "a, b")],
            "ambiguous host",
        ),
        (
            "/authz/forward",
            &[("x-forwarded-method", "GET"), ("x-forwarded-uri", "/public"), ("x-forwarded-for", "x")],
            "no address",
        ),
        (
            "/authz/forward",
            &[
                ("x-forwarded-method", "GET"),
                ("x-forwarded-uri", "/public"),
                ("x-http-method-override", "DELETE"),
            ],
            "take it for another",
        ),
    ] {
        let (reply, record) = server.recorded(|| server.send("GET", door, headers, b""));
        let status = if door == "/authz/nginx" { 403 } else { 400 };
        assert_eq!((reply.status, &record["outcome"]), (status, &json!("refused")), "{headers:?}");
        assert_eq!(record["error"]["kind"], "invalid_request", "{headers:?}");
        let reason = record["reason"].as_str().unwrap();
        assert!(reason.contains(why), "{headers:?}: {reason}");
    }
    let (reply, _) = server.recorded(|| {
        let headers = [
            ("x-original-method", "GET"),
            ("x-original-url", "http://a/public?x=1"),
            ("x-original-uri", "/public?x=1"),
        ];
        server.send("GET", "/authz/nginx", &headers, b"")
    });
    assert_eq!(reply.status, 200, "the same twice, once as an absolute URL");
}

#[test]
fn whoever_is_not_trusted_describes_nothing() {
    let config = CONFIG.replace("forward_auth: {", "forward_auth: {trusted_proxies: [192.0.2.0/24, '::1'], ");
    let server = TestApp::new().config(&config).file("http/http.rego", POLICY).start();
    let token = alice(&server);
    for door in BOTH {
        let (reply, record) = ask(&server, door, ("GET", "/invoices/42"), &[("authorization", &token)]);
        assert_eq!((reply.status, &record["outcome"]), (403, &json!("refused")));
        assert_eq!(record["error"]["kind"], "mismatch");
        assert!(record["reason"].as_str().unwrap().contains("trusted_proxies"), "{record:#}");
    }
    let (reply, record) = server.recorded(|| server.post("/authz/lambda", "{}"));
    assert_eq!(
        (reply.json()["isAuthorized"].clone(), &record["error"]["kind"]),
        (json!(false), &json!("mismatch"))
    );
}

#[test]
fn the_client_is_the_last_address_that_is_no_proxys() {
    let config =
        CONFIG.replace("forward_auth: {", "forward_auth: {trusted_proxies: [127.0.0.0/8, 10.0.0.0/8], ");
    let server = TestApp::new().config(&config).file("http/http.rego", POLICY).start();
    for (chain, client) in [
        ("192.0.2.1", Some("192.0.2.1")),
        ("6.6.6.6, 192.0.2.1", Some("192.0.2.1")),
        ("6.6.6.6, 192.0.2.1, 10.0.0.1,10.0.0.2", Some("192.0.2.1")),
        ("garbage, 192.0.2.1", Some("192.0.2.1")),
        ("10.0.0.1, 10.0.0.2", Some("10.0.0.1")),
        ("[2001:db8::1]:4711", Some("2001:db8::1")),
        ("2001:db8::1", Some("2001:db8::1")),
        ("192.0.2.1:80", Some("192.0.2.1")),
        ("::ffff:10.0.0.1", Some("::ffff:10.0.0.1")),
        ("", None),
    ] {
        let (_, record) = ask(&server, "/authz/forward", ("GET", "/public"), &[("x-forwarded-for", chain)]);
        assert_eq!(record["input"]["context"]["http"]["client_ip"].as_str(), client, "{chain}: {record:#}");
    }
}

#[test]
fn any_method_may_ask_and_a_body_is_policys_to_see() {
    let server = server();
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let headers = describing("/authz/forward", "POST", "/public");
        let mut headers = headers.clone();
        headers.push(("content-type", "application/json"));
        let (reply, record) =
            server.recorded(|| server.send(method, "/authz/forward?x=1", &headers, b"{\"n\": 1}"));
        assert_eq!(reply.status, 200, "{method}: {record:#}");
        assert_eq!(record["input"]["parsed_body"], json!({"n": 1}), "{method}");
        assert_eq!(record["input"]["parsed_query"], json!({}), "the door's own query is nobody's");
    }
    let (reply, _) = server
        .recorded(|| server.send("HEAD", "/authz/nginx", &describing("/authz/nginx", "GET", "/public"), b""));
    assert_eq!(reply.status, 200);
    let headers =
        [describing("/authz/forward", "POST", "/public"), vec![("content-type", "application/json")]]
            .concat();
    let (reply, record) = server.recorded(|| server.send("POST", "/authz/forward", &headers, b"{\"n\": 1"));
    assert_eq!((reply.status, &record["error"]["kind"]), (400, &json!("invalid_request")));
}

#[test]
fn denials_are_said_word_for_word_and_failures_without_details() {
    let server = server();
    let (reply, _) = ask(&server, "/authz/forward", ("GET", "/teapot"), &[]);
    assert_eq!(
        (reply.status, reply.body.as_slice(), reply.header("x-tea")),
        (418, &b"short and stout"[..], Some("green"))
    );
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    let (reply, _) = ask(&server, "/authz/forward", ("GET", "/login"), &[]);
    assert_eq!(reply.header("location"), Some("https://login.example/"));
    let (reply, _) = ask(&server, "/authz/forward", ("GET", "/invoices/1"), &[]);
    assert_eq!(reply.json()["message"], "only alice reads");
    let (reply, record) = ask(&server, "/authz/forward", ("GET", "/error"), &[]);
    assert_eq!(reply.json()["message"], "the request could not be decided");
    assert!(
        record["reason"].as_str().unwrap().contains("conflict")
            || record["error"].to_string().contains("conflict")
    );
    for path in ["/teapot", "/error", "/invoices/1"] {
        let (reply, _) = ask(&server, "/authz/forward", ("GET", path), &[]);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert!(reply.header("x-auth-user").is_none(), "{path}");
    }
}

#[test]
fn what_no_route_matches_is_refused_where_it_must_match() {
    let config = CONFIG.replace("  http:\n", "  http:\n    unmatched: deny\n");
    let server = TestApp::new().config(&config).file("http/http.rego", POLICY).start();
    for (door, status) in BOTH.into_iter().zip([403, 404]) {
        let (reply, record) = ask(&server, door, ("GET", "/public"), &[]);
        assert_eq!((reply.status, &record["error"]["kind"]), (status, &json!("unknown_path")));
        assert_eq!(ask(&server, door, ("GET", "/invoices/1"), &[]).1["outcome"], "deny");
    }
}

#[test]
fn where_identity_is_off_policy_gets_the_credentials() {
    let config = CONFIG.replace("mode: optional", "mode: 'off'");
    let server = TestApp::new().config(&config).file("http/http.rego", POLICY).start();
    let headers = [("authorization", "Bearer mine"), ("origin", "https://elsewhere.example")];
    let (reply, record) = ask(&server, "/authz/nginx", ("GET", "/public"), &headers);
    assert_eq!(reply.status, 200, "the page's origin is the client's: {record:#}");
    assert_eq!(record["input"]["attributes"]["request"]["http"]["headers"]["authorization"], "Bearer mine");
    assert_eq!(reply.header("x-auth-user"), Some(""));
}
