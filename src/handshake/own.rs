//! The certificate that a client shows.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::sign::CertifiedKey;

use super::certificate::{Certificate, described};
use super::problem::Problem;
use super::server::out_of_time;
use crate::model::clock::Timestamp;
use crate::pem;

/// A certificate and its key.
pub struct Own {
    pub(super) pair: Arc<CertifiedKey>,
    pub(super) certificate: Certificate,
}

impl Own {
    /// Reads the files, as a listener reads its own.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read(cert: &Path, key: &Path, provider: &CryptoProvider, now: Timestamp) -> Result<Self, Problem> {
        let wrong =
            |what: String| Problem::new("own_files", what, "give the client's certificate and its own key");
        let chain = pem::certificates_in(cert).map_err(wrong)?;
        let private = pem::private_key_in(key).map_err(wrong)?;
        let leaf = chain.first().ok_or_else(|| wrong("no certificate".to_owned()))?;
        let certificate = described(leaf, now)
            .map_err(|why| wrong(format!("the certificate in `{}` {why}", cert.display())))?;
        let pair = CertifiedKey::from_der(chain, private, provider).map_err(|error| {
            wrong(format!("`{}` and `{}` do not go together: {error}", cert.display(), key.display()))
        })?;
        Ok(Self { pair: Arc::new(pair), certificate })
    }

    /// What is wrong with it before anybody is asked.
    pub(super) fn problems(&self, now: Timestamp) -> Vec<Problem> {
        let mut found: Vec<_> = out_of_time("your certificate", &self.certificate, now).into_iter().collect();
        if !self.certificate.for_clients {
            found.push(Problem::new(
                "own_usage",
                "your certificate is not for clients (extended key usage)",
                "have one issued with `clientAuth`",
            ));
        }
        found
    }
}
