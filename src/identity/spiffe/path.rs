//! Whether a trust domain vouches for a certificate (the X.509-SVID standard, section 5). What the certificate says is [`super::leaf`]'s.
//!
//! INVARIANT (its own authorities): a path ends at an authority of the trust domain that the certificate names, and of no other.

use std::time::Duration;

use tokio_rustls::rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use super::bundle::TrustBundle;
use super::id::SCHEME;
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

/// What [`verify`] says of a path that was good until lately.
pub(in crate::identity) const EXPIRED: &str = "has expired, or one between it and its authority has";

fn problem(error: &webpki::Error) -> &'static str {
    use webpki::Error;
    match error {
        Error::CertExpired { .. } => EXPIRED,
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
