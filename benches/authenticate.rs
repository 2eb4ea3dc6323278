//! What authentication costs: a token that is new, one that was seen before, one that is refused.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench stops at what it did not expect"
)]

use std::cell::Cell;
use std::hint::black_box;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self as sig, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use verdict::identity::{Authenticator, ClaimMapping, Config, IssuerConfig, Setup};
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::presented::Presented;
use verdict::model::principal::IdentityMode;
use verdict::net;

const NOW: i64 = 1_800_000_000;

fn pem(der: &[u8]) -> Vec<u8> {
    let body = BASE64_STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n").into_bytes()
}

/// A new private key and its public JWK.
fn key(algorithm: Algorithm) -> (EncodingKey, Value) {
    let random = SystemRandom::new();
    if algorithm == Algorithm::EdDSA {
        let der = sig::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let pair = sig::Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
        let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        return (EncodingKey::from_ed_der(der.as_ref()), json!({ "kty": "OKP", "crv": "Ed25519", "x": x }));
    }
    let private = if algorithm == Algorithm::ES256 {
        let der = sig::EcdsaKeyPair::generate_pkcs8(&sig::ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        EncodingKey::from_ec_der(der.as_ref())
    } else {
        let pair = sig::RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        EncodingKey::from_rsa_pem(&pem(pair.as_der().unwrap().as_ref())).unwrap()
    };
    let public = serde_json::to_value(Jwk::from_encoding_key(&private, algorithm).unwrap()).unwrap();
    (private, public)
}

/// An authenticator that trusts one key, and what issues tokens of it, each another, of about 400 bytes payload and header.
fn setting(
    name: &str,
    algorithm: Algorithm,
    cache_entries: usize,
) -> (Authenticator, impl Fn() -> HeaderMap) {
    let (key, mut jwk) = key(algorithm);
    jwk["kid"] = "2026-11".into();
    let issuer = IssuerConfig {
        issuer: "https://idp.example.com/realms/main".to_owned(),
        audience: vec!["orders".to_owned()],
        algorithms: vec![name.to_owned()],
        jwks: Some(json!({ "keys": [jwk] }).to_string()),
        claims: ClaimMapping { roles: Some("realm_access.roles".to_owned()), ..ClaimMapping::default() },
        ..IssuerConfig::default()
    };
    let config = Config { issuers: vec![issuer], cache_entries, ..Config::default() };
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
    let client = net::Client::new(&net::Config::default()).unwrap();
    let authenticator = Authenticator::new(&config, &Setup::new(Path::new("."), clock, client)).unwrap();
    let mut header = Header::new(algorithm);
    header.kid = Some("2026-11".to_owned());
    let issued = Cell::new(0);
    let issue = move || {
        issued.set(issued.get() + 1);
        let claims = json!({
        "iss": "https://idp.example.com/realms/main", "aud": ["orders", "billing"], "sub": "0f5c2a34-alice",
        "iat": NOW - 5, "exp": NOW + 300, "scope": "orders:read orders:write", "tenant": "acme",
        "realm_access": { "roles": ["clerk", "reviewer"] }, "email": "alice@example.com", "jti": issued.get().to_string(),
        });
        bearer(&jsonwebtoken::encode(&header, &claims, &key).unwrap())
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
    let algorithms = [("RS256", Algorithm::RS256), ("ES256", Algorithm::ES256), ("EdDSA", Algorithm::EdDSA)];
    for (name, algorithm) in algorithms {
        for (what, cache_entries, good) in
            [("first", 0, true), ("cached", 10_000, true), ("rejected", 10_000, false)]
        {
            let (authenticator, issue) = setting(name, algorithm, cache_entries);
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

criterion_group!(benches, authenticate);
criterion_main!(benches);
