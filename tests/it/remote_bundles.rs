//! Bundles that are fetched: from HTTP servers, S3 and registries, with what can go wrong on the way, and what is kept.

mod fetching;
mod keeping;
mod login;
mod oci;
mod refusals;
mod s3;
mod stub;
mod together;

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use verdict::bundle::signature::keys::{Algorithm, SigningKey};
use verdict::bundle::signature::token::sign;

use self::stub::{Answer, Stub};
use crate::harness::{Server, TestApp, wait_until};

/// The key of signatures, and the configuration that trusts it.
const KEY: &str = "a secret of at least 32 bytes in length";
const SIGNED: &str = "verification: {keys: {main: {algorithm: HS256, key: a secret of at least 32 bytes in length}}, key_id: main}";
/// Polling that is as quick as it may be.
const QUICK: &str = "polling: {min: 100ms, max: 100ms}";

/// A `.tar.gz` of these files.
fn pack(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    let mut gzip = tar.into_inner().unwrap();
    gzip.flush().unwrap();
    gzip.finish().unwrap()
}

/// The files of a bundle below one root, whose document `answer` is this.
fn files(root: &str, revision: &str, answer: &str) -> Vec<(&'static str, Vec<u8>)> {
    let manifest = json!({ "revision": revision, "roots": [root] }).to_string();
    let policy = format!("package {root}\n\nanswer := \"{answer}\"\n");
    vec![(".manifest", manifest.into_bytes()), ("policy.rego", policy.into_bytes())]
}

fn bundle(root: &str, revision: &str, answer: &str) -> Vec<u8> {
    pack(&files(root, revision, answer))
}

/// The same, signed with these claims besides.
fn signed(root: &str, revision: &str, answer: &str, claims: &Value) -> Vec<u8> {
    let mut files = files(root, revision, answer);
    let key = SigningKey::new(Algorithm::Hs256, KEY.as_bytes()).unwrap();
    let listed = files.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
    let token = sign(listed, &key, claims.as_object(), Some("main")).unwrap();
    files.push((".signatures.json", token));
    pack(&files)
}

/// A service whose answers can be changed while it runs, by path. It has entity tags.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<(String, Answer)>>>);

impl Shared {
    fn set(&self, path: &str, answer: Answer) {
        let mut all = self.0.lock().unwrap();
        all.retain(|(other, _)| other != path);
        all.push((path.to_owned(), answer));
    }

    /// A bundle at a path, under a tag of its own.
    fn publish(&self, path: &str, bytes: &[u8]) {
        self.set(path, Answer::tagged(bytes));
    }

    fn stub(&self) -> Stub {
        let shared = self.clone();
        Stub::start(move |asked| {
            let all = shared.0.lock().unwrap();
            let answer = all.iter().find(|(path, _)| *path == asked.path);
            answer.map_or_else(|| Answer::of(404, b"nothing"), |(_, answer)| answer.clone())
        })
    }
}

/// The configuration of one service and of bundles that it has: name and resource. `more` is of the service.
fn config(url: &str, more: &str, bundles: &[(&str, &str)], besides: &str) -> String {
    let remote: Vec<String> = bundles
        .iter()
        .map(|(name, resource)| format!("    {name}: {{service: acme, resource: {resource}}}\n"))
        .collect();
    format!(
        "identity: {{mode: off}}\nbundles:\n  dir: bundles\n  poll_interval: 200ms\n  debounce: 20ms\n  services:\n    acme: {{url: '{url}', \
         {more}}}\n  remote:\n{}  {besides}\n",
        remote.concat()
    )
}

fn start(config: &str) -> Server {
    TestApp::new().config(config).start()
}

/// What `data.{root}.answer` is now.
fn answer(server: &Server, root: &str) -> Value {
    server.post(&format!("/v1/data/{root}/answer"), "{\"input\": {}}").json()["result"].clone()
}

#[track_caller]
fn wait_answer(server: &Server, root: &str, expected: &str) {
    wait_until(&format!("{root}: {expected}"), || answer(server, root) == expected);
}

/// What status says of a bundle that is fetched.
fn remote(server: &Server, name: &str) -> Value {
    server.get("/v1/status").json()["result"]["remote_bundles"][name].clone()
}

/// Waits for a failure whose text contains this.
#[track_caller]
fn wait_trouble(server: &Server, name: &str, part: &str) -> String {
    let begun = std::time::Instant::now();
    loop {
        let said = remote(server, name)["error"].as_str().unwrap_or_default().to_owned();
        if said.contains(part) {
            return said;
        }
        assert!(begun.elapsed().as_secs() < 60, "{name}: no {part} in {said}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// How many questions to services came out so.
fn fetches(server: &Server, outcome: &str) -> f64 {
    let text = String::from_utf8(server.get("/metrics").body).unwrap();
    let series = format!("verdict_bundle_fetches_total{{outcome=\"{outcome}\"}} ");
    // Before the first one, there is no such series.
    text.lines().find_map(|line| line.strip_prefix(&series)).map_or(0.0, |count| count.parse().unwrap())
}
