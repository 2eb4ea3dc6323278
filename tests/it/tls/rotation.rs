//! Certificates that are replaced while the server runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio_rustls::rustls::version::TLS13;

use super::authority::{Authority, Client, put};
use super::{CALL, allowed, metric, mode, start};
use crate::harness::{Ends, Server, wait_until};

/// The serial number of the certificate that a new connection is shown.
fn serial(server: &Server, client: &Client) -> u64 {
    let mut stream = client.connect(server.app.address);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    let shown = stream.conn.peer_certificates().unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&shown[0]).unwrap();
    certificate.serial.to_u64_digits()[0]
}

const REFUSED: &str = "verdict_tls_certificates_refused_total{listener=\"server\"}";

#[test]
fn no_call_fails_while_certificates_are_replaced() {
    let authority = Authority::new();
    let server = start(&authority, "", "");
    let (client, dir) = (Client::new(&authority, &TLS13), server.dir.path().join("tls"));
    let (over, calls) = (AtomicBool::new(false), Arc::new(AtomicU64::new(0)));
    let address = server.app.address;
    std::thread::scope(|scope| {
        let ends = Ends(&over);
        let (new, count, over) = (client.clone(), Arc::clone(&calls), &over);
        let connecting = scope.spawn(move || {
            while !over.load(Ordering::SeqCst) {
                allowed(&new, address).unwrap();
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let (http, count) = (authority.http_client(), Arc::clone(&calls));
        let url = format!("https://localhost:{}/v1/data/app/allow", address.port());
        let server = &server;
        let kept = scope.spawn(move || {
            while !over.load(Ordering::SeqCst) {
                let answer = server.block_on(http.post(&url).body(CALL).send()).unwrap();
                assert_eq!(answer.status().as_u16(), 200);
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        for n in 2..=21 {
            authority.issue(&dir, n);
            server.block_on(async { server.app.live.fetch_keys() });
            wait_until("the new certificate", || serial(server, &client) == n);
            let before = calls.load(Ordering::SeqCst);
            wait_until("calls with it", || {
                calls.load(Ordering::SeqCst) > before + 2 || connecting.is_finished() || kept.is_finished()
            });
        }
        drop(ends);
        connecting.join().unwrap();
        kept.join().unwrap();
    });
    assert!((metric(&server, &client, REFUSED)).abs() < 0.5);
}

#[test]
fn files_that_change_are_read_without_being_asked() {
    let authority = Authority::new();
    let server = start(&authority, "", "");
    authority.issue(&server.dir.path().join("tls"), 2);
    let client = Client::new(&authority, &TLS13);
    wait_until("the new certificate", || serial(&server, &client) == 2);
}

#[test]
fn what_is_no_pair_is_refused_and_the_old_one_stays() {
    let authority = Authority::new();
    let server = start(&authority, "", "");
    let (client, dir) = (Client::new(&authority, &TLS13), server.dir.path().join("tls"));
    let (good, expired) = (authority.pair(2, 2099), authority.pair(3, 2021));
    let wrong = [
        ((good.0.clone(), authority.pair(4, 2099).1), "do not go together"),
        (("no certificate".to_owned(), good.1.clone()), "has no certificate"),
        ((good.0.clone(), "no key".to_owned()), "has no private key"),
        (expired, "has expired"),
    ];
    for (n, (pair, why)) in (1_u32..).zip(wrong) {
        put(&dir, &pair);
        wait_until("a refusal", || metric(&server, &client, REFUSED) > f64::from(n) - 0.5);
        let (_, status) = client.get(server.app.address, "/v1/status").unwrap();
        assert!(status.contains(why), "{why}: {status}");
        assert_eq!(serial(&server, &client), 1);
    }
    put(&dir, &good);
    mode(&dir.join("key.pem"), 0o644);
    wait_until("a refusal", || {
        client.get(server.app.address, "/v1/status").unwrap().1.contains("open to others")
    });
    mode(&dir.join("key.pem"), 0o600);
    wait_until("the good pair", || serial(&server, &client) == 2);
    std::thread::sleep(Duration::from_millis(10));
    assert!(!client.get(server.app.address, "/v1/status").unwrap().1.contains("open to others"));
}
