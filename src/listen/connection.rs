//! One connection, from its first byte to its end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use super::activity::{Activity, Patience};
use super::config::Config;
use super::drive::{Shared, told};
use super::peer::Peer;
use super::protocol::{Protocol, protocol};
use super::service::Doors;
use super::socket::Stream;
use super::tls::Tls;
use super::{http1, http2};

/// How long a connection that has said nothing yet may still begin once the server stops.
const LAST_WORD: Duration = Duration::from_millis(100);

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Connection {
    shared: Shared,
    tls: Option<Arc<Tls>>,
    http1: hyper::server::conn::http1::Builder,
    http2: hyper::server::conn::http2::Builder<http2::Streams>,
}

impl Connection {
    pub(super) fn new(
        router: Router,
        tls: Option<Arc<Tls>>,
        config: &Config,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let patience = Patience::new(config);
        let shared = Shared { doors: Doors { router, certificate: None }, patience, stopping };
        Self { shared, tls, http1: http1::builder(), http2: http2::builder(patience) }
    }

    /// Serves until either side ends it. Once the server stops, what has been asked is answered, and no more.
    pub(super) async fn serve(mut self, stream: impl Stream, peer: Peer, activity: Arc<Activity>) {
        stream.set_prompt();
        match self.tls.take() {
            // Of its own, so that the memory of a connection without TLS has no room for one with it.
            Some(tls) => Box::pin(self.serve_tls(&tls, stream, peer, activity)).await,
            None => {
                if let Some(Some(protocol)) = self.soon(protocol(&stream)).await {
                    self.serve_as(protocol, stream, peer, activity).await;
                }
            }
        }
    }

    async fn serve_tls(mut self, tls: &Tls, stream: impl Stream, peer: Peer, activity: Arc<Activity>) {
        let mut stream = match self.soon(tls.accept(stream)).await {
            Some(Ok(stream)) => stream,
            Some(Err(error)) => return tls.failed(peer, &error),
            None => return tls.failed(peer, &"it took too long"),
        };
        let session = stream.get_ref().1;
        self.shared.doors.certificate = session.peer_certificates().and_then(|chain| tls.shown(chain));
        let protocol = match session.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        if self.soon(begins(&mut stream)).await == Some(true) {
            self.serve_as(protocol, stream, peer, activity).await;
        }
    }

    async fn serve_as<Io>(self, protocol: Protocol, io: Io, peer: Peer, activity: Arc<Activity>)
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        match protocol {
            Protocol::Http1 => http1::serve(&self.shared, &self.http1, io, peer, activity).await,
            Protocol::Http2 => http2::serve(&self.shared, &self.http2, io, peer, activity).await,
        }
    }

    /// What a connection does before its first request, if it does so in time.
    async fn soon<T>(&self, does: impl Future<Output = T>) -> Option<T> {
        let mut stopped = self.shared.stopping.clone();
        tokio::select! {
            biased;
            done = tokio::time::timeout(self.shared.patience.head, does) => done.ok(),
            () = async {
                told(&mut stopped).await;
                tokio::time::sleep(LAST_WORD).await;
            } => None,
        }
    }
}

/// Whether the peer says anything. Nothing is taken off the stream; see [`protocol`].
async fn begins(stream: &mut TlsStream<impl Stream>) -> bool {
    stream.fill_buf().await.is_ok_and(|begun| !begun.is_empty())
}
