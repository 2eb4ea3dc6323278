//! TLS of calls to others: whom Verdict believes, and what it shows.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::authority::{Authority, put};
use super::{mode, provider, refused_start};
use crate::harness::{Server, TestApp, wait_until};
use crate::identity::support::{AUDIENCE, ISSUER, claims, clock, es256_token, jwks, pair_for};

/// An identity provider behind TLS that asks its clients for a certificate of these authorities, if there are any.
fn provider_of_keys(
    runtime: &tokio::runtime::Runtime,
    own: (String, String),
    clients: Option<&Authority>,
    version: &'static SupportedProtocolVersion,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[version]).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(own.0.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(own.1.as_bytes()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    runtime.spawn(async move {
        let body = jwks(&[pair_for("ES256").jwk("k1", json!({}))]);
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, body, count) = (acceptor.clone(), body.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 4096];
                if !matches!(stream.read(&mut request).await, Ok(length) if length > 0) {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let head =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (address, served)
}

/// A server whose issuer has its keys there. `prepare` puts files into its folder.
fn start(address: SocketAddr, outbound: &str, prepare: impl FnOnce(&std::path::Path)) -> Server {
    let app = TestApp::new().clock(clock()).file("app/p.rego", "package app\n\nallow := true\n");
    prepare(app.dir.path());
    app.config(&format!(
        "outbound: {{tls: {{{outbound}}}}}\nidentity: {{issuers: [{{issuer: '{ISSUER}', audience: {AUDIENCE}, algorithms: [ES256], \
         jwks_url: 'https://localhost:{}/jwks.json'}}]}}\n",
        address.port()
    ))
    .start()
}

fn ask(server: &Server) -> u16 {
    server.ask("/v1/data/app/allow", &es256_token(&claims()), "{}").status
}

#[test]
fn an_authority_of_ones_own_is_believed_where_it_is_named() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let authority = Authority::new();
    let (address, served) = provider_of_keys(&runtime, authority.pair(1, 2099), None, &TLS13);
    let server = start(address, "", |_| {});
    assert_eq!((ask(&server), served.load(Ordering::SeqCst)), (503, 0), "nobody vouches for it");
    let ca = |dir: &std::path::Path| fs::write(dir.join("ca.pem"), authority.pem()).unwrap();
    let server = start(address, "ca: ca.pem", ca);
    wait_until("the keys", || ask(&server) == 200);
}

#[test]
fn an_older_version_is_spoken_where_the_configuration_says_so() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let authority = Authority::new();
    let (address, served) = provider_of_keys(&runtime, authority.pair(1, 2099), None, &TLS12);
    let ca = |dir: &std::path::Path| fs::write(dir.join("ca.pem"), authority.pem()).unwrap();
    let server = start(address, "ca: ca.pem", ca);
    assert_eq!((ask(&server), served.load(Ordering::SeqCst)), (503, 0));
    let server = start(address, "ca: ca.pem, min_version: '1.2'", ca);
    wait_until("the keys", || ask(&server) == 200);
}

#[test]
fn a_certificate_is_shown_to_who_asks_for_one_and_read_again_when_it_changes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (authority, clients) = (Authority::new(), Authority::new());
    let (address, served) = provider_of_keys(&runtime, authority.pair(1, 2099), Some(&clients), &TLS13);
    // To begin with, one that the provider does not accept.
    let server = start(address, "ca: ca.pem, cert: cert.pem, key: key.pem", |dir| {
        fs::write(dir.join("ca.pem"), authority.pem()).unwrap();
        put(dir, &authority.pair(2, 2099));
    });
    assert_eq!((ask(&server), served.load(Ordering::SeqCst)), (503, 0));
    // Files that do not go together change nothing; those that do are shown to the next who is called.
    fs::write(server.dir.path().join("key.pem"), "nothing").unwrap();
    server.block_on(async { server.app.live.fetch_keys() });
    put(server.dir.path(), &clients.pair(3, 2099));
    wait_until("the keys", || {
        server.block_on(async { server.app.live.fetch_keys() });
        ask(&server) == 200
    });
    assert!(served.load(Ordering::SeqCst) > 0);
}

#[test]
fn files_that_cannot_be_used_stop_the_start() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &authority.pair(1, 2099));
    fs::write(dir.path().join("other.pem"), authority.pair(2, 2099).1).unwrap();
    fs::write(dir.path().join("empty.pem"), "").unwrap();
    fs::copy(dir.path().join("key.pem"), dir.path().join("open.pem")).unwrap();
    mode(&dir.path().join("open.pem"), 0o644);
    mode(&dir.path().join("other.pem"), 0o600);
    for (tls, error) in [
        ("ca: missing.pem", "outbound.tls.ca: "),
        ("ca: empty.pem", "has no certificate in PEM"),
        ("cert: cert.pem", "there is no key for it"),
        ("key: key.pem", "there is no certificate for it"),
        ("cert: cert.pem, key: other.pem", "do not go together"),
        ("cert: cert.pem, key: cert.pem", "has no private key in PEM"),
        ("cert: cert.pem, key: open.pem", "is open to others than its owner"),
        ("min_version: '1.1'", "unknown value `1.1`"),
        ("ciphers: all", "unknown"),
    ] {
        let text = format!(
            "server: {{listen: '127.0.0.1:0'}}\nmanagement: {{listen: off}}\nidentity: {{mode: off}}\noutbound: {{tls: {{{tls}}}}}\n"
        );
        let said = refused_start(dir.path(), &text);
        assert!(said.contains(error), "{tls}: {said}");
    }
}
