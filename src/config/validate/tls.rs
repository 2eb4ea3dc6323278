//! What TLS is served with.

use super::Checks;
use crate::document::tree::Path;
use crate::listen::{ClientAuth, TlsConfig};

impl Checks<'_> {
    /// What Verdict itself shows: a certificate and its key, or neither.
    pub(super) fn outbound(&mut self) {
        let (at, tls) = (Path::dotted("outbound.tls"), &self.config.outbound.tls);
        for (key, path) in [("ca", &tls.ca), ("cert", &tls.cert), ("key", &tls.key)] {
            if path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
                self.flaw(at.key(key), "the path is empty", "name a file");
            }
        }
        match (&tls.cert, &tls.key) {
            (Some(_), None) => {
                self.flaw(
                    at.key("cert"),
                    "there is no key for it",
                    "name the file of its private key in `key`",
                );
            }
            (None, Some(_)) => {
                self.flaw(at.key("key"), "there is no certificate for it", "name its file in `cert`");
            }
            _ => {}
        }
    }

    /// Certificates of clients that nobody is asked for.
    pub(super) fn client_certificates(&mut self) {
        let asks = |tls: &TlsConfig| tls.clients() != ClientAuth::None;
        let asked = self.config.server.tls.as_ref().is_some_and(asks);
        if self.config.identity.client_certificates.is_some() && !asked {
            self.findings.warnings.push(
                "`identity.client_certificates`: clients are not asked for certificates, so nobody has one; name their \
                 authorities in `server.tls.client_ca`"
                    .to_owned(),
            );
        }
    }

    /// Files without a name, and authorities that are asked for nothing.
    pub(super) fn tls(&mut self) {
        let (server, management) = (&self.config.server.tls, &self.config.management.tls);
        for (at, tls) in [("server.tls", server), ("management.tls", management)] {
            let Some(tls) = tls else { continue };
            let at = Path::dotted(at);
            for (key, path) in [
                ("cert", Some(&tls.cert)),
                ("key", Some(&tls.key)),
                ("client_ca", tls.client_ca.as_ref()),
                ("client_crl", tls.client_crl.as_ref()),
            ] {
                if path.is_some_and(|path| path.as_os_str().is_empty()) {
                    self.flaw(at.key(key), "the path is empty", "name a file");
                }
            }
            if tls.client_crl.is_some() && tls.client_ca.is_none() {
                let hint = "name the authorities of clients in `client_ca`, or take `client_crl` out";
                self.flaw(
                    at.key("client_crl"),
                    "it lists certificates of authorities that are not named",
                    hint,
                );
            }
            if tls.client_spiffe && self.config.identity.spiffe.is_none() {
                let hint = "list the trust domains in `identity.spiffe.trust_domains`";
                self.flaw(at.key("client_spiffe"), "there is no trust domain", hint);
            }
            match (tls.clients(), tls.client_ca.is_some() || tls.client_spiffe) {
                (ClientAuth::Optional | ClientAuth::Required, false) => {
                    let hint = "name the authorities of clients in `client_ca`, or set `client_spiffe`";
                    self.flaw(at.key("client_auth"), "nobody vouches for clients", hint);
                }
                (ClientAuth::None, true) => {
                    let hint = "set `optional` or `required`, or take `client_ca` and `client_spiffe` out";
                    self.flaw(
                        at.key("client_auth"),
                        "clients are not asked, but somebody is named who vouches for them",
                        hint,
                    );
                }
                _ => {}
            }
        }
    }
}
