//! One connection, from its first byte to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::activity::{Activity, Patience};
use super::config::Config;
use super::drive::{Shared, told};
use super::peer::Peer;
use super::protocol::{Protocol, protocol};
use super::{http1, http2};

/// How long a connection that has said nothing yet may still begin once the server stops.
const LAST_WORD: Duration = Duration::from_millis(100);

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Connection {
    shared: Shared,
    http1: hyper::server::conn::http1::Builder,
    http2: hyper::server::conn::http2::Builder<http2::Streams>,
}

impl Connection {
    pub(super) fn new(router: Router, config: &Config, stopping: watch::Receiver<bool>) -> Self {
        let patience = Patience::new(config);
        let shared = Shared { router, patience, stopping };
        Self { shared, http1: http1::builder(), http2: http2::builder(patience) }
    }

    /// Serves until either side ends it. Once the server stops, what has been asked is answered, and no more.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr, activity: Arc<Activity>) {
        let _ = stream.set_nodelay(true);
        let mut stopped = self.shared.stopping.clone();
        let protocol = tokio::select! {
            biased;
            protocol = tokio::time::timeout(self.shared.patience.head, protocol(&stream)) => protocol.ok().flatten(),
            () = async {
                told(&mut stopped).await;
                tokio::time::sleep(LAST_WORD).await;
            } => None,
        };
        let peer = Peer(peer);
        match protocol {
            Some(Protocol::Http1) => http1::serve(&self.shared, &self.http1, stream, peer, activity).await,
            Some(Protocol::Http2) => http2::serve(&self.shared, &self.http2, stream, peer, activity).await,
            None => {}
        }
    }
}
