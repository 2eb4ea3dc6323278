//! From a revocation to the first refusal, under load: on the sidecar that acknowledged it, and on another one that shares its
//! registry. And how many changes a second are stored. With a PostgreSQL (`REGISTRY_POSTGRES=postgres://…`, an empty database)
//! both sidecars are on that; without, on one file of SQLite.
//!
//! The load generator runs beside the servers, on the same cores.

#![expect(clippy::unwrap_used, reason = "a bench stops at what it did not expect")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use verdict::app::{App, Setup};
use verdict::cli::bench::load::{Limit, closed_loop};
use verdict::cli::bench::requests::PreparedRequest;
use verdict::config::{Environment, Overrides, Profile, Sources, load};
use verdict::model::clock::Clock;
use verdict::registry::actor::Actor;
use verdict::registry::command::{Command, NewAgent, NewKey, NewOrganisation};
use verdict::registry::{Registry, State};

const ROUNDS: usize = 300;
const CONNECTIONS: usize = 8;
const CHANGES: usize = 2000;
const POLICY: &str = "package app\n\nallow if input.subject.tenant == \"acme\"\n";

struct Sidecar {
    runtime: Runtime,
    app: Option<App>,
    address: SocketAddr,
}

impl Sidecar {
    /// One whose registry is that of the folder, or of the PostgreSQL.
    fn start(dir: &Path, name: &str) -> Self {
        let bundle = dir.join(name).join("bundles/app");
        fs::create_dir_all(&bundle).unwrap();
        fs::write(bundle.join("policy.rego"), POLICY).unwrap();
        let config = dir.join(name).join("verdict.yaml");
        let text = "server: {listen: '127.0.0.1:0'}\nmanagement: {listen: off}\nbundles: {dir: bundles}\nstate: ../state\n\
                    decision_log: {console: 'off', file: {path: decisions.jsonl}}\nregistry: {enabled: true}\n";
        fs::write(&config, text).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the bench's own environment, not the server's")]
        let postgres = std::env::var_os("REGISTRY_POSTGRES").and_then(|url| url.into_string().ok());
        let variables: Vec<(&str, &str)> =
            postgres.iter().map(|url| ("VERDICT_REGISTRY__POSTGRES", url.as_str())).collect();
        let env: Environment = variables.into_iter().collect();
        let profile = Profile::Run(verdict::config::Insecure::default());
        let sources = Sources { file: Some(config), env, overrides: Overrides::default(), profile };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_stack_size(verdict_rego::STACK)
            .enable_all()
            .build()
            .unwrap();
        let loaded = load(sources).unwrap_or_else(|error| unreachable!("{error}"));
        let setup = Setup { loaded, no_color: true, clock: Clock::System, runner: None, fail_fast: false };
        let app = runtime.block_on(App::start(setup)).unwrap_or_else(|error| unreachable!("{error}"));
        let address = app.address;
        Self { runtime, app: Some(app), address }
    }

    fn registry(&self) -> Arc<Registry> {
        self.app.as_ref().and_then(|app| app.registry.clone()).unwrap()
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            self.runtime.block_on(app.shutdown());
        }
    }
}

/// Makes a key of the agent: its id and its text.
fn new_key(registry: &Registry, agent: &str) -> (String, String) {
    let new: NewKey = serde_json::from_value(json!({ "kind": "agent", "agent": agent })).unwrap();
    let done = registry.execute(&Actor::system(), &Command::CreateKey(new)).unwrap();
    (id_of(&done.record), done.once.unwrap().expose().clone())
}

fn id_of(record: &Value) -> String {
    record.pointer("/id").and_then(Value::as_str).unwrap().to_owned()
}

/// A caller on a connection of its own.
struct Caller(TcpStream, String);

impl Caller {
    fn new(address: SocketAddr, key: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!(
            "POST /v1/data/app/allow HTTP/1.1\r\nhost: {address}\r\nx-api-key: {key}\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        Self(stream, request)
    }

    /// The status of one more call.
    fn ask(&mut self) -> u16 {
        self.0.write_all(self.1.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let read = self.0.read(&mut buffer).unwrap();
            answer.extend_from_slice(buffer.get(..read).unwrap());
            let text = String::from_utf8_lossy(&answer);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
                });
                if length.is_none_or(|length| body.len() >= length) {
                    return head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
                }
            }
            assert!(read > 0, "the server hung up");
        }
    }
}

/// Times of one thing, in order.
struct Times(&'static str, Vec<Duration>);

impl Times {
    fn show(&mut self) {
        self.1.sort();
        let at =
            |part: f64| self.1.get(((self.1.len() - 1) as f64 * part) as usize).copied().unwrap_or_default();
        println!("{:<52} {:>9.2?} {:>9.2?} {:>9.2?}", self.0, at(0.5), at(0.99), at(1.0));
    }
}

fn main() {
    let dir = TempDir::new().unwrap();
    let sidecars = [Sidecar::start(dir.path(), "one"), Sidecar::start(dir.path(), "two")];
    let [one, two] = &sidecars;
    let registry = one.registry();
    let organisation = NewOrganisation { id: Some("acme".to_owned()), ..NewOrganisation::default() };
    registry.execute(&Actor::system(), &Command::CreateOrganisation(organisation)).unwrap();
    let agent = NewAgent { organisation: Some("acme".to_owned()), ..NewAgent::default() };
    let agent = id_of(&registry.execute(&Actor::system(), &Command::CreateAgent(agent)).unwrap().record);
    let (_, others) = new_key(&registry, &agent);
    while two.registry().known().counts().keys == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    for threads in [1, 8] {
        println!(
            "changes, each with its audit entry, by {threads} at a time: {:.0}/s",
            changes(&registry, &agent, threads)
        );
    }
    let load = loads(one.address, two.address, &others);

    let mut acknowledged = Times("revocation to its acknowledgement", Vec::new());
    let mut here = Times("acknowledgement to refusal, same sidecar", Vec::new());
    let mut there = Times("acknowledgement to refusal, other sidecar", Vec::new());
    let mut late = 0;
    for _ in 0..ROUNDS {
        let (id, key) = new_key(&registry, &agent);
        let (mut near, mut far) = (Caller::new(one.address, &key), Caller::new(two.address, &key));
        // Not by calls: those with a key that is not known yet would count as failures of this address.
        while !two.registry().known().keys().any(|key| key.id == id) {
            std::thread::sleep(Duration::from_millis(1));
        }
        // After many refusals the address waits.
        while (near.ask(), far.ask()) != (200, 200) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let begun = Instant::now();
        registry.execute(&Actor::system(), &Command::SetKeyState { id, state: State::Revoked }).unwrap();
        let done = Instant::now();
        acknowledged.1.push(done - begun);
        let refused = near.ask();
        here.1.push(done.elapsed());
        late += usize::from(refused == 200);
        while far.ask() == 200 {}
        there.1.push(done.elapsed());
        registry.execute(&Actor::system(), &Command::DeleteKey { id: last_key(&registry) }).unwrap();
    }
    println!("\n{:<52} {:>9} {:>9} {:>9}", "revocation, under load", "p50", "p99", "max");
    [&mut acknowledged, &mut here, &mut there].into_iter().for_each(Times::show);
    println!("calls after the acknowledgement that were not refused by the same sidecar: {late} of {ROUNDS}");
    drop(load);
}

/// How many changes are stored and in force in a second, without load.
fn changes(registry: &Registry, agent: &str, threads: usize) -> f64 {
    let each = CHANGES / threads;
    let keys: Vec<String> = (0..threads).map(|_| new_key(registry, agent).0).collect();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for id in keys {
            scope.spawn(move || {
                for n in 0..each {
                    let state = if n % 2 == 0 { State::Disabled } else { State::Active };
                    let id = id.clone();
                    registry.execute(&Actor::system(), &Command::SetKeyState { id, state }).unwrap();
                }
            });
        }
    });
    (threads * each) as f64 / begun.elapsed().as_secs_f64()
}

/// Some key that is revoked, so that the agent does not run out of places.
fn last_key(registry: &Registry) -> String {
    let records = registry.known();
    records.keys().find(|key| key.state == State::Revoked).map(|key| key.id.clone()).unwrap()
}

/// Load on both, until the process ends.
fn loads(one: SocketAddr, two: SocketAddr, key: &str) -> Vec<std::thread::JoinHandle<()>> {
    [one, two]
        .into_iter()
        .map(|address| {
            let headers = [
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (HeaderName::from_static("x-api-key"), key.parse().unwrap()),
            ];
            let path = "/v1/data/app/allow";
            let request =
                PreparedRequest::new(&Method::POST, path, &address.to_string(), &headers, Some(b"{}"));
            std::thread::spawn(move || {
                let limit = Limit::Time(Duration::from_secs(3600));
                // Ends with the process.
                let _ = closed_loop(address, CONNECTIONS, limit, vec![request]);
            })
        })
        .collect()
}
