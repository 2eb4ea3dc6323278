//! Peers that ask and do not read, and peers that hold connections and do nothing.

use std::time::Duration;

use serde_json::json;

use super::{app, check_alive};
use crate::harness::wire::{Wire, request};
use crate::harness::{Server, TestApp, wait_until};

const BIG: &str = "package demo\n\necho := input\n\nbig := numbers.range(1, 20000)\n";

fn big(config: &str) -> Server {
    // The policy's own text is long, too.
    let policy = format!("{BIG}{}", "# one more line\n".repeat(10_000));
    TestApp::new()
        .file("demo/policy.rego", &policy)
        .config(&format!("identity: {{mode: off}}\nserver: {{listen: 127.0.0.1:0, {config}}}\n"))
        .start()
}

#[test]
fn who_never_reads_is_cut_off() {
    let server = big("write_timeout: 300ms");
    // With a body that nobody reads, too: then the answer comes before the request's end.
    for (path, headers) in [("/v1/data/demo/big", &[][..]), ("/v1/policies", &[("Content-Length", "1")][..])]
    {
        let mut wire = Wire::open(server.app.address);
        let body = if headers.is_empty() { &b""[..] } else { b"x" };
        let one = request("GET", path, headers, body);
        wire.send_until_closed(&one.repeat(100));
        // Answers went out until nobody took them; of the thousands that were asked for only a few were made.
        let asked = server.records().len();
        assert!(asked < 200, "{asked} answers for somebody who takes none");
        check_alive(&server);
    }
    wait_until("their end", || server.metric("verdict_connections") < 2.0);
}

/// A byte now and then is no progress.
#[test]
fn who_reads_by_the_byte_is_cut_off() {
    let server = big("write_timeout: 300ms");
    let mut wire = Wire::open(server.app.address);
    let one = request("GET", "/v1/data/demo/big", &[], b"");
    for _ in 0..400 {
        if wire.try_send(&one).is_err() {
            return;
        }
        if !wire.read_byte() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    wire.send_until_closed(&one);
}

#[test]
fn fifty_who_never_read_leave_place_for_others() {
    let server = big("max_connections: 50, write_timeout: 60s");
    let one = request("GET", "/v1/data/demo/big", &[], b"").repeat(60);
    let mut silent: Vec<Wire> = (0..50).map(|_| Wire::open(server.app.address)).collect();
    for wire in &mut silent {
        wire.send(&one);
    }
    for n in 0..3 {
        let mut honest = Wire::open(server.app.address);
        honest.send(&request("POST", "/v1/data/demo/echo", &[], format!("{{\"input\":{n}}}").as_bytes()));
        assert_eq!(honest.reply().unwrap().json()["result"], json!(n));
    }
    // Whoever asks for metrics would be one more to wait for a place.
    drop(silent);
    assert!(server.metric("verdict_connections_refused_total") >= 1.0);
}

#[test]
fn a_peer_has_its_share_of_connections() {
    let server = big("max_connections_per_peer: 3");
    let mut held: Vec<Wire> = (0..3).map(|_| Wire::open(server.app.address)).collect();
    let call = request("POST", "/v1/data/demo/echo", &[], b"{\"input\":1}");
    for wire in &mut held {
        wire.send(&call);
        assert_eq!(wire.reply().unwrap().status, 200);
    }
    let mut more = Wire::open(server.app.address);
    let _ = more.try_send(&call);
    assert!(more.reply().is_none(), "the fourth is closed");
    held.pop();
    wait_until("a place", || {
        let mut wire = Wire::open(server.app.address);
        wire.try_send(&call).is_ok() && wire.reply().is_some()
    });
}

#[test]
fn idle_connections_have_their_own_time() {
    let server = app()
        .config(
            "identity: {mode: off}\n\
             server: {listen: 127.0.0.1:0, header_timeout: 200ms, idle_timeout: 60s}\n",
        )
        .start();
    let call = request("POST", "/v1/data/demo/echo", &[], b"{\"input\":1}");
    let mut wire = Wire::open(server.app.address);
    for _ in 0..2 {
        wire.send(&call);
        assert_eq!(wire.reply().expect("idle for longer than a head may take").status, 200);
        std::thread::sleep(Duration::from_millis(800));
    }
    // A head that has begun must still end in time, and the connection says so.
    let (reply, record) = server.recorded(|| {
        wire.send(&call[..30]);
        wire.reply().unwrap()
    });
    assert_eq!(reply.status, 408);
    assert_eq!(record["reason"], reply.json()["message"]);
    assert!(wire.reply().is_none());
}
