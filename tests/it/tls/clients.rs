//! Certificates of clients.

use std::fs;

use tokio::net::TcpListener;
use tokio_rustls::rustls::version::TLS13;

use super::authority::{Authority, Client, put};
use super::{CALL, POLICY, allowed, mode};
use crate::harness::{Server, TestApp};
use verdict::listen::{Config, Tls, TlsConfig};
use verdict::model::client_certificate::ClientCertificate;
use verdict::model::clock::Clock;
use verdict::model::tls_version::TlsVersion;
use verdict::telemetry::metrics::Metrics;

fn start(authority: &Authority, clients: &Authority, more: &str) -> Server {
    let app = TestApp::new().file("app/p.rego", POLICY);
    let dir = app.dir.path().to_owned();
    authority.issue(&dir, 1);
    fs::write(dir.join("clients.pem"), clients.pem()).unwrap();
    let tls = format!("{{cert: cert.pem, key: key.pem, client_ca: clients.pem{more}}}");
    let config = format!("server: {{listen: '127.0.0.1:0', tls: {tls}}}\nidentity: {{mode: off}}\n");
    app.config(&config).start()
}

#[test]
fn where_clients_must_show_a_certificate_only_the_right_one_is_served() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = start(&authority, &clients, "");
    let address = server.app.address;
    let with = |own| Client::with(&authority, &TLS13, own);
    let error = allowed(&with(None), address).unwrap_err();
    assert!(error.contains("CertificateRequired"), "{error}");
    assert!(allowed(&with(Some(authority.pair(1, 2099))), address).is_err(), "of another authority");
    assert!(allowed(&with(Some(clients.pair(1, 2021))), address).is_err(), "expired");
    allowed(&with(Some(clients.pair(1, 2099))), address).unwrap();
}

#[test]
fn where_clients_may_show_a_certificate_a_wrong_one_is_refused() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = start(&authority, &clients, ", client_auth: optional");
    let with = |own| Client::with(&authority, &TLS13, own);
    allowed(&with(None), server.app.address).unwrap();
    allowed(&with(Some(clients.pair(1, 2099))), server.app.address).unwrap();
    assert!(allowed(&with(Some(authority.pair(1, 2099))), server.app.address).is_err());
}

#[test]
fn handlers_see_the_certificate_that_was_verified() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &authority.pair(1, 2099));
    fs::write(dir.path().join("clients.pem"), clients.pem()).unwrap();
    mode(&dir.path().join("key.pem"), 0o600);
    let config = TlsConfig {
        cert: dir.path().join("cert.pem"),
        key: dir.path().join("key.pem"),
        client_ca: Some(dir.path().join("clients.pem")),
        client_crl: None,
        client_spiffe: false,
        client_auth: None,
        min_version: TlsVersion::V13,
    };
    let metrics = std::sync::Arc::new(Metrics::new("0", Clock::System.now()));
    let tls = Tls::open("server.tls", &config, None, &Clock::System, &metrics).unwrap();
    let shown = |request: axum::extract::Request| async move {
        let certificate = request.extensions().get::<ClientCertificate>().unwrap();
        format!("{} {}", certificate.chain().count(), certificate.chain().map(<[u8]>::len).sum::<usize>())
    };
    let router = axum::Router::new().fallback(shown);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let stop = std::future::pending();
    runtime.spawn(verdict::listen::serve(listener, router, Some(tls), Config::default(), metrics, stop));
    let own = clients.pair(7, 2099);
    let length = rcgen_der_length(&own.0);
    let (_, body) = Client::with(&authority, &TLS13, Some(own)).post(address, "/", CALL).unwrap();
    assert_eq!(body, format!("1 {length}"));
}

fn rcgen_der_length(pem: &str) -> usize {
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().len()
}
