//! Bad requests: each is answered with what is wrong, recorded once, and forgotten; the server goes on.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::harness::wire::{Wire, chunked, request};
use crate::harness::{Server, TestApp};

mod connections;
mod http1;
mod http2;
mod origins;
mod unread;
mod untaken;

const POLICY: &str = "package demo\n\necho := input\n";

fn app() -> TestApp {
    TestApp::new().file("demo/policy.rego", POLICY)
}

/// A good call is answered as ever.
#[track_caller]
fn check_alive(server: &Server) {
    let reply = server.post("/v1/data/demo/echo", r#"{"input": {"a": 1}}"#);
    assert_eq!((reply.status, &reply.json()["result"]), (200, &json!({"a": 1})));
}

fn body(case: &Value) -> Vec<u8> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let plain = if let Some(repeat) = case.get("repeat") {
        let times = usize::try_from(repeat["times"].as_u64().unwrap()).unwrap();
        let many = |key: &str| text(&repeat[key]).repeat(times);
        [text(&repeat["before"]), many("text"), text(&repeat["middle"]), many("after"), text(&repeat["end"])]
            .concat()
            .into_bytes()
    } else if let Some(hex) = case.get("body_hex") {
        let digits = text(hex);
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(byte).collect()
    } else {
        text(&case["body"]).into_bytes()
    };
    if case.get("gzip").is_none() {
        return plain;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn each_is_answered_recorded_and_survived() {
    let text = include_str!("../cases/opa/bad_requests.json");
    let cases: Value = serde_json::from_str(text).unwrap();
    let server = app().start();
    let mut wrong = Vec::new();
    let cases = cases["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        if let Err(why) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&server, case))) {
            let why = why.downcast_ref::<String>().cloned().unwrap_or_default();
            wrong.push(format!("{}: {why}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(server: &Server, case: &Value) {
    let mut headers: Vec<(&str, &str)> = case["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let mut body = body(case);
    if case.get("gzip").is_some() {
        headers.push(("Content-Encoding", "gzip"));
    }
    if case.get("chunked").is_some() {
        headers.push(("Transfer-Encoding", "chunked"));
        body = chunked(&body, 10_000);
    }
    let given = |key: &str, usual: &'static str| case[key].as_str().unwrap_or(usual).to_owned();
    let (method, path) = (given("method", "POST"), given("path", "/v1/data/demo/echo"));
    let (reply, record) = server.recorded(|| {
        let mut wire = Wire::open(server.app.address);
        // A server need not take all of a body that it refuses.
        let _ = wire.try_send(&request(&method, &path, &headers, &body));
        wire.reply().unwrap_or_else(|| panic!("no answer"))
    });
    let answer = reply.json();
    assert_eq!(u64::from(reply.status), case["status"].as_u64().unwrap_or(400), "{answer}");
    assert_eq!(answer["code"], given("code", "invalid_parameter"));
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains(case["message"].as_str().unwrap()), "{message}");
    assert_eq!(answer["decision_id"], record["decision_id"]);
    assert_eq!(reply.header("verdict-decision-id"), record["decision_id"].as_str());
    assert_eq!(reply.header("verdict-outcome"), Some("refused"));
    assert_eq!(record["outcome"], "refused");
    assert_eq!(record["error"]["kind"], given("kind", "invalid_request"));
    assert_eq!(record["reason"], answer["message"]);
    assert_eq!(record.get("path").is_none(), case.get("no_path").is_some(), "{record}");
    assert_eq!(record.get("result"), None);
    check_alive(server);
}

/// Also on the very connection that brought the bad one, so that a gateway's pool does not suffer.
#[test]
fn a_connection_survives_a_body_that_is_too_long() {
    let server = app().start();
    let filler = format!("{{\"input\": \"{}\"}}", "x".repeat(3 << 20));
    for chunked_body in [false, true] {
        let mut wire = Wire::open(server.app.address);
        if chunked_body {
            let body = chunked(filler.as_bytes(), 10_000);
            wire.send(&request("POST", "/v1/data/demo/echo", &[("Transfer-Encoding", "chunked")], &body));
        } else {
            wire.send(&request("POST", "/v1/data/demo/echo", &[], filler.as_bytes()));
        }
        assert_eq!(wire.reply().unwrap().status, 413);
        wire.send(&request("POST", "/v1/data/demo/echo", &[], b"{\"input\": 1}"));
        assert_eq!(wire.reply().unwrap().json()["result"], 1);
    }
    // Who asks before it sends is spared the sending.
    let mut wire = Wire::open(server.app.address);
    let headers = [("Content-Length", "2000000"), ("Expect", "100-continue")];
    wire.send(&request("POST", "/v1/data/demo/echo", &headers, b""));
    assert_eq!(wire.reply().unwrap().status, 413);
}

#[test]
fn what_is_at_the_limit_is_taken() {
    let server = app().start();
    let nested = format!("{}1{}", "[".repeat(62), "]".repeat(62));
    let reply = server.post("/v1/data/demo/echo", &format!("{{\"input\": {nested}}}"));
    assert_eq!(reply.status, 200);
    let filler = "x".repeat((1 << 20) - r#"{"input":""}"#.len());
    let reply = server.post("/v1/data/demo/echo", &format!("{{\"input\":\"{filler}\"}}"));
    assert_eq!((reply.status, reply.json()["result"].as_str().map(str::len)), (200, Some(filler.len())));
    for number in ["18446744073709551615", "-9223372036854775808", "0.1", "1e-7"] {
        let reply = server.post("/v1/data/demo/echo", &format!("{{\"input\":{number}}}"));
        assert_eq!(reply.status, 200);
        assert_eq!(reply.json()["result"], serde_json::from_str::<Value>(number).unwrap(), "{number}");
    }
}

/// What is no path of the API is not found, and nothing of the API can be reached by another spelling of its path.
#[test]
fn there_is_one_spelling_of_the_api() {
    let server = app().start();
    let before = server.records().len();
    for path in [
        "//v1/data/demo/echo",
        "/v1//data/demo/echo",
        "/v1/d%61ta/demo/echo",
        "/V1/data/demo/echo",
        "/x/../v1/data",
    ] {
        let mut wire = Wire::open(server.app.address);
        wire.send(&request("POST", path, &[], b"{}"));
        assert_eq!(wire.reply().unwrap().status, 404, "{path}");
    }
    assert_eq!(server.records().len(), before);
}
