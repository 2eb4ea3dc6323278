//! A certificate, as it is shown to people.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::x509::X509Name;

use crate::model::clock::Timestamp;

const DAY: i64 = 86_400;
/// The most names that are shown, and the most characters of each.
const MAX_NAMES: usize = 20;
const MAX_CHARS: usize = 300;

/// What a certificate says.
#[derive(Debug, Clone, Serialize)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who has issued it.
    pub issuer: String,
    /// Its alternative names: of DNS, addresses, URIs. The first 20.
    pub names: Vec<String>,
    /// The first second in which it is valid.
    pub not_before: String,
    /// The last one.
    pub not_after: String,
    /// The days until then; negative when it has passed.
    pub days_left: i64,
    #[serde(skip)]
    pub(super) from: i64,
    #[serde(skip)]
    pub(super) until: i64,
    #[serde(skip)]
    pub(super) self_issued: bool,
    #[serde(skip)]
    pub(super) for_clients: bool,
    #[serde(skip)]
    pub(super) for_servers: bool,
}

/// Reads a certificate.
///
/// # Errors
/// It is no certificate.
pub fn described(der: &CertificateDer<'_>, now: Timestamp) -> Result<Certificate, &'static str> {
    let (_, read) = parse_x509_certificate(der).map_err(|_| "is not one of X.509")?;
    let validity = read.validity();
    let (from, until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    let usage = read.extended_key_usage().ok().flatten();
    Ok(Certificate {
        subject: name(read.subject()),
        issuer: name(read.issuer()),
        names: names(&read),
        not_before: moment(from),
        not_after: moment(until),
        days_left: until.saturating_sub(now.unix_seconds()).div_euclid(DAY),
        from,
        until,
        self_issued: read.subject().as_raw() == read.issuer().as_raw(),
        // Who verifies takes `any` for nothing, and so does this.
        for_clients: usage.as_ref().is_none_or(|usage| usage.value.client_auth),
        for_servers: usage.is_none_or(|usage| usage.value.server_auth),
    })
}

/// A name in DER, as servers send those of the authorities that they accept.
pub(super) fn authority(der: &[u8]) -> String {
    use x509_parser::prelude::FromDer as _;
    X509Name::from_der(der)
        .map_or_else(|_| "(a name that cannot be read)".to_owned(), |(_, read)| name(&read))
}

/// A point in time, in whole seconds as certificates have them.
pub(super) fn moment(seconds: i64) -> String {
    let text = Timestamp::from_unix_seconds(seconds).rfc3339();
    text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

fn name(name: &X509Name<'_>) -> String {
    let text = name.to_string();
    if text.is_empty() { "(no name)".to_owned() } else { cut(&text) }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    names.value.general_names.iter().filter_map(shown).take(MAX_NAMES).collect()
}

fn shown(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) | GeneralName::URI(text) | GeneralName::RFC822Name(text) => {
            Some(cut(text))
        }
        GeneralName::IPAddress(bytes) => {
            let v4 = || Some(Ipv4Addr::from(<[u8; 4]>::try_from(*bytes).ok()?).to_string());
            let v6 = || Some(Ipv6Addr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string());
            v4().or_else(v6)
        }
        _ => None,
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}
