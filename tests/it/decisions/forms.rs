//! The forms that a request and its answer may have.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::json;

use super::app;
use crate::harness::wire::{Wire, chunked, request};

const ECHO: &str = "/v1/data/demo/echo";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_both_ways() {
    let server = app().start();
    let body = gzip(br#"{"input": {"a": 1}}"#);
    let reply = server.send("POST", ECHO, &[("Content-Encoding", "gzip")], &body);
    assert_eq!(reply.json()["result"], json!({"a": 1}));
    assert_eq!(reply.header("vary"), Some("Accept-Encoding"));
    let batch = gzip(br#"{"inputs": {"a": {"b": 2}}}"#);
    let reply = server.send("POST", "/v1/batch/data/demo/echo", &[("Content-Encoding", "gzip")], &batch);
    assert_eq!(reply.json()["responses"]["a"]["result"], json!({"b": 2}));

    let accept = [("Accept-Encoding", "gzip")];
    for path in ["/v1/data/demo/many", "/v0/data/demo/many"] {
        let reply = server.send("POST", path, &accept, b"{}");
        assert_eq!(reply.header("content-encoding"), Some("gzip"), "{path}");
        let mut text = String::new();
        GzDecoder::new(&reply.body[..]).read_to_string(&mut text).unwrap();
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(whole.get("result").unwrap_or(&whole)[1999], 2000);
        assert!(reply.body.len() < text.len());
        let plain = server.send("POST", path, &[("Accept-Encoding", "gzip;q=0")], b"{}");
        assert_eq!(plain.header("content-encoding"), None);
    }
    let small = server.send("POST", "/v1/data/demo/no", &accept, b"{}");
    assert_eq!((small.header("content-encoding"), &small.json()["result"]), (None, &json!(false)));
}

#[test]
fn yaml_chunks_and_slashes() {
    let server = app().start();
    let yaml = [("Content-Type", "application/x-yaml")];
    let reply = server.send("POST", ECHO, &yaml, b"input:\n  a: [1, two]\n");
    assert_eq!(reply.json()["result"], json!({"a": [1, "two"]}));

    let mut wire = Wire::open(server.app.address);
    let body = chunked(br#"{"input": {"a": 1}}"#, 3);
    let (reply, record) = server.recorded(|| {
        wire.send(&request("POST", ECHO, &[("Transfer-Encoding", "chunked")], &body));
        wire.reply().unwrap()
    });
    assert_eq!((reply.status, &reply.json()["result"]), (200, &json!({"a": 1})));
    assert_eq!(record["input"], json!({"a": 1}));

    let slash = server.post("/v1/data/demo/echo/", r#"{"input": {"a": 1}}"#);
    assert_eq!((slash.status, &slash.json()["result"]), (200, &json!({"a": 1})));
    let whole = server.get("/v1/data/");
    assert_eq!(whole.json()["result"]["demo"]["text"], "plain");
    assert_eq!(server.post("/v0/data/demo/text/", "{}").json(), "plain");
}

#[test]
fn get_carries_its_input_in_the_query_and_head_has_no_body() {
    let server = app().start();
    let (reply, record) = server.recorded(|| server.get("/v1/data/demo/echo?input=%7B%22a%22%3A+1%7D"));
    assert_eq!((reply.status, &reply.json()["result"]), (200, &json!({"a": 1})));
    assert_eq!(record["input"], json!({"a": 1}));
    let get = server.get("/v1/data/demo/no");
    assert_eq!((get.status, &get.json()["result"], get.json().get("warning")), (200, &json!(false), None));
    let (head, record) = server.recorded(|| server.send("HEAD", "/v1/data/demo/no", &[], b""));
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("verdict-outcome"), Some("deny"));
    assert_eq!(head.header("verdict-decision-id"), record["decision_id"].as_str());
    for path in ["/health", "/health/ready", "/metrics", "/v1/status"] {
        let head = server.send("HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
    }
}

#[test]
fn the_default_decision_and_v0_take_the_input_bare() {
    let server = app().start();
    let (reply, record) = server.recorded(|| server.post("/", r#"{"x": 1}"#));
    assert_eq!(reply.json(), json!({"allow": true, "echo": {"x": 1}}));
    assert_eq!((reply.header("verdict-outcome"), &record["path"]), (Some("allow"), &json!("system/main")));
    let (reply, record) = server.recorded(|| server.post("/v0/data/demo/maybe", r#"{"x": 1}"#));
    assert_eq!((reply.json(), &record["outcome"]), (json!(true), &json!("allow")));
    let (reply, record) = server.recorded(|| server.post("/v0/data/demo/maybe", r#"{"x": 2}"#));
    assert_eq!((reply.status, &reply.json()["code"]), (404, &json!("undefined_document")));
    assert_eq!(
        (reply.header("verdict-outcome"), &record["outcome"]),
        (Some("undefined"), &json!("undefined"))
    );
    assert_eq!(server.get("/v0/data/demo/no").status, 405);
    assert_eq!(server.get("/").status, 200);
}
