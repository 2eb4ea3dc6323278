//! The listeners: what is bound, what serves there, and how they stop.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::error::{StartError, misconfigured};
use super::supervisor::Supervisor;
use crate::authorize::Authorizer;
use crate::config::Loaded;
use crate::doors::edge::Edge;
use crate::doors::routes::{Listener, router};
use crate::identity::Authenticator;
use crate::listen::{self, Acceptor, ManagementListen, Tls, TlsConfig};
use crate::model::client_certificate::{NotVouchedFor, Workloads};
use crate::model::clock::Clock;

/// The trust domains of the configuration in force.
struct InForce(Arc<Authorizer>);

impl Workloads for InForce {
    fn names_one(&self, leaf: &[u8]) -> bool {
        Authenticator::names_workload(leaf)
    }

    fn verify(&self, chain: &[&[u8]]) -> Result<(), NotVouchedFor> {
        self.0.in_force().authenticator.verify_workload(chain)
    }
}

/// Listeners that serve.
pub(super) struct Listeners {
    /// Where calls are taken.
    pub(super) address: SocketAddr,
    /// Where the server is managed, if there is a listener for that.
    pub(super) management: Option<SocketAddr>,
    /// Their certificates.
    pub(super) certificates: Vec<Arc<Tls>>,
    /// What the listener of calls speaks.
    pub(super) scheme: &'static str,
    stop: watch::Sender<bool>,
    serving: Vec<JoinHandle<bool>>,
}

impl Listeners {
    /// Binds all of them, and only then serves.
    ///
    /// # Errors
    /// An address that cannot be bound, or a certificate that cannot be used.
    pub(super) async fn start(
        loaded: &Loaded,
        edge: &Arc<Edge>,
        supervisor: &Supervisor,
        clock: &Clock,
    ) -> Result<Self, StartError> {
        let server = &loaded.config.server;
        let workloads: Arc<dyn Workloads> = Arc::new(InForce(Arc::clone(&edge.authorizer)));
        let tls = |key, config: &Option<TlsConfig>| {
            let open = |config| Tls::open(key, config, Some(Arc::clone(&workloads)), clock, &edge.metrics);
            let opened = config.as_ref().map(open);
            opened.transpose().map_err(|error| misconfigured(loaded, key, &error))
        };
        let calls_tls = tls("server.tls", &server.tls)?;
        let management_tls = tls("management.tls", &loaded.config.management.tls)?;
        let (listener, address) = bound(loaded, "server.listen", server.listen).await?;
        let unix = server.unix.as_ref().map(listen::bind_unix).transpose();
        let unix = unix.map_err(|error| misconfigured(loaded, "server.unix.path", &error))?;
        let management = management_listener(loaded).await?;
        let (stop, stopped) = watch::channel(false);
        let serving = Serving { server, edge, stopped };
        let mut tasks = vec![serving.start(listener, Listener::Decisions, calls_tls.clone())];
        tasks.extend(unix.map(|socket| serving.start(socket, Listener::Decisions, calls_tls.clone())));
        let management = management.map(|(listener, address)| {
            tasks.push(serving.start(listener, Listener::Management, management_tls.clone()));
            address
        });
        let scheme = if calls_tls.is_some() { "https" } else { "http" };
        let certificates: Vec<_> = calls_tls.into_iter().chain(management_tls).collect();
        for tls in certificates.iter().map(Arc::clone) {
            supervisor.start(&format!("certificate of {}", tls.key()), move || Arc::clone(&tls).keep_fresh());
        }
        Ok(Self { address, management, certificates, scheme, stop, serving: tasks })
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

/// What all listeners serve with.
struct Serving<'a> {
    server: &'a listen::Config,
    edge: &'a Arc<Edge>,
    stopped: watch::Receiver<bool>,
}

impl Serving<'_> {
    fn start(&self, on: impl Acceptor, kind: Listener, tls: Option<Arc<Tls>>) -> JoinHandle<bool> {
        let (mut stopped, metrics) = (self.stopped.clone(), Arc::clone(&self.edge.metrics));
        let stop = async move {
            // An error is the sender's end, and thus the server's.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        tokio::spawn(listen::serve(on, router(self.edge, kind), tls, self.server.clone(), metrics, stop))
    }
}

async fn bound(
    loaded: &Loaded,
    key: &str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = listen::bind(address).await.map_err(|error| {
        let other = SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(8181));
        let flag = if key == "server.listen" { "--listen ".to_owned() } else { format!("--set {key}=") };
        misconfigured(loaded, key, &format!("{error}, e.g. `{flag}{other}`"))
    })?;
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
