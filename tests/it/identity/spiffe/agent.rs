//! A SPIFFE Workload API on a Unix socket: gRPC over HTTP/2, with the messages of `workload.proto`. What it says can be changed, and
//! goes to everybody who listens.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What it says: by the SPIFFE ID of the trust domain, certificates in DER one behind the other, and a JWKS.
#[derive(Debug, Clone, Default)]
pub struct Said {
    pub x509: BTreeMap<String, Vec<u8>>,
    pub jwt: BTreeMap<String, Vec<u8>>,
    /// Takes calls and says nothing.
    pub silent: bool,
}

pub struct Agent {
    path: PathBuf,
    said: watch::Sender<Said>,
    /// How many streams were asked for.
    pub asked: Arc<AtomicUsize>,
    task: Option<tokio::task::JoinHandle<()>>,
    _dir: TempDir,
}

impl Agent {
    pub fn start(said: Said) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("api.sock");
        let mut agent =
            Self { path, said: watch::Sender::new(said), asked: Arc::default(), task: None, _dir: dir };
        agent.begin();
        agent
    }

    pub fn socket(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    pub fn says(&self, said: Said) {
        self.said.send_replace(said);
    }

    /// Serves, at the same socket.
    pub fn begin(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        let listener = UnixListener::bind(&self.path).unwrap();
        let (said, asked) = (self.said.clone(), Arc::clone(&self.asked));
        self.task = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, said.subscribe(), Arc::clone(&asked)));
            }
        }));
    }

    /// Ends every connection and listens no more.
    pub async fn end(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn serve(stream: UnixStream, said: watch::Receiver<Said>, asked: Arc<AtomicUsize>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut calls = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        asked.fetch_add(1, Ordering::SeqCst);
        calls.spawn(answer(request, respond, said.clone()));
    }
}

async fn answer<B>(request: Request<B>, mut respond: SendResponse<Bytes>, mut said: watch::Receiver<Said>) {
    let head = |status: Option<u32>| {
        let response = Response::builder().header("content-type", "application/grpc");
        let response = match status {
            Some(status) => response.header("grpc-status", status),
            None => response,
        };
        response.body(()).unwrap()
    };
    // The Workload API refuses what does not come from a client of its own (section 6 of the SPIFFE Workload API).
    if request.headers().get("workload.spiffe.io").map(HeaderValue::as_bytes) != Some(b"true") {
        let _ = respond.send_response(head(Some(3)), true);
        return;
    }
    type Part = fn(&Said) -> &BTreeMap<String, Vec<u8>>;
    let (tag, of): (u8, Part) = match request.uri().path() {
        "/SpiffeWorkloadAPI/FetchX509Bundles" => (2, |said| &said.x509),
        "/SpiffeWorkloadAPI/FetchJWTBundles" => (1, |said| &said.jwt),
        _ => {
            let _ = respond.send_response(head(Some(12)), true);
            return;
        }
    };
    let Ok(mut stream) = respond.send_response(head(None), false) else { return };
    loop {
        let now = said.borrow_and_update().clone();
        if !now.silent {
            let message: Vec<u8> = of(&now)
                .iter()
                .flat_map(|(name, value)| field(tag, &[field(1, name.as_bytes()), field(2, value)].concat()))
                .collect();
            let length = u32::try_from(message.len()).unwrap().to_be_bytes();
            let frame = [&[0], length.as_slice(), &message].concat();
            if stream.send_data(frame.into(), false).is_err() {
                return;
            }
        }
        if said.changed().await.is_err() {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("14"));
            let _ = stream.send_trailers(trailers);
            return;
        }
    }
}

/// A field of bytes, as Protocol Buffers write it.
fn field(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut text = vec![tag << 3 | 2];
    let mut length = value.len();
    while length >= 0x80 {
        text.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    text.push(u8::try_from(length).unwrap());
    text.extend_from_slice(value);
    text
}
