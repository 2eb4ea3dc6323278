//! Whether a certificate is an X.509-SVID, and its trust domain vouches for it (the X.509-SVID standard, sections 2, 4 and 5).
//!
//! INVARIANT (its own authorities): a path ends at an authority of the trust domain that the certificate names, and of no other.

use std::time::Duration;

use tokio_rustls::rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use super::bundle::TrustBundle;
use super::id::{SCHEME, SpiffeId};
use crate::model::clock::Timestamp;

/// What a peer does with its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum Side {
    /// It calls.
    Client,
    /// It is called.
    Server,
}

/// Whether a certificate in DER claims to be of a workload: one of its URIs is of SPIFFE's scheme. Nothing is verified.
pub(in crate::identity) fn claims_svid(leaf: &[u8]) -> bool {
    let Ok((_, certificate)) = parse_x509_certificate(leaf) else { return false };
    let names = certificate.subject_alternative_name();
    names.is_ok_and(|names| {
        names.is_some_and(|names| {
            let of_spiffe = |name: &GeneralName<'_>| matches!(name, GeneralName::URI(uri) if is_spiffe(uri));
            names.value.general_names.iter().any(of_spiffe)
        })
    })
}

/// Whether a URI is of SPIFFE's scheme, in whatever case.
pub(in crate::identity) fn is_spiffe(uri: &str) -> bool {
    uri.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
}

/// The SPIFFE ID of a leaf certificate in DER.
///
/// # Errors
/// What keeps it from being the X.509-SVID of a workload.
pub(in crate::identity) fn id_of(leaf: &[u8]) -> Result<SpiffeId, &'static str> {
    let (rest, certificate) = parse_x509_certificate(leaf).map_err(|_| "is not one of X.509")?;
    if !rest.is_empty() {
        return Err("is followed by something else");
    }
    check_uses(&certificate)?;
    let names = certificate.subject_alternative_name().map_err(|_| "has names that cannot be read")?;
    let names = names.map(|names| &names.value.general_names).ok_or("names no workload")?;
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    match (uris.next(), uris.next()) {
        (Some(uri), None) => of_workload(uri),
        (None, _) => Err("names no workload"),
        (Some(_), Some(_)) => Err("has more than one URI"),
    }
}

/// The SPIFFE ID of a workload: one with a path.
pub(in crate::identity) fn of_workload(uri: &str) -> Result<SpiffeId, &'static str> {
    SpiffeId::parse(uri).map_err(|_| "does not have a workload's SPIFFE ID in its URI")
}

/// A workload's certificate signs nothing but its handshakes (section 4).
fn check_uses(certificate: &X509Certificate<'_>) -> Result<(), &'static str> {
    let constraints = certificate.basic_constraints().map_err(|_| "has basic constraints twice")?;
    if constraints.is_some_and(|constraints| constraints.value.ca) {
        return Err("is an authority's");
    }
    let usage = certificate.key_usage().map_err(|_| "has a key usage twice")?;
    match usage.map(|usage| usage.value) {
        Some(usage) if usage.key_cert_sign() || usage.crl_sign() => Err("may sign certificates"),
        Some(usage) if !usage.digital_signature() => Err("may not sign a handshake"),
        _ => Ok(()),
    }
}

/// Verifies the path from a leaf, the first of `chain`, to an authority of a bundle, and says when the first certificate on it ends, in
/// Unix time.
///
/// # Errors
/// What is wrong with it.
pub(in crate::identity) fn verify(
    chain: &[CertificateDer<'_>],
    bundle: &TrustBundle,
    side: Side,
    now: Timestamp,
) -> Result<i64, &'static str> {
    let (leaf, others) = chain.split_first().ok_or("is missing")?;
    let seconds = now.unix_seconds();
    let anchors: Vec<TrustAnchor<'_>> = bundle
        .x509_authorities
        .iter()
        .filter(|authority| ends(authority).is_some_and(|(from, until)| from <= seconds && seconds <= until))
        .filter_map(|authority| anchor_from_trusted_cert(authority).ok())
        .collect();
    let end_entity = EndEntityCert::try_from(leaf).map_err(|_| "is not one of X.509")?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()));
    let usage = match side {
        Side::Client => KeyUsage::client_auth(),
        Side::Server => KeyUsage::server_auth(),
    };
    let path = end_entity
        .verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, others, time, usage, None, None)
        .map_err(|error| problem(&error))?;
    let between = path.intermediate_certificates().map(|certificate| certificate.der());
    let all = between.filter_map(|der| ends(&der)).chain(ends(leaf));
    all.map(|(_, until)| until).min().ok_or("is not one of X.509")
}

fn problem(error: &webpki::Error) -> &'static str {
    use webpki::Error;
    match error {
        Error::CertExpired { .. } => "has expired, or one between it and its authority has",
        Error::CertNotValidYet { .. } => "is not valid yet, or one between it and its authority is not",
        Error::UnknownIssuer => "is of no authority of its trust domain",
        Error::NameConstraintViolation => "has a name that its authority may not give",
        Error::PathLenConstraintViolated => "is further from its authority than that allows",
        Error::RequiredEkuNotFoundContext(_) => "is not for this use (extended key usage)",
        Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => "comes with too many certificates",
        _ => "does not lead to an authority of its trust domain",
    }
}

/// The first and the last second of a certificate.
fn ends(der: &CertificateDer<'_>) -> Option<(i64, i64)> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    let validity = certificate.validity();
    Some((validity.not_before.timestamp(), validity.not_after.timestamp()))
}
