//! Keys, tokens, and an identity provider on a loopback socket.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self as sig, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use verdict::identity::{Authenticator, ClaimMapping, Config, ConfigError, IssuerConfig, Setup};
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::failure::Failure;
use verdict::model::presented::Presented;
use verdict::model::principal::{AuthContext, IdentityMode, Verified};
use verdict::model::units::Period;
use verdict::net;

/// The time of every test, in seconds since the epoch; the cases' times are relative to it.
pub const NOW: i64 = 1_800_000_000;
pub const ISSUER: &str = "https://idp.example";
pub const AUDIENCE: &str = "api";

/// Every algorithm that an issuer may be configured with.
pub const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// A key pair, as an identity provider has it.
pub struct Pair {
    pub private: EncodingKey,
    /// The public JWK, without `kid` and `alg`.
    pub public: Value,
}

impl Pair {
    pub fn new(algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        if algorithm == Algorithm::EdDSA {
            let der = sig::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
            let x = sig::Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap().public_key().as_ref().to_vec();
            let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(x) });
            return Self { private: EncodingKey::from_ed_der(der.as_ref()), public };
        }
        let private = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => {
                let curve = if algorithm == Algorithm::ES256 {
                    &sig::ECDSA_P256_SHA256_FIXED_SIGNING
                } else {
                    &sig::ECDSA_P384_SHA384_FIXED_SIGNING
                };
                EncodingKey::from_ec_der(sig::EcdsaKeyPair::generate_pkcs8(curve, &random).unwrap().as_ref())
            }
            _ => {
                let pair = sig::RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
                EncodingKey::from_rsa_pem(&pem(pair.as_der().unwrap().as_ref())).unwrap()
            }
        };
        let mut public = serde_json::to_value(Jwk::from_encoding_key(&private, algorithm).unwrap()).unwrap();
        public.as_object_mut().unwrap().remove("alg");
        Self { private, public }
    }

    /// The public JWK under a `kid`, and whatever members besides.
    pub fn jwk(&self, kid: &str, more: Value) -> Value {
        let mut jwk = self.public.clone();
        jwk["kid"] = kid.into();
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwk
    }

    /// Signs any header and payload, well-formed or not.
    pub fn sign(&self, algorithm: Algorithm, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", b64(header), b64(payload));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// Signs `claims` under `kid`.
    pub fn token(&self, name: &str, kid: &str, claims: &Value) -> String {
        let (_, algorithm) = ALGORITHMS.iter().find(|(known, _)| *known == name).unwrap();
        self.sign(*algorithm, &json!({ "alg": name, "kid": kid }).to_string(), &claims.to_string())
    }
}

/// One pair for each kind of key: RSA takes long to make.
pub static PAIRS: LazyLock<BTreeMap<&str, Pair>> = LazyLock::new(|| {
    let kinds = [
        ("RSA", Algorithm::RS256),
        ("P-256", Algorithm::ES256),
        ("P-384", Algorithm::ES384),
        ("Ed25519", Algorithm::EdDSA),
    ];
    kinds.into_iter().map(|(kind, algorithm)| (kind, Pair::new(algorithm))).collect()
});

pub fn pair_for(name: &str) -> &'static Pair {
    &PAIRS[match name {
        "ES256" => "P-256",
        "ES384" => "P-384",
        "EdDSA" => "Ed25519",
        _ => "RSA",
    }]
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn pem(der: &[u8]) -> Vec<u8> {
    let body = BASE64_STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n").into_bytes()
}

/// Claims that everything accepts.
pub fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": NOW - 10, "exp": NOW + 300 })
}

pub fn jwks(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// An issuer whose keys are given as a JWKS text.
pub fn issuer(algorithms: &[&str], jwks: String) -> IssuerConfig {
    IssuerConfig {
        issuer: ISSUER.to_owned(),
        audience: vec![AUDIENCE.to_owned()],
        algorithms: algorithms.iter().map(|name| (*name).to_owned()).collect(),
        jwks_file: None,
        jwks: Some(jwks),
        jwks_url: None,
        jwks_refresh: Period::secs(300),
        jwks_max_age: Period::secs(24 * 60 * 60),
        claims: ClaimMapping::default(),
        leeway: Period::secs(30),
        types: vec!["JWT".to_owned(), "at+jwt".to_owned()],
    }
}

pub fn config(issuers: Vec<IssuerConfig>) -> Config {
    Config { issuers, ..Config::default() }
}

pub fn clock() -> Clock {
    Clock::fixed(Timestamp::from_unix_seconds(NOW))
}

pub fn client() -> net::Client {
    net::Client::new(&net::Config::default()).unwrap()
}

pub fn build(config: &Config, clock: &Clock) -> Result<Authenticator, ConfigError> {
    Authenticator::new(config, &Setup::new(Path::new("."), clock.clone(), client()))
}

/// An authenticator with one issuer that has one ES256 key, `k1`.
pub fn es256() -> (Authenticator, Clock) {
    let clock = clock();
    let keys = jwks(&[pair_for("ES256").jwk("k1", json!({}))]);
    (build(&config(vec![issuer(&["ES256"], keys)]), &clock).unwrap(), clock)
}

pub fn es256_token(claims: &Value) -> String {
    pair_for("ES256").token("ES256", "k1", claims)
}

/// The headers of a call with a bearer token.
pub fn bearer(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap())])
}

/// Presents a token where one is required.
pub async fn present(authenticator: &Authenticator, token: &str) -> Result<Verified, Failure> {
    match authenticator.authenticate(IdentityMode::Required, &Presented::from(&bearer(token))).await? {
        AuthContext::Verified(verified) => Ok(verified),
        other => panic!("a token gave {other:?}"),
    }
}

/// `ok`, or the failure's text.
pub async fn outcome(authenticator: &Authenticator, token: &str) -> String {
    match present(authenticator, token).await {
        Ok(_) => "ok".to_owned(),
        Err(failure) => failure.message,
    }
}

/// Waits, for as long as a very slow machine may take.
pub async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let waiting = async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert!(done.is_ok(), "waited in vain for {what}");
}

/// What the identity provider answers.
#[derive(Clone)]
pub enum Answer {
    Body(String),
    Status(u16),
    Redirect(String),
    /// Accepts the call and never answers.
    Silence,
    /// A body without end, in chunks.
    Endless,
}

/// An identity provider: a real server whose answer can be changed, and which counts the calls.
pub struct Provider {
    pub url: String,
    pub calls: Arc<AtomicUsize>,
    answer: Arc<Mutex<Answer>>,
    task: tokio::task::JoinHandle<()>,
}

impl Provider {
    pub async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let (calls, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(answer)));
        let (counter, current) = (Arc::clone(&calls), Arc::clone(&answer));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = current.lock().unwrap().clone();
                tokio::spawn(serve(stream, answer));
            }
        });
        Self { url, calls, answer, task }
    }

    pub fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, answer: Answer) {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read_buf(&mut request).await {
            Ok(n) if n > 0 => {}
            _ => return,
        }
    }
    let head = |status: u16, more: &str| format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{more}\r\n");
    let text = match answer {
        Answer::Body(body) => format!("{}{body}", head(200, &format!("content-length: {}\r\n", body.len()))),
        Answer::Status(status) => head(status, "content-length: 0\r\n"),
        Answer::Redirect(to) => head(302, &format!("location: {to}\r\ncontent-length: 0\r\n")),
        Answer::Silence => return tokio::time::sleep(Duration::from_secs(600)).await,
        Answer::Endless => {
            let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
            let mut sent = stream.write_all(head(200, "transfer-encoding: chunked\r\n").as_bytes()).await;
            while sent.is_ok() {
                sent = stream.write_all(chunk.as_bytes()).await;
            }
            return;
        }
    };
    // The client may have gone; then nobody is there to care.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}
