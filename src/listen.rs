//! Where calls come in: connections within limits, and a drain that loses none.
//!
//! INVARIANT (bounded): connections, headers and drains have limits.
//!
//! Deliberately absent: TLS, Unix sockets.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tower::Service;

use serde::{Deserialize, Serialize};

use crate::model::units::{ByteSize, Period};
use crate::telemetry::metrics::Metrics;

/// How long to wait after an error of `accept`, e.g. when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a connection that has said nothing yet may still begin once the server stops.
const LAST_WORD: Duration = Duration::from_millis(100);
/// How soon the rest of a half-sent HTTP/2 preface is looked for first.
const PREFACE_PAUSE: Duration = Duration::from_millis(5);

/// The peer's address, put into every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// `server:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The largest request body, also after decompression.
    pub max_body: ByteSize,
    /// Answers at least this long are compressed for callers that accept gzip.
    pub gzip_min_size: ByteSize,
    /// The most connections at a time; further ones wait to be accepted.
    pub max_connections: usize,
    /// How long a connection may take to send a request's headers.
    pub header_timeout: Period,
    /// How long a request's body may take to arrive.
    pub body_timeout: Period,
    /// How long a drain may take on SIGTERM before what is left is cut off.
    pub shutdown_grace: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8181)),
            max_body: ByteSize::mib(1),
            gzip_min_size: ByteSize(1024),
            max_connections: 10_000,
            header_timeout: Period::secs(10),
            body_timeout: Period::secs(10),
            shutdown_grace: Period::secs(10),
        }
    }
}

/// Binds the listener.
///
/// # Errors
/// What the system says, with the address and what to do.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("cannot listen on {address}: the port is in use; stop the other process or choose another `--listen`")
        }
        _ => format!("cannot listen on {address}: {error}"),
    })
}

/// Serves until `stop` ends, then stops accepting, lets what is under way finish within `shutdown_grace`, and returns
/// whether all of it did.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: Config,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()>,
) -> bool {
    let places = Arc::new(Semaphore::new(config.max_connections));
    let (stopping, stopped) = watch::channel(false);
    // Nothing is sent: the channel ends when the last connection drops its sender.
    let (alive, mut ended) = mpsc::channel::<()>(1);
    let builder = connection_builder(&config);
    let open = |stream: TcpStream, peer: SocketAddr, place: Option<Place>| {
        let speak =
            speak(stream, peer, router.clone(), builder.clone(), config.header_timeout.0, stopped.clone());
        let (alive, open) = (alive.clone(), Open::new(Arc::clone(&metrics)));
        tokio::spawn(async move {
            speak.await;
            drop((place, open, alive));
        });
    };
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => open(stream, peer, Some(place)),
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // To their peers, those in the listener's queue are connected already: closing it would reset them.
    while let Some((stream, peer)) = queued(&listener).await {
        open(stream, peer, None);
    }
    drop(listener);
    stopping.send_replace(true);
    drop(alive);
    tokio::time::timeout(config.shutdown_grace.0, ended.recv()).await.is_ok()
}

type Place = tokio::sync::OwnedSemaphorePermit;

/// Waits for a place, then for a connection: past the limit, further ones wait in the listener's queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, Place)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

/// A connection that waits to be accepted, if there is one.
async fn queued(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    poll_fn(|cx| match listener.poll_accept(cx) {
        Poll::Ready(accepted) => Poll::Ready(accepted.ok()),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Serves one connection until either side ends it. Once `stopping`, what has been asked is answered, and no more.
async fn speak(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    builder: Builder<TokioExecutor>,
    patience: Duration,
    mut stopping: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let mut stopped = stopping.clone();
    let protocol = tokio::select! {
        biased;
        protocol = tokio::time::timeout(patience, protocol(&stream)) => protocol.ok().flatten(),
        () = async {
            told(&mut stopped).await;
            tokio::time::sleep(LAST_WORD).await;
        } => None,
    };
    let builder = match protocol {
        Some(Protocol::Http1) => builder.http1_only(),
        Some(Protocol::Http2) => builder.http2_only(),
        None => return,
    };
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request)
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        // The connection first: a request that has arrived is read before the connection hears that it shall end.
        biased;
        ended = connection.as_mut() => ended,
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // How a connection ends is the peer's business: resets and timeouts are no news.
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "connection ended");
    }
}

/// Waits until the server stops.
async fn told(stopping: &mut watch::Receiver<bool>) {
    // An error is the sender's end, and thus the server's.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

enum Protocol {
    Http1,
    Http2,
}

/// Which protocol the peer begins to speak (RFC 9113 section 3.4); `None` when it ends without a word. Nothing is taken
/// off the stream. Known before the connection is handed over, because hyper waits for the first bytes without end.
async fn protocol(stream: &TcpStream) -> Option<Protocol> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut begun = [0; PREFACE.len()];
    let mut pause = PREFACE_PAUSE;
    loop {
        let length = stream.peek(&mut begun).await.ok().filter(|length| *length > 0)?;
        let begun = begun.get(..length)?;
        if begun == PREFACE {
            return Some(Protocol::Http2);
        }
        if !PREFACE.starts_with(begun) {
            return Some(Protocol::Http1);
        }
        // The stream is readable already, so nobody says when the rest comes. Looked for ever less often: who stops in the
        // middle on purpose costs a dozen looks.
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2);
    }
}

fn connection_builder(config: &Config) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout.0)
        .max_buf_size(64 << 10)
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(config.header_timeout.0)
        .keep_alive_timeout(config.header_timeout.0)
        .max_concurrent_streams(256)
        .max_header_list_size(64 << 10);
    builder
}

/// Counts a connection for as long as it lives.
struct Open(Arc<Metrics>);

impl Open {
    fn new(metrics: Arc<Metrics>) -> Self {
        metrics.connections.inc();
        Self(metrics)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}
