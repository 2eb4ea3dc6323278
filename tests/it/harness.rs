//! Starts the real server in-process on a real socket, and speaks HTTP to it.

pub mod envoy;
pub mod nginx;
pub mod postgres;
pub mod program;
pub mod redis;
pub mod upstream;
pub mod wire;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use verdict::app::{App, Setup};
use verdict::config::{Environment, Overrides, Profile, Sources, load};
use verdict::identity::dev::{DevIssuer, TokenRequest};
use verdict::model::clock::Clock;

/// Other people's cases, where they are at hand. Where they are not, standard output says that the test is skipped; in CI,
/// where they are expected, it fails. They are expected where `CONFORMANCE_DIR` names them, or the folder `shared` stands
/// beside the checkout.
#[expect(
    clippy::disallowed_methods,
    reason = "where the cases are is no business of the server's configuration"
)]
pub fn conformance(part: &str) -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let named = std::env::var_os("CONFORMANCE_DIR").map(PathBuf::from);
    let expected = named.is_some() || shared.exists();
    let path = named.unwrap_or_else(|| shared.join("conformance")).join(part);
    if path.exists() {
        return Some(path);
    }
    // Past the test harness, which shows what `println!` writes only where a test fails.
    let _ = writeln!(std::io::stdout(), "SKIPPED: no {}; set CONFORMANCE_DIR", path.display());
    assert!(!expected || std::env::var_os("CI").is_none(), "no {}, which CI is to have", path.display());
    None
}

/// Says on standard output what is not tested on this machine: not with `println!`, whose output is shown for failed tests
/// only.
pub fn not_tested(what: &str) {
    let _ = writeln!(std::io::stdout(), "SKIPPED: {what}");
}

/// The same, for what a machine that has to test everything (`CI` is set) must have.
#[expect(clippy::disallowed_methods, reason = "the test's own environment, not the server's")]
pub fn skipped(what: &str) {
    not_tested(what);
    assert!(std::env::var_os("CI").is_none(), "CI is set, and this is not tested: {what}");
}

/// A running server, its directory, and its runtime.
pub struct Server {
    pub dir: TempDir,
    pub app: App,
    pub client: reqwest::Client,
    runtime: Arc<tokio::runtime::Runtime>,
}

/// What a test's server is started with.
pub struct TestApp {
    pub dir: TempDir,
    config: String,
    clock: Clock,
    profile: Profile,
    env: Environment,
}

impl TestApp {
    /// A server with identity off, its log in `decisions.jsonl`, and an empty bundles directory.
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("bundles")).unwrap();
        let config = "identity: {mode: off}\n".to_owned();
        Self { dir, config, clock: Clock::System, profile: Profile::Dev, env: Environment::default() }
    }

    /// Other lines of configuration instead of `identity: {mode: off}`.
    pub fn config(mut self, yaml: &str) -> Self {
        self.config = yaml.to_owned();
        self
    }

    /// Another profile than that of development.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Environment variables.
    pub fn env(mut self, variables: &[(&str, &str)]) -> Self {
        self.env = variables.iter().copied().collect();
        self
    }

    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Writes a file of a bundle.
    pub fn file(self, path: &str, text: &str) -> Self {
        write(&self.dir.path().join("bundles").join(path), text);
        self
    }

    /// Copies a folder in as a bundle.
    pub fn bundle(self, name: &str, from: &Path) -> Self {
        copy(from, &self.dir.path().join("bundles").join(name));
        self
    }

    pub fn start(self) -> Server {
        let Self { dir, config, clock, profile, env } = self;
        let file = dir.path().join("verdict.yaml");
        let fixed = "server: {listen: 127.0.0.1:0}\nbundles: {dir: bundles, poll_interval: 200ms, debounce: 20ms}\n\
                     decision_log: {console: off, file: {path: decisions.jsonl}, refusals: {rate: 1000000}}\n\
                     state: state\n";
        let given = |key: &str| config.lines().any(|line| line.starts_with(key));
        let fixed: String = fixed
            .lines()
            .filter(|line| !given(line.split(':').next().unwrap()))
            .map(|line| format!("{line}\n"))
            .collect();
        std::fs::write(&file, format!("{fixed}{config}")).unwrap();
        let sources = Sources { file: Some(file), env, overrides: Overrides::default(), profile };
        let loaded = load(sources).unwrap_or_else(|error| panic!("{error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_stack_size(verdict_rego::STACK)
            .enable_all()
            .build()
            .unwrap();
        let setup = Setup { loaded, no_color: true, clock, runner: None, fail_fast: false };
        let app = runtime.block_on(App::start(setup)).unwrap_or_else(|error| panic!("{error}"));
        Server { dir, app, client: http_client(), runtime: Arc::new(runtime) }
    }
}

#[expect(clippy::disallowed_methods, reason = "the test's own client, not the server's")]
fn http_client() -> reqwest::Client {
    // A connection that the server closes for being idle could be taken for the next request just then.
    let builder = reqwest::Client::builder().pool_max_idle_per_host(0);
    builder.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// An answer as the wire had it.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Server {
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.address)
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.body(body.to_vec());
        }
        self.block_on(async {
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            Reply { status, headers, body: answer.bytes().await.unwrap().to_vec() }
        })
    }

    pub fn post(&self, path: &str, body: &str) -> Reply {
        self.send("POST", path, &[], body.as_bytes())
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }

    /// Asks with a bearer token.
    pub fn ask(&self, path: &str, token: &str, body: &str) -> Reply {
        self.send("POST", path, &[("Authorization", &format!("Bearer {token}"))], body.as_bytes())
    }

    /// A token of the development issuer.
    pub fn token(&self, request: &TokenRequest) -> String {
        let issuer = DevIssuer::load_or_create(&self.dir.path().join("state")).unwrap();
        issuer.mint(request, self.app.authorizer.now()).unwrap().expose().clone()
    }

    /// Every record so far, those of refusals included, in the order of their calls.
    pub fn records(&self) -> Vec<Value> {
        let mut records = self.lines("decisions.jsonl");
        records.extend(self.lines("decisions.refused.jsonl"));
        records.retain(|record| record.get("notice").is_none());
        records.sort_by_key(|record| record["req_id"].as_u64());
        records
    }

    /// Every line of a log file.
    pub fn lines(&self, file: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join(file)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Does something that must leave exactly one record, and gives both.
    #[track_caller]
    pub fn recorded<T>(&self, act: impl FnOnce() -> T) -> (T, Value) {
        let before = self.records().len();
        let done = act();
        let mut after = self.records();
        assert_eq!(after.len(), before + 1, "{:#?}", after.get(before..));
        (done, after.pop().unwrap())
    }

    /// The value of one series of `/metrics`.
    pub fn metric(&self, series: &str) -> f64 {
        let text = String::from_utf8(self.get("/metrics").body).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in\n{text}")).trim().parse().unwrap()
    }

    /// Waits until the bundles' generation is at least this.
    #[track_caller]
    pub fn wait_generation(&self, generation: u64) {
        wait_until("a new generation", || self.app.bundles.report().generation >= generation);
    }

    /// Waits until an attempt to load the bundles has failed.
    #[track_caller]
    pub fn wait_failure(&self) {
        wait_until("a failed reload", || self.app.bundles.report().failing_since.is_some());
    }

    pub fn write(&self, path: &str, text: &str) {
        write(&self.dir.path().join("bundles").join(path), text);
    }

    pub fn shutdown(self) -> bool {
        let Self { app, runtime, .. } = self;
        runtime.block_on(app.shutdown())
    }

    /// Shuts it down, and gives what it leaves behind.
    pub fn stop(self) -> TempDir {
        let Self { dir, app, runtime, .. } = self;
        runtime.block_on(app.shutdown());
        dir
    }
}

/// Says so when it is dropped: a test that fails beside threads of its own must end them, too.
pub struct Ends<'a>(pub &'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Waits, for as long as a very slow machine may take.
#[track_caller]
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::write(target, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
