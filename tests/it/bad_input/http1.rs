//! What is not HTTP/1.1 as RFC 9110 and RFC 9112 have it: each is answered, recorded, and ends its connection.

use serde_json::json;

use super::{app, check_alive};
use crate::harness::Server;
use crate::harness::wire::Wire;

const POST: &str = "POST /v1/data/demo/echo HTTP/1.1\r\n";

/// Name, bytes, status, and what the record says.
fn cases() -> Vec<(&'static str, Vec<u8>, u16, &'static str)> {
    let post = |headers: &str| format!("{POST}{headers}\r\n").into_bytes();
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
    let many = (0..120).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    let chunks = "2\r\n{}\r\n0\r\n\r\n";
    let coded = |codings: &str| {
        format!("{POST}Host: localhost\r\nTransfer-Encoding: {codings}\r\n\r\n{chunks}").into_bytes()
    };
    vec![
        ("no host", post("Content-Length: 0\r\n"), 400, "the `Host` is missing"),
        ("two hosts", post("Host: localhost\r\nHost: localhost\r\n"), 400, "more than one `Host`"),
        ("an empty host", post("Host:\r\n"), 400, "the `Host` is not"),
        ("a host with a user", post("Host: a@localhost\r\n"), 400, "the `Host` is not"),
        ("a host with a path", post("Host: localhost/x\r\n"), 400, "the `Host` is not"),
        ("a host with a port that is none", post("Host: localhost:99999\r\n"), 400, "the `Host` is not"),
        ("an unknown coding", coded("gzip, chunked"), 501, "the only `Transfer-Encoding`"),
        ("chunked twice", coded("chunked, chunked"), 400, "more than once"),
        ("no chunks at all", coded("gzip"), 400, "where the body ends"),
        (
            "chunks in HTTP/1.0",
            b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
            400,
            "where the body ends",
        ),
        (
            "chunks and a length",
            format!(
                "{POST}Host: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
            )
            .into_bytes(),
            400,
            "both",
        ),
        (
            "a length and chunks",
            format!(
                "{POST}Host: localhost\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n{chunks}"
            )
            .into_bytes(),
            400,
            "both",
        ),
        (
            "two lengths",
            post("Host: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n"),
            400,
            "one number",
        ),
        ("no length", post("Host: localhost\r\nContent-Length: +1\r\n"), 400, "one number"),
        ("no request line", b"HELLO\r\n\r\n".to_vec(), 400, "the request line"),
        (
            "a method that is none",
            b"G(T / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            400,
            "no valid method",
        ),
        ("a target with a space", get("/a b"), 400, "does not end with an HTTP version"),
        ("no target", b"GET HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), 400, "the request line"),
        ("another version", b"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n".to_vec(), 505, "the HTTP version"),
        ("half a preface", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_vec(), 505, "the HTTP version"),
        ("no version", b"GET / FTP\r\nHost: localhost\r\n\r\n".to_vec(), 400, "an HTTP version"),
        ("120 fields", post(&format!("Host: localhost\r\n{many}")), 431, "too large"),
        (
            "a long field",
            post(&format!("Host: localhost\r\nX: {}\r\n", "x".repeat(100_000))),
            431,
            "too large",
        ),
        ("a long target", get(&format!("/{}", "x".repeat(100_000))), 414, "target is too long"),
        ("a space in a name", post("Host: localhost\r\nBad Name: 1\r\n"), 400, "not valid HTTP"),
        ("a space before the colon", post("Host: localhost\r\nBad : 1\r\n"), 400, "not valid HTTP"),
        ("a folded field", post("Host: localhost\r\nX: 1\r\n 2\r\n"), 400, "not valid HTTP"),
        ("a NUL", post("Host: localhost\r\nX: \0\r\n"), 400, "not valid HTTP"),
        ("CONNECT", b"CONNECT a.example:1 HTTP/1.1\r\nHost: a.example:1\r\n\r\n".to_vec(), 405, "CONNECT"),
        ("TRACE", b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), 405, "TRACE"),
        ("an asterisk", get("*"), 400, "neither a path nor a URL"),
        ("a host as the target", get("localhost:80"), 400, "neither a path nor a URL"),
        ("another scheme", get("ftp://localhost/"), 400, "of another scheme"),
        ("a user in the target", get("http://me@localhost/health"), 400, "not a host and a port"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), 400, "this is TLS"),
    ]
}

#[test]
fn what_is_not_http_is_answered_and_recorded() {
    let server = app().start();
    let mut wrong = Vec::new();
    for (name, bytes, status, reason) in cases() {
        let check = || check_refused(&server, &bytes, status, reason);
        if let Err(why) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)) {
            let text = why.downcast_ref::<String>().cloned();
            wrong.push(format!("{name}: {}", text.unwrap_or_default()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    check_alive(&server);
}

fn check_refused(server: &Server, bytes: &[u8], status: u16, reason: &str) {
    let mut wire = Wire::open(server.app.address);
    let (reply, record) = server.recorded(|| {
        // Not all of it need be taken.
        let _ = wire.try_send(bytes);
        wire.reply().unwrap_or_else(|| panic!("no answer"))
    });
    assert_eq!(reply.status, status, "{record}");
    assert!(record["reason"].as_str().unwrap().contains(reason), "{record}");
    assert_eq!(record["outcome"], json!("refused"));
    assert_eq!(reply.header("verdict-decision-id"), record["decision_id"].as_str());
    if status == 405 {
        assert!(reply.body.is_empty() && reply.header("allow").is_some());
    } else {
        let answer = reply.json();
        assert_eq!((&answer["message"], &answer["decision_id"]), (&record["reason"], &record["decision_id"]));
    }
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(record["requested_by"].as_str().unwrap().starts_with("127.0.0.1:"), "{record}");
    assert!(wire.reply().is_none(), "nothing more is read from it");
}

#[test]
fn what_is_unusual_but_http_is_answered() {
    let server = app().start();
    let body = "Content-Length: 11\r\n\r\n{\"input\":1}";
    for (name, head) in [
        ("a whole URL", format!("POST http://localhost/v1/data/demo/echo HTTP/1.1\r\nHost: other\r\n{body}")),
        ("HTTP/1.0 without a host", format!("POST /v1/data/demo/echo HTTP/1.0\r\n{body}")),
        ("an empty line before", format!("\r\n{POST}Host: localhost\r\n{body}")),
        ("bare line feeds", format!("{POST}Host: localhost\r\n{body}").replace("\r\n", "\n")),
    ] {
        let mut wire = Wire::open(server.app.address);
        wire.send(head.as_bytes());
        let reply = wire.reply().unwrap_or_else(|| panic!("{name}: no answer"));
        assert_eq!((reply.status, &reply.json()["result"]), (200, &json!(1)), "{name}");
    }
    let mut wire = Wire::open(server.app.address);
    wire.send(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let reply = wire.reply().unwrap();
    assert_eq!((reply.status, reply.header("allow")), (204, Some("GET, HEAD, POST, OPTIONS")));
}

/// Those before it are answered, and what comes after it is not read.
#[test]
fn a_bad_request_among_good_ones_ends_them() {
    let server = app().start();
    let good = format!("{POST}Host: localhost\r\nContent-Length: 11\r\n\r\n{{\"input\":1}}");
    for bad in ["HELLO\r\n\r\n".to_owned(), format!("{POST}\r\n")] {
        let before = server.records().len();
        let mut wire = Wire::open(server.app.address);
        wire.send(format!("{good}{good}{bad}{good}").as_bytes());
        let statuses: Vec<u16> = (0..3).map(|_| wire.reply().unwrap().status).collect();
        assert_eq!(statuses, [200, 200, 400], "{bad}");
        assert!(wire.reply().is_none());
        assert_eq!(server.records().len(), before + 3);
    }
}
