//! Looks into one handshake, and reports.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, ProtocolVersion, version};

use super::address::Target;
use super::alert::Client;
use super::certificate::{Certificate, described};
use super::exchange::{End, Wire, shake_hands};
use super::failure::problem;
use super::own::Own;
use super::problem::Problem;
use super::recorder::{Recorder, Seen};
use super::trust::Trust;
use crate::model::clock::Timestamp;

/// How long everything takes at most: to find the address, to connect, and the handshake.
pub const LONGEST: Duration = Duration::from_secs(10);

/// The most certificates that are shown.
const MAX_CHAIN: usize = 16;

/// What is looked into.
pub struct Probe {
    /// The server.
    pub target: Target,
    /// What it is called in the handshake.
    pub name: ServerName<'static>,
    /// Who vouches for it.
    pub trust: Trust,
    /// The certificate that it is shown.
    pub own: Option<Own>,
    /// The time.
    pub now: Timestamp,
    /// Who computes.
    pub provider: Arc<CryptoProvider>,
}

/// What was found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The server, as it was named.
    pub target: String,
    /// Where it was reached.
    pub address: Option<String>,
    /// The version of TLS that was agreed on.
    pub version: Option<&'static str>,
    /// The cipher suite.
    pub cipher_suite: Option<String>,
    /// The protocol over it (ALPN).
    pub alpn: Option<String>,
    /// The client's certificate.
    pub client_certificate: ClientPart,
    /// The server's certificates, its own first.
    pub chain: Vec<Certificate>,
    /// Who was to vouch for it, in words.
    pub trust: String,
    /// Whether they do; none where it has shown nothing.
    pub trusted: Option<bool>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What is good to know.
    pub notes: Vec<String>,
}

/// What the client's certificate came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ClientPart {
    /// Whether the server asks for one; none where it did not come to that.
    pub asked: Option<bool>,
    /// The authorities that it names.
    pub authorities: Vec<String>,
    /// Whether one was shown.
    pub shown: bool,
    /// Whether the server went on with it, or without it; none where that is unknown.
    pub accepted: Option<bool>,
}

/// Looks into a handshake.
///
/// # Errors
/// It could not even be tried.
pub fn report(probe: Probe) -> Result<Report, String> {
    let Probe { target, name, trust, own, now, provider } = probe;
    let deadline = Instant::now() + LONGEST;
    let mut report = Report { target: target.to_string(), trust: trust.shown.clone(), ..Report::default() };
    report.problems.extend(own.iter().flat_map(|own| own.problems(now)));
    let (stream, address) = match target.connect(deadline) {
        Ok(connected) => connected,
        Err(problem) => {
            report.problems.push(problem);
            return Ok(report);
        }
    };
    report.address = Some(address.to_string());
    let pair = own.as_ref().map(|own| Arc::clone(&own.pair));
    let recorder = Arc::new(Recorder::new(trust, pair, now, provider));
    let mut connection = connection(&recorder, name.clone())?;
    let mut wire = Wire::new(stream, deadline);
    let end = shake_hands(&mut connection, &mut wire, || recorder.seen().asked);
    report.agreed(&connection);
    report.conclude(&end, recorder.seen(), own.as_ref(), now);
    let part = &report.client_certificate;
    let client = Client {
        asked: part.asked == Some(true),
        authorities: &part.authorities,
        own: own.as_ref().filter(|_| part.shown).map(|own| &own.certificate),
    };
    let left = own.is_some() && report.trusted == Some(false);
    let found = problem(&end, &wire.first, &client, &name.to_str()).filter(|_| !left);
    report.problems.extend(found);
    Ok(report)
}

fn connection(recorder: &Arc<Recorder>, name: ServerName<'static>) -> Result<ClientConnection, String> {
    let failed = |error: tokio_rustls::rustls::Error| error.to_string();
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&recorder.provider))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(recorder) as _)
        .with_client_cert_resolver(Arc::clone(recorder) as _);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    ClientConnection::new(Arc::new(config), name).map_err(failed)
}

impl Report {
    fn agreed(&mut self, connection: &ClientConnection) {
        self.version = connection.protocol_version().and_then(|version| match version {
            ProtocolVersion::TLSv1_3 => Some("1.3"),
            ProtocolVersion::TLSv1_2 => Some("1.2"),
            _ => None,
        });
        self.cipher_suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        self.alpn = connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        if self.version == Some("1.2") {
            self.notes.push("the server speaks TLS 1.2 at most; allow 1.3 there".to_owned());
        }
    }

    fn conclude(&mut self, end: &End, seen: Seen, own: Option<&Own>, now: Timestamp) {
        let Seen { chain, judged, asked, authorities } = seen;
        let ended = matches!(end, End::Done { .. } | End::ClosedAfter);
        self.trusted = judged.as_ref().map(Vec::is_empty);
        let shown = asked && own.is_some() && self.trusted == Some(true);
        // A server that is not trusted is left by us, where it would be shown a certificate.
        let left = own.is_some() && self.trusted == Some(false);
        let accepted = match end {
            End::Done { accepted } => *accepted,
            End::Failed(_) | End::ClosedAfter if asked && !left => Some(false),
            _ => None,
        };
        if matches!(end, End::Done { .. }) && !asked && own.is_some() {
            self.notes.push("your certificate was not shown, as the server does not ask for one".to_owned());
        }
        if matches!(end, End::Done { accepted: None }) && asked {
            self.notes.push("the server did not say whether it goes on: its log does".to_owned());
        }
        let known = asked || ended;
        self.client_certificate = ClientPart { asked: known.then_some(asked), authorities, shown, accepted };
        self.chain = chain.iter().take(MAX_CHAIN).filter_map(|der| described(der, now).ok()).collect();
        self.problems.extend(judged.unwrap_or_default());
    }
}
