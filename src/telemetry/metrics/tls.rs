//! How the certificates of the listeners are doing, also for status.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// TLS of all listeners.
#[derive(Debug, Clone, Default)]
pub struct TlsMetrics {
    failures: Family<Labels, Counter>,
    expiry: Family<Labels, Gauge>,
    refused: Family<Labels, Counter>,
    states: Arc<Mutex<BTreeMap<&'static str, CertificateState>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    listener: &'static str,
}

/// How one listener's certificate is doing.
#[derive(Debug, Clone, Default)]
pub struct CertificateState {
    /// When it ends, in Unix time.
    pub not_after: i64,
    /// Why the files are not in force as they are now.
    pub last_error: Option<String>,
}

impl TlsMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let this = Self::default();
        let text = "TLS handshakes that came to nothing";
        registry.register("tls_handshake_failures", text, this.failures.clone());
        let text = "When a listener's certificate ends, in Unix time";
        registry.register("tls_certificate_expiry_timestamp_seconds", text, this.expiry.clone());
        let text = "Certificates that were refused while the old one stayed in force";
        registry.register("tls_certificates_refused", text, this.refused.clone());
        this
    }

    /// Those of one listener.
    pub fn listener(&self, listener: &'static str) -> ListenerTls {
        let labels = Labels { listener };
        ListenerTls {
            listener,
            failures: self.failures.get_or_create(&labels).clone(),
            expiry: self.expiry.get_or_create(&labels).clone(),
            refused: self.refused.get_or_create(&labels).clone(),
            states: Arc::clone(&self.states),
        }
    }

    /// Every listener with TLS.
    pub fn report(&self) -> BTreeMap<&'static str, CertificateState> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// TLS of one listener.
#[derive(Debug, Clone)]
pub struct ListenerTls {
    listener: &'static str,
    failures: Counter,
    expiry: Gauge,
    refused: Counter,
    states: Arc<Mutex<BTreeMap<&'static str, CertificateState>>>,
}

impl ListenerTls {
    /// A certificate came into force.
    pub fn in_force(&self, not_after: i64) {
        self.expiry.set(not_after);
        let state = CertificateState { not_after, last_error: None };
        self.states.lock().unwrap_or_else(PoisonError::into_inner).insert(self.listener, state);
    }

    /// A new one was refused.
    pub fn refused(&self, error: String) {
        self.refused.inc();
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.entry(self.listener).or_default().last_error = Some(error);
    }

    /// A handshake came to nothing.
    pub fn handshake_failed(&self) {
        self.failures.inc();
    }
}
