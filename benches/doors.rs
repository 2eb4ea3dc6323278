//! The doors of gateways, against an empty route of the same server in the same run: what a description of a request costs.
//!
//! The load generator runs beside the server, on the same cores. Calls in gRPC have a client of their own, which costs more than
//! the generator of HTTP/1.1, so they are compared with an empty call of the same client: health. Short rounds of every kind are
//! interleaved, so that the machine's noise hits all of them alike.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench stops at what it did not expect")]

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use hdrhistogram::Histogram;
use http::{HeaderName, HeaderValue, Method};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use verdict::app::{App, Setup};
use verdict::cli::bench::load::{Limit, LoadReport, closed_loop};
use verdict::cli::bench::requests::PreparedRequest;
use verdict::config::{Environment, Insecure, Overrides, Profile, Sources, load};
use verdict::model::clock::Clock;

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 8;
const ROUND: Duration = Duration::from_millis(1500);

const POLICY: &str = r#"package app

default allow := false

allow if {
	input.resource.type == "order"
	input.resource.id == "42"
}
"#;

const CONFIG: &str = "server: {listen: '127.0.0.1:0'}
bundles: {dir: bundles}
state: state
decision_log: {console: 'off', file: {path: decisions.jsonl}}
identity: {mode: 'off'}
decision: {default_path: app/allow}
doors: {http: {routes: [{path: '/orders/{id}', action: read, resource: {type: order}}]}}
";

const INPUT: &str = r#"{"input":{"action":"read","resource":{"type":"order","id":"42"}}}"#;
const EVALUATION: &str = r#"{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"order","id":"42"}}"#;
const DESCRIBED: &[(&str, &str)] = &[
    ("x-original-method", "GET"),
    ("x-original-uri", "/orders/42?verbose=1"),
    ("x-original-host", "shop.example"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-for", "203.0.113.7"),
    ("user-agent", "bench/1"),
    ("accept", "application/json"),
];
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// What is asked, and how.
enum Asked {
    Http {
        method: Method,
        path: &'static str,
        headers: &'static [(&'static str, &'static str)],
        body: &'static str,
    },
    Check,
    Health,
}

struct Kind {
    name: &'static str,
    asked: Asked,
    /// Whether those that follow are compared with it.
    empty: bool,
}

const fn over_http(
    name: &'static str,
    method: Method,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
) -> Kind {
    Kind {
        name,
        asked: Asked::Http { method, path, headers, body },
        empty: body.is_empty() && headers.is_empty(),
    }
}

fn kinds() -> Vec<Kind> {
    vec![
        over_http("empty route", Method::GET, "/health/live", &[], ""),
        over_http("data API", Method::POST, "/v1/data/app/allow", JSON, INPUT),
        over_http("AuthZEN evaluation", Method::POST, "/access/v1/evaluation", JSON, EVALUATION),
        over_http("forward-auth, nginx", Method::GET, "/authz/nginx", DESCRIBED, ""),
        over_http("ext_authz over HTTP", Method::GET, "/ext_authz/orders/42?verbose=1", JSON, ""),
        Kind { name: "empty call in gRPC (health)", asked: Asked::Health, empty: true },
        Kind { name: "ext_authz in gRPC", asked: Asked::Check, empty: false },
    ]
}

/// What rounds of one kind came to.
enum Report {
    Http(Box<LoadReport>),
    Grpc { elapsed: Duration, latency: Histogram<u64> },
}

impl Report {
    fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Http(kept), Self::Http(other)) => kept.merge(other),
            (Self::Grpc { elapsed, latency }, Self::Grpc { elapsed: more, latency: others }) => {
                *elapsed += *more;
                latency.add(others).unwrap();
            }
            _ => panic!("reports of two kinds"),
        }
    }

    /// Answers a second; 50th and 99th percentile in nanoseconds.
    fn summary(&self) -> (f64, u64, u64) {
        match self {
            Self::Http(report) => {
                let latency = report.tally.latency.summary();
                (report.throughput(), latency.p50_ns, latency.p99_ns)
            }
            Self::Grpc { elapsed, latency } => {
                let rate = latency.len() as f64 / elapsed.as_secs_f64();
                (rate, latency.value_at_quantile(0.5), latency.value_at_quantile(0.99))
            }
        }
    }
}

struct Server {
    _dir: TempDir,
    runtime: Runtime,
    app: Option<App>,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let bundle = dir.path().join("bundles/app");
        fs::create_dir_all(&bundle).unwrap();
        fs::write(bundle.join("policy.rego"), POLICY).unwrap();
        let config = dir.path().join("verdict.yaml");
        fs::write(&config, CONFIG).unwrap();
        let sources = Sources {
            file: Some(config),
            env: Environment::default(),
            overrides: Overrides::default(),
            profile: Profile::Run(Insecure::default()),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_stack_size(verdict_rego::STACK)
            .enable_all()
            .build()
            .unwrap();
        let loaded = load(sources).unwrap();
        let setup = Setup { loaded, no_color: true, clock: Clock::System, runner: None, fail_fast: true };
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

impl Kind {
    fn round(&self, server: &Server, clients: &Runtime) -> Report {
        match &self.asked {
            Asked::Http { method, path, headers, body } => {
                let headers: Vec<_> = headers
                    .iter()
                    .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                    .collect();
                let body = (!body.is_empty()).then_some(body.as_bytes());
                let request = PreparedRequest::new(method, path, &server.address.to_string(), &headers, body);
                let report =
                    closed_loop(server.address, CONNECTIONS, Limit::Time(ROUND), vec![request]).unwrap();
                assert_eq!(report.tally.failures.total(), 0, "{}: requests failed", self.name);
                let statuses = &report.tally.statuses;
                assert!(statuses.keys().all(|status| *status == 200), "{}: not all 200", self.name);
                Report::Http(Box::new(report))
            }
            Asked::Check => clients.block_on(grpc(server.address, false)),
            Asked::Health => clients.block_on(grpc(server.address, true)),
        }
    }
}

/// A closed loop of calls in gRPC, one connection each, as long as a round.
async fn grpc(address: SocketAddr, health: bool) -> Report {
    let begun = Instant::now();
    let loops: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            tokio::spawn(async move {
                let mut latency = Histogram::<u64>::new(3).unwrap();
                let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
                let channel = endpoint.connect().await.unwrap();
                let (mut checks, mut healths) =
                    (AuthorizationClient::new(channel.clone()), HealthClient::new(channel));
                while begun.elapsed() < ROUND {
                    let asked = Instant::now();
                    if health {
                        healths.check(HealthCheckRequest::default()).await.unwrap();
                    } else {
                        let answer = checks.check(check()).await.unwrap().into_inner();
                        assert_eq!(answer.status.unwrap().code, 0);
                    }
                    latency.record(u64::try_from(asked.elapsed().as_nanos()).unwrap()).unwrap();
                }
                latency
            })
        })
        .collect();
    let mut all = Histogram::new(3).unwrap();
    for one in loops {
        all.add(one.await.unwrap()).unwrap();
    }
    Report::Grpc { elapsed: begun.elapsed(), latency: all }
}

fn check() -> CheckRequest {
    let headers = [
        (":method", "GET"),
        (":path", "/orders/42?verbose=1"),
        (":authority", "shop.example"),
        (":scheme", "https"),
        ("user-agent", "bench/1"),
        ("accept", "application/json"),
    ];
    let http = HttpRequest {
        method: "GET".to_owned(),
        path: "/orders/42?verbose=1".to_owned(),
        host: "shop.example".to_owned(),
        scheme: "https".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..HttpRequest::default()
    };
    let attributes = AttributeContext {
        source: Some(Peer::default()),
        request: Some(Request { time: None, http: Some(http) }),
        ..AttributeContext::default()
    };
    CheckRequest { attributes: Some(attributes) }
}

fn main() {
    // With `cargo test --benches` there is nothing to measure.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let server = Server::start();
    let clients = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let kinds = kinds();
    let mut reports: Vec<Option<Report>> = kinds.iter().map(|_| None).collect();
    for _ in 0..ROUNDS {
        for (kind, kept) in kinds.iter().zip(&mut reports) {
            let report = kind.round(&server, &clients);
            match kept {
                Some(kept) => kept.merge(&report),
                None => *kept = Some(report),
            }
        }
    }
    println!("{:<34} {:>10} {:>7} {:>10} {:>10}", "doors", "req/s", "ratio", "p50", "p99");
    let mut empty = 1.0;
    for (kind, report) in kinds.iter().zip(reports.into_iter().flatten()) {
        let (rate, p50, p99) = report.summary();
        if kind.empty {
            empty = rate;
        }
        let micros = |nanos: u64| nanos as f64 / 1e3;
        println!(
            "{:<34} {rate:>10.0} {:>7.2} {:>7.0} us {:>7.0} us",
            kind.name,
            rate / empty,
            micros(p50),
            micros(p99)
        );
    }
}
