//! From the files of a certificate to what connections are served with.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs as provided};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{ServerConfig, version};
use x509_parser::parse_x509_certificate;
use zeroize::Zeroizing;

use super::config::TlsConfig;
use crate::model::clock::Timestamp;
use crate::model::tls_version::TlsVersion;
use crate::pem::{certificates, private, private_key, read};

/// What the files say.
pub(super) struct Files {
    cert: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    pub(super) client_ca: Option<Vec<u8>>,
    pub(super) client_crl: Option<Vec<u8>>,
}

/// What connections are served with.
pub(super) struct Ready {
    pub(super) server: Arc<ServerConfig>,
    /// When the certificate ends, in Unix time.
    pub(super) not_after: i64,
}

impl Files {
    /// # Errors
    /// A file that cannot be read, or a key that others can read.
    pub(super) fn read(config: &TlsConfig) -> Result<Self, String> {
        private(&config.key)?;
        Ok(Self {
            cert: read(&config.cert)?.to_vec(),
            key: read(&config.key)?,
            client_ca: config.client_ca.as_deref().map(read).transpose()?.map(|text| text.to_vec()),
            client_crl: config.client_crl.as_deref().map(read).transpose()?.map(|text| text.to_vec()),
        })
    }

    /// What tells these contents from others.
    pub(super) fn digest(&self) -> Vec<u8> {
        let mut context = Context::new(&SHA256);
        let [ca, crl] = [&self.client_ca, &self.client_crl].map(|part| part.as_deref().unwrap_or_default());
        for part in [&self.cert, self.key.as_slice(), ca, crl] {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        context.finish().as_ref().to_vec()
    }

    /// # Errors
    /// What is wrong with the files.
    pub(super) fn ready(
        &self,
        config: &TlsConfig,
        verifier: impl FnOnce(&Self, &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, String>,
        now: Timestamp,
    ) -> Result<Ready, String> {
        let (cert, key) = (config.cert.display(), config.key.display());
        let chain = certificates(&self.cert, &config.cert)?;
        let first = chain.first().ok_or("no certificate")?;
        let (_, leaf) = parse_x509_certificate(first).map_err(|error| format!("`{cert}`: {error}"))?;
        let not_after = leaf.validity().not_after.timestamp();
        if not_after <= now.unix_seconds() {
            return Err(format!("the certificate in `{cert}` has expired; have a new one issued"));
        }
        let private = private_key(&self.key, &config.key)?;
        let provider = Arc::new(provided::default_provider());
        let versions: &[_] = match config.min_version {
            TlsVersion::V13 => &[&version::TLS13],
            TlsVersion::V12 => &[&version::TLS13, &version::TLS12],
        };
        let verifier = verifier(self, &provider)?;
        let asks = verifier.offer_client_auth();
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|error| error.to_string())?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, private)
            .map_err(|error| format!("`{cert}` and `{key}` do not go together: {error}"))?;
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if asks {
            // A session that is resumed brings its certificate along unverified: it may have expired meanwhile.
            server.session_storage = Arc::new(NoServerSessionStorage {});
            server.send_tls13_tickets = 0;
        } else {
            server.ticketer = provided::Ticketer::new().map_err(|error| error.to_string())?;
        }
        Ok(Ready { server: Arc::new(server), not_after })
    }
}
