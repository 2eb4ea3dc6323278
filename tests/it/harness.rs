//! Starts the real server in-process on a real socket, and speaks HTTP to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use verdict::app::{App, Setup};
use verdict::config::{Environment, Overrides, Profile, Sources, load};
use verdict::identity::dev::{DevIssuer, TokenRequest};
use verdict::model::clock::Clock;

/// Other people's cases, where they are at hand; says loudly that a test is skipped where they are not.
pub fn conformance(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CONFORMANCE_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance"), PathBuf::from);
    let path = root.join(part);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: no {}; set CONFORMANCE_DIR", path.display());
    None
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
    profile: Profile,
    clock: Clock,
}

impl TestApp {
    /// A server with identity off, its log in `decisions.jsonl`, and an empty bundles directory.
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("bundles")).unwrap();
        Self {
            dir,
            config: "identity: {mode: off}\n".to_owned(),
            profile: Profile::Dev,
            clock: Clock::System,
        }
    }

    /// Other lines of configuration instead of `identity: {mode: off}`.
    pub fn config(mut self, yaml: &str) -> Self {
        self.config = yaml.to_owned();
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
        let Self { dir, config, profile, clock } = self;
        let file = dir.path().join("verdict.yaml");
        let fixed = "server: {listen: 127.0.0.1:0}\nbundles: {dir: bundles, poll_interval: 200ms, debounce: 20ms}\n\
                     decision_log: {console: off, file: {path: decisions.jsonl}}\nstate: state\n";
        let given = |key: &str| config.lines().any(|line| line.starts_with(key));
        let fixed: String = fixed
            .lines()
            .filter(|line| !given(line.split(':').next().unwrap()))
            .map(|line| format!("{line}\n"))
            .collect();
        std::fs::write(&file, format!("{fixed}{config}")).unwrap();
        let sources = Sources {
            file: Some(file),
            env: Environment::default(),
            overrides: Overrides::default(),
            profile,
        };
        let loaded = load(sources).unwrap_or_else(|error| panic!("{error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_stack_size(verdict::rego::STACK)
            .enable_all()
            .build()
            .unwrap();
        let setup = Setup { loaded, no_color: true, clock, runner: None };
        let app = runtime.block_on(App::start(setup)).unwrap_or_else(|error| panic!("{error}"));
        Server { dir, app, client: http_client(), runtime: Arc::new(runtime) }
    }
}

#[expect(clippy::disallowed_methods, reason = "the test's own client, not the server's")]
fn http_client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
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

    /// Every record so far.
    pub fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join("decisions.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn last_record(&self) -> Value {
        self.records().pop().expect("a record")
    }

    pub fn write(&self, path: &str, text: &str) {
        write(&self.dir.path().join("bundles").join(path), text);
    }

    pub fn shutdown(self) -> bool {
        let Self { app, runtime, .. } = self;
        runtime.block_on(app.shutdown())
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn copy(from: &Path, to: &Path) {
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
