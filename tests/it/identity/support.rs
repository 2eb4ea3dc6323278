//! Keys, tokens, and an identity provider on a loopback socket.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self as sig, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use verdict::identity::{Authenticator, Config, ConfigError, IssuerConfig, Setup};
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::failure::Failure;
use verdict::model::presented::Presented;
use verdict::model::principal::{AuthContext, IdentityMode, Verified};
use verdict::net;
use verdict_jose::Algorithm;

/// The time of every test, in seconds since the epoch; the cases' times are relative to it.
pub const NOW: i64 = 1_800_000_000;
pub const ISSUER: &str = "https://idp.example";
pub const AUDIENCE: &str = "api";

/// Every algorithm of key pairs.
pub const ALGORITHMS: [(&str, Algorithm); 10] = [
    ("RS256", Algorithm::Rs256),
    ("RS384", Algorithm::Rs384),
    ("RS512", Algorithm::Rs512),
    ("PS256", Algorithm::Ps256),
    ("PS384", Algorithm::Ps384),
    ("PS512", Algorithm::Ps512),
    ("ES256", Algorithm::Es256),
    ("ES384", Algorithm::Es384),
    ("ES512", Algorithm::Es512),
    ("EdDSA", Algorithm::EdDsa),
];

/// Every algorithm of a secret.
pub const SYMMETRIC: [(&str, Algorithm); 3] =
    [("HS256", Algorithm::Hs256), ("HS384", Algorithm::Hs384), ("HS512", Algorithm::Hs512)];

/// A key pair or a secret, as an identity provider has it.
pub struct Pair {
    private: Private,
    /// The public JWK, without `kid` and `alg`; null for a secret.
    pub public: Value,
    /// The public key in DER; empty for a secret.
    pub spki: Vec<u8>,
}

enum Private {
    Rsa(sig::RsaKeyPair),
    Ec(sig::EcdsaKeyPair),
    Ed(sig::Ed25519KeyPair),
    Secret(Vec<u8>),
}

impl Pair {
    pub fn new(algorithm: Algorithm) -> Self {
        let elliptic = |curve: &'static sig::EcdsaSigningAlgorithm, name: &str| {
            let pair = sig::EcdsaKeyPair::generate(curve).unwrap();
            let point = &pair.public_key().as_ref()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            let public = json!({ "kty": "EC", "crv": name, "x": b64(x), "y": b64(y) });
            let spki = pair.public_key().as_der().unwrap().as_ref().to_vec();
            Self { private: Private::Ec(pair), public, spki }
        };
        match algorithm {
            Algorithm::Es256 => elliptic(&sig::ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
            Algorithm::Es384 => elliptic(&sig::ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
            Algorithm::Es512 => elliptic(&sig::ECDSA_P521_SHA512_FIXED_SIGNING, "P-521"),
            Algorithm::EdDsa => {
                let pair = sig::Ed25519KeyPair::generate().unwrap();
                let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key()) });
                let spki = pair.public_key().as_der().unwrap().as_ref().to_vec();
                Self { private: Private::Ed(pair), public, spki }
            }
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => Self::secret([7; 64]),
            _ => {
                let pair = sig::RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                let public = json!({ "kty": "RSA", "n": b64(n), "e": b64(e) });
                let spki = pair.public_key().as_der().unwrap().as_ref().to_vec();
                Self { private: Private::Rsa(pair), public, spki }
            }
        }
    }

    /// What signs with a secret.
    pub fn secret(secret: impl AsRef<[u8]>) -> Self {
        Self { private: Private::Secret(secret.as_ref().to_vec()), public: Value::Null, spki: Vec::new() }
    }

    /// The public key in PEM.
    pub fn pem(&self) -> String {
        let body = BASE64_STANDARD.encode(&self.spki);
        let lines: Vec<&str> =
            body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
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
        let signature = self.signature(algorithm, message.as_bytes());
        format!("{message}.{}", b64(signature))
    }

    fn signature(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.private {
            Private::Rsa(pair) => {
                let encoding: &'static dyn sig::RsaEncoding = match algorithm {
                    Algorithm::Rs256 => &sig::RSA_PKCS1_SHA256,
                    Algorithm::Rs384 => &sig::RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &sig::RSA_PKCS1_SHA512,
                    Algorithm::Ps256 => &sig::RSA_PSS_SHA256,
                    Algorithm::Ps384 => &sig::RSA_PSS_SHA384,
                    Algorithm::Ps512 => &sig::RSA_PSS_SHA512,
                    other => panic!("RSA does not sign by {other:?}"),
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Private::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Private::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Private::Secret(secret) => {
                let hash = match algorithm {
                    Algorithm::Hs384 => hmac::HMAC_SHA384,
                    Algorithm::Hs512 => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                hmac::sign(&hmac::Key::new(hash, secret), message).as_ref().to_vec()
            }
        }
    }

    /// Signs `claims` under `kid`.
    pub fn token(&self, name: &str, kid: &str, claims: &Value) -> String {
        self.sign(by_name(name), &json!({ "alg": name, "kid": kid }).to_string(), &claims.to_string())
    }

    /// Signs `claims` as another type of token.
    pub fn typed(&self, name: &str, typ: &str, claims: &Value) -> String {
        let header = json!({ "alg": name, "kid": "k1", "typ": typ });
        self.sign(by_name(name), &header.to_string(), &claims.to_string())
    }
}

fn by_name(name: &str) -> Algorithm {
    Algorithm::by_name(name).unwrap()
}

/// One pair for each kind of key: RSA takes long to make.
pub static PAIRS: LazyLock<BTreeMap<&str, Pair>> = LazyLock::new(|| {
    let kinds = [
        ("RSA", Algorithm::Rs256),
        ("P-256", Algorithm::Es256),
        ("P-384", Algorithm::Es384),
        ("P-521", Algorithm::Es512),
        ("Ed25519", Algorithm::EdDsa),
        ("secret", Algorithm::Hs512),
    ];
    kinds.into_iter().map(|(kind, algorithm)| (kind, Pair::new(algorithm))).collect()
});

pub fn pair_for(name: &str) -> &'static Pair {
    &PAIRS[match name {
        "ES256" => "P-256",
        "ES384" => "P-384",
        "ES512" => "P-521",
        "EdDSA" | "Ed25519" => "Ed25519",
        "HS256" | "HS384" | "HS512" => "secret",
        _ => "RSA",
    }]
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
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
        jwks: Some(jwks),
        ..IssuerConfig::default()
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

/// With one environment variable, `KEY`.
pub fn build_with_key(config: &Config, key: &str) -> Result<Authenticator, ConfigError> {
    let mut setup = Setup::new(Path::new("."), clock(), client());
    setup.variables = BTreeMap::from([("KEY".to_owned(), key.to_owned())]).into();
    Authenticator::new(config, &setup)
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
    /// Another answer for each path; 404 for the others.
    ByPath(Vec<(&'static str, Answer)>),
}

/// An identity provider: a real server whose answer can be changed, and which counts the calls.
pub struct Provider {
    pub url: String,
    pub calls: Arc<AtomicUsize>,
    answer: Arc<Mutex<Answer>>,
    task: tokio::task::JoinHandle<()>,
}

impl Provider {
    /// Without a path: an issuer that can be discovered.
    pub fn base(&self) -> String {
        self.url.strip_suffix("/jwks.json").unwrap().to_owned()
    }

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
    let answer = match answer {
        Answer::ByPath(answers) => {
            let asked = String::from_utf8_lossy(&request);
            let path = asked.split(' ').nth(1).unwrap_or_default();
            let known = answers.into_iter().find(|(known, _)| *known == path);
            known.map_or(Answer::Status(404), |(_, answer)| answer)
        }
        answer => answer,
    };
    let text = match answer {
        Answer::ByPath(_) => return,
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
