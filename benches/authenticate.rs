//! What authentication costs: a token that is new, one that was seen before, one that is refused.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench stops at what it did not expect"
)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self as sig, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use verdict::aip;
use verdict::identity::capability::mint::{Request, SigningKey};
use verdict::identity::capability::{self, KeyConfig};
use verdict::identity::{
    Authenticator, ClaimMapping, ClientCertificatesConfig, Config, IssuerConfig, NameType, Setup,
    SpiffeConfig, TrustDomainConfig,
};
use verdict::model::client_certificate::{ClientCertificate, VouchedBy};
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::presented::Presented;
use verdict::model::principal::{AuthContext, IdentityMode};
use verdict::net;
use verdict::registry::{KeyHash, StaticFile};
use verdict::telemetry::metrics::Metrics;
use verdict_jose::Algorithm;

const NOW: i64 = 1_800_000_000;

/// What signs, and its public JWK; a secret has none.
enum Signer {
    Rsa(sig::RsaKeyPair),
    Ec(sig::EcdsaKeyPair),
    Ed(sig::Ed25519KeyPair),
    Secret(Box<hmac::Key>),
}

const SECRET: [u8; 32] = [7; 32];

fn signer(algorithm: Algorithm) -> (Signer, Option<Value>) {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let elliptic = |curve: &'static sig::EcdsaSigningAlgorithm, name: &str| {
        let pair = sig::EcdsaKeyPair::generate(curve).unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let public = json!({ "kty": "EC", "crv": name, "x": encode(x), "y": encode(y) });
        (Signer::Ec(pair), Some(public))
    };
    match algorithm {
        Algorithm::Es256 => elliptic(&sig::ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
        Algorithm::Es384 => elliptic(&sig::ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
        Algorithm::Es512 => elliptic(&sig::ECDSA_P521_SHA512_FIXED_SIGNING, "P-521"),
        Algorithm::EdDsa => {
            let pair = sig::Ed25519KeyPair::generate().unwrap();
            let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) });
            (Signer::Ed(pair), Some(public))
        }
        Algorithm::Hs256 => (Signer::Secret(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &SECRET))), None),
        _ => {
            let pair = sig::RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
            let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
            let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
            let public = json!({ "kty": "RSA", "n": encode(n), "e": encode(e) });
            (Signer::Rsa(pair), Some(public))
        }
    }
}

impl Signer {
    fn sign(&self, algorithm: Algorithm, claims: &Value) -> String {
        let header = json!({ "alg": algorithm.name(), "kid": "2026-11", "typ": "JWT" });
        self.sign_with(algorithm, &header, claims)
    }

    fn sign_with(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let header = header.to_string();
        let [header, payload] = [header, claims.to_string()].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        let message = format!("{header}.{payload}");
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rsa(pair) => {
                let encoding: &'static dyn sig::RsaEncoding = match algorithm {
                    Algorithm::Ps256 => &sig::RSA_PSS_SHA256,
                    _ => &sig::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Self::Secret(key) => hmac::sign(key, message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// An authenticator that trusts one key, and what issues tokens of it, each another, of about 400 bytes payload and header.
fn setting(algorithm: Algorithm, cache_entries: usize) -> (Authenticator, impl Fn() -> HeaderMap) {
    let (key, jwk) = signer(algorithm);
    let jwks = jwk.map(|mut jwk| {
        jwk["kid"] = "2026-11".into();
        json!({ "keys": [jwk] }).to_string()
    });
    let issuer = IssuerConfig {
        issuer: "https://idp.example.com/realms/main".to_owned(),
        audience: vec!["orders".to_owned()],
        algorithms: vec![algorithm.name().to_owned()],
        secret_env: jwks.is_none().then(|| "SECRET".to_owned()),
        jwks,
        claims: ClaimMapping { roles: Some("realm_access.roles".to_owned()), ..ClaimMapping::default() },
        ..IssuerConfig::default()
    };
    let config = Config { issuers: vec![issuer], cache_entries, ..Config::default() };
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
    let client = net::Client::new(&net::Config::default()).unwrap();
    let mut setup = Setup::new(Path::new("."), clock, client);
    setup.variables =
        BTreeMap::from([("SECRET".to_owned(), String::from_utf8(SECRET.to_vec()).unwrap())]).into();
    let authenticator = Authenticator::new(&config, &setup).unwrap();
    let issued = Cell::new(0);
    let issue = move || {
        issued.set(issued.get() + 1);
        let claims = json!({
        "iss": "https://idp.example.com/realms/main", "aud": ["orders", "billing"], "sub": "0f5c2a34-alice",
        "iat": NOW - 5, "exp": NOW + 300, "scope": "orders:read orders:write", "tenant": "acme",
        "realm_access": { "roles": ["clerk", "reviewer"] }, "email": "alice@example.com", "jti": issued.get().to_string(),
        });
        bearer(&key.sign(algorithm, &claims))
    };
    (authenticator, issue)
}

/// The same token with its last signature bytes exchanged.
fn forged(headers: &HeaderMap) -> HeaderMap {
    let token = headers[AUTHORIZATION].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    let canonical = format!("{}A", &turned[..turned.len() - 1]);
    bearer(&format!("{message}.{canonical}"))
}

fn bearer(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap())])
}

/// The outcome of what waits for nothing: every key is at hand here. Spares the figures the cost of a runtime's entry.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("it waits"),
    }
}

fn authenticate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("authenticate");
    let algorithms = [
        Algorithm::Rs256,
        Algorithm::Ps256,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::EdDsa,
        Algorithm::Hs256,
    ];
    for algorithm in algorithms {
        let name = algorithm.name();
        for (what, cache_entries, good) in
            [("first", 0, true), ("cached", 10_000, true), ("rejected", 10_000, false)]
        {
            let (authenticator, issue) = setting(algorithm, cache_entries);
            let ask = |headers: &HeaderMap| {
                let answer =
                    now(authenticator.authenticate(IdentityMode::Required, &Presented::from(headers)));
                assert_eq!(answer.is_ok(), good, "{name} {what}");
                answer
            };
            let headers = if good { issue() } else { forged(&issue()) };
            group.bench_function(format!("{name}/{what}"), |bencher| {
                if what == "first" {
                    bencher.iter_batched(&issue, |headers| ask(&headers), BatchSize::SmallInput);
                } else {
                    bencher.iter(|| black_box(ask(&headers)));
                }
            });
        }
    }
    group.finish();
}

const KEY: &str = "relay_sk_bench-0123456789abcdef";
const DIRECTORY: &str = "agents: [{id: alice, roles: [clerk]}, {id: bob}]
keys: [{id: k-alice, kind: agent, agent: alice, hash: 'HASH'}]
delegations: [{id: d-1, from: bob, to: alice, scope: ['*'], expires_at: 2099-01-01T00:00:00Z}]
roles: [{name: clerk, permissions: ['orders:read']}]";

/// Verifiers of keys, delegations and capabilities, and a token of the last.
fn others(cache_entries: usize) -> (Authenticator, impl Fn() -> HeaderMap) {
    let signing = SigningKey::generate().unwrap();
    let (kid, public_key) = (signing.kid().to_owned(), signing.public_pem().unwrap());
    let keys = vec![KeyConfig { kid, public_key: Some(public_key), public_key_file: None }];
    let capabilities = Some(capability::Config::new("mint", "orders", keys));
    let config = Config { capabilities, cache_entries, ..Config::default() };
    let now = Timestamp::from_unix_seconds(NOW);
    let clock = Clock::fixed(now);
    let client = net::Client::new(&net::Config::default()).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), DIRECTORY.replace("HASH", &KeyHash::of(KEY).to_string())).unwrap();
    let metrics = Metrics::new("bench", now).directory;
    let mut setup = Setup::new(Path::new("."), clock.clone(), client);
    setup.directory = Some(Arc::new(StaticFile::open(file.path(), clock, metrics).unwrap()));
    let mint = move || {
        let request = Request {
            issuer: "mint".to_owned(),
            audience: "orders".to_owned(),
            agent: "alice".to_owned(),
            scope: Some(vec!["orders:read".to_owned()]),
            permissions: Vec::new(),
            organisation: None,
            actors: Vec::new(),
            bound_to: None,
            ttl: std::time::Duration::from_secs(300),
        };
        bearer(signing.mint(&request, signing.kid(), now).unwrap().expose())
    };
    (Authenticator::new(&config, &setup).unwrap(), mint)
}

/// A verifier of one trust domain's JWT-SVIDs, and what issues them, each another.
fn workloads(cache_entries: usize) -> (Authenticator, impl Fn() -> HeaderMap) {
    let (key, jwk) = signer(Algorithm::Es256);
    let mut jwk = jwk.unwrap();
    jwk.as_object_mut()
        .unwrap()
        .extend([("kid", "2026-11"), ("use", "jwt-svid")].map(|(k, v)| (k.into(), v.into())));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), json!({ "keys": [jwk] }).to_string()).unwrap();
    let domain = TrustDomainConfig {
        name: "example.org".to_owned(),
        bundle_file: Some(file.path().to_path_buf()),
        ..TrustDomainConfig::default()
    };
    let spiffe = Some(SpiffeConfig::new(vec![domain], vec!["orders".to_owned()]));
    let config = Config { spiffe, cache_entries, ..Config::default() };
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
    let client = net::Client::new(&net::Config::default()).unwrap();
    let authenticator = Authenticator::new(&config, &Setup::new(Path::new("."), clock, client)).unwrap();
    let issued = Cell::new(0);
    let issue = move || {
        issued.set(issued.get() + 1);
        let claims = json!({
            "sub": "spiffe://example.org/agent/0f5c2a34", "aud": ["orders"], "iat": NOW - 5, "exp": NOW + 300,
            "jti": issued.get().to_string(),
        });
        bearer(&key.sign(Algorithm::Es256, &claims))
    };
    (authenticator, issue)
}

fn other_kinds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("authenticate");
    let key = HeaderMap::from_iter([(HeaderName::from_static("x-api-key"), HeaderValue::from_static(KEY))]);
    let mut delegated = key.clone();
    delegated.insert("x-agentpack-delegation", HeaderValue::from_static("d-1"));
    let ask = |authenticator: &Authenticator, headers: &HeaderMap| {
        now(authenticator.authenticate(IdentityMode::Required, &Presented::from(headers))).unwrap()
    };
    let (fresh, mint) = others(0);
    group.bench_function("capability/first", |bencher| {
        bencher.iter_batched(&mint, |headers| ask(&fresh, &headers), BatchSize::SmallInput);
    });
    let (cached, mint) = others(10_000);
    let headers = mint();
    group.bench_function("capability/cached", |bencher| bencher.iter(|| black_box(ask(&cached, &headers))));
    let (fresh, issue) = workloads(0);
    group.bench_function("jwt-svid ES256/first", |bencher| {
        bencher.iter_batched(&issue, |headers| ask(&fresh, &headers), BatchSize::SmallInput);
    });
    let (kept, issue) = workloads(10_000);
    let headers = issue();
    group.bench_function("jwt-svid ES256/cached", |bencher| bencher.iter(|| black_box(ask(&kept, &headers))));
    group.bench_function("api_key", |bencher| bencher.iter(|| black_box(ask(&cached, &key))));
    group.bench_function("api_key with delegation", |bencher| {
        bencher.iter(|| black_box(ask(&cached, &delegated)));
    });
    group.finish();
}

/// Certificates of one authority: as a workload's, and as a caller's of the configured name.
fn certificates(criterion: &mut Criterion) {
    let authority = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority).unwrap().der().to_vec();
    let issuer = rcgen::Issuer::new(params, authority);
    let mut leaf = rcgen::CertificateParams::default();
    leaf.subject_alt_names =
        vec![rcgen::SanType::URI("spiffe://example.org/agent/0f5c2a34".try_into().unwrap())];
    leaf.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap().der().to_vec();
    let file = tempfile::NamedTempFile::new().unwrap();
    let x5c = base64::prelude::BASE64_STANDARD.encode(&root);
    let jwk = json!({ "kty": "EC", "use": "x509-svid", "x5c": [x5c] });
    std::fs::write(file.path(), json!({ "keys": [jwk] }).to_string()).unwrap();
    let domain = TrustDomainConfig {
        name: "example.org".to_owned(),
        bundle_file: Some(file.path().to_path_buf()),
        ..TrustDomainConfig::default()
    };
    let spiffe = Some(SpiffeConfig::new(vec![domain], Vec::new()));
    let named = ClientCertificatesConfig { subject: NameType::Uri, kind: "service".to_owned(), agent: false };
    let mut group = criterion.benchmark_group("authenticate");
    let empty = HeaderMap::new();
    for (kind, vouched_by, spiffe, client_certificates) in [
        ("x509-svid ES256", VouchedBy::TrustDomain, spiffe, None),
        ("mtls", VouchedBy::Authority, None, Some(named)),
    ] {
        let certificate = ClientCertificate::new([&leaf], vouched_by).unwrap();
        for (what, cache_entries) in [("first", 0), ("cached", 10_000)] {
            let config = Config {
                spiffe: spiffe.clone(),
                client_certificates: client_certificates.clone(),
                cache_entries,
                ..Config::default()
            };
            let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
            let client = net::Client::new(&net::Config::default()).unwrap();
            let authenticator =
                Authenticator::new(&config, &Setup::new(Path::new("."), clock, client)).unwrap();
            let presented = Presented::from(&empty).with_certificate(Some(&certificate));
            group.bench_function(format!("{kind}/{what}"), |bencher| {
                bencher.iter(|| {
                    black_box(now(authenticator.authenticate(IdentityMode::Required, &presented)).unwrap())
                });
            });
        }
    }
    group.finish();
}

/// Tokens that are bound to a key: each call brings a proof of its own, or the certificate of its connection.
fn bound(criterion: &mut Criterion) {
    let certificate =
        ClientCertificate::new([b"the certificate of the connection"], VouchedBy::Authority).unwrap();
    let (holder, jwk) = signer(Algorithm::Es256);
    let jwk = jwk.unwrap();
    let members = format!(r#"{{"crv":{},"kty":"EC","x":{},"y":{}}}"#, jwk["crv"], jwk["x"], jwk["y"]);
    let hash = |text: &str| {
        BASE64_URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
    };
    let (key, public) = signer(Algorithm::Es256);
    let mut public = public.unwrap();
    public["kid"] = "2026-11".into();
    let issuer = IssuerConfig {
        issuer: "idp".to_owned(),
        audience: vec!["orders".to_owned()],
        algorithms: vec!["ES256".to_owned()],
        jwks: Some(json!({ "keys": [public] }).to_string()),
        ..IssuerConfig::default()
    };
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
    let client = net::Client::new(&net::Config::default()).unwrap();
    let config = Config { issuers: vec![issuer], ..Config::default() };
    let authenticator = Authenticator::new(&config, &Setup::new(Path::new("."), clock, client)).unwrap();
    let token = |cnf: Value| {
        let claims = json!({ "iss": "idp", "aud": "orders", "sub": "alice", "iat": NOW, "exp": NOW + 300, "cnf": cnf });
        key.sign(Algorithm::Es256, &claims)
    };
    let mut group = criterion.benchmark_group("authenticate");
    let headers = bearer(&token(json!({ "x5t#S256": certificate.thumbprint() })));
    let presented = Presented::from(&headers).with_certificate(Some(&certificate));
    group.bench_function("bound to a certificate/cached", |bencher| {
        bencher
            .iter(|| black_box(now(authenticator.authenticate(IdentityMode::Required, &presented)).unwrap()));
    });
    let token = token(json!({ "jkt": hash(&members) }));
    let uses = Cell::new(0);
    let proof = || {
        uses.set(uses.get() + 1);
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let claims = json!({
            "jti": uses.get().to_string(), "htm": "POST", "htu": "https://pdp.example/v1/data", "iat": NOW, "ath": hash(&token),
        });
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("DPoP {token}")).unwrap());
        let proof = holder.sign_with(Algorithm::Es256, &header, &claims);
        headers.insert("dpop", HeaderValue::from_str(&proof).unwrap());
        headers
    };
    group.bench_function("DPoP ES256/cached token, new proof", |bencher| {
        let ask = |headers: HeaderMap| {
            let presented = Presented::new("POST", "pdp.example", "/v1/data", &headers);
            now(authenticator.authenticate(IdentityMode::Required, &presented)).unwrap()
        };
        bencher.iter_batched(proof, ask, BatchSize::SmallInput);
    });
    group.finish();
}

const POLICY: &str = "apiVersion: aip.io/v1alpha2\nkind: AgentPolicy\nmetadata: {name: alice}\nspec: {identity: {enabled: true}}\n";

/// Session tokens are used once, so there is no cached use: each call verifies one and is given the next.
fn sessions(criterion: &mut Criterion) {
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
    let directory = tempfile::tempdir().unwrap();
    let [records, policy] = ["directory.yaml", "alice.yaml"].map(|name| directory.path().join(name));
    std::fs::write(&records, DIRECTORY.replace("HASH", &KeyHash::of(KEY).to_string())).unwrap();
    std::fs::write(&policy, POLICY).unwrap();
    let policies = aip::Config { policies: vec![policy], ..aip::Config::default() };
    let policies = Arc::new(aip::Policies::load(&policies).unwrap());
    let mut setup =
        Setup::new(Path::new("."), clock.clone(), net::Client::new(&net::Config::default()).unwrap());
    let metrics = Metrics::new("bench", clock.now()).directory;
    setup.directory = Some(Arc::new(StaticFile::open(&records, clock, metrics).unwrap()));
    setup.aip = Arc::clone(&policies);
    let authenticator = Authenticator::new(&Config::default(), &setup).unwrap();
    let ask = |headers: &HeaderMap| match now(
        authenticator.authenticate(IdentityMode::Required, &Presented::from(headers))
    )
    .unwrap()
    {
        AuthContext::Verified(verified) => verified,
        other => panic!("{other:?}"),
    };
    let key = HeaderMap::from_iter([(HeaderName::from_static("x-api-key"), HeaderValue::from_static(KEY))]);
    let opened = authenticator.open_session(&ask(&key), policies.only().unwrap()).unwrap();
    let token = RefCell::new(opened.token.expose().clone());
    criterion.benchmark_group("authenticate").bench_function("aip/each (never cached)", |bencher| {
        bencher.iter(|| {
            let next = ask(&bearer(&token.borrow())).next_token.unwrap();
            token.replace(next.expose().clone());
        });
    });
}

criterion_group!(benches, authenticate, other_kinds, certificates, bound, sessions);
criterion_main!(benches);
