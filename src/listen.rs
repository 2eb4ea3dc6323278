//! Where calls come in: connections within limits, and a drain that loses none.
//!
//! INVARIANT (bounded): connections, heads, answers that nobody takes, and drains have limits. A peer holds no more than its
//! share of the places, and a place that does no work is given up when others wait for one.
//! INVARIANT (answered): what arrives and is no HTTP request is handed to the doors as [`Malformed`], so that it is
//! answered and recorded like any other refusal.
//!
//! Only [`socket`] knows whether a connection is one of TCP or of a Unix socket.
//!
//! Reading order: this file (accept loop) → [`socket`], [`unix`] → [`places`] → [`connection`] (one connection) → [`tls`] → [`activity`], [`guard`] (what it
//! is doing, and for how long it may) → [`drive`], [`http1`], [`http2`] → [`malformed`].

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use self::activity::Activity;
use self::connection::Connection;
use self::places::{Place, Places};
use crate::telemetry::metrics::Metrics;

mod activity;
mod address;
mod config;
mod connection;
mod drive;
mod guard;
mod http1;
mod http2;
mod lengths;
mod malformed;
mod management;
mod peer;
mod places;
mod protocol;
mod service;
mod socket;
mod tls;
mod unix;

pub use config::Config;
pub use malformed::Malformed;
pub use management::{ManagementConfig, ManagementListen};
pub use peer::Peer;
pub use socket::Acceptor;
pub use tls::{ClientAuth, NEAR as CERTIFICATE_WARNING_DAYS, Tls, TlsConfig};
pub use unix::{UnixConfig, UnixSocket, bind as bind_unix};

/// How long to wait after an error of `accept`, e.g. when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Binds the listener.
///
/// # Errors
/// What the system says, with the address, and what to do.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "the port is in use; stop the process that has it, or choose another port"
            }
            io::ErrorKind::AddrNotAvailable => "no interface of this machine has this address",
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 are for privileged processes; choose a higher one"
            }
            _ => return format!("cannot listen on {address}: {error}"),
        };
        format!("cannot listen on {address}: {why}")
    })
}

/// Serves until `stop` ends, then stops accepting, lets what is under way finish within `shutdown_grace`, and returns
/// whether all of it did.
pub async fn serve<L: Acceptor>(
    listener: L,
    router: Router,
    tls: Option<Arc<Tls>>,
    config: Config,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()>,
) -> bool {
    let places = Places::new(&config, Arc::clone(&metrics));
    let (stopping, stopped) = watch::channel(false);
    // Nothing is sent: the channel ends when the last connection drops its sender.
    let (alive, mut ended) = mpsc::channel::<()>(1);
    let template = Connection::new(router, tls, &config, stopped);
    let open = |stream: L::Stream, peer: Peer, place: Option<Place>| {
        let (activity, connection) = (Arc::new(Activity::default()), template.clone());
        let (alive, open) = (alive.clone(), Open::new(Arc::clone(&metrics)));
        let (id, watched) = (place.as_ref().map(Place::id), Arc::clone(&activity));
        let task = tokio::spawn(async move {
            connection.serve(stream, peer, activity).await;
            drop((place, open, alive));
        });
        if let Some(id) = id {
            places.watch(id, watched, task.abort_handle());
        }
    };
    let waiting = accept(&listener, &places, stop, &open).await;
    // To their peers, those in the listener's queue are connected already: closing it would reset them.
    if let Some((stream, peer)) = waiting {
        open(stream, peer, None);
    }
    while let Some((stream, peer)) = queued(&listener).await {
        open(stream, peer, None);
    }
    drop(listener);
    stopping.send_replace(true);
    drop(alive);
    tokio::time::timeout(config.shutdown_grace.0, ended.recv()).await.is_ok()
}

/// Opens connections until `stop` ends; gives the one that has been accepted by then and waits for a place.
async fn accept<L: Acceptor>(
    listener: &L,
    places: &Places,
    stop: impl Future<Output = ()>,
    open: impl Fn(L::Stream, Peer, Option<Place>),
) -> Option<(L::Stream, Peer)> {
    tokio::pin!(stop);
    let mut waiting = None;
    loop {
        let accepted = tokio::select! {
            () = &mut stop => return waiting,
            accepted = poll_fn(|cx| listener.poll_accept(cx)) => accepted,
        };
        let peer = match accepted {
            Ok((stream, peer)) => {
                waiting = Some((stream, peer));
                peer
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let place = tokio::select! {
            () = &mut stop => return waiting,
            place = places.take(peer) => place,
        };
        // Without a place the peer has its share already, and the connection ends here.
        if let (Some((stream, peer)), Some(place)) = (waiting.take(), place) {
            open(stream, peer, Some(place));
        }
    }
}

/// A connection that waits to be accepted, if there is one.
async fn queued<L: Acceptor>(listener: &L) -> Option<(L::Stream, Peer)> {
    poll_fn(|cx| match listener.poll_accept(cx) {
        Poll::Ready(accepted) => Poll::Ready(accepted.ok()),
        Poll::Pending => Poll::Ready(None),
    })
    .await
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
