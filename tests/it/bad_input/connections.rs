//! Connections that misbehave, and very many that do not.

use std::time::Duration;

use serde_json::json;

use super::{app, check_alive};
use crate::harness::wire::{Wire, request};
use crate::harness::{Server, wait_until};

const ECHO: &str = "/v1/data/demo/echo";

/// A server that soon loses patience.
fn impatient() -> Server {
    app()
        .config(
            "identity: {mode: off}\n\
             server: {listen: 127.0.0.1:0, header_timeout: 300ms, body_timeout: 300ms, idle_timeout: 300ms}\n",
        )
        .start()
}

fn call(n: usize) -> Vec<u8> {
    request("POST", ECHO, &[], format!("{{\"input\": {n}}}").as_bytes())
}

#[test]
fn half_a_request_is_no_request() {
    let server = app().start();
    let whole = call(1);
    let before = server.records().len();
    for length in [1, 4, 20, 40] {
        let mut wire = Wire::open(server.app.address);
        wire.send(&whole[..length]);
        wire.end();
        wire.wait_closed();
        check_alive(&server);
    }
    assert_eq!(server.records().len(), before + 4, "only the good ones");
}

#[test]
fn a_body_that_ends_early_is_refused_and_recorded() {
    let server = app().start();
    let (_, record) = server.recorded(|| {
        let mut wire = Wire::open(server.app.address);
        wire.send(&request("POST", ECHO, &[("Content-Length", "100")], b"{\"input\": 1}"));
        wire.end();
        wire.wait_closed();
        wait_until("its record", || !server.records().is_empty());
    });
    assert_eq!((&record["outcome"], &record["reason"]), (&json!("refused"), &json!("the body was cut off")));
    check_alive(&server);
}

#[test]
fn who_does_not_finish_a_head_is_cut_off() {
    let server = impatient();
    let whole = call(1);
    // Nothing at all, what might be HTTP/2, half a line, half a head.
    for begun in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n", b"POST /v1", &whole[..whole.len() - 20]] {
        let mut wire = Wire::open(server.app.address);
        wire.send(begun);
        wire.wait_closed();
        check_alive(&server);
    }
    // A byte now and then does not help.
    let mut wire = Wire::open(server.app.address);
    let head = format!("POST {ECHO} HTTP/1.1\r\nX-Slow: {}", "x".repeat(200));
    let sent = head.bytes().take_while(|byte| {
        std::thread::sleep(Duration::from_millis(50));
        wire.try_send(&[*byte]).is_ok()
    });
    assert!(sent.count() < head.len(), "a trickle was taken to its end");
}

#[test]
fn who_does_not_finish_a_body_is_refused_and_recorded() {
    let server = impatient();
    let (reply, record) = server.recorded(|| {
        let mut wire = Wire::open(server.app.address);
        wire.send(&request("POST", ECHO, &[("Content-Length", "100")], b"{\"input\": 1"));
        wire.reply().unwrap()
    });
    assert_eq!((reply.status, &record["outcome"]), (400, &json!("refused")));
    assert_eq!(record["reason"], "the body did not arrive within 300 ms");
    check_alive(&server);
}

#[test]
fn an_idle_connection_is_kept_a_while_and_then_closed_without_a_word() {
    let server = impatient();
    let mut wire = Wire::open(server.app.address);
    for n in 0..3 {
        wire.send(&call(n));
        assert_eq!(wire.reply().unwrap().json()["result"], n);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(wire.reply().is_none());
    check_alive(&server);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = app().start();
    let mut wire = Wire::open(server.app.address);
    let all: Vec<u8> = (0..50).flat_map(call).collect();
    wire.send(&all);
    for n in 0..50 {
        assert_eq!(wire.reply().unwrap().json()["result"], n);
    }
    assert_eq!(server.records().len(), 50);
    // One that is wrong does not take the others with it.
    let bad = request("POST", ECHO, &[], b"{");
    wire.send(&[call(1), bad, call(2)].concat());
    let statuses: Vec<u16> = (0..3).map(|_| wire.reply().unwrap().status).collect();
    assert_eq!(statuses, [200, 400, 200]);
}

#[test]
fn two_hundred_connections_at_once() {
    let server = app().start();
    let mut wires: Vec<Wire> = (0..200).map(|_| Wire::open(server.app.address)).collect();
    wait_until("all connections", || server.metric("verdict_connections") >= 200.0);
    for round in 0..3 {
        for (n, wire) in wires.iter_mut().enumerate() {
            wire.send(&call(round * 1000 + n));
        }
        for (n, wire) in wires.iter_mut().enumerate() {
            assert_eq!(wire.reply().unwrap().json()["result"], round * 1000 + n);
        }
    }
    assert_eq!(server.records().len(), 600);
    drop(wires);
    wait_until("their end", || server.metric("verdict_connections") < 10.0);
}

#[test]
fn past_the_limit_a_connection_waits_for_its_place() {
    let server =
        app().config("identity: {mode: off}\nserver: {listen: 127.0.0.1:0, max_connections: 2}\n").start();
    let mut first = Wire::open(server.app.address);
    let mut second = Wire::open(server.app.address);
    for wire in [&mut first, &mut second] {
        wire.send(&call(1));
        assert_eq!(wire.reply().unwrap().status, 200);
    }
    let mut third = Wire::open(server.app.address);
    third.send(&call(3));
    second.send(&call(2));
    assert_eq!(second.reply().unwrap().status, 200);
    assert_eq!(server.records().len(), 3);
    drop(first);
    assert_eq!(third.reply().unwrap().json()["result"], 3);
}
