//! TLS of the listeners: versions, clients' certificates, rotation, and those who do not shake hands.

pub mod authority;
mod clients;
mod nginx;
mod outbound;
mod rotation;
mod slow;
mod workloads;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::HandshakeKind;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use self::authority::{Authority, Client};
use crate::harness::{Server, TestApp};

const POLICY: &str = "package app\n\nallow if input.ok\n";
const CALL: &str = r#"{"input": {"ok": true}}"#;

/// A server with a certificate of this authority, in `tls` below its directory, and these further lines of `server.tls`.
fn start(authority: &Authority, more: &str, others: &str) -> Server {
    let app = TestApp::new().file("app/p.rego", POLICY);
    let dir = app.dir.path().join("tls");
    fs::create_dir(&dir).unwrap();
    authority.issue(&dir, 1);
    let tls = format!("tls: {{cert: tls/cert.pem, key: tls/key.pem{more}}}");
    let config = format!("server: {{listen: '127.0.0.1:0', {tls}{others}}}\nidentity: {{mode: off}}\n");
    app.config(&config).start()
}

fn metric(server: &Server, client: &Client, series: &str) -> f64 {
    let (_, text) = client.get(server.app.address, "/metrics").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).trim().parse().unwrap()
}

fn allowed(client: &Client, address: SocketAddr) -> Result<(), String> {
    let (status, body) = client.post(address, "/v1/data/app/allow", CALL)?;
    if status == 200 && body.contains("true") { Ok(()) } else { Err(format!("{status} {body}")) }
}

#[test]
fn decisions_are_served_over_tls_1_3_and_not_over_1_2() {
    let authority = Authority::new();
    let server = start(&authority, "", "");
    assert!(server.app.url().starts_with("https://127.0.0.1:"), "{}", server.app.url());
    let client = Client::new(&authority, &TLS13);
    allowed(&client, server.app.address).unwrap();
    assert!(allowed(&Client::new(&Authority::new(), &TLS13), server.app.address).is_err(), "a stranger's");
    let error = allowed(&Client::new(&authority, &TLS12), server.app.address).unwrap_err();
    assert!(error.contains("ProtocolVersion"), "{error}");
    assert!(metric(&server, &client, "verdict_tls_handshake_failures_total{listener=\"server\"}") >= 2.0);
}

#[test]
fn tls_1_2_is_spoken_where_the_configuration_says_so() {
    let authority = Authority::new();
    let server = start(&authority, ", min_version: '1.2'", "");
    allowed(&Client::new(&authority, &TLS12), server.app.address).unwrap();
    allowed(&Client::new(&authority, &TLS13), server.app.address).unwrap();
}

#[test]
fn http_2_is_agreed_on_in_the_handshake() {
    let authority = Authority::new();
    let server = start(&authority, "", "");
    let client = authority.http_client();
    let url = format!("https://localhost:{}/v1/data/app/allow", server.app.address.port());
    let answer = server.block_on(client.post(url).body(CALL).send()).unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_2, 200));
}

#[test]
fn the_end_of_a_certificate_is_shown() {
    let authority = Authority::new();
    let server = start(&authority, "", "");
    let client = Client::new(&authority, &TLS13);
    let series = "verdict_tls_certificate_expiry_timestamp_seconds{listener=\"server\"}";
    assert!((metric(&server, &client, series) - 4_070_908_800.0).abs() < 0.5, "2099");
    let (_, status) = client.get(server.app.address, "/v1/status").unwrap();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let certificate = &status["result"]["certificates"]["server"];
    assert_eq!(certificate["not_after"], "2099-01-01T00:00:00.000000000Z", "{status}");
}

#[test]
fn readiness_speaks_of_a_certificate_that_ends_soon_or_has_ended() {
    let authority = Authority::new();
    let (app, clock) = (TestApp::new(), at(4_070_908_800 - 30 * 86_400));
    let clock = verdict::model::clock::Clock::fixed(clock);
    fs::create_dir(app.dir.path().join("tls")).unwrap();
    authority.issue(&app.dir.path().join("tls"), 1);
    let config = "server: {listen: '127.0.0.1:0', tls: {cert: tls/cert.pem, key: tls/key.pem}}\nidentity: {mode: off}\n";
    let server = app.file("app/p.rego", POLICY).clock(clock.clone()).config(config).start();
    let client = Client::new(&authority, &TLS13);
    let ready = || {
        let (status, body) = client.get(server.app.address, "/health/ready").unwrap();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        (status, body["warnings"].clone(), body["reasons"].clone())
    };
    let (warning, reason) = (
        serde_json::json!(["a listener's certificate ends within days; have a new one issued"]),
        serde_json::json!(["a listener's certificate has expired"]),
    );
    let none = serde_json::Value::Null;
    assert_eq!(ready(), (200, none.clone(), none.clone()));
    clock.set(at(4_070_908_800 - 6 * 86_400));
    assert_eq!(ready(), (200, warning, none.clone()));
    clock.set(at(4_070_908_800 + 1));
    let (status, _, reasons) = ready();
    assert!(status == 503 && reasons.as_array().unwrap().contains(&reason[0]), "{reasons}");
}

fn at(seconds: i64) -> verdict::model::clock::Timestamp {
    verdict::model::clock::Timestamp::from_unix_seconds(seconds)
}

/// How a second connection of the same client shakes hands.
fn second_handshake(client: &Client, address: SocketAddr) -> HandshakeKind {
    allowed(client, address).unwrap();
    let mut stream = client.connect(address);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    stream.conn.handshake_kind().unwrap()
}

#[test]
fn sessions_are_resumed_but_not_where_clients_show_certificates() {
    let authority = Authority::new();
    let server = start(&authority, "", "");
    let client = Client::new(&authority, &TLS13);
    assert_eq!(second_handshake(&client, server.app.address), HandshakeKind::Resumed);
    let app = TestApp::new().file("app/p.rego", POLICY);
    let dir = app.dir.path().to_owned();
    authority.issue(&dir, 1);
    fs::write(dir.join("clients.pem"), authority.pem()).unwrap();
    let config = "server: {listen: '127.0.0.1:0', tls: {cert: cert.pem, key: key.pem, client_ca: clients.pem}}\n\
                  identity: {mode: off}\n";
    let server = app.config(config).start();
    let client = Client::with(&authority, &TLS13, Some(authority.pair(7, 2099)));
    assert_eq!(second_handshake(&client, server.app.address), HandshakeKind::Full);
}

#[test]
fn management_has_a_certificate_of_its_own() {
    let authority = Authority::new();
    let app = TestApp::new();
    fs::create_dir(app.dir.path().join("tls")).unwrap();
    authority.issue(&app.dir.path().join("tls"), 1);
    let config = "management: {listen: '127.0.0.1:0', tls: {cert: tls/cert.pem, key: tls/key.pem}}\n\
                  identity: {mode: off}\n";
    let server = app.config(config).start();
    let client = Client::new(&authority, &TLS13);
    let (status, body) = client.get(server.app.management.unwrap(), "/v1/status").unwrap();
    assert!(status == 200 && body.contains("\"management\""), "{body}");
    assert_eq!(server.get("/health").status, 200, "the other listener speaks plain HTTP");
}

fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn provider() -> Arc<tokio_rustls::rustls::crypto::CryptoProvider> {
    Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider())
}

/// What a server says that does not start with this configuration.
fn refused_start(folder: &Path, text: &str) -> String {
    fs::write(folder.join("verdict.yaml"), text).unwrap();
    fs::create_dir_all(folder.join("bundles")).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_verdict"));
    command.args(["run", "--config", "verdict.yaml"]).current_dir(folder).env_clear();
    let pipe = std::process::Stdio::piped;
    let mut child = command.stdin(std::process::Stdio::null()).stdout(pipe()).stderr(pipe()).spawn().unwrap();
    // One that starts after all would not end.
    let begun = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() && begun.elapsed().as_secs() < 30 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!error.contains("PRIVATE KEY"), "{error}");
    error
}

/// What the start says of files that make no whole.
#[test]
fn files_that_are_no_pair_stop_the_start() {
    let authority = Authority::new();
    let good = authority.pair(1, 2099);
    let folder = tempfile::tempdir().unwrap();
    let said = |pair: &(String, String), key_mode: u32| {
        authority::put(folder.path(), pair);
        mode(&folder.path().join("key.pem"), key_mode);
        let text = "server: {listen: '127.0.0.1:0', tls: {cert: cert.pem, key: key.pem}}\nmanagement: {listen: off}\n\
                    identity: {mode: off}\n";
        refused_start(folder.path(), text)
    };
    let other = authority.pair(2, 2099);
    for (pair, key_mode, expected) in [
        (&(good.0.clone(), other.1), 0o600, "server.tls"),
        (&authority.pair(3, 2021), 0o600, "has expired"),
        (&(String::new(), good.1.clone()), 0o600, "has no certificate in PEM"),
        (&(good.0.clone(), "x".to_owned()), 0o600, "key.pem"),
        (&good, 0o644, "is open to others than its owner"),
    ] {
        let error = said(pair, key_mode);
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
