//! What TLS costs: decisions over TLS 1.3 with and without clients' certificates against plain HTTP, handshakes, and certificates that are
//! replaced under load. Clients and servers share the cores; rounds of every kind are interleaved, so that the machine's noise hits all of
//! them alike.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench stops at what it did not expect, and prints what it found"
)]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use verdict::app::{App, Setup};
use verdict::config::{Environment, Insecure, Overrides, Profile, Sources, load};
use verdict::model::clock::Clock;

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 6;
const ROUND: Duration = Duration::from_millis(1500);
const POLICY: &str = "package app\n\nallow if input.subject.id == input.resource.owner\n";
const BODY: &str = r#"{"input":{"subject":{"id":"alice"},"resource":{"type":"doc","owner":"alice"}}}"#;

/// An authority of servers and clients.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { pem: params.self_signed(&key).unwrap().pem(), issuer: Issuer::new(params, key) }
    }

    fn pair(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn write(&self, dir: &Path) {
        let (cert, key) = self.pair();
        for (name, text) in [("cert.pem", &cert), ("key.pem", &key)] {
            let draft = dir.join("draft");
            fs::write(&draft, text).unwrap();
            fs::set_permissions(&draft, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            fs::rename(&draft, dir.join(name)).unwrap();
        }
        fs::write(dir.join("clients.pem"), &self.pem).unwrap();
    }

    fn client(&self, own: bool) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]).unwrap();
        let builder = builder.with_root_certificates(roots);
        if !own {
            return builder.with_no_client_auth();
        }
        let (cert, key) = self.pair();
        let chain = vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()];
        builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
    }
}

struct Server {
    dir: TempDir,
    app: App,
    address: SocketAddr,
}

fn start(runtime: &Runtime, authority: &Authority, tls: &str) -> Server {
    let dir = TempDir::new().unwrap();
    fs::create_dir_all(dir.path().join("bundles/app")).unwrap();
    fs::write(dir.path().join("bundles/app/policy.rego"), POLICY).unwrap();
    authority.write(dir.path());
    let config = dir.path().join("verdict.yaml");
    let text = format!(
        "server: {{listen: '127.0.0.1:0'{tls}}}\nbundles: {{dir: bundles}}\nstate: state\n\
         decision_log: {{console: 'off', file: {{path: decisions.jsonl}}}}\nidentity: {{mode: off}}\n"
    );
    fs::write(&config, text).unwrap();
    let sources = Sources {
        file: Some(config),
        env: Environment::default(),
        overrides: Overrides::default(),
        profile: Profile::Run(Insecure::default()),
    };
    let setup = Setup {
        loaded: load(sources).unwrap(),
        no_color: true,
        clock: Clock::System,
        runner: None,
        fail_fast: false,
    };
    let app = runtime.block_on(App::start(setup)).unwrap();
    Server { address: app.address, app, dir }
}

/// A connection, encrypted or not.
enum Wire {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl Wire {
    async fn open(address: SocketAddr, tls: Option<&Arc<ClientConfig>>) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let Some(tls) = tls else { return Self::Plain(stream) };
        let name = "localhost".try_into().unwrap();
        Self::Tls(Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await.unwrap()))
    }

    /// Asks once, and reads the whole answer.
    async fn ask(&mut self, request: &[u8]) {
        match self {
            Self::Plain(stream) => exchange(stream, request).await,
            Self::Tls(stream) => exchange(stream, request).await,
        }
    }
}

async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) {
    stream.write_all(request).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = Vec::with_capacity(1024);
    loop {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "the connection ended");
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&answer[..head]).unwrap().to_ascii_lowercase();
        assert!(text.starts_with("http/1.1 200"), "{text}");
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if answer.len() >= head + 4 + length.trim().parse::<usize>().unwrap() {
            return;
        }
    }
}

fn request() -> Vec<u8> {
    let head = "POST /v1/data/app/allow HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    format!("{head}content-length: {}\r\n\r\n{BODY}", BODY.len()).into_bytes()
}

/// Calls answered in one round, on connections that are kept.
async fn round(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> usize {
    let request: Arc<[u8]> = request().into();
    let mut wires = Vec::new();
    for _ in 0..CONNECTIONS {
        wires.push(Wire::open(address, tls.as_ref()).await);
    }
    let until = Instant::now() + ROUND;
    let mut tasks = tokio::task::JoinSet::new();
    for mut wire in wires {
        let request = Arc::clone(&request);
        tasks.spawn(async move {
            let mut answered = 0;
            while Instant::now() < until {
                wire.ask(&request).await;
                answered += 1;
            }
            answered
        });
    }
    tasks.join_all().await.into_iter().sum()
}

/// Handshakes in one round, each with one call: without a call, no session would be known to resume.
async fn handshakes(address: SocketAddr, tls: ClientConfig, resumed: bool) -> usize {
    let until = Instant::now() + ROUND;
    let request: Arc<[u8]> = request().into();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut tls = tls.clone();
        tls.resumption = if resumed { Resumption::in_memory_sessions(64) } else { Resumption::disabled() };
        let (tls, request) = (Arc::new(tls), Arc::clone(&request));
        tasks.spawn(async move {
            let mut made = 0;
            while Instant::now() < until {
                Wire::open(address, Some(&tls)).await.ask(&request).await;
                made += 1;
            }
            made
        });
    }
    tasks.join_all().await.into_iter().sum()
}

/// The 99th percentile of calls in microseconds, while `meanwhile` runs again and again.
fn p99(
    runtime: &Runtime,
    address: SocketAddr,
    tls: &Arc<ClientConfig>,
    meanwhile: impl Fn(),
) -> (f64, usize) {
    let (over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let request: Arc<[u8]> = request().into();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (over, count, tls, request) =
                (Arc::clone(&over), Arc::clone(&count), Arc::clone(tls), Arc::clone(&request));
            runtime.spawn(async move {
                let mut wire = Wire::open(address, Some(&tls)).await;
                let mut taken = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    // One connection in fifty calls is new, as clients come and go.
                    if taken.len() % 50 == 49 {
                        wire = Wire::open(address, Some(&tls)).await;
                    }
                    let begun = Instant::now();
                    wire.ask(&request).await;
                    taken.push(begun.elapsed());
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                taken
            })
        })
        .collect();
    let until = Instant::now() + 2 * ROUND;
    while Instant::now() < until {
        meanwhile();
        std::thread::sleep(Duration::from_millis(100));
    }
    over.store(true, Ordering::Relaxed);
    let mut all: Vec<Duration> = tasks.into_iter().flat_map(|task| runtime.block_on(task).unwrap()).collect();
    all.sort_unstable();
    let at = all.len() * 99 / 100;
    (all.get(at).unwrap().as_secs_f64() * 1e6, count.load(Ordering::Relaxed))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(verdict_rego::STACK)
        .enable_all()
        .build()
        .unwrap();
    let authority = Authority::new();
    let plain = start(&runtime, &authority, "");
    let tls = start(&runtime, &authority, ", tls: {cert: cert.pem, key: key.pem}");
    let mutual = start(&runtime, &authority, ", tls: {cert: cert.pem, key: key.pem, client_ca: clients.pem}");
    let (without, with) = (authority.client(false), authority.client(true));
    let (without_shared, with_shared) = (Arc::new(without.clone()), Arc::new(with.clone()));

    let kinds = [
        ("plain HTTP", plain.address, None),
        ("TLS 1.3", tls.address, Some(&without_shared)),
        ("TLS 1.3 with clients' certificates", mutual.address, Some(&with_shared)),
    ];
    let mut answered = vec![Vec::new(); kinds.len()];
    for _ in 0..ROUNDS {
        for (index, (_, address, config)) in kinds.iter().enumerate() {
            let count = runtime.block_on(round(*address, config.map(Arc::clone)));
            answered.get_mut(index).unwrap().push(count as f64 / ROUND.as_secs_f64());
        }
    }
    let base = median(answered.first().unwrap().clone());
    for ((name, ..), rates) in kinds.iter().zip(answered) {
        let rate = median(rates);
        println!("serve/{name}: {rate:.0}/s = {:.2} of plain", rate / base);
    }

    for (name, server, config, resumed) in [
        ("full", &tls, &without, false),
        ("resumed", &tls, &without, true),
        ("full, with clients' certificates", &mutual, &with, false),
    ] {
        let rates = (0..3).map(|_| {
            let made = runtime.block_on(handshakes(server.address, config.clone(), resumed));
            made as f64 / ROUND.as_secs_f64()
        });
        println!("handshakes/{name}, one call each: {:.0}/s", median(rates.collect()));
    }

    let (quiet, calm) = p99(&runtime, tls.address, &without_shared, || {});
    let rotated = AtomicUsize::new(0);
    let (rotating, calls) = p99(&runtime, tls.address, &without_shared, || {
        authority.write(tls.dir.path());
        runtime.block_on(async { tls.app.live.fetch_keys() });
        rotated.fetch_add(1, Ordering::Relaxed);
    });
    println!(
        "rotation/p99 quiet {quiet:.0} us ({calm} calls), with {} new certificates {rotating:.0} us ({calls} calls, none failed) = {:.2}",
        rotated.load(Ordering::Relaxed),
        rotating / quiet
    );
    for server in [plain, tls, mutual] {
        runtime.block_on(server.app.shutdown());
    }
}
