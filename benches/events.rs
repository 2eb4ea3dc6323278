//! Security events by push: how many a second are stored and acknowledged, and how long it takes from sending one to the first
//! refusal of a token that was verified before.
//!
//! The clients run beside the server, on the same cores.

#![expect(clippy::unwrap_used, reason = "a bench stops at what it did not expect")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use verdict::app::{App, Setup};
use verdict::config::{Environment, Insecure, Overrides, Profile, Sources, load};
use verdict::model::clock::Clock;

const EVENTS: usize = 2000;
const CONNECTIONS: usize = 8;
const ROUNDS: usize = 200;
const ISSUER: &str = "https://idp.example";
const RECEIVER: &str = "https://verdict.example";
const TOKEN: &str = "token-of-the-stream-0123456789";

fn main() {
    let (dir, pair) = (TempDir::new().unwrap(), Ed25519KeyPair::generate().unwrap());
    let now = Clock::System.now().unix_seconds();
    let (runtime, app) = start(dir.path(), &pair);
    let address = app.address;

    let sets: Vec<String> = (0..EVENTS).map(|n| event(&pair, now, &format!("user-{n}"))).collect();
    let begun = Instant::now();
    let shares = sets.chunks(EVENTS.div_ceil(CONNECTIONS));
    let mut took: Vec<Duration> = std::thread::scope(|scope| {
        let pushing: Vec<_> = shares.map(|share| scope.spawn(move || push_all(address, share))).collect();
        pushing.into_iter().flat_map(|share| share.join().unwrap()).collect()
    });
    let rate = EVENTS as f64 / begun.elapsed().as_secs_f64();
    println!("{EVENTS} events over {CONNECTIONS} connections: {rate:.0}/s, each {}", spread(&mut took));

    let mut connection = TcpStream::connect(address).unwrap();
    let mut bites: Vec<Duration> = (0..ROUNDS).map(|n| bite(&mut connection, &pair, now, n)).collect();
    println!("from sending an event to the first refusal, {ROUNDS} times: {}", spread(&mut bites));
    runtime.block_on(app.shutdown());
}

fn start(dir: &Path, pair: &Ed25519KeyPair) -> (Runtime, App) {
    let bundle = dir.join("bundles/app");
    fs::create_dir_all(&bundle).unwrap();
    fs::write(bundle.join("policy.rego"), "package app\n\nallow := true\n").unwrap();
    let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key());
    let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "k" }] });
    fs::write(dir.join("keys.json"), keys.to_string()).unwrap();
    let keys = "algorithms: [EdDSA], jwks_file: keys.json";
    let text = format!(
        "server: {{listen: '127.0.0.1:0'}}\nmanagement: {{listen: off}}\nbundles: {{dir: bundles}}\nstate: state\n\
         decision_log: {{console: 'off', file: {{path: decisions.jsonl}}}}\nregistry: {{enabled: true}}\n\
         identity: {{issuers: [{{issuer: '{ISSUER}', audience: api, {keys}}}]}}\n\
         events: {{streams: [{{issuer: '{ISSUER}', audience: '{RECEIVER}', {keys}, push: {{token_env: STREAM}}}}]}}\n"
    );
    let config = dir.join("verdict.yaml");
    fs::write(&config, text).unwrap();
    let env: Environment = [("STREAM", TOKEN)].into_iter().collect();
    let profile = Profile::Run(Insecure::default());
    let sources = Sources { file: Some(config), env, overrides: Overrides::default(), profile };
    let loaded = load(sources).unwrap_or_else(|error| unreachable!("{error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(verdict_rego::STACK)
        .enable_all()
        .build()
        .unwrap();
    let setup = Setup { loaded, no_color: true, clock: Clock::System, runner: None, fail_fast: false };
    let app = runtime.block_on(App::start(setup)).unwrap_or_else(|error| unreachable!("{error}"));
    (runtime, app)
}

fn sign(pair: &Ed25519KeyPair, typ: &str, claims: &Value) -> String {
    let encode = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);
    let header = json!({ "alg": "EdDSA", "kid": "k", "typ": typ });
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn event(pair: &Ed25519KeyPair, now: i64, subject: &str) -> String {
    let name = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    let sub_id = json!({ "format": "iss_sub", "iss": ISSUER, "sub": subject });
    let claims = json!({ "iss": ISSUER, "aud": RECEIVER, "jti": subject, "iat": now, "sub_id": sub_id,
                         "events": { name: { "event_timestamp": now } } });
    sign(pair, "secevent+jwt", &claims)
}

fn push_all(address: SocketAddr, sets: &[String]) -> Vec<Duration> {
    let mut connection = TcpStream::connect(address).unwrap();
    sets.iter()
        .map(|set| {
            let begun = Instant::now();
            assert_eq!(push(&mut connection, set), 202);
            begun.elapsed()
        })
        .collect()
}

/// Verifies a token, revokes it, and asks until it is refused: with the first question.
fn bite(connection: &mut TcpStream, pair: &Ed25519KeyPair, now: i64, n: usize) -> Duration {
    let subject = format!("bitten-{n}");
    let claims = json!({ "iss": ISSUER, "aud": "api", "sub": subject, "iat": now, "exp": now + 3000 });
    let (token, set) = (sign(pair, "JWT", &claims), event(pair, now, &subject));
    let ask =
        |connection: &mut TcpStream| call(connection, "/v1/data/app/allow", &token, "application/json", "{}");
    assert_eq!((ask(connection), ask(connection)), (200, 200));
    let begun = Instant::now();
    assert_eq!(push(connection, &set), 202);
    assert_eq!(ask(connection), 401);
    begun.elapsed()
}

fn push(connection: &mut TcpStream, set: &str) -> u16 {
    call(connection, "/v1/events", TOKEN, "application/secevent+jwt", set)
}

/// The status of an answer, which is read to its end.
fn call(connection: &mut TcpStream, path: &str, token: &str, media_type: &str, body: &str) -> u16 {
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: verdict\r\nauthorization: Bearer {token}\r\ncontent-type: {media_type}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let read = connection.read(&mut buffer).unwrap();
        assert!(read > 0, "the connection was closed");
        answer.extend(buffer.iter().take(read));
        let text = String::from_utf8_lossy(&answer);
        let Some((head, rest)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
        });
        if rest.len() >= length.unwrap_or(0) {
            return head.split(' ').nth(1).unwrap().parse().unwrap();
        }
    }
}

fn spread(took: &mut [Duration]) -> String {
    took.sort_unstable();
    let at =
        |part: usize| took.get((took.len() * part / 100).min(took.len() - 1)).copied().unwrap_or_default();
    format!("median {:?}, 99 % {:?}, longest {:?}", at(50), at(99), at(100))
}
