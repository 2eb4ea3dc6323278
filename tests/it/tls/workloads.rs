//! Workloads that show X.509-SVIDs, and clients whose certificates were revoked.

use std::fs;
use std::io::{Read as _, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use serde_json::json;
use tokio_rustls::rustls::version::TLS13;

use super::authority::{Authority, Client};
use super::{POLICY, allowed, metric};
use crate::harness::{Ends, Server, TestApp, wait_until};
use crate::identity::x509_svids::{Signer, bundle};

const ALICE: &str = "spiffe://example.org/service/alice";

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

fn workload(signer: &Signer, uri: &str) -> (String, String) {
    let (der, key) = signer.workload(&[uri], |_| {});
    (pem(&der), key)
}

#[test]
fn workloads_shake_hands_by_their_own_domain_alone() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (ours, theirs) = (Signer::new("example.org", |_| {}), Signer::new("partner.example", |_| {}));
    let app = TestApp::new().file("app/p.rego", "package app\n\nwho := input.subject\n");
    let dir = app.dir.path().to_owned();
    authority.issue(&dir, 1);
    fs::write(dir.join("clients.pem"), clients.pem()).unwrap();
    fs::write(dir.join("ours.json"), bundle(&[&ours])).unwrap();
    fs::write(dir.join("theirs.json"), bundle(&[&theirs])).unwrap();
    let server = app
        .config(
            "server:\n  listen: 127.0.0.1:0\n  tls: {cert: cert.pem, key: key.pem, client_ca: clients.pem, client_spiffe: true}\n\
             identity:\n  client_certificates: {subject: uri}\n  spiffe:\n    trust_domains:\n      \
             - {name: example.org, bundle_file: ours.json}\n      - {name: partner.example, bundle_file: theirs.json}\n",
        )
        .start();
    let ask = |own: Option<(String, String)>| {
        let client = Client::with(&authority, &TLS13, own);
        let (status, body) = client.send(server.app.address, "/v1/data/app/who", &[], "{}")?;
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, 200, "{body}");
        Ok::<_, String>((answer["result"]["id"].clone(), answer["result"]["method"].clone()))
    };
    let svid = (json!(ALICE), json!("x509-svid"));
    assert_eq!(ask(Some(workload(&ours, ALICE))), Ok(svid));
    let partner = "spiffe://partner.example/a";
    assert_eq!(ask(Some(workload(&theirs, partner))).unwrap().0, json!(partner));
    // Of an authority of the file: one that names no workload, and one that does.
    assert_eq!(ask(Some(clients.pair_with_uris(&["urn:bob"]))), Ok((json!("urn:bob"), json!("mtls"))));
    for own in [
        Some(clients.pair_with_uris(&[ALICE])),
        Some(workload(&theirs, ALICE)),
        Some(workload(&ours, "spiffe://other.example/a")),
        Some(workload(&ours, "urn:bob")),
        None,
    ] {
        assert!(ask(own).is_err());
    }
    // The authority is replaced: those who are connected are refused, too.
    let own = workload(&ours, ALICE);
    let mut before = Client::with(&authority, &TLS13, Some(own.clone())).connect(server.app.address);
    while before.conn.is_handshaking() {
        before.conn.complete_io(&mut before.sock).unwrap();
    }
    fs::write(dir.join("ours.json"), bundle(&[&theirs])).unwrap();
    server.block_on(async { server.app.live.fetch_keys() });
    wait_until("the new bundle", || ask(Some(workload(&theirs, ALICE))).is_ok());
    assert!(ask(Some(own)).is_err());
    before
        .write_all(b"POST /v1/data/app/who HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}")
        .unwrap();
    let mut answer = String::new();
    let _ = before.read_to_string(&mut answer);
    assert!(!answer.contains(" 200 "), "{answer}");
}

/// Workloads with new connections and with kept ones, while the authority of their domain is replaced ten times.
#[test]
fn no_workload_is_refused_while_its_authority_is_replaced() {
    let authority = Authority::new();
    let mut current = Signer::new("0", |_| {});
    let app = TestApp::new().file("app/p.rego", "package app\n\nallow := true\n");
    let dir = app.dir.path().to_owned();
    authority.issue(&dir, 1);
    fs::write(dir.join("bundle.json"), bundle(&[&current])).unwrap();
    let server = app
        .config(
            "server:\n  listen: 127.0.0.1:0\n  tls: {cert: cert.pem, key: key.pem, client_spiffe: true}\n\
             identity:\n  spiffe: {trust_domains: [{name: example.org, bundle_file: bundle.json}]}\n",
        )
        .start();
    let own = Mutex::new((0, workload(&current, ALICE)));
    // With which certificate each of the two has called last.
    let (over, called_with) = (AtomicBool::new(false), [AtomicUsize::new(0), AtomicUsize::new(0)]);
    let generation = || {
        let status = server.app.authorizer.in_force().authenticator.status();
        status.iter().find(|one| one.issuer == "spiffe://example.org").unwrap().generation
    };
    let put = |authorities: &[&Signer]| {
        let before = generation();
        fs::write(dir.join("draft"), bundle(authorities)).unwrap();
        fs::rename(dir.join("draft"), dir.join("bundle.json")).unwrap();
        server.block_on(async { server.app.live.fetch_keys() });
        wait_until("the new bundle", || generation() > before);
    };
    std::thread::scope(|scope| {
        let _ends = Ends(&over);
        let (own, over, authority, address) = (&own, &over, &authority, server.app.address);
        for (kept, called) in [false, true].into_iter().zip(&called_with) {
            scope.spawn(move || {
                let request =
                    "POST /v1/data/app/allow HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}";
                let connect = || {
                    let (number, pair) = own.lock().unwrap().clone();
                    (number, Client::with(authority, &TLS13, Some(pair)).connect(address))
                };
                let (mut number, mut stream) = connect();
                while !over.load(Ordering::SeqCst) {
                    // A workload that has a new certificate makes a new connection with it.
                    if !kept || number != own.lock().unwrap().0 {
                        (number, stream) = connect();
                    }
                    stream.write_all(request.as_bytes()).unwrap();
                    let mut answer = [0; 4096];
                    let length = stream.read(&mut answer).unwrap();
                    let head = String::from_utf8_lossy(&answer[..length]);
                    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
                    // The whole answer, so that the next one begins where it should.
                    let mut whole = head.into_owned();
                    while !whole.ends_with('}') && !whole.ends_with("}\n") {
                        let length = stream.read(&mut answer).unwrap();
                        whole.push_str(&String::from_utf8_lossy(&answer[..length]));
                    }
                    called.store(number, Ordering::SeqCst);
                }
            });
        }
        for n in 1..=10 {
            let next = Signer::new(&n.to_string(), |_| {});
            put(&[&current, &next]);
            *own.lock().unwrap() = (n, workload(&next, ALICE));
            wait_until("calls with the new certificate", || {
                called_with.iter().all(|called| called.load(Ordering::SeqCst) == n)
            });
            put(&[&next]);
            current = next;
        }
    });
}

/// An authority that revokes, and what it has issued.
struct Revoking {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Revoking {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "revoking");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn pair(&self, serial: u64) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "client");
        params.serial_number = Some(serial.into());
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// A list of revoked serial numbers that ends with this year.
    fn list(&self, revoked: &[u64], until: i32) -> String {
        let entry = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: rcgen::date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2020, 1, 1),
            next_update: rcgen::date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

#[test]
fn revoked_certificates_shake_no_hands_and_a_list_is_read_again() {
    let (authority, clients) = (Authority::new(), Revoking::new());
    let app = TestApp::new().file("app/p.rego", POLICY);
    let dir = app.dir.path().to_owned();
    authority.issue(&dir, 1);
    fs::write(dir.join("clients.pem"), &clients.pem).unwrap();
    fs::write(dir.join("crl.pem"), clients.list(&[7], 2099)).unwrap();
    let server: Server = app
        .config(
            "server: {listen: '127.0.0.1:0', tls: {cert: cert.pem, key: key.pem, client_ca: clients.pem, client_crl: crl.pem}}\n\
             identity: {mode: off}\n",
        )
        .start();
    let (good, bad) = (clients.pair(8), clients.pair(7));
    let ask = |own: &(String, String)| {
        allowed(&Client::with(&authority, &TLS13, Some(own.clone())), server.app.address)
    };
    ask(&good).unwrap();
    let error = ask(&bad).unwrap_err();
    assert!(error.contains("CertificateRevoked"), "{error}");
    let put = |text: &str| {
        fs::write(dir.join("crl.pem"), text).unwrap();
        server.block_on(async { server.app.live.fetch_keys() });
    };
    put(&clients.list(&[7, 8], 2099));
    wait_until("the new list", || ask(&good).is_err());
    put(&clients.list(&[7], 2099));
    wait_until("a list without it", || ask(&good).is_ok());
    // A list that has ended vouches for nobody.
    put(&clients.list(&[7], 2021));
    wait_until("the list that has ended", || ask(&good).is_err());
    put(&clients.list(&[7], 2099));
    wait_until("a list that is in force", || ask(&good).is_ok());
    // What is no list changes nothing.
    put("nothing");
    let (own, refused) = (good.clone(), "verdict_tls_certificates_refused_total{listener=\"server\"}");
    let client = Client::with(&authority, &TLS13, Some(own));
    wait_until("the refusal", || metric(&server, &client, refused) >= 1.0);
    assert!(ask(&good).is_ok() && ask(&bad).is_err());
}
