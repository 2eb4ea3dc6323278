//! Bundle endpoints that prove with an X.509-SVID who they are.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use verdict::identity::{EndpointProfile, FederationConfig, TrustDomainConfig};
use verdict_jose::Algorithm;

use super::super::support::*;
use super::*;

const SERVER: &str = "spiffe://example.org/spire/server";

/// An authority of a trust domain.
struct Authority(Issuer<'static, KeyPair>, Vec<u8>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self(Issuer::new(params, key), der)
    }

    /// As it stands in a bundle.
    fn jwk(&self) -> Value {
        json!({ "kty": "EC", "use": "x509-svid", "x5c": [BASE64_STANDARD.encode(&self.1)] })
    }

    fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Shown {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![uri(SERVER)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().der().clone(), key.serialize_der())
    }
}

type Shown = (CertificateDer<'static>, Vec<u8>);

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

/// An endpoint whose certificate and bundle can be changed.
#[derive(Clone)]
struct Endpoint {
    address: SocketAddr,
    says: Arc<Mutex<(Shown, String)>>,
}

impl Endpoint {
    async fn start(shown: Shown, document: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint =
            Self { address: listener.local_addr().unwrap(), says: Arc::new(Mutex::new((shown, document))) };
        let served = endpoint.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let ((certificate, key), document) = served.says.lock().unwrap().clone();
                let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
                    .with_safe_default_protocol_versions()
                    .unwrap()
                    .with_no_client_auth()
                    .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key).unwrap())
                    .unwrap();
                let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else {
                    continue;
                };
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.unwrap_or(0) > 0
                {
                }
                let head = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    document.len()
                );
                let _ = stream.write_all(format!("{head}{document}").as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        endpoint
    }

    fn says(&self, shown: Shown, document: String) {
        *self.says.lock().unwrap() = (shown, document);
    }

    fn config(&self, name: &str) -> TrustDomainConfig {
        TrustDomainConfig {
            name: name.to_owned(),
            federation: Some(FederationConfig {
                endpoint_url: format!("https://localhost:{}", self.address.port()).as_str().into(),
                profile: EndpointProfile::HttpsSpiffe,
                endpoint_spiffe_id: Some(SERVER.to_owned()),
            }),
            ..TrustDomainConfig::default()
        }
    }
}

fn document(authorities: &[&Authority], keys: &[(&str, &Pair)], sequence: u64) -> String {
    let keys = keys.iter().map(|(kid, pair)| pair.jwk(kid, json!({ "use": "jwt-svid" })));
    let keys: Vec<Value> = authorities.iter().map(|authority| authority.jwk()).chain(keys).collect();
    json!({ "keys": keys, "spiffe_sequence": sequence }).to_string()
}

#[tokio::test]
async fn the_endpoint_is_the_workload_that_it_is_to_be_or_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (authority, stranger, key) = (Authority::new(), Authority::new(), Pair::new(Algorithm::Es256));
    let token = key.token("ES256", "k1", &svid("spiffe://example.org/a"));
    let file = write(dir.path(), "b.json", &document(&[&authority], &[], 1));
    let good = || document(&[&authority], &[("k1", &key)], 2);
    let endpoint = Endpoint::start(stranger.leaf(|_| {}), good()).await;
    let itself = TrustDomainConfig { bundle_file: Some(file), ..endpoint.config(DOMAIN) };
    let authenticator = quick(&trusting(vec![itself]), &clock());
    let cases: [(Shown, &str); 9] = [
        (stranger.leaf(|_| {}), "of its trust domain"),
        (
            authority.leaf(|leaf| leaf.subject_alt_names = vec![uri("spiffe://example.org/other")]),
            "another workload's",
        ),
        (
            authority.leaf(|leaf| leaf.subject_alt_names = vec![uri("spiffe://other.example/spire/server")]),
            "another workload's",
        ),
        (
            authority.leaf(|leaf| leaf.subject_alt_names = vec![uri(SERVER), uri("spiffe://example.org/b")]),
            "more than one URI",
        ),
        (
            authority.leaf(|leaf| {
                leaf.subject_alt_names = vec![SanType::DnsName("localhost".try_into().unwrap())]
            }),
            "no URI among its names",
        ),
        (authority.leaf(|leaf| leaf.key_usages = vec![]), "has no key usage"),
        (
            authority.leaf(|leaf| {
                leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
            }),
            "may sign certificates",
        ),
        (
            authority.leaf(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            "is the certificate of an authority",
        ),
        (authority.leaf(|leaf| leaf.not_after = rcgen::date_time_ymd(2020, 1, 1)), "has expired"),
    ];
    for (shown, error) in cases {
        endpoint.says(shown, good());
        authenticator.refresh_now().await;
        let last_error = authenticator.status()[0].last_error.clone().unwrap();
        assert!(last_error.contains(error), "{error}: {last_error}");
        assert_eq!(outcome(&authenticator, &token).await, "the issuer's keys are not available", "{error}");
    }
    endpoint.says(authority.leaf(|_| {}), good());
    authenticator.refresh_now().await;
    assert_eq!(authenticator.status()[0].last_error, None);
    assert_eq!(outcome(&authenticator, &token).await, "ok");
    // The authority is rotated: the bundle in force vouches for the endpoint, and not the one that the process began with.
    let next = Authority::new();
    endpoint.says(authority.leaf(|_| {}), document(&[&authority, &next], &[("k1", &key)], 3));
    authenticator.refresh_now().await;
    endpoint.says(next.leaf(|_| {}), document(&[&next], &[("k1", &key)], 4));
    authenticator.refresh_now().await;
    assert_eq!(
        (authenticator.status()[0].generation, authenticator.status()[0].last_error.clone()),
        (4, None)
    );
    endpoint.says(authority.leaf(|_| {}), document(&[&authority], &[], 5));
    authenticator.refresh_now().await;
    assert_eq!(authenticator.status()[0].generation, 4);
    assert_eq!(outcome(&authenticator, &token).await, "ok");
}

#[tokio::test]
async fn another_trust_domain_can_vouch_for_the_endpoint() {
    let dir = tempfile::tempdir().unwrap();
    let (authority, key) = (Authority::new(), Pair::new(Algorithm::Es256));
    let token = key.token("ES256", "k1", &svid("spiffe://partner.example/a"));
    let endpoint = Endpoint::start(authority.leaf(|_| {}), document(&[], &[("k1", &key)], 1)).await;
    for (vouches, expected) in
        [(&Authority::new(), "the issuer's keys are not available"), (&authority, "ok")]
    {
        let file = write(dir.path(), "b.json", &document(&[vouches], &[], 1));
        let domains = vec![in_file(DOMAIN, &file), endpoint.config("partner.example")];
        let authenticator = quick(&trusting(domains), &clock());
        authenticator.refresh_now().await;
        assert_eq!(outcome(&authenticator, &token).await, expected);
    }
}
