//! HTTP/2 (RFC 9113), frame by frame: peers that take nothing, do nothing, or take everything back.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use super::{app, check_alive};
use crate::harness::{Server, TestApp, wait_until};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// A connection that says only what it is told to, save that it acknowledges settings and pings.
struct Peer {
    stream: TcpStream,
}

impl Peer {
    /// `window`: how much of each answer may be sent to it.
    fn open(server: &Server, window: u32) -> Self {
        let stream = TcpStream::connect(server.app.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut peer = Self { stream };
        peer.stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let initial_window_size = [&[0, 4][..], &window.to_be_bytes()].concat();
        peer.send(SETTINGS, 0, 0, &initial_window_size);
        peer
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.try_send(kind, flags, stream, payload).unwrap();
    }

    fn try_send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let frame = [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat();
        self.stream.write_all(&frame)
    }

    /// A whole request without body.
    fn ask(&mut self, stream: u32, path: &str) {
        self.send(HEADERS, END_STREAM | END_HEADERS, stream, &fields("GET", path, Some("localhost")));
    }

    /// The next frame that is not about the connection's upkeep; `None` at the end.
    fn next(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            if let Err(error) = self.stream.read_exact(&mut head) {
                let ended = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset];
                assert!(ended.contains(&error.kind()), "{error}");
                return None;
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut payload).ok()?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let frame = Frame { kind: head[3], flags: head[4], stream, payload };
            match frame.kind {
                // It may be gone meanwhile.
                SETTINGS | PING if frame.flags & ACK == 0 => {
                    let payload = if frame.kind == PING { frame.payload } else { Vec::new() };
                    let _ = self.try_send(frame.kind, ACK, 0, &payload);
                }
                SETTINGS | PING | WINDOW_UPDATE => {}
                _ => return Some(frame),
            }
        }
    }

    /// The next frame of one of these kinds; what else comes is passed over.
    fn wait_for(&mut self, kinds: &[u8]) -> Option<Frame> {
        loop {
            let frame = self.next()?;
            if kinds.contains(&frame.kind) {
                return Some(frame);
            }
        }
    }
}

/// Fields, without compression (RFC 7541): literals with a name, none of them kept.
fn fields(method: &str, path: &str, authority: Option<&str>) -> Vec<u8> {
    let mut block = Vec::new();
    let pseudo = [
        (":method", Some(method)),
        (":scheme", Some("http")),
        (":path", Some(path)),
        (":authority", authority),
    ];
    for (name, value) in pseudo {
        let Some(value) = value else { continue };
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

fn big(config: &str) -> Server {
    let policy = "package demo\n\necho := input\n\nbig := numbers.range(1, 20000)\n";
    TestApp::new()
        .file("demo/policy.rego", policy)
        .config(&format!("identity: {{mode: off}}\nserver: {{listen: 127.0.0.1:0, {config}}}\n"))
        .start()
}

#[test]
fn an_answer_that_is_not_taken_is_taken_back() {
    let server = big("write_timeout: 300ms, idle_timeout: 60s");
    // Nothing may be sent; one byte may.
    for window in [0, 1] {
        let mut peer = Peer::open(&server, window);
        peer.ask(1, "/v1/data/demo/big");
        let answer = peer.wait_for(&[HEADERS]).unwrap();
        assert_eq!(answer.stream, 1);
        let reset = peer.wait_for(&[RST_STREAM, GOAWAY]).expect("the stream is reset, the connection stays");
        assert_eq!((reset.kind, reset.stream), (RST_STREAM, 1), "window {window}");
        // Others on the connection do not suffer.
        peer.send(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]);
        peer.ask(3, "/health");
        assert_eq!(peer.wait_for(&[HEADERS]).unwrap().stream, 3);
    }
    check_alive(&server);
}

#[test]
fn an_idle_connection_is_closed() {
    let server = big("idle_timeout: 300ms, write_timeout: 300ms");
    let mut peer = Peer::open(&server, 65_535);
    assert_eq!(peer.wait_for(&[GOAWAY]).unwrap().payload.get(4..8), Some(&[0, 0, 0, 0][..]), "no error");
    assert!(peer.wait_for(&[HEADERS]).is_none());
    // Pings are no work, and what was never taken is no request.
    let mut peer = Peer::open(&server, 1);
    peer.ask(1, "/health/live");
    assert_eq!(peer.wait_for(&[HEADERS]).unwrap().stream, 1);
    assert!(peer.wait_for(&[GOAWAY]).is_some());
    let mut pings = 0;
    while peer.try_send(PING, 0, 0, &[0; 8]).is_ok() && pings < 10_000 {
        pings += 1;
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(pings < 10_000, "the connection was kept for pings");
    wait_until("their end", || server.metric("verdict_connections") < 2.0);
}

#[test]
fn who_takes_every_request_back_is_sent_away() {
    let server = app().start();
    let mut peer = Peer::open(&server, 65_535);
    let block = fields("GET", "/v1/data/demo/echo", Some("localhost"));
    let mut flood = Vec::new();
    for n in 0..5_000u32 {
        let stream = (2 * n + 1).to_be_bytes();
        let length = u32::try_from(block.len()).unwrap().to_be_bytes();
        flood.extend([&length[1..], &[HEADERS, END_STREAM | END_HEADERS], &stream[..], &block].concat());
        flood.extend([&[0, 0, 4, RST_STREAM, 0][..], &stream, &8u32.to_be_bytes()].concat());
    }
    // It need not be taken to its end.
    let _ = peer.stream.write_all(&flood);
    let sent_away = peer.wait_for(&[GOAWAY]).expect("the connection is ended with a word");
    assert_eq!(sent_away.payload.get(4..8), Some(&11u32.to_be_bytes()[..]), "ENHANCE_YOUR_CALM");
    check_alive(&server);
}

#[test]
fn a_request_without_authority_is_refused_and_recorded() {
    let server = app().start();
    for (method, path, authority, message) in [
        ("GET", "/v1/data/demo/echo", None, "the `:authority` is missing"),
        ("GET", "/v1/data/demo/echo", Some("me@localhost"), "the authority of the request's target"),
    ] {
        let mut peer = Peer::open(&server, 65_535);
        let (body, record) = server.recorded(|| {
            peer.send(HEADERS, END_STREAM | END_HEADERS, 1, &fields(method, path, authority));
            peer.wait_for(&[DATA]).unwrap().payload
        });
        let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(answer["message"].as_str().unwrap().starts_with(message), "{answer}");
        assert_eq!((&record["outcome"], &record["reason"]), (&json!("refused"), &answer["message"]));
    }
}

#[test]
fn what_is_not_http2_is_recorded() {
    let server = app().start();
    let mut peer = Peer::open(&server, 65_535);
    let (_, record) = server.recorded(|| {
        // Data for a stream that nobody opened.
        peer.send(DATA, END_STREAM, 1, b"{}");
        assert!(peer.wait_for(&[GOAWAY]).is_some());
        wait_until("its record", || !server.records().is_empty());
    });
    assert_eq!(record["reason"], "the connection does not keep to HTTP/2");
    check_alive(&server);
}
