//! Decisions over HTTP with their records written to a file, against an empty route of the same server in the same run.
//!
//! The load generator runs beside the server, on the same cores. Criterion's part gives the time per request; the table
//! at the end interleaves short rounds of every kind, so that the machine's noise hits all of them alike, and prints
//! the throughput of each as a ratio to the empty route's of the same server.

#![expect(clippy::unwrap_used, reason = "a bench stops at what it did not expect")]

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use criterion::{Criterion, Throughput, criterion_group};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use verdict::app::{App, Setup};
use verdict::cli::bench::load::{Limit, LoadReport, closed_loop};
use verdict::cli::bench::requests::PreparedRequest;
use verdict::config::{Environment, Overrides, Profile, Sources, load};
use verdict::identity::capability::mint::{Request, SigningKey};
use verdict::model::clock::Clock;
use verdict::registry::KeyHash;

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 8;
const ROUND: Duration = Duration::from_millis(1500);

const POLICY: &str = r"package app

default allow := false

allow if input.subject.id == input.resource.owner

allow if {
	some role in data.users[input.subject.id].roles
	input.action in data.grants[role][input.resource.type]
}
";

const BODY: &str = r#"{"input":{"subject":{"id":"alice"},"action":"update","resource":{"type":"doc","id":"d-1","owner":"bob"}}}"#;

struct Server {
    _dir: TempDir,
    runtime: Runtime,
    app: Option<App>,
    address: SocketAddr,
}

impl Server {
    fn start(identity: &str, files: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        let bundle = dir.path().join("bundles/app");
        fs::create_dir_all(&bundle).unwrap();
        fs::write(bundle.join("policy.rego"), POLICY).unwrap();
        fs::write(bundle.join("data.json"), data(1000)).unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let config = dir.path().join("verdict.yaml");
        let text = format!(
            "server: {{listen: '127.0.0.1:0'}}\nbundles: {{dir: bundles}}\nstate: state\n\
             decision_log: {{console: 'off', file: {{path: decisions.jsonl}}}}\nidentity: {identity}\n"
        );
        fs::write(&config, text).unwrap();
        let sources = Sources {
            file: Some(config),
            env: Environment::default(),
            overrides: Overrides::default(),
            profile: Profile::Run(verdict::config::Insecure::default()),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_stack_size(verdict_rego::STACK)
            .enable_all()
            .build()
            .unwrap();
        let setup = Setup {
            loaded: load(sources).unwrap(),
            no_color: true,
            clock: Clock::System,
            runner: None,
            fail_fast: false,
        };
        let app = runtime.block_on(App::start(setup)).unwrap();
        let address = app.address;
        Self { _dir: dir, runtime, app: Some(app), address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            self.runtime.block_on(app.shutdown());
        }
    }
}

fn data(users: usize) -> String {
    let users: serde_json::Map<_, _> = (0..users)
        .map(|n| (format!("user{n}"), json!({ "roles": ["viewer"] })))
        .chain([("alice".to_owned(), json!({ "roles": ["editor"] }))])
        .collect();
    json!({ "grants": { "editor": { "doc": ["read", "update"] } }, "users": users }).to_string()
}

/// An RS256 issuer: the entry for the configuration, its JWKS, and a token.
fn issuer() -> (String, String, String) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let body = BASE64_STANDARD.encode(pair.as_der().unwrap().as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap()).unwrap();
    if let Some(jwk) = jwk.as_object_mut() {
        jwk.insert("kid".to_owned(), json!("k1"));
    }
    let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::RS256) };
    let now = Clock::System.now().unix_seconds();
    let claims = json!({
        "iss": "https://idp.example.com", "aud": "orders", "sub": "alice", "iat": now, "exp": now + 86_400,
        "roles": ["editor"], "scope": "orders:read orders:write", "tenant": "acme", "email": "alice@example.com",
    });
    let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
    let entry = "{mode: required, issuers: [{issuer: 'https://idp.example.com', audience: orders, algorithms: [RS256], jwks_file: jwks.json}]}";
    (entry.to_owned(), json!({ "keys": [jwk] }).to_string(), token)
}

/// One kind of request to one server.
struct Kind {
    name: &'static str,
    address: SocketAddr,
    method: Method,
    path: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: &'static str,
}

impl Kind {
    fn empty(name: &'static str, address: SocketAddr) -> Self {
        Self { name, address, method: Method::GET, path: "/health/live", headers: Vec::new(), body: "" }
    }

    fn decision(name: &'static str, address: SocketAddr, credentials: &[(&'static str, String)]) -> Self {
        let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let credentials = credentials.iter();
        headers
            .extend(credentials.map(|(name, text)| (HeaderName::from_static(name), text.parse().unwrap())));
        Self { name, address, method: Method::POST, path: "/v1/data/app/allow", headers, body: BODY }
    }

    fn load(&self, limit: Limit) -> LoadReport {
        let authority = self.address.to_string();
        let request = PreparedRequest::new(
            &self.method,
            self.path,
            &authority,
            &self.headers,
            (!self.body.is_empty()).then_some(self.body.as_bytes()),
        );
        let report = closed_loop(self.address, CONNECTIONS, limit, vec![request]).unwrap();
        assert_eq!(report.tally.failures.total(), 0, "{}: requests failed", self.name);
        assert!(report.tally.statuses.keys().all(|status| *status == 200), "{}: not all 200", self.name);
        report
    }
}

/// A key of an agent, and a delegation to it: the directory file.
const KEY: &str = "relay_sk_bench-0123456789abcdef";

fn directory() -> String {
    let hash = KeyHash::of(KEY);
    format!(
        "agents: [{{id: alice, roles: [editor]}}, {{id: bob}}]\n\
         keys: [{{id: k-alice, kind: agent, agent: alice, hash: '{hash}'}}]\n\
         delegations: [{{id: d-1, from: bob, to: alice, scope: ['*'], expires_at: 2099-01-01T00:00:00Z}}]\n"
    )
}

/// The configuration of capability tokens, and one of them.
fn capability() -> (String, String) {
    let key = SigningKey::generate().unwrap();
    let request = Request {
        issuer: "mint".to_owned(),
        audience: "orders".to_owned(),
        agent: "alice".to_owned(),
        scope: None,
        permissions: Vec::new(),
        organisation: None,
        actors: Vec::new(),
        bound_to: None,
        ttl: Duration::from_secs(800),
    };
    let token = key.mint(&request, key.kid(), Clock::System.now()).unwrap();
    let pem = key.public_pem().unwrap().replace('\n', "\\n");
    let entry = format!(
        "capabilities: {{issuer: mint, audience: orders, keys: [{{kid: '{}', public_key: \"{pem}\"}}]}}",
        key.kid()
    );
    (entry, token.expose().clone())
}

fn serve(c: &mut Criterion) {
    let (issuers, keys, token) = issuer();
    let (capabilities, capability) = capability();
    let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
    let key = ("x-api-key", KEY.to_owned());
    let plain = Server::start("{mode: 'off'}", &[]);
    let tokens = Server::start(&issuers, &[("jwks.json", &keys)]);
    let all = Server::start(
        &format!("{{static: directory.yaml, {capabilities}}}"),
        &[("directory.yaml", &directory())],
    );
    let kinds = [
        Kind::empty("empty route, identity off", plain.address),
        Kind::decision("decision, identity off", plain.address, &[]),
        Kind::empty("empty route, identity on", tokens.address),
        Kind::decision("decision, RS256 seen before", tokens.address, &bearer(&token)),
        Kind::empty("empty route, directory", all.address),
        Kind::decision("decision, API key", all.address, std::slice::from_ref(&key)),
        Kind::decision("decision, capability seen before", all.address, &bearer(&capability)),
        Kind::decision(
            "decision, key and delegation",
            all.address,
            &[key, ("x-agentpack-delegation", "d-1".to_owned())],
        ),
    ];
    let mut group = c.benchmark_group("serve");
    group.sample_size(10).throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(4));
    for kind in &kinds {
        group.bench_function(kind.name, |b| b.iter_custom(|n| kind.load(Limit::Requests(n)).elapsed));
    }
    group.finish();
    table(&kinds);
}

fn table(kinds: &[Kind]) {
    let mut reports: Vec<Option<LoadReport>> = kinds.iter().map(|_| None).collect();
    for _ in 0..ROUNDS {
        for (kind, kept) in kinds.iter().zip(&mut reports) {
            let report = kind.load(Limit::Time(ROUND));
            match kept {
                Some(kept) => kept.merge(&report),
                None => *kept = Some(report),
            }
        }
    }
    println!("\n{:<34} {:>10} {:>7} {:>10} {:>10}", "serve", "req/s", "ratio", "p50", "p99");
    let mut empty = 1.0;
    for (kind, report) in kinds.iter().zip(reports.into_iter().flatten()) {
        let throughput = report.throughput();
        if kind.path == "/health/live" {
            empty = throughput;
        }
        let latency = report.tally.latency.summary();
        println!(
            "{:<34} {throughput:>10.0} {:>7.2} {:>7.0} us {:>7.0} us",
            kind.name,
            throughput / empty,
            latency.p50_ns as f64 / 1e3,
            latency.p99_ns as f64 / 1e3,
        );
    }
}

criterion_group!(benches, serve);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
