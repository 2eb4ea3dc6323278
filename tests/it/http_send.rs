//! What policy asks of others: `http.send` and `net.lookup_ip_addr`, against real servers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use verdict::model::request::EntryPath;
use verdict::model::units::ByteSize;
use verdict::net::allow::Allow;
use verdict::net::lookup::{Lookup, System};
use verdict::net::policy::{Config, PolicyCalls};
use verdict_rego::Responses;
use verdict_rego::{Effects, EvalLimits, Evaluation, Host, Module, Program, RegoVersion, Value, compile};

mod addresses;
mod calls;
mod limits;
mod replay;
mod serving;
mod tls;

/// A request as the peer had it.
#[derive(Debug, Clone)]
struct Seen {
    method: String,
    /// With the query.
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// What the peer answers.
#[derive(Default)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// Kept back for so long.
    delay: Duration,
}

impl Reply {
    fn json(value: &Json) -> Self {
        Self::new(200, &[("content-type", "application/json")], &value.to_string())
    }

    fn new(status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { status, headers, body: body.as_bytes().to_vec(), delay: Duration::ZERO }
    }
}

/// A server that others are called at.
struct Peer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Peer {
    /// Answers with what `answer` makes of a request and of how many came before.
    fn start(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (app, seen) = app(answer);
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, seen, _runtime: runtime }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn app(
    answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
) -> (axum::Router, Arc<Mutex<Vec<Seen>>>) {
    let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
    let notes = Arc::clone(&seen);
    let handler = move |request: axum::extract::Request| {
        let (notes, answer) = (Arc::clone(&notes), Arc::clone(&answer));
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
            let one = Seen {
                method: parts.method.to_string(),
                path: parts.uri.path_and_query().unwrap().to_string(),
                headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            let before = {
                let mut notes = notes.lock().unwrap();
                notes.push(one.clone());
                notes.len() - 1
            };
            let reply = answer(&one, before);
            tokio::time::sleep(reply.delay).await;
            let mut response = http::Response::builder().status(reply.status);
            for (name, value) in reply.headers {
                response = response.header(name, value);
            }
            response.body(axum::body::Body::from(reply.body)).unwrap()
        }
    };
    (axum::Router::new().fallback(handler), seen)
}

fn only(hosts: &[&str], private: &[&str]) -> Allow {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    Allow::only(&owned(hosts), &owned(private)).unwrap()
}

/// Evaluations that may call these.
struct World {
    program: Program,
    around: Arc<Host>,
    deadline: Duration,
}

impl World {
    fn new(allow: Allow) -> Self {
        Self::with_lookup(allow, Arc::new(System))
    }

    fn with_lookup(allow: Allow, lookup: Arc<dyn Lookup>) -> Self {
        let config = Config { max_response_size: ByteSize(100_000), ..Config::default() };
        let calls = PolicyCalls::with_lookup(allow, &config, verdict::net::Config::default(), lookup);
        let around = Host {
            version: String::new(),
            commit: String::new(),
            client: Some(Arc::new(calls)),
            env: BTreeMap::new(),
            config: None,
            responses: Responses::new(1 << 20),
        };
        let source = "package p\nsent := http.send(input)\nfound := net.lookup_ip_addr(input)\n";
        let module = Module { id: "p.rego".to_owned(), source: source.into(), version: RegoVersion::V1 };
        let program = compile(vec![module], Value::object()).unwrap();
        Self { program, around: Arc::new(around), deadline: Duration::from_secs(60) }
    }

    fn everybody() -> Self {
        Self::new(Allow::everybody())
    }

    fn only(hosts: &[&str], private: &[&str]) -> Self {
        Self::new(only(hosts, private))
    }

    /// What the rule gives for the input at a time: its value, or the message of its error.
    fn ask(&self, rule: &str, input: &Json, at: i64) -> Result<Json, String> {
        let input = Value::from_json(input.to_string().as_bytes()).unwrap();
        let path = EntryPath::parse(&format!("p/{rule}")).unwrap();
        let limits = EvalLimits::within(self.deadline);
        let mut effects = Effects::new(&self.around);
        match self.program.evaluate_in(&path, Some(input), at, &limits, &mut effects) {
            Evaluation::Defined { value, .. } => Ok(serde_json::from_str(value.to_raw().get()).unwrap()),
            Evaluation::Undefined(cause) => panic!("undefined: {}", cause.reason()),
            Evaluation::Error(failure) => Err(failure.message),
        }
    }

    fn send(&self, request: &Json) -> Result<Json, String> {
        self.ask("sent", request, 1)
    }
}

/// A request with more members.
fn get(url: &str, more: Json) -> Json {
    let mut request = json!({"method": "get", "url": url});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}
