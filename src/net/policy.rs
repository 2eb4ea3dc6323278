//! The calls that policy makes (`http.send`, `net.lookup_ip_addr`), on behalf of the evaluator.
//!
//! INVARIANT (aside): calls are made on threads of their own. Whoever waits here waits on a thread that serves nobody,
//! and never beyond the evaluation's deadline.
//! INVARIANT (every hop is checked): the URL's host, each redirect's, and each address that a name leads to.
//!
//! Deliberately absent: proxies, cookies, decompression, Unix sockets.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::allow::Allow;
use super::clients::Clients;
use super::lookup::{Lookup, System};
use super::{chain, redacted};
use crate::model::units::{ByteSize, Period};
use verdict_rego::outbound::{Client, Fault, Request, Response};

/// `http_send:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The hosts that policy may call; without any, policy that calls others is not loaded.
    pub allow: Vec<String>,
    /// The networks of private addresses that names may lead to.
    pub private_addresses: Vec<String>,
    /// How long a call may take that says nothing of it.
    pub timeout: Period,
    /// The largest body of a response.
    pub max_response_size: ByteSize,
    /// How many decisions may wait for others at a time.
    pub max_concurrent: usize,
    /// Responses that are kept beyond a decision.
    pub cache: CacheConfig,
}

/// `http_send.cache:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheConfig {
    /// How many bytes of responses are kept.
    pub max_size: ByteSize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            private_addresses: Vec::new(),
            timeout: Period::secs(5),
            max_response_size: ByteSize::mib(1),
            max_concurrent: 32,
            cache: CacheConfig::default(),
        }
    }
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { max_size: ByteSize::mib(16) }
    }
}

/// The most redirects of one call.
const MAX_HOPS: usize = 10;
/// The largest file that a request may name.
const MAX_FILE: u64 = 1 << 20;
/// The first pause before another attempt, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));
/// Headers that the client sets itself; where a request says another thing, it would be cut short or run on.
const OWN_HEADERS: [&str; 3] = ["content-length", "transfer-encoding", "trailer"];
/// Headers that another host must not see.
const SENSITIVE: [&str; 4] = ["authorization", "www-authenticate", "cookie", "proxy-authorization"];

/// Makes the calls of policy.
pub struct PolicyCalls {
    caller: Arc<Caller>,
    runtime: OnceLock<Result<Runtime, String>>,
}

impl std::fmt::Debug for PolicyCalls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyCalls").field("allow", &self.caller.allow).finish_non_exhaustive()
    }
}

struct Caller {
    allow: Arc<Allow>,
    lookup: Arc<dyn Lookup>,
    clients: Clients,
    timeout: Duration,
    max_bytes: usize,
}

impl PolicyCalls {
    /// Calls within these limits; opens no connection.
    pub fn new(allow: Allow, config: &Config, net: super::Config) -> Self {
        Self::with_lookup(allow, config, net, Arc::new(System))
    }

    /// The same, with another resolver than the system's.
    pub fn with_lookup(allow: Allow, config: &Config, net: super::Config, lookup: Arc<dyn Lookup>) -> Self {
        let allow = Arc::new(allow);
        let caller = Caller {
            clients: Clients::new(Arc::clone(&allow), Arc::clone(&lookup), net),
            allow,
            lookup,
            timeout: config.timeout.0,
            max_bytes: config.max_response_size.as_usize(),
        };
        Self { caller: Arc::new(caller), runtime: OnceLock::new() }
    }

    /// Runs `work` aside and waits for it, until the deadline.
    fn wait<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let start = || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let runtime = builder.worker_threads(2).thread_name("verdict-calls").enable_all().build();
            runtime.map_err(|error| format!("no thread for calls: {error}"))
        };
        let runtime = self.runtime.get_or_init(start).as_ref().map_err(|why| Fault::Refused(why.clone()))?;
        let (done, waiting) = mpsc::sync_channel(1);
        let task = runtime.spawn(async move {
            // Nobody may be waiting any more.
            let _ = done.send(work.await);
        });
        let left = deadline.saturating_duration_since(Instant::now());
        match waiting.recv_timeout(left) {
            Ok(result) => result,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                task.abort();
                Err(Fault::Deadline)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(Fault::Refused("the call panicked".to_owned())),
        }
    }
}

/// A runtime may not be waited for where this is dropped.
impl Drop for PolicyCalls {
    fn drop(&mut self) {
        if let Some(Ok(runtime)) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Client for PolicyCalls {
    fn send(&self, request: &Request, deadline: Instant) -> Result<Response, Fault> {
        let (caller, request) = (Arc::clone(&self.caller), request.clone());
        self.wait(deadline, async move { caller.send(&request).await })
    }

    fn look_up(&self, name: &str, deadline: Instant) -> Result<Vec<IpAddr>, Fault> {
        self.caller.allow.check(name, None).map_err(Fault::Refused)?;
        let (found, name) = (self.caller.lookup.look_up(name), name.to_owned());
        self.wait(deadline, async move {
            let failed = |_| Fault::Network { cause: format!("lookup {name}: no such host"), url: name };
            Ok(found.await.map_err(failed)?.into_iter().map(|address| address.to_canonical()).collect())
        })
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        use std::io::Read as _;
        let failed = |error: std::io::Error| format!("open {path}: {error}");
        // A pipe or a device would block, or never end.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(format!("open {path}: not a file"));
        }
        let mut content = Vec::new();
        std::fs::File::open(path)
            .map_err(failed)?
            .take(MAX_FILE)
            .read_to_end(&mut content)
            .map_err(failed)?;
        Ok(content)
    }
}

/// What is sent next: a redirect changes parts of the request.
struct Hop {
    url: Url,
    method: reqwest::Method,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Caller {
    /// With further attempts where there is no answer.
    async fn send(&self, request: &Request) -> Result<Response, Fault> {
        let mut attempt = 0;
        loop {
            let answer = self.attempt(request).await;
            match &answer {
                Err(Fault::Network { .. } | Fault::TimedOut { .. }) if attempt < request.retries => {
                    let (first, longest) = PAUSES;
                    let pause =
                        first.as_secs_f64() * 1.6_f64.powi(i32::try_from(attempt).unwrap_or(i32::MAX));
                    tokio::time::sleep(Duration::from_secs_f64(pause.min(longest.as_secs_f64()))).await;
                    attempt += 1;
                }
                _ => return answer,
            }
        }
    }

    async fn attempt(&self, request: &Request) -> Result<Response, Fault> {
        let network = |cause: String| Fault::Network { url: redacted(&request.url), cause };
        let Ok(parsed) = Url::parse(&request.url) else {
            return Err(network(
                "unsupported protocol scheme \"\" (the url is not an absolute one)".to_owned(),
            ));
        };
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(network(format!("unsupported protocol scheme \"{}\"", parsed.scheme())));
        }
        let method = reqwest::Method::from_bytes(request.method.as_bytes());
        let method =
            method.map_err(|_| Fault::Refused(format!("net/http: invalid method \"{}\"", request.method)))?;
        let mut hop = Hop {
            headers: headers(request).map_err(network)?,
            method,
            url: parsed,
            body: request.body.clone(),
        };
        let (host, port) = (hop.url.host_str().unwrap_or_default(), hop.url.port_or_known_default());
        self.allow.check(host, port).map_err(Fault::Refused)?;
        let timeout = request.timeout.unwrap_or(self.timeout);
        if timeout.is_zero() {
            return self.follow(request, &mut hop).await;
        }
        let answer = tokio::time::timeout(timeout, self.follow(request, &mut hop)).await;
        answer.unwrap_or_else(|_| Err(Fault::TimedOut { url: redacted(hop.url.as_str()) }))
    }

    async fn follow(&self, request: &Request, hop: &mut Hop) -> Result<Response, Fault> {
        for _ in 0..=MAX_HOPS {
            let network = |cause: String| Fault::Network { url: redacted(hop.url.as_str()), cause };
            let response = self.ask(request, hop).await.map_err(network)?;
            if !(request.follow_redirects
                && matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308))
            {
                return self.read(response).await.map_err(network);
            }
            let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let Some(location) = location.filter(|to| !to.is_empty()) else {
                return self.read(response).await.map_err(network);
            };
            let Ok(to) = hop.url.join(location) else {
                return Err(network(format!("failed to parse Location header \"{}\"", redacted(location))));
            };
            let (host, port) = (to.host_str().unwrap_or_default(), to.port_or_known_default());
            let http = matches!(to.scheme(), "http" | "https");
            if !http {
                return Err(network(format!("unsupported protocol scheme \"{}\"", to.scheme())));
            }
            self.allow
                .check(host, port)
                .map_err(|cause| Fault::Network { url: redacted(to.as_str()), cause })?;
            hop.redirect(to, response.status().as_u16());
        }
        Err(Fault::Network {
            url: redacted(hop.url.as_str()),
            cause: format!("stopped after {MAX_HOPS} redirects"),
        })
    }

    async fn ask(&self, request: &Request, hop: &Hop) -> Result<reqwest::Response, String> {
        let (client, url) = self.clients.of(&request.tls, &hop.url)?;
        let mut headers = hop.headers.clone();
        if url != hop.url && !headers.contains_key("host") {
            let port = hop.url.port().map(|port| format!(":{port}")).unwrap_or_default();
            let host = format!("{}{port}", hop.url.host_str().unwrap_or_default());
            headers.insert("host", HeaderValue::from_str(&host).map_err(|error| error.to_string())?);
        }
        let mut asked = client.request(hop.method.clone(), url).headers(headers);
        if !hop.body.is_empty() {
            asked = asked.body(hop.body.clone());
        }
        asked.send().await.map_err(|error| cause(error, &hop.url))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Response, String> {
        let status = response.status();
        let reason = response.extensions().get::<hyper::ext::ReasonPhrase>();
        let reason = match reason {
            Some(reason) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
            None => status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let headers = response.headers().iter();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let mut body = Vec::new();
        let failed = |error: reqwest::Error| chain(&error.without_url());
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if chunk.len() > self.max_bytes.saturating_sub(body.len()) {
                return Err(format!("the body is longer than {} bytes", self.max_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status: status.as_u16(), reason, headers, body })
    }
}

impl Hop {
    /// As Go's client does: everything but 307 and 308 becomes a GET without a body.
    fn redirect(&mut self, to: Url, status: u16) {
        let here = self.url.host_str().unwrap_or_default();
        let there = to.host_str().unwrap_or_default();
        let same = here == there;
        if !same {
            self.headers.remove("host");
        }
        if !same && !there.ends_with(&format!(".{here}")) {
            for name in SENSITIVE {
                self.headers.remove(name);
            }
        }
        if !matches!(status, 307 | 308) && self.method != reqwest::Method::HEAD {
            if self.method != reqwest::Method::GET {
                self.method = reqwest::Method::GET;
            }
            self.body.clear();
        }
        self.url = to;
    }
}

fn headers(request: &Request) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(format!("net/http: invalid header field name \"{name}\""));
        };
        if OWN_HEADERS.contains(&header.as_str()) {
            continue;
        }
        let Ok(value) = HeaderValue::from_str(value) else {
            return Err(format!("net/http: invalid header field value for \"{name}\""));
        };
        headers.insert(header, value);
    }
    Ok(headers)
}

/// Why nothing came back; in Go's words where nobody listens.
fn cause(error: reqwest::Error, url: &Url) -> String {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = source {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
            let port = url.port_or_known_default().unwrap_or_default();
            let host = url.host_str().unwrap_or_default();
            return format!("dial tcp {host}:{port}: connect: connection refused");
        }
        source = error.source();
    }
    chain(&error.without_url())
}
