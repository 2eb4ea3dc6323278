//! Those who do not shake hands.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use tokio_rustls::rustls::version::TLS13;

use super::authority::{Authority, Client};
use super::{allowed, metric, start};
use crate::harness::wait_until;

const FAILURES: &str = "verdict_tls_handshake_failures_total{listener=\"server\"}";

/// Whether the other side ends a connection, which may take this long.
fn ended(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => !String::from_utf8_lossy(&rest).contains("HTTP/"),
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn plain_http_is_not_answered_and_counted() {
    let authority = Authority::new();
    let server = start(&authority, "", "");
    let client = Client::new(&authority, &TLS13);
    let mut plain = TcpStream::connect(server.app.address).unwrap();
    plain.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    assert!(ended(&mut plain));
    wait_until("the failure to be counted", || metric(&server, &client, FAILURES) > 0.5);
}

#[test]
fn handshakes_that_do_not_come_end_and_hinder_nobody() {
    let authority = Authority::new();
    let server = start(&authority, "", ", header_timeout: 2s");
    let client = Client::new(&authority, &TLS13);
    let mut silent: Vec<_> = (0..50).map(|_| TcpStream::connect(server.app.address).unwrap()).collect();
    for _ in 0..5 {
        allowed(&client, server.app.address).unwrap();
    }
    assert!(silent.iter_mut().all(ended));
    wait_until("the failures to be counted", || metric(&server, &client, FAILURES) > 49.5);
}

#[test]
fn a_server_stops_though_somebody_has_shaken_hands_and_says_nothing() {
    let authority = Authority::new();
    let server = start(&authority, "", ", header_timeout: 60s, shutdown_grace: 30s");
    let mut silent = Client::new(&authority, &TLS13).connect(server.app.address);
    while silent.conn.is_handshaking() {
        silent.conn.complete_io(&mut silent.sock).unwrap();
    }
    let begun = std::time::Instant::now();
    assert!(server.shutdown());
    assert!(begun.elapsed() < Duration::from_secs(20));
}
