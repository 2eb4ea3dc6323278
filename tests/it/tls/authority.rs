//! An authority, the certificates that it issues, and clients that trust it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use super::{mode, provider};

pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        // OpenSSL takes a certificate that is called as its issuer is for self-signed.
        params.distinguished_name.push(rcgen::DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for `localhost` that ends with this year, and its key.
    pub fn pair(&self, serial: u64, until: i32) -> (String, String) {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.serial_number = Some(serial.into());
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        self.pair_of(params)
    }

    /// A certificate as these parameters say, and its key.
    pub fn pair_of(&self, params: CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// A certificate with these URIs, and its key.
    pub fn pair_with_uris(&self, uris: &[&str]) -> (String, String) {
        let mut params = CertificateParams::default();
        let name = |uri: &&str| rcgen::SanType::URI((*uri).try_into().unwrap());
        params.subject_alt_names = uris.iter().map(name).collect();
        self.pair_of(params)
    }

    /// Writes such a pair to `cert.pem` and `key.pem`.
    pub fn issue(&self, dir: &Path, serial: u64) {
        put(dir, &self.pair(serial, 2099));
    }

    /// A client of many connections that speaks HTTP/2, too.
    #[expect(clippy::disallowed_methods, reason = "the test's own client, not the server's")]
    pub fn http_client(&self) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.pem.as_bytes()).unwrap();
        reqwest::Client::builder().tls_certs_only([root]).build().unwrap()
    }
}

/// Each file is replaced at once, as whoever rotates certificates does it.
pub fn put(dir: &Path, (cert, key): &(String, String)) {
    for (name, text) in [("cert.pem", cert), ("key.pem", key)] {
        let draft = dir.join("draft");
        fs::write(&draft, text).unwrap();
        mode(&draft, 0o600);
        fs::rename(&draft, dir.join(name)).unwrap();
    }
}

#[derive(Clone)]
pub struct Client(Arc<ClientConfig>);

impl Client {
    pub fn new(trusted: &Authority, version: &'static SupportedProtocolVersion) -> Self {
        Self::with(trusted, version, None)
    }

    /// A client that shows a certificate.
    pub fn with(
        trusted: &Authority,
        version: &'static SupportedProtocolVersion,
        own: Option<(String, String)>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(trusted.pem.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(provider());
        let builder = builder.with_protocol_versions(&[version]).unwrap().with_root_certificates(roots);
        Self(Arc::new(match own {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        }))
    }

    pub fn connect(&self, address: SocketAddr) -> StreamOwned<ClientConnection, TcpStream> {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let session = ClientConnection::new(Arc::clone(&self.0), "localhost".try_into().unwrap()).unwrap();
        StreamOwned::new(session, stream)
    }

    pub fn get(&self, address: SocketAddr, path: &str) -> Result<(u16, String), String> {
        self.exchange(
            address,
            &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
        )
    }

    pub fn post(&self, address: SocketAddr, path: &str, body: &str) -> Result<(u16, String), String> {
        self.send(address, path, &[], body)
    }

    pub fn send(
        &self,
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(u16, String), String> {
        let length = body.len();
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}");
        self.exchange(address, &format!("{head}content-length: {length}\r\n\r\n{body}"))
    }

    fn exchange(&self, address: SocketAddr, request: &str) -> Result<(u16, String), String> {
        let mut stream = self.connect(address);
        stream.write_all(request.as_bytes()).map_err(|error| format!("{error:?}"))?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(|error| format!("{error:?}"))?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        Ok((head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned()))
    }
}
