//! Encrypted calls: whose certificates are believed, which name they must have, who shows one.

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::{World, get};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a name, and its key.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

/// A server that says `ok` over TLS, and notes the names that it is asked for.
struct Secure {
    port: u16,
    names: Arc<Mutex<Vec<Option<String>>>>,
    _runtime: tokio::runtime::Runtime,
}

fn secure(authority: &Authority, name: &str, with_clients_of: Option<&Authority>) -> Secure {
    let (certificate, key) = authority.issue(name);
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match with_clients_of {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            let provider = Arc::new(default_provider());
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let config =
        builder.with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let names = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&names);
    runtime.spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, notes) = (acceptor.clone(), Arc::clone(&notes));
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                notes.lock().unwrap().push(stream.get_ref().1.server_name().map(str::to_owned));
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_ok() {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                    let _ = stream.shutdown().await;
                }
            });
        }
    });
    Secure { port, names, _runtime: runtime }
}

#[test]
fn certificates_are_verified_as_the_request_says() {
    let (ours, others) = (Authority::new(), Authority::new());
    let server = secure(&ours, "localhost", None);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, ours.pem()).unwrap();
    let url = format!("https://localhost:{}/", server.port);
    for (more, works) in [
        (json!({"tls_ca_cert": ours.pem()}), true),
        (json!({"tls_ca_cert_file": file}), true),
        (json!({"tls_ca_cert": ours.pem(), "tls_use_system_certs": false}), true),
        (json!({"tls_insecure_skip_verify": true}), true),
        (json!({}), false),
        (json!({"tls_use_system_certs": false}), false),
        (json!({"tls_ca_cert": others.pem()}), false),
        (json!({"tls_ca_cert": ours.pem(), "tls_server_name": "other.example"}), false),
    ] {
        let got = World::everybody().send(&get(&url, more.clone()));
        assert_eq!(got.is_ok(), works, "{more}: {got:?}");
        if !works {
            let why = got.unwrap_err();
            assert!(why.contains("certificate"), "{more}: {why}");
        }
    }
    let missing = get(&url, json!({"tls_ca_cert_file": folder.path().join("none.pem")}));
    assert!(World::everybody().send(&missing).unwrap_err().contains("none.pem: No such file"));
    let nonsense = World::everybody().send(&get(&url, json!({"tls_ca_cert": "nonsense"}))).unwrap_err();
    assert!(nonsense.contains("could not append certificates"), "{nonsense}");
}

#[test]
fn another_name_is_sent_and_verified_and_the_host_stays_the_one_that_is_called() {
    let ours = Authority::new();
    let server = secure(&ours, "api.internal", None);
    for (host, allow) in [
        ("localhost", World::only(&["localhost"], &["127.0.0.0/8", "::1"])),
        ("127.0.0.1", World::everybody()),
    ] {
        let url = format!("https://{host}:{}/", server.port);
        let request = get(&url, json!({"tls_ca_cert": ours.pem(), "tls_server_name": "api.internal"}));
        assert_eq!(allow.send(&request).unwrap()["raw_body"], json!("ok"));
        assert_eq!(server.names.lock().unwrap().pop().unwrap().as_deref(), Some("api.internal"));
        assert!(allow.send(&get(&url, json!({"tls_ca_cert": ours.pem()}))).is_err());
    }
}

#[test]
fn a_client_shows_its_certificate() {
    let (ours, clients) = (Authority::new(), Authority::new());
    let server = secure(&ours, "localhost", Some(&clients));
    let url = format!("https://localhost:{}/", server.port);
    let (certificate, key) = clients.issue("client");
    let (stranger, strange_key) = ours.issue("client");
    for (more, works) in [
        (json!({"tls_client_cert": certificate, "tls_client_key": key}), true),
        (json!({}), false),
        (json!({"tls_client_cert": stranger, "tls_client_key": strange_key}), false),
    ] {
        let mut request = get(&url, more);
        request["tls_ca_cert"] = json!(ours.pem());
        let got = World::everybody().send(&request);
        assert_eq!(got.is_ok(), works, "{got:?}");
    }
}
