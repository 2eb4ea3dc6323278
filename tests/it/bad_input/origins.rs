//! Web pages that call a server whose callers need not say who they are.

use serde_json::json;

use super::{POLICY, app};
use crate::harness::TestApp;
use crate::harness::wire::Wire;

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        text.push_str("Content-Length: 11\r\n\r\n{\"input\":1}");
    } else {
        text.push_str("\r\n");
    }
    text.into_bytes()
}

const LOCAL: (&str, &str) = ("Host", "localhost:8181");

#[test]
fn pages_of_others_are_refused_and_recorded() {
    let server = app().start();
    let plain = ("Content-Type", "text/plain");
    for (headers, message) in [
        (&[("Host", "rebound.example:8181")][..], "the `Host` is not a name of this server"),
        (&[LOCAL, ("Origin", "https://evil.example"), plain], "a page of another origin"),
        (&[LOCAL, ("Origin", "null"), plain], "a page of another origin"),
        (
            &[LOCAL, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors"), plain],
            "a page of another site",
        ),
    ] {
        for (method, path) in [
            ("POST", "/v1/data/demo/echo"),
            ("POST", "/v0/data/demo/echo"),
            ("POST", "/v1/batch/data/demo/echo"),
            ("POST", "/"),
            ("GET", "/v1/data/demo/echo"),
            ("GET", "/v1/policies"),
            ("GET", "/v1/config"),
            ("GET", "/metrics"),
            ("POST", "/v1/data/demo//echo"),
        ] {
            let (reply, record) = server.recorded(|| {
                let mut wire = Wire::open(server.app.address);
                wire.send(&request(method, path, headers));
                wire.reply().unwrap()
            });
            let answer = reply.json();
            assert_eq!(reply.status, 403, "{method} {path} {headers:?} {answer}");
            assert!(answer["message"].as_str().unwrap().contains(message), "{answer}");
            assert_eq!(
                (&record["outcome"], &record["error"]["kind"]),
                (&json!("refused"), &json!("cross_origin"))
            );
            assert_eq!(record["decision_id"], answer["decision_id"]);
        }
    }
}

#[test]
fn own_pages_programs_and_what_is_configured_may_call() {
    let server = app()
        .config(
            "identity: {mode: off}\n\
             server: {listen: 127.0.0.1:0, allowed_hosts: [pdp.example], allowed_origins: ['https://console.example']}\n",
        )
        .start();
    for headers in [
        &[LOCAL][..],
        &[LOCAL, ("Content-Type", "text/plain")],
        &[LOCAL, ("Origin", "http://localhost:8181"), ("Sec-Fetch-Site", "same-origin")],
        &[("Host", "pdp.example")],
        &[("Host", "127.0.0.1:8181")],
        &[LOCAL, ("Origin", "https://console.example"), ("Sec-Fetch-Site", "cross-site")],
    ] {
        let mut wire = Wire::open(server.app.address);
        wire.send(&request("POST", "/v1/data/demo/echo", headers));
        assert_eq!(wire.reply().unwrap().status, 200, "{headers:?}");
    }
    // Probes call by whatever name they have.
    let mut wire = Wire::open(server.app.address);
    wire.send(&request("GET", "/health", &[("Host", "10.1.2.3:8181")]));
    assert_eq!(wire.reply().unwrap().status, 200);
}

/// Where callers say who they are, their token says more than their `Origin`; a document that is open is not.
#[test]
fn what_needs_a_token_does_not_ask_for_an_origin() {
    let server = TestApp::new()
        .config("identity: {mode: required, entrypoints: {demo/open: off}}\n")
        .file("demo/policy.rego", &format!("{POLICY}\nopen := true\n"))
        .start();
    let headers = [LOCAL, ("Origin", "https://evil.example")];
    for (path, status) in [("/v1/data/demo/echo", 401), ("/v1/data/demo/open", 403)] {
        let mut wire = Wire::open(server.app.address);
        wire.send(&request("POST", path, &headers));
        assert_eq!(wire.reply().unwrap().status, status, "{path}");
    }
}
