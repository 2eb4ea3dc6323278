//! The listeners: what is bound, what serves there, and how they stop.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::error::{StartError, misconfigured};
use crate::config::Loaded;
use crate::doors::edge::Edge;
use crate::doors::routes::{Listener, router};
use crate::listen::{self, ManagementListen};

/// Listeners that serve.
pub(super) struct Listeners {
    /// Where calls are taken.
    pub(super) address: SocketAddr,
    /// Where the server is managed, if there is a listener for that.
    pub(super) management: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    serving: Vec<JoinHandle<bool>>,
}

impl Listeners {
    /// Binds all of them, and only then serves.
    ///
    /// # Errors
    /// An address that cannot be bound.
    pub(super) async fn start(loaded: &Loaded, edge: &Arc<Edge>) -> Result<Self, StartError> {
        let server = &loaded.config.server;
        let (listener, address) = bound(loaded, "server.listen", server.listen).await?;
        let management = management_listener(loaded).await?;
        let (stop, stopped) = watch::channel(false);
        let serve = |listener: TcpListener, kind| {
            let (mut stopped, metrics) = (stopped.clone(), Arc::clone(&edge.metrics));
            let stop = async move {
                // An error is the sender's end, and thus the server's.
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            tokio::spawn(listen::serve(listener, router(edge, kind), server.clone(), metrics, stop))
        };
        let mut serving = vec![serve(listener, Listener::Decisions)];
        let management = management.map(|(listener, address)| {
            serving.push(serve(listener, Listener::Management));
            address
        });
        Ok(Self { address, management, stop, serving })
    }

    /// Drains all of them; `false` when what was under way did not finish in time.
    pub(super) async fn shutdown(self) -> bool {
        self.stop.send_replace(true);
        let mut drained = true;
        for listener in self.serving {
            drained &= listener.await.unwrap_or(false);
        }
        drained
    }
}

async fn bound(
    loaded: &Loaded,
    key: &str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = listen::bind(address).await.map_err(|error| misconfigured(loaded, key, &error))?;
    let address = listener.local_addr().map_err(|error| StartError::Other(error.to_string()))?;
    Ok((listener, address))
}

/// The listener of management. Where nobody has said where, an address that is taken is no reason not to decide.
async fn management_listener(loaded: &Loaded) -> Result<Option<(TcpListener, SocketAddr)>, StartError> {
    const KEY: &str = "management.listen";
    let config = &loaded.config;
    match config.management.listen {
        ManagementListen::Off => Ok(None),
        ManagementListen::At(address) => bound(loaded, KEY, address).await.map(Some),
        ManagementListen::Auto => {
            let address = config.management.default_address(config.server.listen);
            let bound = bound(loaded, KEY, address).await;
            Ok(bound
                .inspect_err(|_| {
                    tracing::warn!(
                        "no management listener: {address} is in use; set `management.listen` to another address, or to `off`"
                    );
                })
                .ok())
        }
    }
}
