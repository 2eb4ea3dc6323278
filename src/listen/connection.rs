//! One connection, from its first byte to its end.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::activity::{Activity, Patience, Phase, Watch};
use super::protocol::{Protocol, protocol};
use super::{Config, Peer, http1, http2};

/// How long a connection that has said nothing yet may still begin once the server stops.
const LAST_WORD: Duration = Duration::from_millis(100);

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) patience: Patience,
    pub(super) stopping: watch::Receiver<bool>,
    http1: hyper::server::conn::http1::Builder,
    http2: hyper::server::conn::http2::Builder<http2::Streams>,
}

impl Connection {
    pub(super) fn new(router: Router, config: &Config, stopping: watch::Receiver<bool>) -> Self {
        let patience = Patience::new(config);
        Self { router, patience, stopping, http1: http1::builder(), http2: http2::builder(patience) }
    }

    /// Serves until either side ends it. Once the server stops, what has been asked is answered, and no more.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr, activity: Arc<Activity>) {
        let _ = stream.set_nodelay(true);
        let mut stopped = self.stopping.clone();
        let protocol = tokio::select! {
            biased;
            protocol = tokio::time::timeout(self.patience.head, protocol(&stream)) => protocol.ok().flatten(),
            () = async {
                told(&mut stopped).await;
                tokio::time::sleep(LAST_WORD).await;
            } => None,
        };
        let peer = Peer(peer);
        match protocol {
            Some(Protocol::Http1) => http1::serve(&self, &self.http1, stream, peer, activity).await,
            Some(Protocol::Http2) => http2::serve(&self, &self.http2, stream, peer, activity).await,
            None => {}
        }
    }
}

/// Waits until the server stops.
pub(super) async fn told(stopping: &mut watch::Receiver<bool>) {
    // An error is the sender's end, and thus the server's.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// What happens to a connection.
pub(super) enum Event {
    Ended(hyper::Result<()>),
    /// The server stops.
    Stopping,
    /// What it is doing has taken too long.
    TooLong(Phase),
}

/// Drives a connection until something happens to it.
///
/// The connection comes first: a request that has arrived is read before the connection hears that it shall end.
pub(super) async fn event(
    mut connection: Pin<&mut impl Future<Output = hyper::Result<()>>>,
    mut stopped: Option<Pin<&mut impl Future<Output = ()>>>,
    watch: &mut Watch,
) -> Event {
    poll_fn(|cx| {
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Event::Ended(ended));
        }
        if let Some(stopped) = stopped.as_mut()
            && stopped.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Event::Stopping);
        }
        watch.poll(cx).map(Event::TooLong)
    })
    .await
}
