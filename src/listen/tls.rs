//! TLS for one listener: its certificate, which is read again when its files change, and handshakes.
//!
//! INVARIANT (the old one stays): files that do not make a whole are refused with a warning, and change nothing. What comes
//! into force is for new connections; those that are open are not touched.
//!
//! Deliberately absent: early data, certificates chosen by name, OCSP.
//!
//! Reading order: [`config`] → this file → [`files`] → [`clients`].

use std::fmt::Display;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::server::TlsStream;

use self::files::{Files, Ready};
use super::peer::Peer;
use super::socket::Stream;
use crate::model::client_certificate::{ClientCertificate, VouchedBy, Workloads};
use crate::model::clock::{Clock, Timestamp};
use crate::telemetry::metrics::{ListenerTls, Metrics};

mod clients;
mod config;
mod files;

pub use config::{ClientAuth, TlsConfig};

/// How often the files are looked at.
const POLL: Duration = Duration::from_secs(1);
const DAY: i64 = 86_400;
/// How many days before its end a certificate is warned of.
pub const NEAR: i64 = 7;

/// TLS for one listener.
pub struct Tls {
    /// Where it stands in the configuration.
    key: &'static str,
    config: TlsConfig,
    workloads: Option<Arc<dyn Workloads>>,
    clock: Clock,
    metrics: ListenerTls,
    current: ArcSwap<Ready>,
    seen: Mutex<Seen>,
}

/// What the files said: nothing, where they could not be read.
type Mark = Option<Vec<u8>>;

#[derive(Default)]
struct Seen {
    /// What was taken up or refused last.
    judged: Mark,
    /// What they say now, but have said once only.
    changed: Option<Mark>,
    /// The day on which the certificate's end was warned of last.
    warned: Option<i64>,
}

impl Tls {
    /// Reads the files. `key` is where they stand in the configuration; `workloads` vouches for clients where `client_spiffe` is set.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub fn open(
        key: &'static str,
        config: &TlsConfig,
        workloads: Option<Arc<dyn Workloads>>,
        clock: &Clock,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, String> {
        let files = Files::read(config)?;
        let ready = ready(&files, config, workloads.as_ref(), clock.now())?;
        let metrics = metrics.tls.listener(key.split('.').next().unwrap_or(key));
        metrics.in_force(ready.not_after);
        let mut seen = Seen { judged: Some(files.digest()), ..Seen::default() };
        remind(key, ready.not_after, clock.now(), &mut seen);
        let (config, clock) = (config.clone(), clock.clone());
        let (current, seen) = (ArcSwap::from_pointee(ready), Mutex::new(seen));
        Ok(Arc::new(Self { key, config, workloads, clock, metrics, current, seen }))
    }

    /// Where it stands in the configuration, e.g. `server.tls`.
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// Takes the files up again and again, until the task is aborted.
    pub async fn keep_fresh(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(POLL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let this = Arc::clone(&self);
            // An error is a panic in there, or the end of the runtime.
            let _ = tokio::task::spawn_blocking(move || this.look()).await;
        }
    }

    /// Takes up what the files say now: for an operator who asks (SIGHUP). Blocks.
    pub fn reread(&self) {
        let files = Files::read(&self.config);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.judge(files, &mut seen);
    }

    /// Files are taken up once they have been the same twice: half of a pair, or a half-written one, is not.
    fn look(&self) {
        let files = Files::read(&self.config);
        let mark = files.as_ref().ok().map(Files::digest);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if mark == seen.judged {
            seen.changed = None;
        } else if seen.changed.as_ref() == Some(&mark) {
            self.judge(files, &mut seen);
        } else {
            seen.changed = Some(mark);
        }
        remind(self.key, self.current.load().not_after, self.clock.now(), &mut seen);
    }

    fn judge(&self, files: Result<Files, String>, seen: &mut Seen) {
        seen.changed = None;
        seen.judged = files.as_ref().ok().map(Files::digest);
        match files.and_then(|files| ready(&files, &self.config, self.workloads.as_ref(), self.clock.now())) {
            Ok(ready) => {
                let until = Timestamp::from_unix_seconds(ready.not_after).rfc3339();
                tracing::info!(listener = self.key, until, "certificate read again");
                self.metrics.in_force(ready.not_after);
                self.current.store(Arc::new(ready));
                seen.warned = None;
            }
            Err(error) => {
                tracing::warn!(
                    listener = self.key,
                    error,
                    "the new certificate is refused; the old one stays in force"
                );
                self.metrics.refused(error);
            }
        }
    }

    /// Makes a stream with TLS of one without.
    pub(super) async fn accept<Io: Stream>(&self, stream: Io) -> io::Result<TlsStream<Io>> {
        let server = Arc::clone(&self.current.load().server);
        TlsAcceptor::from(server).accept(stream).await
    }

    /// The certificates that a client has shown, the client's own first, as they go with its requests.
    pub(super) fn shown(&self, chain: &[CertificateDer<'static>]) -> Option<ClientCertificate> {
        let workloads = self.workloads.as_ref().filter(|_| self.config.client_spiffe);
        let of_workload =
            workloads.zip(chain.first()).is_some_and(|(workloads, leaf)| workloads.names_one(leaf));
        let vouched_by = if of_workload { VouchedBy::TrustDomain } else { VouchedBy::Authority };
        ClientCertificate::new(chain, vouched_by)
    }

    /// A handshake came to nothing.
    pub(super) fn failed(&self, peer: Peer, error: &dyn Display) {
        self.metrics.handshake_failed();
        tracing::debug!(listener = self.key, %peer, %error, "TLS handshake failed");
    }
}

fn ready(
    files: &Files,
    config: &TlsConfig,
    workloads: Option<&Arc<dyn Workloads>>,
    now: Timestamp,
) -> Result<Ready, String> {
    files.ready(config, |files, provider| clients::verifier(files, config, workloads, provider), now)
}

/// Warns of a certificate that ends soon, once a day.
fn remind(key: &str, not_after: i64, now: Timestamp, seen: &mut Seen) {
    let (left, today) = (not_after.saturating_sub(now.unix_seconds()), now.unix_seconds() / DAY);
    if left <= NEAR * DAY && seen.warned != Some(today) {
        seen.warned = Some(today);
        let until = Timestamp::from_unix_seconds(not_after).rfc3339();
        tracing::warn!(
            listener = key,
            until,
            "the certificate ends within {NEAR} days; have a new one issued"
        );
    }
}
