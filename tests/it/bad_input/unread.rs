//! Bodies of callers who are refused: not waited for, and not in the way of what comes after them.

use crate::harness::wire::Wire;
use crate::harness::{Server, TestApp};

fn server() -> Server {
    let app = TestApp::new().config("identity: {mode: required}\n");
    let server = app.file("demo/policy.rego", "package demo\n\nallow := true\n").start();
    server.wait_generation(1);
    server
}

fn head(length: usize, more: &str) -> String {
    format!("POST /v1/data/demo/allow HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{more}\r\n")
}

#[test]
fn a_stranger_is_refused_before_any_of_the_body_has_come() {
    let server = server();
    for more in
        ["", "Content-Encoding: gzip\r\n", "Content-Type: application/yaml\r\n", "Expect: 100-continue\r\n"]
    {
        let mut wire = Wire::open(server.app.address);
        wire.send(head(1_000_000, more).as_bytes());
        assert_eq!(wire.reply().unwrap().status, 401, "{more}");
    }
}

#[test]
fn who_was_refused_can_ask_again_on_the_same_connection() {
    let server = server();
    let mut wire = Wire::open(server.app.address);
    for length in [12, 100_000, 900_000, 12] {
        wire.send(head(length, "").as_bytes());
        wire.send(&vec![b' '; length]);
        assert_eq!(wire.reply().unwrap().status, 401, "{length}");
    }
}
